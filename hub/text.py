"""The two forms of a text that came by machine: as it is kept, and as it is compared. Pure."""

import re
import unicodedata
from functools import lru_cache

BLANKS = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)
"""What nobody sees around a text: Unicode's white space, the zero-width ones, and the byte order mark."""
_UNSEEN = re.compile("[\u200b\u2060\ufeff]+")
"""Blanks that `str.split` does not take for such."""
_BETWEEN = re.compile(r"[\W_]+")
_UNUSABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def kept(text: str) -> str:
    """Return a text as it is kept: no blanks around it, one spelling of each character (NFC)."""
    text = text.strip(BLANKS)
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def narrow(text: str) -> str:
    """Return a text with full-width letters, digits and marks as plain ones, and no blanks around it."""
    return (text if text.isascii() else unicodedata.normalize("NFKC", text)).strip(BLANKS)


def is_blank(text: str) -> bool:
    """Say whether there is nothing to see."""
    return not text or (text[0] in BLANKS and not text.strip(BLANKS))


@lru_cache(maxsize=8192)
def comparable(text: str) -> str:
    """Return a code as it is compared: case, width and blanks do not matter (NFKC, casefold)."""
    if text.isascii():
        return "".join(text.lower().split())
    return _folded(text)


def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _UNSEEN.sub("", "".join(folded.split()))


@lru_cache(maxsize=8192)
def comparable_name(text: str) -> str:
    """Return a name or address as it is compared: letters and digits only, whatever stands between them."""
    return _BETWEEN.sub("", text.lower() if text.isascii() else _folded(text))


def is_plain(text: str) -> bool:
    """Say whether a text has nothing no database and no person can do with: control characters, half surrogates."""
    return _UNUSABLE.search(text) is None
