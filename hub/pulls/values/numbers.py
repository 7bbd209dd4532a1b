"""Phones and identity numbers: whole or nothing. Pure.

Spreadsheets spoil both: they take them for numbers, cut them at fifteen digits, or write them with an exponent.
"""

import re
from datetime import date

from hub.pulls.values.fault import NotUnderstood
from hub.text import narrow

_POWER = re.compile(r"[0-9]+(?:\.[0-9]+)?E\+?[0-9]+", re.IGNORECASE)
_FRACTION = re.compile(r"([0-9]{7,})\.0+")
_COUNTRY = re.compile(r"^(?:\+|00)86[ -]?")
_EXTENSION = re.compile(r"转|分机|ext|#", re.IGNORECASE)
_BETWEEN_PHONES = re.compile(r"[/\\,;、，；|或及和\n]|(?<=[0-9]{7})\s+(?=[0-9]{3,4}-?[0-9]{7})")
_PHONE = re.compile(r"1[3-9][0-9]{9}|0[1-9][0-9]{1,2}[2-9][0-9]{6,7}|[2-9][0-9]{6,7}|[48]00[0-9]{7}")
"""A mobile number, a landline with or without its area, a service number."""
_ID = re.compile(r"[0-9]{17}[0-9X]|[0-9]{15}")
_ID_MASKED = re.compile(r"(?=.*\*)[0-9*]{14,17}[0-9X*]")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
EXACT = 2**53
"""Above this a number that went through a float is no longer the one that was written."""


def _written(value: object) -> str:
    """Return a number as it was written, before a spreadsheet took it for one."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise NotUnderstood("not_text")
    if isinstance(value, float) and (not value.is_integer() or abs(value) > EXACT):
        raise NotUnderstood("spoilt_number")
    text = narrow(str(int(value)) if isinstance(value, float) else str(value))
    if _POWER.fullmatch(text):
        raise NotUnderstood("spoilt_number")
    return _FRACTION.sub(r"\1", text) if _FRACTION.fullmatch(text) else text


def read_phone(value: object) -> str:
    """Return one phone as its digits."""
    if isinstance(value, str) and value.isascii() and _PHONE.fullmatch(value):
        return value
    text = _COUNTRY.sub("", _written(value))
    if _EXTENSION.search(text):
        raise NotUnderstood("phone_extension")
    parts = [part for part in _BETWEEN_PHONES.split(text) if part.strip()]
    if len(parts) > 1:
        raise NotUnderstood("two_numbers")
    digits = re.sub(r"[ ()\-.]", "", text)
    if not _PHONE.fullmatch(digits):
        raise NotUnderstood("not_a_phone")
    return digits


def read_id_number(value: object) -> str:
    """Return an identity number (GB 11643-1999) with its check digit right, or a masked one as it came."""
    text = re.sub(r"[ -]", "", _written(value)).upper()
    if _ID_MASKED.fullmatch(text):
        return text
    if not _ID.fullmatch(text):
        raise NotUnderstood("not_an_id_number")
    whole = text if len(text) == len("330799199001011234") else f"{text[:6]}19{text[6:]}"
    if not _is_a_day(whole[6:14]):
        raise NotUnderstood("id_number_day")
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, whole, strict=False))
    if len(whole) == len(text) and _CHECKS[total % 11] != whole[-1]:
        raise NotUnderstood("id_number_check")
    return text


def _is_a_day(digits: str) -> bool:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).year >= 1850  # noqa: PLR2004 - nobody older lives
    except ValueError:
        return False
