"""Rows of Systems as last told, and the codes they give to Places: what merging a pull asks and writes."""

from collections.abc import Iterable

from sqlalchemy import text
from sqlmodel import Session

from hub.model.place import Alias
from hub.store.bulk import find_rows
from hub.text import comparable

TURN = 0x506C616365730000
"""Key of the advisory lock: "Places" in ASCII."""
_ALIAS = Alias.__table__  # type: ignore[attr-defined]  # SQLModel adds it


def take_turn(session: Session) -> None:
    """Let one transaction at a time give Places their codes; its end ends the turn.

    Two that read "nobody knows this code" at the same moment would both make the Place. SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.connection().execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": TURN})


def known_as(session: Session, codes: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Alias]:
    """Return the aliases among these (issuer, code) pairs that exist, by issuer and code as it is compared."""
    wanted = {(issuer, comparable(code)) for issuer, code in codes}
    asked = [{"code_key": key, "issuer": issuer} for issuer, key in sorted(wanted)]
    found = find_rows(session.connection(), _ALIAS, ("code_key", "issuer"), asked)
    return {(issuer, key): session.get_one(Alias, (key, issuer)) for key, issuer in found}
