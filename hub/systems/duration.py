"""Lengths of time as people write them in the wiring file."""

import re
from datetime import timedelta

DURATION = re.compile(r"([1-9][0-9]{0,5})(s|m|h|d)")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(text: str) -> timedelta:
    """Return `30s`, `15m`, `6h` or `1d` as a length of time; ValueError for anything else."""
    written = DURATION.fullmatch(text)
    if written is None:
        raise ValueError(f"{text!r} is no duration like 30s, 15m, 6h or 1d")
    return timedelta(**{UNITS[written[2]]: int(written[1])})
