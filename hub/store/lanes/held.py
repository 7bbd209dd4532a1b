"""A lane's connection and the transactions on it.

On SQLite it is kept: to take one and give it back costs more than the statements of a small group. A server may go away
between two groups, so there each group borrows one anew.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from sqlalchemy import Connection, Engine, RootTransaction
from sqlmodel import Session


class Held:
    """Connections of one engine for the groups of one lane."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._keeps = engine.dialect.name == "sqlite"
        self._kept: Connection | None = None

    @contextmanager
    def turn(self) -> Iterator[tuple[Session, RootTransaction]]:
        """Lend a session within a transaction, which ends in nothing unless the borrower commits it."""
        connection, self._kept = self._kept or self._engine.connect(), None
        try:
            with closing(connection.begin()) as transaction, Session(connection, expire_on_commit=False) as session:
                yield session, transaction
        except BaseException:
            connection.close()
            raise
        if self._keeps:
            self._kept = connection
        else:
            connection.close()

    def close(self) -> None:
        """Give back what is kept."""
        if self._kept is not None:
            self._kept.close()
