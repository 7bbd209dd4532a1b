"""Issues and the steps of their lives: reported, assigned, handled, verified by somebody else, closed."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field, StringConstraints

from hub.errors import FieldFault, Problem
from hub.model import Issue
from hub.model.issue import ISSUE_MOVES, WITHDRAWN_MOVES, IssueState
from hub.model.odd import Odd, known
from hub.model.people import Role, Scope
from hub.store import Session
from hub.store.query import issues
from hub.store.query.issues import LoadedIssue, Step
from hub.store.query.journal import add_entries, entry
from hub.web.api.submissions import Windowed, lens_of
from hub.web.context import Hub
from hub.web.lens import SEES_VALUES, Lens
from hub.web.problems import documented
from hub.web.security import Filler, SignedIn, demand_json
from hub.web.shapes import PLAIN, Asked, Text, Uuid, View, Word
from hub.web.views import record_summary, record_title
from hub.web.whom import forbidden

router = APIRouter(prefix="/issues", tags=["issues"])
Id = Annotated[Uuid, Path()]
Note = Annotated[str, StringConstraints(max_length=500, pattern=PLAIN, strip_whitespace=True)]
_LEADERS = frozenset({IssueState.ASSIGNED, IssueState.VERIFIED, IssueState.CLOSED})
_BACK = {IssueState.ASSIGNED: IssueState.REPORTED}


class StepAsked(Asked):
    """A step somebody takes; `returned` goes one back: not ours, or not solved after all."""

    to: Literal["assigned", "handled", "verified", "closed", "returned"]
    note: Note = ""
    assignee: Word | None = Field(default=None, description="login of who is to act; with `assigned`")


class StepView(View):
    """A step that was taken."""

    old: str
    new: str
    by: str | None
    note: str | None
    at: datetime


class IssueView(View):
    """An Issue and its life so far."""

    id: str
    record: str
    title: Text
    summary: Text | None
    submission_id: str
    division: str
    state: IssueState | Odd
    withdrawn: bool = Field(description="the finding was taken back; whoever works on it may close it")
    reporter: str | None
    assignee: str | None
    opened_at: datetime
    changed_at: datetime
    steps: list[StepView]


@router.get("")
async def list_issues(
    caller: SignedIn,
    hub: Hub,
    window: Windowed,
    state: Annotated[IssueState | None, Query()] = None,
) -> list[IssueView]:
    """List Issues within my scope, the latest first."""
    found = await hub.store.read(lambda s: issues.listed(s, caller.scope, state, window))
    return [_view(one, lens_of(hub, caller)) for one in found]


@router.get("/{issue_id}", responses=documented(404))
async def show_issue(issue_id: Id, caller: SignedIn, hub: Hub) -> IssueView:
    """Show an Issue and its steps."""
    return _view(await hub.store.read(lambda s: _found(s, caller.scope, issue_id)), lens_of(hub, caller))


@router.post("/{issue_id}/steps", dependencies=[Depends(demand_json)], responses=documented(404, 409))
async def take_step(issue_id: Id, asked: StepAsked, caller: Filler, hub: Hub) -> IssueView:
    """Take a step in an Issue's life."""
    scope, now = caller.scope, hub.clock.now()

    def write(session: Session) -> LoadedIssue:
        issues.locked(session, [issue_id])  # others may be taking steps of it: judged is how it stands after them
        loaded = _found(session, scope, issue_id)
        old = _standing(loaded.issue)
        new = _aim(old, asked, is_withdrawn=loaded.record.withdrawn)
        if not _may(loaded, new, scope, is_return=asked.to == "returned"):
            raise forbidden(session, Role.LEADER, loaded.issue.division)
        _demand_others_work(loaded, new, scope)
        assignee = _assignee(session, scope, asked) if asked.to == "assigned" else None
        step = Step(old, new, scope.account_id, asked.note, now)
        if not issues.take_step(session, issue_id, step, assignee):
            raise Problem("issue.not_now", 409, state=old.words)
        add_entries(session, [entry(now, scope.account_id, f"issue.{asked.to}", issue_id)])
        session.expire_all()
        return issues.reread(session, issue_id)

    return _view(await hub.write(caller.proof, write), lens_of(hub, caller))


def _found(session: Session, scope: Scope, issue_id: str) -> LoadedIssue:
    found = issues.found(session, scope, issue_id)
    if found is None:
        raise Problem("not_found", 404)
    return found


def _standing(issue: Issue) -> IssueState:
    """Return where an Issue stands; nobody moves one whose state this program does not know."""
    state = known(IssueState, issue.state)
    if isinstance(state, Odd):
        raise Problem("issue.not_now", 409, state=state.words)
    return state


def _aim(old: IssueState, asked: StepAsked, *, is_withdrawn: bool) -> IssueState:
    """Return the state a step leads to; raises Problem when it cannot start here."""
    new = _BACK.get(old, IssueState.ASSIGNED) if asked.to == "returned" else IssueState(asked.to)
    if is_withdrawn and new in WITHDRAWN_MOVES[old] and asked.to != "returned":
        return new
    forward = asked.to == "returned" or (old, new) not in {
        (IssueState.HANDLED, IssueState.ASSIGNED),
        (IssueState.VERIFIED, IssueState.ASSIGNED),
    }
    if new not in ISSUE_MOVES[old] or not forward or (asked.to == "returned" and old is IssueState.REPORTED):
        raise Problem("issue.not_now", 409, state=old.words)
    return new


def _may(loaded: LoadedIssue, new: IssueState, scope: Scope, *, is_return: bool) -> bool:
    """Say whether this person may: leaders steer, the assignee acts."""
    issue, leads = loaded.issue, scope.role is Role.LEADER
    is_theirs = issue.assignee_id == scope.account_id
    if new is IssueState.CLOSED and loaded.record.withdrawn:
        return leads or is_theirs
    acts = is_theirs and issue.state == IssueState.ASSIGNED
    return leads if new in _LEADERS and not is_return else leads or acts


def _demand_others_work(loaded: LoadedIssue, new: IssueState, scope: Scope) -> None:
    """Raise Problem when somebody would verify their own work."""
    if new is IssueState.VERIFIED and scope.account_id in {loaded.issue.reporter_id, _handler(loaded)}:
        raise Problem("issue.own_work", 403)


def _handler(loaded: LoadedIssue) -> str:
    """Return who said last that it is handled."""
    return next((step.account_id for step in reversed(loaded.steps) if step.new == IssueState.HANDLED), "")


def _assignee(session: Session, scope: Scope, asked: StepAsked) -> str:
    account = issues.can_be_assigned(session, scope, asked.assignee or "")
    if account is None:
        raise Problem("request.invalid", 422, [FieldFault("/assignee", "assignee_unknown")])
    return account.id


def _view(loaded: LoadedIssue, lens: Lens) -> IssueView:
    issue: Issue = loaded.issue
    sees_values = lens.role in SEES_VALUES
    names = {account_id: name if sees_values else None for account_id, name in loaded.names.items()}
    return IssueView(
        withdrawn=loaded.record.withdrawn,
        title=record_title(loaded.record, lens),
        summary=record_summary(loaded.record, lens),
        reporter=names.get(issue.reporter_id),
        assignee=names.get(issue.assignee_id or ""),
        steps=[
            StepView(
                old=step.old,
                new=step.new,
                by=names.get(step.account_id),
                note=step.note if sees_values else None,
                at=step.at,
            )
            for step in loaded.steps
        ],
        state=known(IssueState, issue.state),
        **{
            name: getattr(issue, name)
            for name in ("id", "record", "submission_id", "division", "opened_at", "changed_at")
        },
    )
