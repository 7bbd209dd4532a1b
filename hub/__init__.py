"""The integration hub: fill once, use everywhere."""
