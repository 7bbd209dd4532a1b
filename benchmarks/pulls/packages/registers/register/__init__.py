"""A register of households that exists only while it is read."""
