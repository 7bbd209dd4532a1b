"""Connectors of the benchmark alone, found by any version of the hub."""
