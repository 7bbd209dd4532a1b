"""Which characters no text may have, because a database, XML or a log cannot hold them or shows another text. Pure.

The page has the same list in hub/ui/portal/form/characters.js; a test holds both to each other.
"""

import re
from dataclasses import dataclass

NONCHARACTERS = "\ufdd0-\ufdef" + "".join(
    f"{chr(plane | 0xFFFE)}{chr(plane | 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)
CLASS = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # controls but tab and line breaks: XML 1.0 and some databases refuse them
    "\u202a-\u202e\u2066-\u2069"  # turn the direction of reading: a text would show otherwise than it is stored
    "\ufeff"  # a byte order mark: lost or kept at every hand-over, so equal texts stop being equal
    "\ud800-\udfff"  # half a character
    f"{NONCHARACTERS}"
)
"""The characters refused, as the inside of a class of a regular expression."""
_UNHOLDABLE = re.compile(f"[{CLASS}]")


@dataclass(frozen=True)
class Unholdable:
    """The first character of a text that nothing can hold: which one it is from the start, counted from 1."""

    position: int
    character: str
    """By its code, since it cannot be shown: U+0008."""


def unholdable(text: str) -> Unholdable | None:
    """Return the first character of a text that is refused; None when there is none."""
    found = _UNHOLDABLE.search(text)
    return None if found is None else Unholdable(found.start() + 1, f"U+{ord(found[0]):04X}")
