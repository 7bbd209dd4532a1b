"""Copies of everything the hub keeps, in one file: taken beside a running hub, checked, restored on either database."""

from hub.store.backup.archive import Manifest, verify
from hub.store.backup.copy import take_copy
from hub.store.backup.doubt import Standing, move_standing, standings
from hub.store.backup.restore import Restored, restore_copy

__all__ = [
    "Manifest",
    "Restored",
    "Standing",
    "move_standing",
    "restore_copy",
    "standings",
    "take_copy",
    "verify",
]
