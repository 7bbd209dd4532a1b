"""Who sees what: another village nothing, a department its own System's fields, the data bureau no values."""

import json

import pytest

from deploy.county.seed import Door
from tests.journeys import visits
from tests.journeys.world import Person, View, World, has_ended, sent_to

NAME, WORDS, PHONE = "欧阳景行", "屋后山墙有裂缝", "19900000555"


@pytest.fixture(scope="module")
def filled(world: World) -> tuple[Door, View]:
    """A visit of the first village's officer with a bin and a crack, all of it delivered."""
    officer, door = world.person("officer"), world.new_door()
    answers = {
        "household.head_name": NAME,
        "household.phone": PHONE,
        "visit.summary": WORDS,
        "bin": visits.score(),
        "findings": [visits.finding("housing", WORDS, housing_type="crack")],
    }
    return door, officer.watch(officer.submit(visits.visit(door.household, answers)), has_ended)


def text_of(person: Person, view: View) -> str:
    """All that somebody can read about a submission, its deliveries and the lists they are in."""
    pages = [person.get(f"submissions/{view['id']}"), person.get("submissions"), person.get("deliveries")]
    pages += [person.get(f"deliveries/{one['id']}") for record in view["records"] for one in record["deliveries"]]
    return json.dumps(pages, ensure_ascii=False)


def test_another_village_finds_nothing(world: World, filled: tuple[Door, View]) -> None:
    door, view = filled
    stranger = world.person("farofficer")
    for code in (door.household, door.bin, door.file, view["place"]["id"]):
        assert stranger.ask("GET", f"places/{code}").status_code == 404
    assert stranger.ask("GET", "forms/visit/prefill", place=door.household).status_code == 404
    assert stranger.ask("GET", f"submissions/{view['id']}").status_code == 404
    assert stranger.ask("POST", f"submissions/{view['id']}/revisions", visits.correction(view)).status_code in (
        404,
        422,
    )
    for record in view["records"]:
        for one in record["deliveries"]:
            assert stranger.ask("GET", f"deliveries/{one['id']}").status_code == 404
    assert stranger.get("submissions") == stranger.get("deliveries") == []
    assert stranger.ask("POST", "submissions", visits.visit(door.household)).status_code == 422
    assert stranger.get("places", kind="household", q=door.village.code) == []


def test_a_colleague_sees_the_door_but_not_my_submission(world: World, filled: tuple[Door, View]) -> None:
    door, view = filled
    colleague = world.person("officer2")
    assert colleague.place(door.household)["id"] == view["place"]["id"]
    assert colleague.ask("GET", f"submissions/{view['id']}").status_code == 404
    assert colleague.ask("POST", f"submissions/{view['id']}/revisions", visits.correction(view)).status_code == 404
    assert WORDS in text_of(world.person("leader"), view), "whoever leads the street reads it"


def test_a_department_sees_its_own_system_and_mapped_fields(world: World, filled: tuple[Door, View]) -> None:
    _, view = filled
    office = world.person("agriculture")
    assert {one["system"] for one in office.get("deliveries", limit="200")} == {"garbage-scoring"}
    assert office.ask("GET", f"deliveries/{sent_to(view, 'household-visit')['id']}").status_code == 404
    page = office.get(f"deliveries/{sent_to(view, 'garbage-scoring')['id']}")
    assert set(page["payload"]) == {"binCode", "checker", "checkTime", "items"}
    seen = office.get(f"submissions/{view['id']}")
    assert {record["record"] for record in seen["records"]} == {"bin_score/v1"}
    assert (seen["answers"], seen["location"], seen["place"], seen["by"]) == (None, None, None, None)
    everything = json.dumps([seen, page, office.get("submissions")], ensure_ascii=False)
    assert not any(value in everything for value in (NAME, WORDS, PHONE))
    assert [one["system"] for one in office.get("systems")] == ["garbage-scoring"]
    assert office.ask("POST", "systems/river-patrol/pull", {}).status_code == 404


@pytest.mark.parametrize("login", ["databureau", "operator"])
def test_who_keeps_the_hub_running_sees_no_values(world: World, filled: tuple[Door, View], login: str) -> None:
    door, view = filled
    keeper = world.person(login)
    everything = text_of(keeper, view)
    assert view["number"] in everything
    assert not any(value in everything for value in (NAME, WORDS, PHONE, view["place"]["name"], view["by"]["name"]))
    assert keeper.get(f"submissions/{view['id']}")["answers"] is None
    assert keeper.ask("GET", f"places/{door.household}").status_code == 403
    assert len(keeper.get("systems")) == 4


def test_only_who_answers_for_deliveries_sends_them_again(world: World, filled: tuple[Door, View]) -> None:
    _, view = filled
    one = sent_to(view, "garbage-scoring")
    again, why = f"deliveries/{one['id']}/replay", {"why": "核对后重送"}
    for login, status in (("officer", 403), ("leader", 403), ("databureau", 403), ("water", 404)):
        assert world.person(login).ask("POST", again, why).status_code == status, login
    assert world.person("operator").ask("POST", again, {"why": " "}).status_code == 422
    world.person("operator").post(again, why)
    after = sent_to(world.person("officer").watch(view, has_ended), "garbage-scoring")
    # The same key again: the System knows it, so it is the same number and no second score.
    assert (after["state"], after["number"]) == ("delivered", one["number"])
