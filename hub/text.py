"""The two forms of a text that came by machine: as it is kept, and as it is compared. Pure."""

import unicodedata
from functools import lru_cache

BLANKS = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)
"""What nobody sees around a text: Unicode's white space, the zero-width ones, and the byte order mark."""
_NO_BLANKS = dict.fromkeys(map(ord, BLANKS))


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
    if not text.isascii():
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return text.lower().translate(_NO_BLANKS)


@lru_cache(maxsize=8192)
def comparable_name(text: str) -> str:
    """Return a name or address as it is compared: letters and digits only, whatever stands between them."""
    return "".join(character for character in comparable(text) if character.isalnum())


def is_storable(text: str) -> bool:
    """Say whether both databases can hold a text: no NUL, no half of a surrogate pair."""
    return "\0" not in text and (text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text))
