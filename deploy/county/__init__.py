"""The simulated county of the demo: Dongyang's real divisions, invented people, four simulated Systems, one story."""
