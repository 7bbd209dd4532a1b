"""Forms as they are served, Places by any code, and what is known already."""

from urllib.parse import quote

import pytest

from tests.conftest import HandClock
from tests.web.conftest import FAR_HOUSE, HEAD, HOUSE, Site

PLACES, FORMS = "/api/v1/places", "/api/v1/forms"


@pytest.mark.parametrize("code", [HOUSE, "tok-a", "HV-1", "BIN/1"])
async def test_any_code_on_the_door_opens_the_same_place(site: Site, code: str) -> None:
    answer = await (await site.client("ada")).get(f"{PLACES}/{quote(code, safe='')}")
    assert answer.status_code == 200
    view = answer.json()
    assert (view["id"], view["division"]) == (HOUSE, {"code": "330783005004", "name": "李宅村"})
    assert {(one["issuer"], one["code"]) for one in view["aliases"]} == {
        ("household-visit", "HV-1"),
        ("garbage-scoring", "BIN/1"),
    }
    assert "visit" in {one["form"] for one in view["forms"]}


async def test_a_place_out_of_reach_is_as_unknown_as_none(site: Site) -> None:
    ada = await site.client("ada")
    theirs, nobodys = await ada.get(f"{PLACES}/{FAR_HOUSE}"), await ada.get(f"{PLACES}/nothing")
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.content == nobodys.content
    assert (await ada.get(f"{FORMS}/visit/prefill", params={"place": "HV-2"})).content == nobodys.content
    assert (await (await site.client("bo")).get(f"{PLACES}/{FAR_HOUSE}")).status_code == 200
    assert (await (await site.client("opal")).get(f"{PLACES}/{HOUSE}")).status_code == 403


async def test_places_are_found_by_kind_and_name(site: Site) -> None:
    ada = await site.client("ada")
    assert [one["name"] for one in (await ada.get(PLACES)).json()] == ["12号", "江北溪"]
    assert [one["name"] for one in (await ada.get(PLACES, params={"kind": "river_segment"})).json()] == ["江北溪"]
    assert [one["name"] for one in (await ada.get(PLACES, params={"q": "2号"})).json()] == ["12号"]
    assert (await ada.get(PLACES, params={"q": "%"})).json() == []
    assert (await ada.get(PLACES, params={"limit": 201})).status_code == 422


async def test_forms_are_served_compiled(site: Site) -> None:
    ada = await site.client("ada")
    listed = (await ada.get(FORMS)).json()
    assert {"visit", "patrol", "bin_score", "report", "check_in"} == {one["form"] for one in listed}
    view = (await ada.get(f"{FORMS}/visit", params={"version": 1})).json()
    assert view["schema"]["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert view["ui"]["type"] == "VerticalLayout"
    assert view["licence"]["number"]
    assert view["codes"]
    for path in ("nothing", "visit?version=99"):
        assert (await ada.get(f"{FORMS}/{path}")).status_code == 404


async def test_what_is_known_comes_with_source_and_date(site: Site) -> None:
    ada = await site.client("ada")
    answer = (await ada.get(f"{FORMS}/visit/prefill", params={"place": "BIN/1"})).json()
    assert answer["place"]["id"] == HOUSE
    (known,) = answer["values"]
    assert (known["path"], known["value"]) == ("/household.head_name", HEAD)
    assert known["source"]["system"] == "household-visit"
    assert known["source"]["title"]["zh"]
    assert known["as_of"].startswith("2026-11-20")
    assert known["others"] == []
    assert (await ada.get(f"{FORMS}/visit/prefill")).status_code == 422


async def test_a_form_without_a_licence_is_shown_but_not_offered(site: Site, clock: HandClock) -> None:
    ada = await site.program("ada")
    assert (await ada.get(f"{FORMS}/visit")).json()["licensed"] is True
    assert (await ada.get(f"{FORMS}/visit/prefill", params={"place": "HV-1"})).json()["licensed"] is True
    clock.tick(days=1_000)
    assert (await ada.get(FORMS)).json() == []
    assert (await ada.get(f"{PLACES}/HV-1")).json()["forms"] == []
    for query in ({}, {"version": 1}):
        view = (await ada.get(f"{FORMS}/visit", params=query)).json()
        assert (view["version"], view["licensed"]) == (1, False)
    known = (await ada.get(f"{FORMS}/visit/prefill", params={"place": "HV-1"})).json()
    assert (known["licensed"], known["place"]["id"], known["place"]["forms"]) == (False, HOUSE, [])
