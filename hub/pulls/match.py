"""Finds the Place of a row that is read: what where.py decides, of Places as they are now."""

from collections.abc import Iterable, Sequence

from hub.pulls.move import TakenCode
from hub.pulls.read import ReadRow, ToldCode
from hub.pulls.where import RowId, Where, is_anchored, is_sibling, where_known, where_new
from hub.pulls.work import MergeUnitOfWork, claims
from hub.store.query.pull_rows import Code, Row


def load_siblings(work: MergeUnitOfWork, rows: Sequence[ReadRow]) -> None:
    """Read the other rows of this pull that say where codes of new rows stand."""
    flow = work.told.flow
    new = [row for row in rows if _id(work, row) not in work.rows]
    keys = {code.row_key for row in new for code in _siblings_codes(work, row, row.codes)}
    work.load_rows(flow.system, flow.name, sorted(keys))


def place_of(work: MergeUnitOfWork, row: ReadRow, known: Row | None, codes: Iterable[ToldCode]) -> Where:
    """Return where the row belongs now; a Place that was linked to another one counts as that one."""
    where = _place_of(work, row, known, codes)
    tangled = {work.current(each) for each in where.tangled}
    if len(tangled) > 1:
        return Where(None, where.anchored, frozenset(tangled))
    place_id = next(iter(tangled), where.place_id)
    return Where(None if place_id is None else work.current(place_id), where.anchored)


def _place_of(work: MergeUnitOfWork, row: ReadRow, known: Row | None, codes: Iterable[ToldCode]) -> Where:
    me = _id(work, row)
    own = work.codes.get(me[::2])
    others = [code for code in (work.codes.get((issuer, key)) for issuer, _, key in codes) if code]
    if known is None:
        return where_new(me, own, [code for code in others if not _is_told_beside(work, code, me)])
    if known.decided_by:
        return Where(known.place_id)
    where = where_known(me, known.place_id, own, others)
    if where.tangled or where.anchored:
        return where
    if where.place_id == known.place_id:
        return _parted(work, known, where, codes)
    return where if work.is_alone(known) else Where(None, tangled=frozenset({known.place_id, str(where.place_id)}))


def _is_told_beside(work: MergeUnitOfWork, code: Code, me: RowId) -> bool:
    """Say whether another row of this very run tells a code, so that a new one with it is not that row renumbered.

    What people write where there is no sticker would else make one house of all that have none. Many rows may name one
    of another System, as bins do their house.
    """
    if is_anchored(code) or not is_sibling(code, me) or code.issuer in work.told.flow.issuers:
        return False
    row = work.rows.get((code.told_by, code.pull, code.row_key))
    return row is not None and row.ended_at is None and row.pull_id == work.told.pull_id


def shared_with(work: MergeUnitOfWork, row: ReadRow, place_id: str, codes: Iterable[ToldCode]) -> list[TakenCode]:
    """Return the codes a row shares with another one of its pull on the same Place: named if both go on telling it."""
    return [
        TakenCode(row.identity.key, code.issuer, code.code, code.row_key)
        for code in _siblings_codes(work, row, codes)
        if code.ended_at is None and code.place_id == place_id
    ]


def _siblings_codes(work: MergeUnitOfWork, row: ReadRow, codes: Iterable[ToldCode]) -> list[Code]:
    named = work.told.flow.issuers
    found = [work.codes.get((code.issuer, code.key)) for code in codes if code.issuer not in named]
    return [code for code in found if code and is_sibling(code, _id(work, row)) and not is_anchored(code)]


def _id(work: MergeUnitOfWork, row: ReadRow) -> RowId:
    return work.told.flow.system, work.told.flow.name, row.identity.row_key


def _parted(work: MergeUnitOfWork, known: Row, where: Where, codes: Iterable[ToldCode]) -> Where:
    """Return a new Place for a row that no longer says what made it stand with others, else the same one."""
    now = {(issuer, key) for issuer, _, key in codes}
    dropped = claims(known) - now - {(known.system, known.row_key)}
    if not dropped:
        return where
    contents = work.contents(work.current(known.place_id))
    rest = [each for each in contents.rows if each is not known]
    stays = not rest or any(claims(each) & ({(known.system, known.row_key)} | now) for each in rest)
    return where if stays else Where(None)
