"""The measured workload: `make bench`. docs/performance.md keeps the figures.

Load generator (`load.py`) and Systems (`sink.py`) are processes of their own; `__main__.py` starts what is measured.
"""
