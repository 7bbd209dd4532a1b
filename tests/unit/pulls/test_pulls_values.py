"""Pulled values are checked as entered ones are: turned into their element's type, or not understood."""

from functools import cache
from typing import Any

import pytest

from hub.pulls.values import NOTHING, Checks, NotUnderstood, masked
from hub.pulls.values.dates import read_date, read_time
from hub.pulls.values.numbers import read_id_number
from hub.pulls.values.positions import read_position
from tests.some_connectors.county import files

BOX = (120.0, 28.9, 120.8, 29.6)


@cache
def checks() -> Checks:
    return Checks(files()[0], BOX)


def read(element: str, value: object) -> Any:  # noqa: ANN401 - any JSON value
    return checks().understood(element, value, lambda part, why, was: pytest.fail(f"{part}: {why} {was}"))


def refused(element: str, value: object) -> str:
    """Why a value is not understood; there is a text for it."""
    with pytest.raises(NotUnderstood) as caught:
        read(element, value)
    fault = caught.value
    assert files()[0].messages.both(fault.reason, **fault.params)
    return fault.reason.removeprefix("open_item.")


@pytest.mark.case("C07")
@pytest.mark.parametrize(
    ("value", "phone"),
    [
        ("13800000000.0", "13800000000"), (13800000000.0, "13800000000"), (13800000000, "13800000000"),
        (" 138-0000 0000　", "13800000000"),
        ("１３８００００００００", "13800000000"), ("+86 13800000000", "13800000000"),
        ("0086-13800000000", "13800000000"), ("0579-86000000", "057986000000"), ("(0579)86000000", "057986000000"),
        ("86000000", "86000000"), ("010-62000000", "01062000000"), ("400 800 1234", "4008001234"),
    ],
)  # fmt: skip
def test_a_phone_is_read_however_it_is_spelled(value: object, phone: str) -> None:
    assert read("household.phone", value) == phone


@pytest.mark.case("C07")
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("1.38E+10", "spoilt_number"), (1.38e10 + 0.5, "spoilt_number"), ("1.38e10", "spoilt_number"),
        ("13800000000/0579-86000000", "two_numbers"), ("13800000000、13900000000", "two_numbers"),
        ("13800000000 13900000000", "two_numbers"), ("13800000000\n13900000000", "two_numbers"),
        ("0579-86000000转8012", "phone_extension"),
        ("86000000-ext 12", "phone_extension"), ("86000000#12", "phone_extension"),
        ("138000000000", "not_a_phone"), ("12800000000", "not_a_phone"), ("1380000000", "not_a_phone"),
        ("138****0000", "not_a_phone"), ("陈大山13800000000", "not_a_phone"), (True, "not_text"), ([1], "not_text"),
    ],
)  # fmt: skip
def test_what_is_not_one_whole_phone_is_none(value: object, reason: str) -> None:
    assert refused("household.phone", value) == reason


@pytest.mark.case("C07")
@pytest.mark.parametrize("word", ["无", " 暂无 ", "-", "/", "N/A", "ｎ／ａ", "—", "没有", "null"])
@pytest.mark.parametrize(
    "element", ["household.phone", "household.head_name", "household.member_count", "bin.last_level"]
)
def test_a_word_for_nothing_is_no_value_and_no_fault(element: str, word: str) -> None:
    assert read(element, word) is NOTHING


@pytest.mark.case("C06")
@pytest.mark.parametrize(
    ("value", "count"), [("4", 4), ("４", 4), (4, 4), (4.0, 4), ("4.0", 4), (" ４　", 4), ("0", 0), ("５０", 50)]
)
def test_a_whole_number_is_read_however_it_is_spelled(value: object, count: int) -> None:
    found = read("household.member_count", value)
    assert (found, type(found)) == (count, int)


@pytest.mark.case("C06")
@pytest.mark.parametrize(
    ("value", "reason"),
    [("约4人", "not_a_number"), ("4 人", "not_a_number"),
        ("四", "not_a_number"), ("4.5", "not_whole"), (-1, "out_of_range"),
     (51, "out_of_range"), ("3,4", "not_a_number"), (True, "not_a_number"), (float("nan"), "not_a_number"),
     (float("inf"), "not_a_number"), ({}, "not_a_number")],
)  # fmt: skip
def test_what_is_no_whole_number_is_none(value: object, reason: str) -> None:
    assert refused("household.member_count", value) == reason


@pytest.mark.case("C06")
@pytest.mark.parametrize(
    ("value", "income"),
    [("1,234", 1234), ("12，345.60".replace("，", ","), 12345.6), ("１，２３４", 1234), (9000.5, 9000.5)],
)
def test_thousands_are_parted_by_commas(value: object, income: float) -> None:
    assert read("household.income_yuan", value) == income


@pytest.mark.case("C06")
def test_a_code_is_in_its_set_whatever_its_case_and_width() -> None:
    assert read("bin.last_level", " ＧＯＯＤ ") == "good"
    assert refused("bin.last_level", "excellent") == "unknown_code"


@pytest.mark.case("C08")
def test_a_text_is_kept_in_one_spelling_without_blanks_around_it() -> None:
    """NFC, U+F92C among it: what an officer types is the same."""
    assert read("household.head_name", "\ufeff　\uf92c大山\xa0\n") == "\u90ce大山"
    assert read("household.head_name", "Jose\u0301") == "Jos\u00e9"
    assert read("household.address", "幸福村　1号") == "幸福村　1号", "what stands inside is the address"
    assert read("household.head_name", 12) == "12"


