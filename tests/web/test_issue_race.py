"""A step of an Issue's life while somebody else takes others: judged by how it stands when it is taken (C63)."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from hub.clock import Clock
from hub.model.issue import IssueState
from hub.store import Session, Store, open_store
from hub.store.query import issues
from hub.store.query.issues import Step
from tests.store.test_erase_at_once import Meanwhile
from tests.web.conftest import Site
from tests.web.test_issues import issue_id, step

__all__ = ["issue_id"]
pytestmark = [pytest.mark.case("C63"), pytest.mark.fault("F85")]


@pytest.fixture
async def other(site: Site, database_url: str) -> AsyncIterator[Store]:
    """Another process's store, where there can be one."""
    if database_url.startswith("sqlite"):
        yield site.store
        return
    opened = open_store(database_url)
    yield opened
    await opened.close()


def steps(clock: Clock, issue_id: str, *moves: tuple[IssueState, IssueState, str, str | None]) -> Any:  # noqa: ANN401 - a write
    """Several steps in one transaction: from, to, by whom, to whom."""

    def write(session: Session) -> None:
        for old, new, who, assignee in moves:
            assert issues.take_step(session, issue_id, Step(old, new, who, "", clock.now()), assignee)

    return write


async def test_what_was_given_to_another_meanwhile_is_not_handled_by_the_first(
    site: Site, other: Store, clock: Clock, issue_id: str
) -> None:
    await step(site, "lea", issue_id, "assigned", assignee="cy")
    given = steps(
        clock, issue_id,
        (IssueState.ASSIGNED, IssueState.REPORTED, "lea", None),
        (IssueState.REPORTED, IssueState.ASSIGNED, "lea", "ada"),
    )  # fmt: skip
    meanwhile = Meanwhile("writer.before_commit", lambda: step(site, "cy", issue_id, "handled"))
    await other.write(given)
    answer = await meanwhile.came_to()
    assert isinstance(answer, httpx.Response)
    assert answer.status_code == 404, "it is none of theirs any more"


async def test_who_handled_it_meanwhile_does_not_verify_it(
    site: Site, other: Store, clock: Clock, issue_id: str
) -> None:
    await step(site, "lea", issue_id, "assigned", assignee="cy")
    await step(site, "cy", issue_id, "handled")
    lou = (await (await site.client("lou")).get("/api/v1/sessions/me")).json()["id"]
    again = steps(
        clock, issue_id,
        (IssueState.HANDLED, IssueState.ASSIGNED, lou, lou), (IssueState.ASSIGNED, IssueState.HANDLED, lou, None),
    )  # fmt: skip
    meanwhile = Meanwhile("writer.before_commit", lambda: step(site, "lou", issue_id, "verified"))
    await other.write(again)
    answer = await meanwhile.came_to()
    assert isinstance(answer, httpx.Response)
    assert (answer.status_code, answer.json()["code"]) == (403, "issue.own_work")
