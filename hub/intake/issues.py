"""What becomes of Issues whose finding is taken back, or comes back with a later correction."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from hub.model.issue import IssueState
from hub.store import Session
from hub.store.query import issues
from hub.store.query.issues import Step
from hub.store.query.journal import add_entries, entry


@dataclass(frozen=True)
class Deed:
    """Who takes something back or brings it back, when, and what they say."""

    account_id: str
    at: datetime
    why: str = ""


def withdraw_issues(session: Session, issue_ids: Collection[str], deed: Deed) -> None:
    """Close Issues nobody works on yet; of the others their history tells whoever works on them, and they decide."""
    for issue in issues.locked(session, issue_ids):
        old = IssueState(issue.state)
        if old is not IssueState.CLOSED:
            new = IssueState.CLOSED if old is IssueState.REPORTED else old
            _step(session, issue.id, Step(old, new, deed.account_id, deed.why, deed.at), issue.assignee_id)
            add_entries(session, [entry(deed.at, deed.account_id, "issue.withdrawn", issue.id)])


def bring_back_issues(session: Session, issue_ids: Collection[str], deed: Deed) -> None:
    """Report Issues again that were closed only because their finding was taken back."""
    for issue_id in issues.closed_unsolved(session, issue_ids):
        step = Step(IssueState.CLOSED, IssueState.REPORTED, deed.account_id, deed.why, deed.at)
        _step(session, issue_id, step, None)
        add_entries(session, [entry(deed.at, deed.account_id, "issue.reported_again", issue_id)])


def _step(session: Session, issue_id: str, step: Step, assignee_id: str | None) -> None:
    if not issues.take_step(session, issue_id, step, assignee_id):
        raise RuntimeError(f"issue {issue_id} is locked, and moved all the same")
