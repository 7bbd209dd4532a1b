"""The life of an Issue over HTTP: who takes which step, and that nobody verifies their own work."""

from typing import Any

import httpx
import pytest

from hub.clock import Clock
from tests.web.conftest import Site, visit

URL = "/api/v1/issues"


@pytest.fixture
def issue_id(submitted: dict[str, Any]) -> str:
    """The dispute ada reported."""
    found = next(one for one in submitted["records"] if one["record"] == "finding/v1" and not one["taker"])
    return str(found["issue"]["id"])


async def step(site: Site, login: str, issue_id: str, to: str, **more: str) -> httpx.Response:
    return await (await site.client(login)).post(f"{URL}/{issue_id}/steps", json={"to": to, "note": "已看"} | more)


async def test_an_issue_from_report_to_close(site: Site, issue_id: str) -> None:
    taken = [
        ("lea", "assigned", {"assignee": "cy"}),
        ("cy", "handled", {}),
        ("lea", "returned", {}),
        ("cy", "handled", {}),
        ("lea", "verified", {}),
        ("lea", "closed", {}),
    ]
    for login, to, more in taken:
        answer = await step(site, login, issue_id, to, **more)
        assert answer.status_code == 200, (login, to, answer.text)
    view = answer.json()
    assert view["state"] == "closed"
    assert (view["reporter"], view["assignee"]) == ("名ada", "名cy")
    assert [one["new"] for one in view["steps"]] == [
        "reported", "assigned", "handled", "assigned", "handled", "verified", "closed",
    ]  # fmt: skip
    assert view["steps"][2]["by"] == "名cy"
    assert "宅基地争执" in view["summary"]["zh"]
    assert (await step(site, "lea", issue_id, "returned")).status_code == 409


async def test_what_is_not_mine_goes_back_to_reported(site: Site, issue_id: str) -> None:
    assert (await step(site, "lea", issue_id, "assigned", assignee="cy")).status_code == 200
    assert (await step(site, "cy", issue_id, "returned")).json()["state"] == "reported"
    assert (await (await site.client("cy")).get(f"{URL}/{issue_id}")).status_code == 404
    assert (await step(site, "lea", issue_id, "returned")).status_code == 409


async def test_nobody_verifies_what_they_reported_or_handled(site: Site, clock: Clock, issue_id: str) -> None:
    await step(site, "lea", issue_id, "assigned", assignee="lea")
    assert (await step(site, "lea", issue_id, "handled")).status_code == 200
    own = await step(site, "lea", issue_id, "verified")
    assert (own.status_code, own.json()["code"]) == (403, "issue.own_work")
    assert (await step(site, "lou", issue_id, "verified")).status_code == 200
    mine = await (await site.client("lou")).post("/api/v1/submissions", json=visit(clock))
    reported = next(one["issue"]["id"] for one in mine.json()["records"] if one["issue"])
    await step(site, "lou", reported, "assigned", assignee="cy")
    await step(site, "cy", reported, "handled")
    assert (await step(site, "lou", reported, "verified")).json()["code"] == "issue.own_work"


@pytest.mark.parametrize(
    ("login", "to", "status"),
    [
        ("ada", "assigned", 403),
        ("cy", "assigned", 404),
        ("bo", "assigned", 404),
        ("dan", "assigned", 403),
        ("opal", "assigned", 403),
        ("lea", "handled", 409),
        ("lea", "verified", 409),
        ("lea", "closed", 409),
        ("lea", "reported", 422),
    ],
)
async def test_steps_others_may_not_take(site: Site, issue_id: str, login: str, to: str, status: int) -> None:
    assert (await step(site, login, issue_id, to, assignee="cy")).status_code == status


@pytest.mark.parametrize("assignee", ["bo", "dan", "nobody", ""])
async def test_only_people_of_the_division_are_assigned(site: Site, issue_id: str, assignee: str) -> None:
    answer = await step(site, "lea", issue_id, "assigned", assignee=assignee)
    assert (answer.status_code, answer.json()["faults"][0]["path"]) == (422, "/assignee")


async def test_handling_is_the_assignees(site: Site, issue_id: str) -> None:
    await step(site, "lea", issue_id, "assigned", assignee="cy")
    assert (await step(site, "ada", issue_id, "handled")).status_code == 403
    assert (await step(site, "cy", issue_id, "verified")).status_code == 409
    assert (await step(site, "lea", issue_id, "assigned", assignee="cy")).status_code == 409
    await step(site, "cy", issue_id, "handled")
    assert (await step(site, "lea", issue_id, "assigned", assignee="cy")).status_code == 409


@pytest.mark.usefixtures("submitted")
@pytest.mark.parametrize(("login", "count"), [("ada", 2), ("cy", 0), ("bo", 0), ("lea", 2), ("dan", 0), ("opal", 2)])
async def test_each_sees_the_issues_that_concern_them(site: Site, login: str, count: int) -> None:
    client = await site.client(login)
    listed = await client.get(URL)
    assert len(listed.json()) == count
    assert len((await client.get(URL, params={"state": "closed"})).json()) == 0
    if login == "opal":
        assert "宅基地争执" not in listed.text
        assert "名ada" not in listed.text
    if count:
        first = (await client.get(URL, params={"limit": 1})).json()
        rest = (await client.get(URL, params={"after": first[-1]["id"]})).json()
        assert {one["id"] for one in first + rest} == {one["id"] for one in listed.json()}
