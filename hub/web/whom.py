"""Whom to ask about what waits for a person: who can settle a Delivery, hand an Issue to somebody, change a role."""

from collections.abc import Iterable, Mapping

from hub.errors import Phrase, Problem
from hub.model.delivery import Delivery, State
from hub.model.issue import Issue, IssueState
from hub.model.people import Role
from hub.store import Session
from hub.store.query.people import Contact, nearest_contact
from hub.systems import Registry

_NEEDS_SOMEBODY = frozenset({State.PARKED, State.MANUAL})


def needs_somebody(row: Delivery) -> bool:
    """Say whether a Delivery goes no further without a person."""
    return row.state in _NEEDS_SOMEBODY or (row.state == State.UNKNOWN and row.due_at is None)


def settlers(session: Session, deliveries: Iterable[Delivery], registry: Registry) -> dict[str, Phrase]:
    """Return who settles each Delivery that needs it, by its id: the owner's administrator, else an operator."""
    found: dict[tuple[str, str], Phrase] = {}
    asked = {}
    for row in filter(needs_somebody, deliveries):
        system = registry.systems.get(row.system)
        place = (system.owner if system else "", row.division)
        if place not in found:
            found[place] = _named("ask.delivery", _settler(session, *place))
        asked[row.id] = found[place]
    return asked


def _settler(session: Session, owner: str, division: str) -> Contact | None:
    administrator = nearest_contact(session, Role.DEPARTMENT_ADMIN, division, owner) if owner else None
    return administrator or nearest_contact(session, Role.OPERATOR, division)


def leaders(session: Session, issues: Iterable[Issue]) -> dict[str, Phrase]:
    """Return who may hand each reported Issue to somebody, by its id."""
    reported = [issue for issue in issues if issue.state == IssueState.REPORTED]
    return {issue.id: _named("ask.issue", nearest_contact(session, Role.LEADER, issue.division)) for issue in reported}


def forbidden(session: Session, role: Role, division: str) -> Problem:
    """Return the refusal of somebody whose role does not let them; `role` is whose business it is."""
    return Problem("auth.forbidden", 403, whom=_named("ask.forbidden", nearest_contact(session, role, division)))


def forbidden_to_all() -> Problem:
    """Return the refusal where nobody's name can be told."""
    return Problem("auth.forbidden", 403, whom=_named("ask.forbidden", None))


def _named(key: str, contact: Contact | None) -> Phrase:
    if contact is None:
        return Phrase(f"{key}.nobody")
    params: Mapping[str, object] = vars(contact)
    return Phrase(f"{key}.{'phone' if contact.phone else 'name'}", params)
