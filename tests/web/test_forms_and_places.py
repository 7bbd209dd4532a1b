"""Forms as they are served, Places by any code, and what is known already."""

from urllib.parse import quote

import pytest

from hub.model import Alias, Place
from hub.store import Session
from tests.conftest import HandClock
from tests.web.conftest import FAR_HOUSE, HEAD, HOUSE, RIVER, VILLAGE, Site, visit

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


@pytest.mark.case("C34")
async def test_a_list_longer_than_a_page_says_how_many_there_are_and_where_it_goes_on(
    site: Site, clock: HandClock
) -> None:
    def add(session: Session) -> None:
        for number in range(1, 93):
            session.add(Place(id=f"seg-{number}", kind="river_segment", name=f"段{number}", division=VILLAGE,
                              token=f"t{number}", created_at=clock.now()))  # fmt: skip

    await site.store.write(add)
    ada = await site.client("ada")
    answer = await ada.get(PLACES, params={"kind": "river_segment", "q": "段"})
    assert answer.headers["X-Total-Count"] == "92"
    names = [one["name"] for one in answer.json()]
    assert (len(names), names[:3], names[9]) == (50, ["段1", "段2", "段3"], "段10")
    following = await ada.get(answer.links["next"]["url"])
    names += [one["name"] for one in following.json()]
    assert names == [f"段{number}" for number in range(1, 93)]
    assert following.headers["X-Total-Count"] == "92"
    assert "next" not in following.links
    refused = await ada.get(PLACES, params={"after": FAR_HOUSE})
    assert (refused.status_code, refused.json()["faults"][0]["code"]) == (422, "after_unknown")
    assert (await ada.get(PLACES, params={"after": "nobody"})).json()["faults"] == refused.json()["faults"]


@pytest.mark.case("C51")
@pytest.mark.parametrize("code", ["hv-1", "ＨＶ－１", " HV-1", "hv -1", "bin/1", "\ufeffHV-1"])
async def test_a_code_opens_its_place_however_it_is_typed(site: Site, clock: HandClock, code: str) -> None:
    ada = await site.client("ada")
    answer = await ada.get(f"{PLACES}/{quote(code, safe='')}")
    assert (answer.status_code, answer.json().get("id")) == (200, HOUSE), answer.text
    body = visit(clock, place=code)
    sent = await ada.post("/api/v1/submissions", json=body)
    if code.startswith("\ufeff"):
        assert sent.json()["faults"][0]["code"] == "character", "a body is stricter: it is kept as it came"
    else:
        assert sent.json()["place"]["id"] == HOUSE, sent.text


@pytest.mark.case("C51")
async def test_a_code_several_places_have_is_told_with_their_names(site: Site, clock: HandClock) -> None:
    other = Alias(issuer="police", code="hv-1", place_id=RIVER, told_by="x", since=clock.now())
    await site.store.write(lambda session: session.add(other))
    ada = await site.client("ada")
    answer = await ada.get(f"{PLACES}/HV-1")
    assert (answer.status_code, answer.json()["code"]) == (409, "place.ambiguous")
    assert answer.json()["title"] == "有 2 处地点用了这个码：李宅村 12号、李宅村 江北溪"
    sent = await ada.post("/api/v1/submissions", json=visit(clock))
    (fault,) = sent.json()["faults"]
    assert (fault["path"], fault["code"]) == ("/place", "place_ambiguous")
    assert fault["remedy"]["zh"] == "请按名称选择地点。"


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
