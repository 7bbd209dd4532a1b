"""Checks pulled values as entered ones are checked, and turns them into their element's type. Pure.

A value that is not understood is one field of a row: the rest of the row is known without it.
"""

from hub.pulls.values.check import Checks
from hub.pulls.values.fault import NOTHING, NotUnderstood, masked

__all__ = ["NOTHING", "Checks", "NotUnderstood", "masked"]