@pytest.mark.case("C69")
@pytest.mark.parametrize("value", ["陈\0", "陈\ud800", "陈\x08", "\x7f"])
def test_what_no_database_can_keep_is_no_value(value: str) -> None:
    assert refused("household.head_name", value) == "control_character"
    assert masked(value, files()[0].elements["household.head_name"]).isprintable()


def test_a_text_has_its_limits() -> None:
    assert refused("household.head_name", "陈" * 51) == "too_long"
    assert refused("household.head_name", True) == "not_text"
    assert refused("household.head_name", ["陈"]) == "not_text"


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2026年3月1日", "2026-03-01"), ("2026.3.1", "2026-03-01"),
        ("20260301", "2026-03-01"), (20260301, "2026-03-01"),
        ("2026/03/01", "2026-03-01"), ("2026-3-1", "2026-03-01"), ("２０２６年３月１日", "2026-03-01"),
        ("2026-03-01 08:00:00", "2026-03-01"),
        ("2026-03-01T08:00:00+08:00", "2026-03-01"), ("2026年12月31日 9时5分", "2026-12-31"),
        ("2026-02-28T16:30:00Z", "2026-03-01"),
    ],
)  # fmt: skip
def test_dates_as_systems_write_them(value: object, day: str) -> None:
    """The last: half past midnight in Beijing."""
    assert read_date(value) == day


@pytest.mark.parametrize(
    "value",
    [
        "2026年3月",
        "2026-13-01",
        "2026-02-30",
        "46082",
        46082,
        "1.3.2026",
        "去年",
        "20261301",
        True,
        1.5,
        "1899-12-31",
        "2026-3-1 25:00",
    ],
)
def test_what_is_no_date(value: object) -> None:
    with pytest.raises(NotUnderstood):
        read_date(value)


def test_a_time_without_a_zone_is_beijings() -> None:
    assert read_time("2026-03-01 08:00:05") == "2026-03-01T00:00:05Z"
    assert read_time("2026-03-01T08:00:05+08:00") == "2026-03-01T00:00:05Z"
    with pytest.raises(NotUnderstood):
        read_time("2026-03-01")


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("330799199001010014", "330799199001010014"), (330799199001010014, "330799199001010014"),
        ("３３０７９９１９９００１０１００１４", "330799199001010014"), ("330799 19900101 001 4", "330799199001010014"),
        ("330799********0014", "330799********0014"), ("330799900101001", "330799900101001"),
    ],
)  # fmt: skip
def test_an_id_number_is_read_whole(value: object, number: str) -> None:
    assert read_id_number(value) == number


def test_a_small_x_is_a_large_one() -> None:
    assert read_id_number("33079919900101009x") == "33079919900101009X"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("330799199001010015", "id_number_check"),
        ("330799199013010019", "id_number_day"), (3.30799199001010e17, "spoilt_number"),
        ("33079919900101", "not_an_id_number"),
        ("3.30799E+17", "spoilt_number"), ("33079919900101001A", "not_an_id_number"),
    ],
)  # fmt: skip
def test_what_is_no_id_number_is_none(value: object, reason: str) -> None:
    with pytest.raises(NotUnderstood, match=reason):
        read_id_number(value)


def at(lon: object, lat: object) -> dict[str, object]:
    return {"lon": lon, "lat": lat, "crs": "gcj02"}


def test_a_position_lies_in_the_county_and_the_right_way_round() -> None:
    assert read_position(at(120.24, 29.29), BOX) == at(120.24, 29.29)
    for value, reason in (
        (at(29.29, 120.24), "location_swapped"), (at(121.5, 29.29), "location_outside"), (at(0, 0), "location_outside"),
        (at("120", 29), "not_a_location"),
        (at(float("nan"), 29.0), "not_a_location"), ([120.24, 29.29], "not_a_location"),
        ({"lon": 120.24, "lat": 29.29, "crs": "mars"}, "not_a_location"),
    ):  # fmt: skip
        with pytest.raises(NotUnderstood, match=reason):
            read_position(value, BOX)


def test_a_course_is_read_whole_or_not_at_all() -> None:
    here, there = at(120.24, 29.29), at(120.25, 29.3)
    assert read("segment.path", [here, there]) == [here, there]
    assert read("segment.path", []) is NOTHING
    for value, reason in (
        ([here], "not_a_line"), ([here, at(29.3, 120.25)], "location_swapped"), ([here, None], "not_a_location"),
        ("120.24,29.29", "not_a_list"), ([here] * 2_001, "too_many"),
    ):  # fmt: skip
        assert refused("segment.path", value) == reason


@pytest.mark.case("C06")
def test_one_bad_part_of_an_item_leaves_the_rest() -> None:
    noted: list[tuple[str, str]] = []
    members = [
        {"person.name": "陈大山", "person.relation": "head"},
        {"person.name": "陈小山", "person.relation": "cousin", "person.id_number_masked": "无"},
    ]
    found = checks().understood("household.members", members, lambda part, why, _: noted.append((part, why.reason)))
    assert found == [members[0], {"person.name": "陈小山"}]
    assert noted == [("household.members[2].person.relation", "open_item.unknown_code")]
    assert refused("household.members", {}) == "not_a_list"
    assert refused("household.members", [{}] * 51) == "too_many"


def test_what_is_sensitive_is_shown_by_its_shape_only() -> None:
    elements = files()[0].elements
    assert masked("13800000000/0579-86000000", elements["household.phone"]) == "1**********/****-********"
    assert masked("约4人", elements["household.member_count"]) == "约4人"
    assert masked("9千", elements["household.income_yuan"]) == "9*"
    assert masked("330783x", None) == "3******"
    assert masked({"a": 1}, elements["household.member_count"]) == "{…}"
    assert len(masked("1" * 500, elements["household.member_count"])) == 61
