"""Issues: who may know of them, their steps, one conditional move at a time. Who may is decided elsewhere."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, false, or_, tuple_, update
from sqlmodel import Session, col, select

from hub.model.issue import Issue, IssueState, IssueStep
from hub.model.people import Account, Role, Scope
from hub.model.submission import Record
from hub.store.query import people
from hub.store.query.deliveries import FRESH
from hub.store.query.lists import Window
from hub.store.query.places import within


@dataclass(frozen=True)
class LoadedIssue:
    """An Issue with the newest revision of what was found, its steps and the names of those in it."""

    issue: Issue
    record: Record
    steps: Sequence[IssueStep]
    names: dict[str, str]


@dataclass(frozen=True)
class Step:
    """One move somebody makes."""

    old: IssueState
    new: IssueState
    account_id: str
    note: str
    at: datetime


def is_visible(scope: Scope) -> ColumnElement[bool]:
    """Return the condition that the asker may know of an Issue."""
    if scope.role is Role.DEPARTMENT_ADMIN:
        return false()
    own = or_(col(Issue.reporter_id) == scope.account_id, col(Issue.assignee_id) == scope.account_id)
    return own if scope.role is Role.STAFF else or_(own, within(col(Issue.division), scope))


def listed(session: Session, scope: Scope, state: IssueState | None, window: Window) -> list[LoadedIssue]:
    """Return Issues the asker may know of, the latest opened first."""
    query = select(Issue).where(is_visible(scope))
    if state is not None:
        query = query.where(Issue.state == state)
    order = (col(Issue.opened_at), col(Issue.id))
    if window.after:
        seen = select(*order).where(Issue.id == window.after, is_visible(scope)).scalar_subquery()
        query = query.where(tuple_(*order) < seen)
    query = query.order_by(*(column.desc() for column in order)).limit(window.limit)
    return _load(session, session.exec(query).all())


def found(session: Session, scope: Scope, issue_id: str) -> LoadedIssue | None:
    """Return one Issue; None when there is none the asker may know of."""
    query = select(Issue).where(Issue.id == issue_id, is_visible(scope))
    return next(iter(_load(session, session.exec(query).all())), None)


def reread(session: Session, issue_id: str) -> LoadedIssue:
    """Return an Issue to whoever has just moved it, perhaps out of their own sight."""
    return _load(session, [session.get_one(Issue, issue_id)])[0]


def can_be_assigned(session: Session, scope: Scope, login: str) -> Account | None:
    """Return who has this login, if they work in the asker's division and are not disabled."""
    query = select(Account).where(
        Account.login == login,
        col(Account.role).in_((Role.STAFF, Role.LEADER)),
        col(Account.disabled_at).is_(None),
        within(col(Account.division), scope),
    )
    return session.exec(query).first()


def locked(session: Session, issue_ids: Collection[str]) -> Sequence[Issue]:
    """Return these Issues, locked for change where the database knows row locks."""
    query = select(Issue).where(col(Issue.id).in_(issue_ids)).order_by(col(Issue.id)).with_for_update()
    return session.exec(query, execution_options=FRESH).all()


def closed_unsolved(session: Session, issue_ids: Collection[str]) -> list[str]:
    """Return which of these Issues were closed without anybody having verified that they are solved."""
    closed = {issue.id for issue in locked(session, issue_ids) if issue.state == IssueState.CLOSED}
    query = select(IssueStep).where(col(IssueStep.issue_id).in_(closed)).order_by(col(IssueStep.id))
    last = {step.issue_id: step for step in session.exec(query)}
    return sorted(key for key, step in last.items() if step.old != IssueState.VERIFIED)


def take_step(session: Session, issue_id: str, step: Step, assignee_id: str | None) -> bool:
    """Move an Issue that still stands where the step starts, and note the step; say whether it did."""
    issue = Issue.__table__  # type: ignore[attr-defined]  # SQLModel adds it
    changed = {"state": step.new, "changed_at": step.at}
    if step.new in {IssueState.ASSIGNED, IssueState.REPORTED} and (assignee_id or step.new is IssueState.REPORTED):
        changed["assignee_id"] = assignee_id
    moved = session.connection().execute(
        update(issue).where(issue.c.id == issue_id, issue.c.state == step.old).values(**changed)
    )
    if moved.rowcount != 1:
        return False
    session.add(IssueStep(issue_id=issue_id, **vars(step)))
    return True


def _load(session: Session, issues: Sequence[Issue]) -> list[LoadedIssue]:
    """Load what belongs to these Issues, one query a table."""
    ids = [issue.id for issue in issues]
    revisions = select(Record).where(col(Record.key).in_(ids)).order_by(col(Record.revision))
    records = {record.key: record for record in session.exec(revisions)}
    steps = session.exec(select(IssueStep).where(col(IssueStep.issue_id).in_(ids)).order_by(col(IssueStep.id))).all()
    names = people.names(session, _people_in(issues, steps))
    return [
        LoadedIssue(issue, records[issue.id], [step for step in steps if step.issue_id == issue.id], names)
        for issue in issues
    ]


def _people_in(issues: Iterable[Issue], steps: Iterable[IssueStep]) -> set[str]:
    involved = {issue.reporter_id for issue in issues} | {issue.assignee_id or "" for issue in issues}
    return involved | {step.account_id for step in steps}
