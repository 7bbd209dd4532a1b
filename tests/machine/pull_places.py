"""Where rows and codes must stand once every System has been read in quiet: C04."""

from collections import defaultdict
from collections.abc import Container, Mapping

from hub.text import comparable
from tests.machine.pull_promises import claims
from tests.machine.pull_rows import Key, Known, Row
from tests.machine.pull_source import Source


def check_places(now: Known, sources: Mapping[str, Source], bridged: Container[str]) -> None:
    """Check that codes stand where rows say, unless they tangle, a person decided, or nobody can read the row now.

    On a `bridged` Place a row stood that named two others: what it held together stays together when it leaves.
    """
    tangled = {
        (system, comparable(key))
        for system in sources
        for kind, key, field in now.unsettled(system)
        if kind == "codes_tangled" and not field
    }
    for key in tangled:
        _is_a_tangle(now, sources, key)
    for key, row in now.live.items():
        if key not in tangled and not row.decided_by and not row.unread_since:
            _follows(now, row)
            if row.place_id not in bridged:
                _belongs(now, row)
    _stickers_are_told(now, sources)


def _is_a_tangle(now: Known, sources: Mapping[str, Source], key: Key) -> None:
    """A row that is left out for its codes has codes that lead to several Places."""
    system, row_key = key
    held = next((held for name, held in sources[system].now.held.items() if comparable(name) == row_key), None)
    assert held is not None, f"{key} tangles, and is no more"
    if held.is_garbled:
        return  # nobody knows what it says now
    told = {(issuer, code) for issuer, codes in held.said.codes.items() if isinstance(codes, set) for code in codes}
    told.add(key)
    row = now.rows.get(key)
    told |= claims(row) if row else set()
    places = {now.codes[code].place_id for code in told if code in now.codes} | ({row.place_id} if row else set())
    assert len(places) > 1, f"{key} is said to tangle, and all its codes stand on one Place"


def _follows(now: Known, row: Row) -> None:
    """A row stands where the rows stand whose own numbers it names."""
    for key in claims(row):
        code, named = now.codes.get(key), now.live.get(key)
        if code is not None and named is not None and not code.decided_by:
            assert row.place_id == named.place_id, f"{row.system} {row.row_key} names {key}, and stands elsewhere"


def _belongs(now: Known, row: Row) -> None:
    """A row stands together only with rows it has a code in common with, unless one of its codes is nobody's own."""
    company = [each for each in now.company()[row.place_id] if each is not row]
    codes = {key for each in (row, *company) for key in claims(each)}
    by_person = any(each.decided_by for each in company) or any(now.is_decided(key) for key in codes)
    if not company or by_person or not all(key in now.live for key in claims(row)):
        return
    assert any(claims(row) & claims(each) for each in company), f"{row.system} {row.row_key} stands with strangers"


def _stickers_are_told(now: Known, sources: Mapping[str, Source]) -> None:
    """A code no System calls its own stands with one of the rows that tell it; several that do are an open item.

    A row that nobody can read now takes no code, and is asked about when it can be read again.
    """
    tellers: dict[Key, list[Row]] = defaultdict(list)
    for row in now.live.values():
        for issuer, code in row.codes:
            if issuer not in sources:
                tellers[issuer, comparable(code)].append(row)
    for key, rows in tellers.items():
        code = now.codes[key]
        readable = [row for row in rows if not row.unread_since]
        if code.decided_by or not readable:
            continue
        assert code.ended_at is None, f"{key} has ended, and {[row.row_key for row in readable]} tell it"
        places = {row.place_id for row in rows}
        assert code.place_id in places, f"{key} stands where nobody says it stands"
        named = {
            comparable(row_key)
            for system in sources
            for kind, row_key, field in now.unsettled(system)
            if (kind, field) == ("codes_tangled", key[0])
        }
        are_one = len(places) == 1 and all(row.decided_by for row in rows)
        is_asked = len(readable) == 1 or are_one or named & {row.row_key for row in rows}
        assert is_asked, f"{key} is told by several, and nobody is asked"
