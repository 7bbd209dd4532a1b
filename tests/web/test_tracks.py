"""Tracks are reckoned by the hub, on both databases: in the Record, on the receipt and in what the System gets."""

import random
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlmodel import col, select

from hub.model import Delivery, Record, TrackDigest
from hub.sdk.geo import convert
from hub.store import Session
from tests.builders import pull_row
from tests.conftest import HandClock
from tests.some_connectors.county import County
from tests.unit.intake.test_track import HERE, Way, along, position, recorded, river, wandering
from tests.web.conftest import RIVER, Site, visit

SUBMISSIONS = "/api/v1/submissions"
STANDING: Way = [(0.0, 0.0)] * 360


def patrol(clock: HandClock, fixes: list[dict[str, Any]], **changed: object) -> dict[str, Any]:
    answers = {
        "patrol.started_at": "2026-11-23T08:00:00+08:00",
        "patrol.ended_at": "2026-11-23T08:30:00+08:00",
        "patrol.result": "normal",
        "patrol.track": fixes,
    }
    return visit(clock, form="patrol", place="SEG-1", answers=answers, **changed)


async def sent(site: Site, body: dict[str, Any], path: str = SUBMISSIONS, login: str = "ada") -> dict[str, Any]:
    answer = await (await site.program(login)).post(path, json=body)
    assert answer.status_code == 201, answer.text
    view: dict[str, Any] = answer.json()
    return view


def notes(view: dict[str, Any]) -> list[str]:
    (record,) = view["records"]
    return [note["zh"] for note in record["notes"]]


async def figures(site: Site, clock: HandClock) -> list[dict[str, Any]]:
    rows = await County(site.store, clock).rows(Record)
    return [orjson.loads(row.content)["track"] for row in sorted(rows, key=lambda row: (row.occurred_at, row.revision))]


async def payloads(site: Site, clock: HandClock) -> list[dict[str, Any]]:
    rows = await County(site.store, clock).rows(Delivery, flow="patrol")
    return [orjson.loads(row.payload) for row in rows]


@pytest.mark.case("C29")
async def test_half_an_hour_of_standing_still_is_told_and_sent_as_no_way(site: Site, clock: HandClock) -> None:
    view = await sent(site, patrol(clock, recorded(wandering(STANDING, 5, 29))))
    assert notes(view) == ["平台计算：路线约 0 米，30 分钟；没有河段走向，未计算覆盖率。"]
    (record,) = await figures(site, clock)
    assert {name: record[name] for name in ("fixes", "length_m", "minutes", "flags")} == {
        "fixes": 360, "length_m": 0, "minutes": 30, "flags": [],
    }  # fmt: skip
    assert "coverage" not in record
    (payload,) = await payloads(site, clock)
    assert (payload["length"], payload["duration"], len(payload["path"])) == (0, 30, 1)
    assert "remark" not in payload


@pytest.mark.case("C29")
async def test_the_same_track_again_is_taken_and_marked_everywhere(site: Site, clock: HandClock) -> None:
    fixes = recorded(wandering(along(river(2)), 5, 30))
    first = await sent(site, patrol(clock, fixes))
    assert len(notes(first)) == 1
    clock.tick(days=2)
    shifted = [fix | {"at": fix["at"].replace("-23T", "-25T")} for fix in fixes]
    again = await sent(site, patrol(clock, shifted))
    repeat = "轨迹与 2026-11-23 的一次巡查完全相同"
    assert notes(again)[1:] == [repeat]
    read = (await (await site.program("ada")).get(f"{SUBMISSIONS}/{again['id']}")).json()
    assert notes(read)[1:] == [repeat]
    before, after = await figures(site, clock)
    assert (before["flags"], after["flags"], after["repeats"]) == ([], ["repeat"], "2026-11-23")
    assert sorted(payload.get("remark", "") for payload in await payloads(site, clock)) == ["", repeat]


