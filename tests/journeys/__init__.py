"""Stories over HTTP: the real hub as processes, the real simulators, both databases."""
