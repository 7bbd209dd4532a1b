"""Whom people may turn to: the nearest account of a role whose division covers theirs."""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from hub.model.people import Account, Role
from hub.store.query.places import ancestors


@dataclass(frozen=True)
class Contact:
    """Somebody to ask, with the number of their work phone where it is known."""

    name: str
    phone: str


def nearest_contact(session: Session, role: Role, division: str, department: str = "") -> Contact | None:
    """Return who of a role, and of a department where one is given, sits nearest above a division; None for nobody."""
    query = select(Account.name, Account.phone).where(
        col(Account.role) == role,
        col(Account.disabled_at).is_(None),
        col(Account.division).in_(ancestors(division)),
        col(Account.department) == department if department else col(Account.id).is_not(None),
    )
    # Codes are filled up with zeros: of those above one division, the greatest is the nearest.
    found = session.exec(query.order_by(col(Account.division).desc(), col(Account.login))).first()
    return None if found is None else Contact(*found)
