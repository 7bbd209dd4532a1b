"""Codes and rows that come to a Place, move to another one, or end; what names them follows."""

from collections.abc import Iterable
from dataclasses import dataclass

from hub.model.known import Fate
from hub.pulls.where import is_anchored, is_sibling, is_told_by, row_id, where_known
from hub.pulls.work import CodeKey, MergeUnitOfWork, UnitOfWork, claims
from hub.store.query.pull_rows import Code, Row
from hub.text import comparable

MOST_FOLLOWERS = 200
"""Rows that follow one that moved at once; of a longer chain the rest is merged at the next whole reading."""


@dataclass(frozen=True, slots=True)
class TakenCode:
    """A code that two rows of one pull give: a tangle if both go on giving it."""

    key: str
    """The row told last."""
    issuer: str
    code: str
    from_row: str
    """The row that gave it before."""


def take_key(work: UnitOfWork, row: Row, key: str) -> bool:
    """Let a row's own key stand where the row stands; say whether that is new."""
    code = work.codes.get((row.system, row.row_key))
    if code is None:
        work.add_code(Code(
            row.row_key, row.system, key, row.place_id, True, row.system, row.pull, row.row_key, work.told.as_of
        ))  # fmt: skip
        return True
    mine = is_told_by(code, row_id(row))
    if code.decided_by or (not mine and is_anchored(code) and code.ended_at is None):
        return False
    is_new = code.place_id != row.place_id or code.ended_at is not None
    if not is_new and mine and code.is_key and code.code == key and code.pull:
        return False
    _assign(work, code, row)
    code.is_key, code.code = True, key
    return is_new


def take_code(work: UnitOfWork, row: Row, issuer: str, text: str) -> bool:
    """Let a code that a row gives its Place stand there, unless its own System or a person says where it stands.

    Say whether that is new.
    """
    code = work.codes.get((issuer, comparable(text)))
    if code is None:
        work.add_code(Code(
            comparable(text), issuer, text, row.place_id, False, row.system, row.pull, row.row_key, work.told.as_of
        ))  # fmt: skip
        return True
    is_here = code.place_id == row.place_id and code.ended_at is None
    if is_anchored(code) or (is_here and (is_told_by(code, row_id(row)) or code.pull)):
        return False
    _assign(work, code, row)
    return not is_here


def _assign(work: UnitOfWork, code: Code, row: Row) -> None:
    """Put a code on the Place of the row that gives it, and keep in the history where it stood before."""
    if code.ended_at is not None:
        work.remember_code(code, Fate.ENDED)
        code.since, code.ended_at = work.told.as_of, None
    elif code.place_id != row.place_id:
        work.remember_code(code, work.told.moves, row.place_id)
        code.since = work.told.as_of
    code.told_by, code.pull, code.row_key = row.system, row.pull, row.row_key
    if code.place_id != row.place_id:
        work.put(code, row.place_id)
    work.touch(code)


def release_code(work: UnitOfWork, row: Row, key: CodeKey) -> None:
    """End a code that a row no longer gives; if another row of the same Place gives it too, it becomes that one's."""
    code = work.codes.get(key)
    if code is None or code.ended_at is not None or code.decided_by or not is_told_by(code, row_id(row)):
        return
    others = [each for each in work.contents(code.place_id).rows if each is not row and key in claims(each)]
    if others:
        code.told_by, code.pull, code.row_key = row_id(others[0])
        code.is_key = (code.issuer, code.code_key) == (others[0].system, others[0].row_key)
    else:
        code.ended_at = work.told.as_of
    work.touch(code)


def move_row(work: UnitOfWork, row: Row, place_id: str) -> None:
    """Move a row to another Place with the codes it gives; `follow` lets others come after."""
    left, me = row.place_id, row_id(row)
    codes = [code for code in work.contents(left).codes if is_told_by(code, me) and not code.decided_by]
    work.put(row, place_id)
    for code in codes:
        if code.ended_at is None:  # one that ended stays where it stood
            work.remember_code(code, work.told.moves, place_id)
            code.since = work.told.as_of
            work.put(code, place_id)
    _leave_behind(work, left, place_id)


