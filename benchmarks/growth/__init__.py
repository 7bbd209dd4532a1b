"""The same figures with millions of rows already stored: `python -m benchmarks.growth`."""
