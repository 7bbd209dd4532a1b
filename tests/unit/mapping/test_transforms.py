"""The named transforms, one by one, and round trips of those that have an inverse."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.mapping import Context, compile_fields
from hub.mapping.fault import Unfit
from hub.mapping.transform import TRANSFORMS, location, lonlat
from hub.sdk.geo import Crs
from hub.text import is_blank

INSTANTS = st.integers(694_224_000, 4_102_444_800).map(lambda seconds: datetime.fromtimestamp(seconds + 0.5, UTC))


def done(name: str, value: object, option: object = None) -> object:
    transform = TRANSFORMS[name]
    return transform.forward(option, value) if transform.option else transform.forward(value)


@pytest.mark.parametrize(
    ("name", "option", "value", "made"),
    [
        ("text", None, True, "true"),
        ("text", None, False, "false"),
        ("text", None, 1.5, "1.5"),
        ("number", None, " 12 ", 12),
        ("number", None, "-3.50", -3.5),
        ("number", None, 7, 7),
        ("digits", None, "0579-8663 １２", "0579866312"),
        ("digits", None, "13800000000.0", "13800000000"),
        ("digits", None, 13800000000.0, "13800000000"),
        ("digits", None, "(0579)86000000", "057986000000"),
        ("number", None, "１，２３４.5", 1234.5),
        ("number", None, "12,345,678", 12345678),
        ("text", None, 17.0, "17"),
        ("excel_date", None, 46082, "2026-03-01"),
        ("excel_date", None, "46082.5", "2026-03-01"),
        ("division", 12, " ３３０７８３ ", "330783000000"),
        ("date", None, "2026-11-20", "2026-11-20"),
        ("date", None, "2026-11-20T16:30:00Z", "2026-11-21"),
        ("local_time", None, "2026-11-20T09:02:03+08:00", "2026-11-20 09:02:03"),
        ("division", 12, "330783", "330783000000"),
        ("division", 6, "330783005004", "330783"),
        ("mask", "name", "张", "*"),
        ("mask", "name", "欧阳三", "欧**"),
        ("mask", "id_number", "330799198001010019", "330799********0019"),
        ("mask", "id_number", "330799********0019", "330799********0019"),
        ("mask", "phone", "19900000019", "199****0019"),
        ("mask", "phone", "5019", "****"),
        ("mask", "phone", "8665019", "*******"),
    ],
)
def test_transforms(name: str, option: object, value: object, made: object) -> None:
    result = done(name, value, option)
    assert result == made
    assert type(result) is type(made)


@pytest.mark.parametrize(
    ("name", "option", "value", "reason"),
    [
        ("text", None, ["a"], "not_text"),
        ("number", None, "1e999", "not_a_number"),
        ("number", None, "1_000", "not_a_number"),
        ("number", None, float("nan"), "not_a_number"),
        ("number", None, True, "not_a_number"),
        ("number", None, 2**53 + 1, "not_a_number"),
        ("number", None, {}, "not_a_number"),
        ("digits", None, "无", "no_digits"),
        ("digits", None, "13800000000/0579-86000000", "not_one_number"),
        ("digits", None, "13800000000 13900000000", "not_one_number"),
        ("digits", None, "86000000转8012", "not_one_number"),
        ("digits", None, "1.38E+10", "not_one_number"),
        ("number", None, "4 人", "not_a_number"),
        ("number", None, "1,23", "not_a_number"),
        ("text", None, float("nan"), "not_text"),
        ("excel_date", None, 0, "not_a_date"),
        ("excel_date", None, 2_026_0301, "not_a_date"),
        ("excel_date", None, "2026-03-01", "not_a_number"),
        ("date", None, "去年", "not_a_time"),
        ("local_time", None, "2026-11-20T09:02:03", "not_a_time"),
        ("local_time", None, 5, "not_a_time"),
        ("division", 6, "33078", "not_a_division"),
        ("division", 6, "33078x", "not_a_division"),
        ("lonlat", "gcj02", [120, 29], "not_a_location"),
        ("lonlat", "gcj02", {"lon": 120, "lat": 29}, "not_a_location"),
        ("lonlat", "gcj02", {"lon": None, "lat": 29, "crs": "wgs84"}, "not_a_number"),
        ("lonlat", "gcj02", {"lon": 2.3, "lat": 48.8, "crs": "wgs84"}, "outside_china"),
        ("mask", "name", {}, "not_text"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, option: object, value: object, reason: str) -> None:
    with pytest.raises(Unfit) as unfit:
        done(name, value, option)
    assert unfit.value.reason == reason


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30 00:00:00", "0001-01-01 00:00:00"])
def test_wall_clock_time_that_is_none_is_refused(text: str) -> None:
    back = TRANSFORMS["local_time"].back
    assert back is not None
    with pytest.raises(Unfit, match="not_a_time"):
        back(text)


@pytest.mark.parametrize("value", [[120.2], "120,29", [[1, 2], [3, 4]]])
def test_a_pair_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(Unfit):
        location("gcj02", value)


def test_lonlat_converts_between_reference_systems() -> None:
    point = done("lonlat", {"lon": 120.2392, "lat": 29.2981, "crs": "wgs84"}, "gcj02")
    assert isinstance(point, list)
    lon, lat = point
    # About 500 m apart here: enough to end up on the other bank.
    assert 0.003 < lon - 120.2392 < 0.006
    assert -0.005 < lat - 29.2981 < -0.001


@given(INSTANTS)
def test_local_time_comes_back_to_the_second(moment: datetime) -> None:
    back = TRANSFORMS["local_time"].back
    assert back is not None
    returned = datetime.fromisoformat(str(back(done("local_time", moment.isoformat()))))
    assert returned == moment.replace(microsecond=0)
    assert returned.utcoffset() == timedelta(0)


@given(st.floats(73.5, 135), st.floats(18.2, 53.5), st.sampled_from(["wgs84", "gcj02", "bd09", "cgcs2000"]))
def test_a_pair_comes_back_as_it_was_told(lon: float, lat: float, crs: Crs) -> None:
    pair = [round(lon, 6), round(lat, 6)]
    assert lonlat(crs, location(crs, pair)) == pair


@given(st.data())
def test_a_table_without_doubles_comes_back(data: st.DataObject) -> None:
    theirs = st.integers(0, 99) | st.text(max_size=3)
    table = data.draw(
        st.dictionaries(st.text(min_size=1).filter(lambda code: not is_blank(code)), theirs, min_size=1).filter(
            _is_one_to_one
        )
    )
    code = data.draw(st.sampled_from(sorted(table)))
    context = Context({"codes": table}, str)
    there = compile_fields({"code": {"from": "code", "table": "codes"}}, context, "")
    back = compile_fields({"code": {"from": "code", "table": "codes", "back": True, "default": ""}}, context, "")
    sent = there.apply({"code": code})
    # Blank text is no code anywhere, so a table that says it cannot be heard back.
    assert back.apply(sent)["code"] == ("" if is_blank(str(sent["code"])) else code)


def _is_one_to_one(table: dict[str, int | str]) -> bool:
    return len({str(code) for code in table.values()}) == len(table)


@pytest.mark.case("C29")
@pytest.mark.parametrize("crs", ["wgs84", "gcj02", "bd09"])
def test_a_whole_way_there_and_back(crs: Crs) -> None:
    way = [[120.2411, 29.2891], [120.2431, 29.2902]]
    rule = {"from": "way", "as": "line", "crs": crs}

    def made(value: object, **more: object) -> object:
        return compile_fields({"made": rule | more}, Context({}, str), "x").apply({"way": value})["made"]

    back = made(way, back=True)
    assert back == [{"lon": lon, "lat": lat, "crs": crs} for lon, lat in way]
    assert made(back) == way


@pytest.mark.case("C29")
@pytest.mark.parametrize(
    ("back", "value"), [(False, {"lon": 1, "lat": 1, "crs": "wgs84"}), (False, ["x"]), (True, [[1]]), (True, "x")]
)
def test_what_is_no_way_is_refused(back: bool, value: object) -> None:
    transform = TRANSFORMS["line"]
    with pytest.raises(Unfit) as unfit:
        (transform.back if back else transform.forward)("wgs84", value)  # type: ignore[misc]  # it has both
    assert unfit.value.reason == "not_a_location"