@pytest.mark.case("C29")
async def test_a_correction_repeats_nothing_and_a_withdrawn_patrol_is_no_original(site: Site, clock: HandClock) -> None:
    fixes = recorded(wandering(along(river(3)), 5, 31))
    first = await sent(site, patrol(clock, fixes))
    changed = patrol(clock, fixes)
    changed["answers"]["patrol.summary"] = "一切正常"
    corrected = await sent(site, changed, f"{SUBMISSIONS}/{first['id']}/revisions")
    assert len(notes(corrected)) == 1
    assert len(await County(site.store, clock).rows(TrackDigest)) == 2

    def withdraw(session: Session) -> None:
        row = session.exec(select(Record).order_by(col(Record.revision).desc())).first()
        assert row is not None
        session.add(Record(**row.model_dump() | {"id": "w", "revision": row.revision + 1, "withdrawn": True}))

    await site.store.write(withdraw)
    assert len(notes(await sent(site, patrol(clock, fixes)))) == 1


@pytest.mark.case("C29")
async def test_the_length_is_the_hub_s_whatever_a_client_says(site: Site, clock: HandClock) -> None:
    fixes = recorded(wandering(along(river(5)), 5, 1_005))
    body = patrol(clock, fixes)
    answer = await (await site.program("ada")).post(
        SUBMISSIONS, json=body | {"answers": body["answers"] | {"patrol.length_m": 9_000}}
    )
    assert answer.json()["faults"][0]["code"] == "unknown"
    await sent(site, body)
    (record,) = await figures(site, clock)
    assert 2_150 <= record["length_m"] <= 2_150 * 1.03
    (payload,) = await payloads(site, clock)
    assert payload["length"] == record["length_m"]
    lon, lat = convert(record["path"][0]["lon"], record["path"][0]["lat"], "wgs84", "gcj02")
    assert payload["path"][0] == [round(lon, 6), round(lat, 6)]
    assert len(payload["path"]) == len(record["path"]) < 100


@pytest.mark.case("C29")
async def test_coverage_is_told_where_the_course_of_the_segment_is_known(site: Site, clock: HandClock) -> None:
    course = [dict(zip(("lon", "lat"), position(east, 0), strict=True)) | {"crs": "wgs84"} for east in (0, 1_000)]
    told_at = clock.now() - timedelta(days=1)
    known = pull_row("river-patrol", {"segment.path": course}, told_at, place_id=RIVER)
    await site.store.write(lambda session: session.add(known))
    view = await sent(site, patrol(clock, recorded(along([(0.0, 0.0), (450.0, 0.0)]))))
    assert notes(view) == ["平台计算：路线约 450 米，6 分钟，覆盖河段 50%。", "轨迹各点间隔完全相等"]
    (payload,) = await payloads(site, clock)
    assert (payload["coverage"], payload["remark"]) == (0.5, "轨迹各点间隔完全相等")


@pytest.mark.case("C29")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_flags_are_told_and_nothing_is_refused_for_them(site: Site, clock: HandClock) -> None:
    dice = random.Random(7)
    fixes = recorded([(number * 6.0, 0.0) for number in range(40)])
    fixes[20] |= {"mocked": True, "lat": HERE[1] + 0.5}
    dice.shuffle(fixes)
    view = await sent(site, patrol(clock, fixes))
    assert notes(view)[1:] == ["轨迹里有模拟定位", "轨迹里有一下子跳出很远的点，没有计入"]
    assert len(await County(site.store, clock).rows(Delivery, flow="patrol")) == 1


@pytest.mark.case("C29")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_patrol_without_a_track_has_no_figures(site: Site, clock: HandClock) -> None:
    body = patrol(clock, [])
    del body["answers"]["patrol.track"]
    view = await sent(site, body)
    assert notes(view) == []
    (row,) = await County(site.store, clock).rows(Record)
    assert "track" not in orjson.loads(row.content)
    assert await County(site.store, clock).rows(TrackDigest) == []


@pytest.mark.case("C29")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_who_sees_no_values_sees_no_figures(site: Site, clock: HandClock) -> None:
    view = await sent(site, patrol(clock, recorded(wandering(STANDING, 5, 29))))
    for login in ("wes", "bea"):
        seen = (await (await site.program(login)).get(f"{SUBMISSIONS}/{view['id']}")).json()
        assert [record["notes"] for record in seen["records"]] == [[]]
    assert (
        len((await (await site.program("lea")).get(f"{SUBMISSIONS}/{view['id']}")).json()["records"][0]["notes"]) == 1
    )
