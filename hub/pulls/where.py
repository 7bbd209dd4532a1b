"""Decides which Place a row is about, from its codes alone and whatever order the Systems are read in. Pure.

A System's own row says where the System's own number stands: whoever names that number stands there too, and follows
when it moves. What others say of a number counts only until its own System has said it. Codes that lead to different
Places are a tangle: a person decides, nobody guesses.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from hub.store.query.pull_rows import Code, Row

RowId = tuple[str, str, str]
"""System, pull, and the row's own key as it is compared."""


@dataclass(frozen=True, slots=True)
class Where:
    """Where a row belongs: on a Place, on a new one (None), or on none as long as its codes tangle."""

    place_id: str | None
    anchored: bool = False
    """A code's own System says so; else only others do."""
    tangled: frozenset[str] = frozenset()
    """The Places its codes lead to, when there are several."""


def row_id(row: Row) -> RowId:
    """Return the key of a row: its System, its pull, and its own key as it is compared."""
    return row.system, row.pull, row.row_key


def is_told_by(code: Code, row: RowId) -> bool:
    """Say whether this row says where the code stands; one of before rows were kept is its System's."""
    system, pull, row_key = row
    return code.told_by == system and (code.pull, code.row_key) in ((pull, row_key), ("", ""))


def is_anchored(code: Code) -> bool:
    """Say whether its own System, or a person, said where the code stands."""
    return bool(code.decided_by) or (code.is_key and code.told_by == code.issuer)


def is_sibling(code: Code, row: RowId) -> bool:
    """Say whether another row of the same pull says where the code stands."""
    return (code.told_by, code.pull) == row[:2] and not is_told_by(code, row)


def where_new(row: RowId, own: Code | None, others: Iterable[Code]) -> Where:
    """Return where a row belongs that was never told before."""
    named = _foreign(row, own, others)
    anchors = {code.place_id for code in named if is_anchored(code)}
    return _one_of(anchors, anchored=True) if anchors else _one_of(_claimed(named))


def where_known(row: RowId, place_id: str, own: Code | None, others: Iterable[Code]) -> Where:
    """Return where a row belongs that stands on a Place already; another one means that the codes lead there now."""
    named = _foreign(row, own, others)
    anchors = {code.place_id for code in named if is_anchored(code)}
    if anchors:
        return _one_of(anchors, anchored=True)
    # A sticker that another row of the same pull had before is taken along, not followed: the one told last counts.
    away = _claimed(code for code in named if not is_sibling(code, row)) - {place_id}
    return _one_of(away) if away else Where(place_id)


def _foreign(row: RowId, own: Code | None, others: Iterable[Code]) -> list[Code]:
    """Return the codes of a row that others say something about."""
    return [code for code in (own, *others) if code is not None and not is_told_by(code, row)]


def _claimed(codes: Iterable[Code]) -> set[str]:
    return {code.place_id for code in codes if code.ended_at is None}


def _one_of(places: set[str], *, anchored: bool = False) -> Where:
    if len(places) > 1:
        return Where(None, anchored, frozenset(places))
    return Where(next(iter(places), None), anchored)
