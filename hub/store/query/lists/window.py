"""Who looks at a list, at which part of it, and how several walks become one page."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select, union

from hub.model.people import VILLAGE_DIGITS, Role, Scope

Found = Select[*tuple[Any, ...]]
"""A query for ids, and what they are ordered by."""


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


def merged(walks: Sequence[Found], limit: int) -> Found:
    """Return the ids of the page several walks make: each has its own limit and is ordered by what follows its id.

    Only what they found is ordered. To order the table's rows instead would invite a walk over all of them.
    """
    found = union(*(select(walk.subquery()) for walk in walks)).subquery()
    key, *order = found.c
    return select(key).order_by(*(column.desc() for column in order)).limit(limit)
