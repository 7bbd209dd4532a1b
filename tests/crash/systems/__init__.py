"""Two kinds of software for kill runs: one that honours keys, one that must be asked."""
