"""The Systems of kill runs: three books on one port, what they saw, and the wiring of a hub to them."""

import asyncio
import json
from collections import Counter
from typing import Any

from tests.fifth.ledger_world import ACCOUNTS, FIELDS, Ledgers, wiring

BOOKS = ("book-one", "book-two", "asked")
ASKED = "asked"
"""It does not honour keys: nothing may ever come to it twice."""
ROWS_A_PAGE = 4


class Books(Ledgers):
    """Ledgers that also say whether they have a key, and that can be read row by row."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(seen={name: Counter() for name in BOOKS}, port=port)
        self.answer_after_s = 0.0
        self.awake = asyncio.Event()
        self.awake.set()

    async def _think(self, reader: asyncio.StreamReader) -> None:
        await self.awake.wait()
        await asyncio.sleep(self.answer_after_s)
        if reader.at_eof():
            raise ConnectionResetError("who asked is dead")

    def _answer(self, name: str, key: str, body: bytes) -> bytes:
        kind, _, rest = name.partition("-")
        if kind == "find":
            return _http("200 OK", b"known") if key in self.seen[rest] else _http("404 Not Found", b"")
        if kind == "rows":
            rows = [{"code": row_code(int(rest) + n), "village": "330783005004"} for n in range(ROWS_A_PAGE)]
            return _http("200 OK", json.dumps(rows).encode())
        return super()._answer(name, key, body)


def row_code(number: int) -> str:
    """The code of a row, by its number from 0."""
    return f"R{number:06d}"


def _http(status: str, body: bytes) -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


def wired(port: int, *, in_flight: int, answer_within: str) -> dict[str, Any]:
    """connectors.yaml of the three books: every finding and every correction goes to each; one is read as well."""
    return {
        **wiring(port),
        "systems": {name: _system(name, port, in_flight, answer_within) for name in BOOKS},
    }


def _system(name: str, port: int, in_flight: int, answer_within: str) -> dict[str, Any]:
    fields = {**FIELDS, "photos": {"from": "photos", "optional": True}}
    lines: dict[str, Any] = {
        "send": [{"record": "finding/v1", "fields": fields, "amend": {"when_changed": True}}],
    }
    if name == BOOKS[0]:
        rows = {"source": "rows", "into": "household", "every": "6h", "key": "code", "place": {"division": "village"}}
        lines["pull"] = [rows]
    return {
        "title": {"zh": name, "en": name},
        "owner": "test-office",
        "connector": "asking" if name == ASKED else "book",
        "simulated": True,
        "reaches": [f"127.0.0.1:{port}"],
        "settings": {"base_url": f"http://127.0.0.1:{port}", "name": name},
        "limits": {"in_flight": in_flight, "per_second": 1000, "answer_within": answer_within},
        **lines,
    }


PEOPLE = ACCOUNTS
"""ada fills, opal operates."""
