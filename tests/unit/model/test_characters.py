"""Characters nothing can hold: told apart from the odd ones people do write, each with its place."""

import unicodedata

import pytest

from hub.model.characters import Unholdable, unholdable

REFUSED = {
    "C0": [chr(code) for code in range(0x20) if chr(code) not in "\t\n\r"],
    "delete": ["\x7f"],
    "C1": [chr(code) for code in range(0x80, 0xA0)],
    "half a surrogate": ["\ud800", "\udbff", "\udc00", "\udfff"],
    "noncharacter": ["\ufdd0", "\ufdef", "\ufffe", "\uffff", "\U0001fffe", "\U0010ffff"],
    "byte order mark": ["\ufeff"],
    "turns the reading round": [*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"],
}
WRITTEN = {
    "line breaks and tabs": "一\n二\t三",
    "blanks of all widths": "a\u3000b\u00a0c\u2009d",
    "a name beyond the first plane": "㙦\U00020164",
    "private use, where rare names live": "\ue000\U000f0000",
    "joined emoji": "👨\u200d👩\u200d👧",
    "marks of direction that turn nothing": "a\u200eb\u200f",
    "accents that stand alone": "e\u0301",
}


@pytest.mark.case("C49")
@pytest.mark.parametrize("kind", REFUSED)
def test_what_nothing_can_hold_is_found_with_its_place(kind: str) -> None:
    for character in REFUSED[kind]:
        found = unholdable(f"走访\U00020164{character}情况{character}")
        assert found == Unholdable(4, f"U+{ord(character):04X}"), unicodedata.name(character, hex(ord(character)))


@pytest.mark.case("C49")
@pytest.mark.parametrize("kind", WRITTEN)
def test_what_people_write_is_let_through(kind: str) -> None:
    assert unholdable(WRITTEN[kind]) is None
