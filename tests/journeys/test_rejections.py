"""What Systems refuse: shown with their reason in plain words, kept for a person, sent again once it can be taken."""

import json

import pytest

from deploy.county.seed import segments
from tests.journeys import visits
from tests.journeys.world import View, World, has_ended, sent_to

PATH = segments()[0]["path"]


def walk(points: list[list[float]]) -> list[View]:
    """A track in the coordinates of Chinese maps, as the segment's own path is."""
    return [
        {"lon": lon, "lat": lat, "crs": "gcj02", "accuracy_m": 5, "at": visits.now(minutes=index - 80)}
        for index, (lon, lat) in enumerate(points)
    ]


def ended(world: World, body: View) -> View:
    """Submit and wait until nothing moves any more."""
    officer = world.person("officer")
    return officer.watch(officer.submit(body), has_ended)


def replayed(world: World, view: View, system: str, kind: str = "") -> View:
    """Let an operator send one delivery again; return how it ended."""
    world.person("operator").post(
        f"deliveries/{sent_to(view, system, kind)['id']}/replay", {"why": "对方已处理，可以再送"}
    )
    return sent_to(world.person("officer").watch(view, has_ended), system, kind)


def test_a_foreign_segment_is_refused_until_the_bureau_lets_us(world: World) -> None:
    finding = visits.sewage(visits.WARDENS_ONLY, location={"missing": "denied"})
    view = ended(world, visits.visit(world.new_door().household, {"findings": [finding]}))
    parked = sent_to(view, "river-patrol")
    assert parked["state"] == "parked"
    assert parked["reason"] == "DY0001 不是河段“江北溪下段”的巡河人员", "without the System's code for it"
    assert parked["says"]["zh"] == f"河长制巡河没有接收：{parked['reason']}。"
    assert parked["ask"]["zh"].startswith("这一份由")
    assert sent_to(view, "household-visit")["state"] == "delivered"
    page = world.person("operator").get(f"deliveries/{parked['id']}")
    assert world.kept("river-patrol", page["key"]) == []

    segment = segments()[1] | {"wardens": ["DY0001"]}
    world.change("river-patrol", "UPDATE segment SET body = ? WHERE id = ?", json.dumps(segment), visits.WARDENS_ONLY)
    taken = replayed(world, view, "river-patrol")
    assert (taken["state"], taken["id"]) == ("delivered", parked["id"])
    again = world.person("operator").get(f"deliveries/{parked['id']}")
    assert (again["key"], again["digest"]) == (page["key"], page["digest"]), "a replay sends the frozen bytes"
    assert len(world.kept("river-patrol", page["key"])) == 1


def test_a_patrol_too_short_is_refused_and_a_longer_one_taken(world: World) -> None:
    officer = world.person("officer")
    segment = officer.place(visits.NEAR)["id"]
    view = ended(world, visits.patrol(segment, walk([PATH[0], [PATH[0][0] + 0.0005, PATH[0][1]]])))
    parked = sent_to(view, "river-patrol")
    assert parked["state"] == "parked"
    assert parked["reason"] == "巡河里程49米，不足300米"
    body = visits.correction(view, **{"patrol.track": walk(PATH)})
    revised = officer.watch(officer.post(f"submissions/{view['id']}/revisions", body), has_ended)
    taken = sent_to(revised, "river-patrol")
    # Nothing of the first ever arrived there, so what follows is no amendment.
    assert (taken["state"], taken["intent"], taken["revision"]) == ("delivered", "create", 2)
    assert officer.get(f"deliveries/{parked['id']}")["state"] == "cancelled"
    assert len([row for row in world.rows("river-patrol") if row["kind"] == "cruise"]) == 1


def test_a_second_score_of_the_day_waits_for_a_person(world: World) -> None:
    door = world.new_door()
    first = ended(world, visits.visit(door.household, {"bin": visits.score()}))
    assert sent_to(first, "garbage-scoring")["state"] == "delivered"
    second = ended(world, visits.body("bin_score", door.bin, visits.score("good")))
    parked = sent_to(second, "garbage-scoring")
    assert parked["state"] == "parked"
    assert parked["reason"] == "一户一桶一天只能评一次"
    assert "东阳考垃没有接收" in parked["says"]["zh"]
    assert len([row for row in world.rows("garbage-scoring") if row["bin_code"] == door.bin]) == 1

    world.change("garbage-scoring", "DELETE FROM score WHERE bin_code = ?", door.bin)
    assert replayed(world, second, "garbage-scoring")["state"] == "delivered"
    assert len([row for row in world.rows("garbage-scoring") if row["bin_code"] == door.bin]) == 1


@pytest.mark.case("C30")
def test_a_visit_to_come_is_refused_by_the_hub_itself(world: World) -> None:
    body = visits.visit(world.new_door().household, occurred_at=visits.now(hours=3))
    answer = world.person("officer").ask("POST", "submissions", body)
    assert answer.status_code == 422
    assert [(fault["path"], fault["code"]) for fault in answer.json()["faults"]] == [("/occurred_at", "in_future")]


def test_a_visit_from_a_phone_that_is_fast_is_taken_and_refused_by_systems(world: World) -> None:
    later = visits.now(hours=3)
    view = ended(world, visits.visit(world.new_door().household, occurred_at=later, reported_at=later))
    refused = sent_to(view, "household-visit")
    assert (refused["state"], refused["reason"]) == ("parked", "走访时间不能晚于当前时间")
    late = sent_to(view, "poverty-alleviation")
    assert (late["state"], late["reason"]) == ("parked", "走访时间晚于当前时间")
    assert late["transported_at"] is not None


def test_a_point_in_the_wrong_coordinates_is_refused_and_corrected(world: World) -> None:
    officer = world.person("officer")
    wrong = visits.sewage(location=visits.AT_THE_RIVER | {"crs": "bd09"})
    view = ended(world, visits.visit(world.new_door().household, {"findings": [wrong]}))
    parked = sent_to(view, "river-patrol")
    assert (parked["state"], parked["reason"]) == ("parked", "坐标不在河段附近，请确认坐标系为GCJ-02")
    body = visits.correction(view, findings=[wrong | {"finding.location": visits.AT_THE_RIVER}])
    revised = officer.watch(officer.post(f"submissions/{view['id']}/revisions", body), has_ended)
    assert sent_to(revised, "river-patrol")["state"] == "delivered"
    assert {one["revision"] for record in revised["records"] for one in record["deliveries"]} == {1, 2}
