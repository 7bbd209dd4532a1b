"""Who looks at a list, at which part of it, and how several walks become one page."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select, union_all

from hub.model.people import VILLAGE_DIGITS, Role, Scope


@dataclass(frozen=True)
class Viewer:
    """On whose behalf a page is loaded, with the Systems their department owns."""

    scope: Scope
    systems: Collection[str]

    @property
    def is_narrow(self) -> bool:
        """Say whether so little is theirs that a walk over everything would hardly ever meet any of it."""
        return self.scope.role is Role.STAFF or len(self.scope.prefix) == VILLAGE_DIGITS


@dataclass(frozen=True)
class Window:
    """Which part of a list: at most `limit`, from the one after `after` on."""

    limit: int = 50
    after: str = ""


def any_of(walks: Sequence[Select[Any]]) -> Select[Any]:
    """Return the ids all of these walks find; each may have an order and a limit of its own."""
    return select(union_all(*(select(walk.subquery().c.id) for walk in walks)).subquery().c.id)