def follow(work: UnitOfWork, pull: tuple[str, str] | None = None) -> list[TakenCode]:
    """Let rows that stood on a Place because of a code that moved come after it, as if they were read again now.

    Return the codes that moved away from rows of this pull that still give them.
    """
    followed, behind = 0, list[TakenCode]()
    while work.moved:
        key, left = work.moved.pop()
        code = work.codes[key]
        target = code.place_id
        for row in work.contents(left).rows if target != left else ():
            if key not in claims(row):
                continue
            goes_to, is_sure = _goes_to(work, row)
            followed += 1
            if goes_to == left:
                behind += _left_behind(work, code, row, pull)
            elif goes_to is None or followed > MOST_FOLLOWERS or not is_sure:
                merge_again(work, row)
            else:
                move_row(work, row, goes_to)
        _leave_behind(work, left, target)
    return behind


def _goes_to(work: UnitOfWork, row: Row) -> tuple[str | None, bool]:
    """Return where the codes of a row lead to now, and whether it can go there without being read again."""
    if row.decided_by:
        return row.place_id, True
    where = where_known(row_id(row), row.place_id, work.codes.get((row.system, row.row_key)), _others(work, row))
    return where.place_id and work.current(where.place_id), where.anchored or work.is_alone(row)


def _left_behind(work: UnitOfWork, code: Code, row: Row, pull: tuple[str, str] | None) -> list[TakenCode]:
    """Return a code that went with another row of the same pull; a row of another pull takes it back when it is read.

    Both rows are known then to give it, so that this one follows once its own System says where it stands.
    """
    if is_anchored(code) or not is_sibling(code, row_id(row)):
        return []
    if pull == (row.system, row.pull):
        return [TakenCode(code.row_key, code.issuer, code.code, row.row_key)]
    merge_again(work, row)
    return []


def merge_again(work: UnitOfWork, row: Row) -> None:
    """Let a row be merged at the next reading though it says the same again."""
    if row.digest:
        row.digest = ""
        work.touch(row)


def _others(work: UnitOfWork, row: Row) -> list[Code]:
    keys = [(issuer, comparable(text)) for issuer, text in row.codes]
    work.load_codes(keys)
    return [work.codes[key] for key in keys if key in work.codes]


def _leave_behind(work: UnitOfWork, place_id: str, target: str) -> None:
    """Let a Place that has no row and no code left lead to the one they went to: Submissions may be filed there."""
    if not _is_empty(work, place_id) or place_id == target:
        return
    work.load_places([place_id, target])
    place, into = work.places[place_id], work.places[target]
    if place.kind == into.kind and place.linked_to is None:
        place.linked_to = target
        work.touch(place)


def _is_empty(work: UnitOfWork, place_id: str) -> bool:
    contents = work.contents(place_id)
    return not contents.rows and all(code.ended_at is not None for code in contents.codes)


def end_rows(work: MergeUnitOfWork, keys: Iterable[str]) -> int:
    """End rows the System no longer has, with their codes; their values are offered no more. Return how many."""
    flow = work.told.flow
    ending = [work.rows[me] for me in ((flow.system, flow.name, key) for key in keys) if me in work.rows]
    ending = [row for row in ending if row.ended_at is None]
    work.load_codes({key for row in ending for key in claims(row)})
    work.load_contents({row.place_id for row in ending})
    for row in ending:
        row.ended_at, row.pull_id = work.told.as_of, work.told.pull_id
        work.touch(row)
    for row in ending:
        for key in sorted(claims(row)):
            _end_code(work, row, key)
    for place_id in {row.place_id for row in ending}:
        _end_place(work, place_id)
    return len(ending)


def _end_place(work: UnitOfWork, place_id: str) -> None:
    if _is_empty(work, place_id):
        work.load_places([place_id])
        work.places[place_id].ended_at = work.told.as_of
        work.touch(work.places[place_id])


def _end_code(work: UnitOfWork, row: Row, key: CodeKey) -> None:
    """End what a row says of a code; the System's own number ends whoever else names it."""
    code = work.codes.get(key)
    is_own = key == (row.system, row.row_key)
    if code is not None and is_own and is_anchored(code) and is_told_by(code, row_id(row)) and not code.decided_by:
        others = [each for each in work.contents(code.place_id).rows if (each.system, each.row_key) == key]
        if not others:
            code.ended_at = work.told.as_of
            work.touch(code)
            return
    release_code(work, row, key)
