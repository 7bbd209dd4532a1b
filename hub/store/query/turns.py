"""Turns: what only one transaction at a time may do, told by a word. On SQLite there is but one writer anyway."""

from collections.abc import Iterable

from sqlalchemy import text
from sqlmodel import Session

_TAKE = text("SELECT pg_advisory_xact_lock(hashtextextended(:turn, 0))")


def take_turns(session: Session, turns: Iterable[str]) -> None:
    """Wait for each of these turns, always in the same order, and keep it until the transaction ends.

    For what no row stands for yet: two that read "there is none" at the same moment would both make one.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        for turn in sorted(set(turns)):
            connection.execute(_TAKE, {"turn": turn})
