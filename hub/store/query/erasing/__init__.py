"""Erasing: which Submissions are old, what one of them became, what of that still stands open, and wiping it."""

from hub.store.query.erasing.find import After, Found, find, older, still_open
from hub.store.query.erasing.wipe import wipe

__all__ = ["After", "Found", "find", "older", "still_open", "wipe"]
