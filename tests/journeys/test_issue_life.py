"""The life of a finding over HTTP: nobody verifies what they reported or handled, and strangers see nothing."""

from tests.journeys import visits
from tests.journeys.world import Person, View, World


def step(person: Person, issue: str, to: str, status: int = 200, **more: str) -> View:
    """Take a step and demand how it is answered."""
    answer = person.ask("POST", f"issues/{issue}/steps", {"to": to, "note": "已到现场看过"} | more)
    assert answer.status_code == status, answer.text
    answered: View = answer.json()
    return answered


def reported(person: Person, body: View) -> tuple[View, str]:
    """Submit one finding; return the receipt and its Issue's id."""
    view = person.submit(body)
    issue = next(record["issue"] for record in view["records"] if record["issue"])
    assert issue["state"] == "reported"
    return view, issue["id"]


def test_a_dispute_from_the_door_to_its_end(world: World) -> None:
    officer, other, leader = (world.person(login) for login in ("officer", "officer2", "leader"))
    dispute = visits.finding("dispute", "为院墙起争执。")
    view, issue = reported(officer, visits.visit(world.new_door().household, {"findings": [dispute]}))
    assert other.ask("GET", f"issues/{issue}").status_code == 404, "not mine until it is assigned to me"
    assert step(leader, issue, "assigned", assignee="officer2")["state"] == "assigned"
    step(officer, issue, "verified", 409)
    assert step(other, issue, "handled")["state"] == "handled"
    step(officer, issue, "verified", 403)
    step(other, issue, "verified", 403)
    assert step(leader, issue, "verified")["state"] == "verified"
    closed = step(leader, issue, "closed")
    assert [one["new"] for one in closed["steps"]] == ["reported", "assigned", "handled", "verified", "closed"]
    assert (closed["reporter"], closed["assignee"]) == (officer.account["name"], other.account["name"])
    page = officer.get(f"submissions/{view['id']}")
    assert next(record["issue"]["state"] for record in page["records"] if record["issue"]) == "closed"


def test_the_reporter_does_not_verify_even_as_a_leader(world: World) -> None:
    leader, second, officer = (world.person(login) for login in ("leader", "leader2", "officer"))
    _, issue = reported(leader, visits.report("集市口有人占道，行人绕行。", "other"))
    step(leader, issue, "assigned", assignee="officer")
    step(officer, issue, "handled")
    assert step(leader, issue, "verified", 403)["code"] == "issue.own_work"
    assert step(second, issue, "returned")["state"] == "assigned"
    step(officer, issue, "handled")
    assert step(second, issue, "verified")["state"] == "verified"
    assert step(leader, issue, "closed")["state"] == "closed"


def test_strangers_know_of_no_issue(world: World) -> None:
    stranger = world.person("farofficer")
    _, issue = reported(world.person("officer"), visits.report("桥栏松动。"))
    assert stranger.ask("GET", f"issues/{issue}").status_code == 404
    step(stranger, issue, "handled", 404)
    assert issue not in {one["id"] for one in stranger.get("issues")}
    step(world.person("leader"), issue, "assigned", 422, assignee="farofficer")
