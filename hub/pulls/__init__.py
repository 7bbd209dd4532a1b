"""Reads Systems into Places and Snapshots. Never writes to a System, never takes a known value away."""
