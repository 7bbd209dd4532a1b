"""The story of the hub: one visit, filled once, reaches every System that needs it. Told once per database."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from connectors.poverty_alleviation.mapping import upload_name
from deploy.county.seed import Door
from tests.journeys import visits
from tests.journeys.world import KEYS, SYSTEMS, View, World, deliveries, has_ended, sent_to, states

DOWN = "garbage-scoring"
OWED = {
    ("household-visit", "visit"),
    ("poverty-alleviation", "visit"),
    ("garbage-scoring", "bin_score"),
    ("river-patrol", "finding"),
    ("poverty-alleviation", "finding"),
}
MOVING = {"waiting", "leased", "retry"}


@dataclass
class Told:
    """What happened, for the sentences below to look at."""

    door: Door
    known: list[View]
    body: View
    receipt: View
    repeated: View
    words: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    """(System, state) -> what the page said then."""
    without_one: View = field(default_factory=dict)
    """The receipt when all but the System that was down were done."""
    done: View = field(default_factory=dict)
    pages: dict[tuple[str, str], View] = field(default_factory=dict)
    """(System, kind) -> the delivery's own page at the end."""
    books: dict[str, list[View]] = field(default_factory=dict)
    """What each System kept before the correction."""
    corrected: View = field(default_factory=dict)
    books_after: dict[str, list[View]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def told(world: World) -> Told:
    """Tell the story to its end."""
    story = submit(world)
    officer = world.person("officer")
    others = {pair for pair in OWED if pair[0] != DOWN}
    watch = watcher(story)
    try:
        story.without_one = officer.watch(story.receipt, lambda v: watch(v) >= others)
    finally:
        world.county.start(DOWN)
    story.done = officer.watch(story.receipt, lambda v: watch(v) >= OWED)
    story.pages = {(d["system"], kind): officer.get(f"deliveries/{d['id']}") for kind, d in deliveries(story.done)}
    story.books = {name: world.rows(name) for name in SYSTEMS}
    body = visits.correction(story.done, **{"visit.next_on": next_month()})
    revised = officer.post(f"submissions/{story.done['id']}/revisions", body)
    story.corrected = officer.watch(revised, has_ended)
    story.books_after = {name: world.rows(name) for name in SYSTEMS}
    return story


def submit(world: World) -> Told:
    """Fill the form at a door and send it twice, while one System is down."""
    officer, door = world.person("officer"), world.new_door()
    known = officer.get("forms/visit/prefill", place=door.file)["values"]
    body = filled(officer.place(door.bin), known)
    world.county.stop(DOWN)
    try:
        return Told(door, known, body, officer.submit(body), officer.submit(body))
    except BaseException:
        world.county.start(DOWN)
        raise


def filled(place: View, known: list[View]) -> View:
    """A visit: one known value confirmed, one corrected, one refused; a bin scored, three findings."""
    answers = {one["element"]: one["value"] for one in known if one["element"] in visits.CONFIRMED}
    answers["household.member_count"] += 1
    answers |= {
        "bin": visits.score(),
        "findings": [
            visits.finding("dispute", "与东邻为排水沟有争执。"),
            visits.sewage(),
            visits.finding("housing", "正屋屋顶漏水。", housing_type="leak"),
        ],
    }
    seen = {
        one["path"]: {"system": one["source"]["system"], "as_of": one["as_of"], "value": one["value"]}
        | ({"refused": True} if one["element"] == "household.phone" else {})
        for one in known
        if one["element"] in visits.CONFIRMED
    }
    return visits.visit(place["id"], answers, seen=seen)


def watcher(story: Told) -> Callable[[View], set[tuple[str, str]]]:
    """Note what the page says on the way; answer with what is delivered."""

    def watch(view: View) -> set[tuple[str, str]]:
        for _, one in deliveries(view):
            story.words.setdefault((one["system"], one["state"]), one["says"])
        return {pair for pair, state in states(view).items() if state == "delivered"}

    return watch


def next_month() -> str:
    return (datetime.now(UTC) + timedelta(days=30)).date().isoformat()


def test_all_four_systems_were_read_into_snapshots(world: World, told: Told) -> None:
    """1. Snapshots with source and as-of; legacy codes."""
    rows = world.query(
        "SELECT r.system, CAST(r.known AS TEXT) AS known, r.as_of FROM pull_row r "
        "JOIN alias a ON a.place_id = r.place_id WHERE a.code IN (:household, :segment)",
        household=told.door.household,
        segment=visits.NEAR,
    )
    assert {row["system"] for row in rows} == set(SYSTEMS)
    assert all(row["as_of"] for row in rows)
    known = {element for row in rows for element in json.loads(row["known"])}
    assert {"bin.last_level", "household.monitored_type", "household.phone", "segment.name"} <= known


def test_any_code_on_the_door_opens_the_same_place(world: World, told: Told) -> None:
    """2. Four issuers, one household; the hub's own token too."""
    officer, door = world.person("officer"), told.door
    places = [officer.place(code) for code in (door.household, door.bin, door.file, door.old_plate)]
    assert {place["id"] for place in places} == {told.receipt["place"]["id"]}
    issued = {alias["issuer"]: alias["code"] for alias in places[0]["aliases"]}
    assert issued["public-safety"] == door.old_plate
    assert {"household-visit", "garbage-scoring", "poverty-alleviation"} <= set(issued)


def test_the_form_knows_source_and_date_of_what_it_shows(told: Told) -> None:
    """2. Each prefilled value says where it came from and of what date."""
    offered = {one["element"]: one for one in told.known}
    assert set(visits.CONFIRMED) <= set(offered)
    for element in visits.CONFIRMED:
        one = offered[element]
        assert one["source"] == {"system": "household-visit", "title": {"zh": "走村入户", "en": "Household visits"}}
        assert one["authority"] is True
        assert datetime.fromisoformat(one["as_of"]) < datetime.now(UTC)


def test_a_correction_is_a_discrepancy_and_no_overwrite(world: World, told: Told) -> None:
    """2. What differs is kept for the source; the known value stays, also over the next pull."""
    before = next(one["value"] for one in told.known if one["element"] == "household.member_count")
    found = {one["element"]: one for one in told.receipt["discrepancies"]}
    count = found["household.member_count"]
    assert (count["system"], count["theirs"], count["ours"]) == ("household-visit", before, before + 1)
    assert "household.head_name" not in found
    world.pull("household-visit")
    again = world.person("officer").get("forms/visit/prefill", place=told.door.household)["values"]
    assert next(one["value"] for one in again if one["element"] == "household.member_count") == before


def test_a_refused_value_is_said_to_be_refused(told: Told) -> None:
    """2. The officer turns a value down without knowing a better one."""
    phone = next(one for one in told.receipt["discrepancies"] if one["element"] == "household.phone")
    assert phone["theirs"] == next(one["value"] for one in told.known if one["element"] == "household.phone")
    assert phone["ours"] is None


def test_one_submit_makes_the_records_and_what_is_owed(told: Told) -> None:
    """3. A visit, a bin score, three findings; one delivery per System that needs it; sent twice, kept once."""
    kinds = sorted(record["record"] for record in told.receipt["records"])
    assert kinds == ["bin_score/v1", "finding/v1", "finding/v1", "finding/v1", "visit/v1"]
    assert set(states(told.receipt)) == OWED
    assert len(list(deliveries(told.receipt))) == len(OWED)
    assert (told.repeated["id"], told.repeated["number"]) == (told.receipt["id"], told.receipt["number"])
    issues = [record["issue"] for record in told.receipt["records"] if record["issue"]]
    assert [issue["state"] for issue in issues] == ["reported"] * 3


def test_who_gets_nothing_is_named_with_the_reason(told: Told) -> None:
    """3. The dispute has no taker, and the page says so; so do the skips of the others."""
    idle = [record for record in told.receipt["records"] if not record["taker"]]
    assert len(idle) == 1
    assert "争执" in idle[0]["summary"]["zh"]
    assert {(one["system"], one["reason"]["zh"]) for one in idle[0]["skipped"]} == {
        ("river-patrol", "不是河道问题，河段不在巡河系统中，或填报人没有工号"),
        ("poverty-alleviation", "不是住房安全问题，没有写明是哪一户，或该户没有防返贫监测档案"),
    }
    skips = [one for record in told.receipt["records"] for one in record["skipped"]]
    assert len(skips) == 4, "each finding is two Systems' business at most"
    assert all(one["reason"]["zh"] and one["reason"]["en"] for one in skips)


def test_the_page_says_in_plain_chinese_how_each_stands(told: Told) -> None:
    """4. Waiting, delivered with the System's own number."""
    visit = sent_to(told.done, "household-visit")
    assert visit["says"]["zh"] == f"走村入户已接收，编号 {visit['number']}。"
    assert visit["number"].startswith("ZCRH-")
    waiting = [words["zh"] for (system, state), words in told.words.items() if system == DOWN and state in MOVING]
    assert any("会自动再发，不用重填" in words for words in waiting), waiting


def test_transported_is_not_accepted(told: Told) -> None:
    """4. A file laid down is one thing, the result file another."""
    assert told.words["poverty-alleviation", "transported"]["zh"] == "已送到防返贫监测，等待对方答复是否接收。"
    for kind in ("visit", "finding"):
        page = told.pages["poverty-alleviation", kind]
        assert datetime.fromisoformat(page["transported_at"]) < datetime.fromisoformat(page["delivered_at"])
        assert page["tries"][0]["outcome"] == "transported"
        assert (page["tries"][-1]["kind"], page["tries"][-1]["outcome"]) == ("probe", "accepted")


@pytest.mark.fault("F44")
def test_one_that_is_down_holds_up_nobody_else(told: Told) -> None:
    """5. The others are done at once; this one retries and completes when it returns."""
    assert sent_to(told.without_one, DOWN)["state"] in MOVING
    others = [state for (system, _), state in states(told.without_one).items() if system != DOWN]
    assert set(others) == {"delivered"}
    page = told.pages[DOWN, "bin_score"]
    outcomes = [one["outcome"] for one in page["tries"]]
    assert outcomes[-1] == "accepted"
    assert len(outcomes) > 1
    assert set(outcomes[:-1]) == {"unavailable"}


def test_nothing_is_delivered_twice(world: World, told: Told) -> None:
    """5. Each System's own books hold each key once, and each was accepted once; one file was laid down for each."""
    for (system, kind), page in told.pages.items():
        assert [row[KEYS[system]] for row in told.books[system]].count(page["key"]) == 1, (system, kind)
        assert [one["outcome"] for one in page["tries"]].count("accepted") == 1
    numbers = [page["number"] for page in told.pages.values()]
    assert len(set(numbers)) == len(numbers)
    files = list((world.county.data / "poverty_alleviation/sftp/done").glob("*.csv"))
    for kind in ("visit", "finding"):
        name = upload_name(told.pages["poverty-alleviation", kind]["key"])
        assert [file.name for file in files].count(name) == 1


def test_a_system_gets_what_it_needs_in_its_own_words(told: Told) -> None:
    """3. Mapped fields, and nothing of the other Systems' business."""
    kept = {
        (system, kind): next(row["body"] for row in told.books[system] if row[KEYS[system]] == page["key"])
        for (system, kind), page in told.pages.items()
    }
    assert "走访慰问" in kept["household-visit", "visit"]
    assert "排污口" in kept["river-patrol", "finding"]
    assert "住房安全" in kept["poverty-alleviation", "finding"]
    assert '"level": 3' in kept["garbage-scoring", "bin_score"]
    assert "污水" not in "".join(kept[pair] for pair in OWED if pair[0] != "river-patrol")
    assert "争执" not in "".join(kept.values())


def test_a_correction_goes_to_whom_it_concerns(world: World, told: Told) -> None:
    """6. Only the System that is told the next date hears of it; the others' books stay as they were."""
    amended = sent_to(told.corrected, "household-visit")
    first = sent_to(told.done, "household-visit")
    assert told.corrected["revision"] == 2
    assert (amended["intent"], amended["state"], amended["revision"]) == ("amend", "delivered", 2)
    assert amended["number"] == first["number"]
    assert amended["says"]["zh"].startswith("更正：走村入户已接收")
    assert {one["system"] for _, one in deliveries(told.corrected) if one["revision"] == 2} == {"household-visit"}
    untouched = [name for name in SYSTEMS if told.books_after[name] == told.books[name]]
    assert set(untouched) == set(SYSTEMS) - {"household-visit"}
    added = told.books_after["household-visit"][len(told.books["household-visit"]) :]
    assert len(added) == 1
    assert added[0]["amends"] == 1
    assert next_month() in added[0]["body"]
