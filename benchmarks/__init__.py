"""The measured workload: `make bench`. docs/performance.md keeps the figures."""
