"""What people read of a Submission that was taken back, and of one filed in its stead. Pure."""

from hub.intake.plan import quotable
from hub.model.people import Role, Scope
from hub.model.submission import Submission
from hub.web import shapes


def withdrawn_view(row: Submission, by: str, *, sees_values: bool) -> shapes.WithdrawnView | None:
    """Return that a Submission was taken back; the reason may say something of people."""
    if row.withdrawn_by is None:
        return None
    return shapes.WithdrawnView(
        at=row.received_at,
        by=shapes.Author(name=by) if sees_values else None,
        by_author=row.withdrawn_by == row.account_id,
        why=row.withdrawn_why if sees_values else None,
        moved_to=mark(row.moved_to),
    )


def may_change(row: Submission, scope: Scope) -> list[shapes.Change]:
    """Return what this person may do to a Submission they may read: all its author, take it back a leader above."""
    if row.withdrawn_by is not None:
        return []
    if row.account_id == scope.account_id and scope.role in {Role.STAFF, Role.LEADER}:
        return ["revise", "withdraw", "move"]
    return ["withdraw"] if scope.role is Role.LEADER else []


def mark(root_id: str | None) -> shapes.SubmissionMark | None:
    """Return another Submission by what people quote."""
    return shapes.SubmissionMark(id=root_id, number=quotable(root_id)) if root_id else None
