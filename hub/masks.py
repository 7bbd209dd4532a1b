"""Blanks what looks like a person's number in free text: identity numbers, phones, bank cards. Keeps no state.

People and Systems write such numbers with blanks, dashes or dots in them, in full width, glued to a country code or one
to another. So the digits are looked at without what stands between them, and a number counts only where it begins and
ends with a group of digits as they are written. Receipt numbers, dates, amounts and codes stay: whoever mends something
needs them.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

_GAP = "[ \t\u00a0\u2000-\u200f\u202f\u205f\u2060\u3000\ufeff.．·•_＿\u2010-\u2015\u2212－﹣()（）/／-]"
_RUN = re.compile(rf"\d(?:{_GAP}{{0,3}}\d){{9,}}(?:{_GAP}{{0,2}}[xXｘＸⅹⅩ])?")
"""Ten digits or more with at most three signs between two of them, and perhaps the X that ends an identity number."""
_GLUED = 2
"""How many numbers may be glued to one before they count as something else."""
_PROVINCES = frozenset({*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55),
                        *range(61, 66), 71, 81, 82, 83, 91})  # fmt: skip
_WEIGHTS, _CHECKS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), "10X98765432"
_IDENTITY, _OLD_IDENTITY = (
    re.compile(r"(\d\d)\d{4}(\d{4})(\d{4})\d{3}[\dX]"),
    re.compile(r"(\d\d)\d{4}(\d\d)(\d{4})\d{3}"),
)
"""Province, year and day of birth, as GB 11643 and the numbers given until 1999 have them."""
_OLD_GROUPS = frozenset({(15,), (6, 6, 3)})
_YEARS, _OLD_YEARS = range(1900, 2100), range(1930, 2000)
_LAST_UNCHECKED = 2009
"""Serial numbers of offices are made like identity numbers, of division, day and count. So of people born later, whose
day could be one of theirs, only numbers with the right check digit count."""
_COUNTRY = re.compile(r"(?:00)?86")
_MOBILE = re.compile(r"1[3-9]\d{9}")
_MOBILE_GROUPS = frozenset(
    {(11,), (3, 4, 4), (3, 8), (7, 4), (4, 7), (4, 4, 3), (3, 3, 5), (5, 6), (6, 5), (3, 2, 2, 2, 2), (1,) * 11}
)
_LANDLINE = re.compile(r"(010|02\d|0[3-9]\d\d)([2-8]\d{6,7})")
_LOCAL_GROUPS = frozenset({(7,), (8,), (3, 4), (4, 4), (4, 3)})
_CARD = re.compile(r"62\d{14,17}|[45]\d{15}")
_CARD_GROUPS = frozenset({(16,), (17,), (18,), (19,), (4, 4, 4, 4), (4, 4, 4, 4, 3), (6, 13)})


@dataclass(frozen=True)
class Token:
    """A number of a person within a run: from one digit to another, and what it is."""

    start: int
    end: int
    kind: str


def masked(text: str, sign: str = "") -> str:
    """Return the text with `sign`, or else the kind of number in brackets, in place of every number of a person."""
    return _RUN.sub(lambda found: _Run(found[0]).masked(sign), text)


class _Run:
    """Digits with signs between them."""

    def __init__(self, text: str) -> None:
        self._text = text
        kept = [(place, _digit(sign)) for place, sign in enumerate(text)]
        self._places = [place for place, digit in kept if digit]
        self.digits = "".join(digit for _, digit in kept)
        apart = [n for n, (one, next_) in enumerate(pairwise(self._places), 1) if next_ - one > 1]
        self._starts = {0, *apart, len(self.digits)}

    def masked(self, sign: str) -> str:
        """Return the run's text without what is a person's."""
        pieces, at = [], 0
        for token in self._tokens():
            pieces += [self._text[at : self._places[token.start]], sign or f"[{token.kind}]"]
            at = self._places[token.end - 1] + 1
        return "".join([*pieces, self._text[at:]])

    def _tokens(self) -> Iterator[Token]:
        done = 0
        for start in sorted(self._starts):
            at = start
            while at >= done and (token := self._at(at, _GLUED)) is not None:
                yield token
                at = done = token.end

    def _at(self, start: int, glued: int) -> Token | None:
        """Return the number that begins here and ends with a group, or where another one begins."""
        for token in self._readings(start):
            if token.end in self._starts or (glued and self._at(token.end, glued - 1) is not None):
                return token
        return None

    def _readings(self, start: int) -> Iterator[Token]:
        if (found := _IDENTITY.match(self.digits, start)) and _is_identity(found):
            yield Token(start, found.end(), "id-number")
        old = _OLD_IDENTITY.match(self.digits, start)
        if old and _is_born(old, "19", _OLD_YEARS) and self._groups(start, old.end()) in _OLD_GROUPS:
            yield Token(start, old.end(), "id-number")
        yield from self._cards(start)
        yield from self._phones(start)

    def _cards(self, start: int) -> Iterator[Token]:
        if found := _CARD.match(self.digits, start):
            for end in range(found.end(), start + 15, -1):
                if _is_luhn(self.digits[start:end]) and self._groups(start, end) in _CARD_GROUPS:
                    yield Token(start, end, "card")

    def _phones(self, start: int) -> Iterator[Token]:
        country = _COUNTRY.match(self.digits, start)
        for begin in {start, country.end() if country else start}:
            if _MOBILE.match(self.digits, begin) and self._groups(begin, begin + 11) in _MOBILE_GROUPS:
                yield Token(begin, begin + 11, "phone")
        yield from self._landlines(start, "")
        if country:  # behind it the area is written without its 0
            yield from self._landlines(country.end(), "0")

    def _landlines(self, start: int, zero: str) -> Iterator[Token]:
        if found := _LANDLINE.match(zero + self.digits[start : start + 12]):
            local = start + found.end(1) - len(zero)
            for end in (start + found.end() - len(zero), start + found.end() - len(zero) - 1):
                whole, parts = self._groups(start, end), self._groups(local, end)
                is_written = len(whole) == 1 or (local in self._starts and parts in _LOCAL_GROUPS)
                if end - local in {7, 8} and is_written and not _is_day(self.digits[local:end]):
                    yield Token(start, end, "phone")

    def _groups(self, start: int, end: int) -> tuple[int, ...]:
        """Return how many digits stand together, one after the other, between two places."""
        cuts = [start, *(cut for cut in range(start + 1, end) if cut in self._starts), end]
        return tuple(later - earlier for earlier, later in pairwise(cuts))


def _digit(sign: str) -> str:
    """Return the plain digit a sign stands for, X for the last one of an identity number, or nothing."""
    if sign.isdecimal():
        return str(unicodedata.decimal(sign))
    return "X" if sign in "xXｘＸⅹⅩ" else ""


def _is_identity(found: re.Match[str]) -> bool:
    """Say whether it could be somebody's, and of the young whether the check digit is right (GB 11643)."""
    if not _is_born(found, "", _YEARS):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(found[0], _WEIGHTS, strict=False))
    return int(found[2]) <= _LAST_UNCHECKED or _CHECKS[total % 11] == found[0][-1]


def _is_born(found: re.Match[str], century: str, years: range) -> bool:
    """Say whether there are such a province and such a day in these years."""
    province, year, day = found.groups()
    return int(province) in _PROVINCES and int(century + year) in years and _is_day(century + year + day)


def _is_day(digits: str) -> bool:
    """Say whether digits are a day of the calendar."""
    try:
        return date.fromisoformat(digits).year in _YEARS
    except ValueError:
        return False


def _is_luhn(digits: str) -> bool:
    """Say whether the last digit is the check digit of the others (ISO/IEC 7812)."""
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(number // 10 + number % 10 for number in doubled) % 10 == 0
