"""Wrong engines on purpose: each small lie in a copy of the hub must be found by the suite."""
