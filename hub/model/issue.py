"""The life of a finding: reported, assigned, handled, verified by somebody else, closed."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from hub.errors import Phrase
from hub.model.column import Id, Instant, Short, Words, new_id


class IssueState(StrEnum):
    """Where an Issue stands; a photo sent is not a problem solved."""

    REPORTED = "reported"
    ASSIGNED = "assigned"
    HANDLED = "handled"
    VERIFIED = "verified"
    CLOSED = "closed"

    @property
    def words(self) -> Phrase:
        """How pages and refusals name it."""
        return Phrase(f"issue.{self}")


ISSUE_MOVES: dict[IssueState, frozenset[IssueState]] = {
    IssueState.REPORTED: frozenset({IssueState.ASSIGNED}),
    IssueState.ASSIGNED: frozenset({IssueState.HANDLED, IssueState.REPORTED}),
    IssueState.HANDLED: frozenset({IssueState.VERIFIED, IssueState.ASSIGNED}),
    IssueState.VERIFIED: frozenset({IssueState.CLOSED, IssueState.ASSIGNED}),
    IssueState.CLOSED: frozenset(),
}
"""Back from ASSIGNED: not ours; back from HANDLED or VERIFIED: not solved after all."""
WITHDRAWN_MOVES: dict[IssueState, frozenset[IssueState]] = {
    **{state: frozenset({IssueState.CLOSED}) for state in IssueState if state is not IssueState.CLOSED},
    IssueState.CLOSED: frozenset({IssueState.REPORTED}),
}
"""What else may happen once the finding was taken back: it is closed unsolved, and reported again if it comes back."""


class Issue(SQLModel, table=True):
    """A finding that somebody has to act on; its id is the Record's key, so revisions do not start it again."""

    __table_args__ = (
        Index("ix_issue_opened_at", "opened_at"),
        Index("ix_issue_reporter_id_opened_at", "reporter_id", "opened_at"),
        Index("ix_issue_assignee_id_opened_at", "assignee_id", "opened_at"),
    )
    id: str = Field(primary_key=True, sa_type=Id)
    record: str = Field(sa_type=Short)
    submission_id: str = Field(foreign_key="submission.id", sa_type=Id)
    division: str = Field(sa_type=Short)
    state: IssueState = Field(sa_type=Short)
    reporter_id: str = Field(sa_type=Id)
    assignee_id: str | None = Field(default=None, sa_type=Id)
    opened_at: datetime = Field(sa_type=Instant)
    changed_at: datetime = Field(sa_type=Instant)


class IssueStep(SQLModel, table=True):
    """One move in an Issue's life: who, when, why. Append-only."""

    __tablename__ = "issue_step"
    id: str = Field(default_factory=new_id, primary_key=True, sa_type=Id)
    issue_id: str = Field(foreign_key="issue.id", index=True, sa_type=Id)
    old: str = Field(sa_type=Short)
    new: str = Field(sa_type=Short)
    account_id: str = Field(sa_type=Id)
    note: str = Field(default="", sa_type=Words)
    at: datetime = Field(sa_type=Instant)
