"""A package of connectors outside connectors/: proves that a new kind of software needs no edit under hub/."""
