"""What can come back to a push, made to happen at each door before a real connector (docs/reliability.md)."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from connectors.poverty_alleviation.connector import Connector as FileConnector
from connectors.poverty_alleviation.settings import Settings as FileSettings
from connectors.poverty_alleviation.simulator import sample_payloads
from hub.clock import SystemClock
from hub.sdk import Connector
from hub.sdk.doors import Doors, open_doors
from hub.sdk.egress import Egress
from tests.connectors.answering import KINDS, facing, page, success
from tests.connectors.sink import HANG, RESET, Sink, Step, answer, answer_json
from tests.connectors.soap import FIND, KIND, REPORT, absent, document, envelope, fault, said, stored
from tests.connectors.system import outgoing, part
from tests.connectors.table_twin import exchanging, messages
from tests.connectors.test_file_door import Mood, serving

Facing = tuple[Connector, dict[str, Any], float]
"""A connector before a System that will answer as told, the payload to push, and how many seconds it may take."""
PATIENT_S: Final = 30.0
Made = Callable[[Path, str], AbstractAsyncContextManager[Facing]]
"""What makes it, out of a folder of its own and the socket of a PostgreSQL server."""
ANY: Final[dict[str, Any]] = {"n": 1}
VISIT: Final[dict[str, Any]] = sample_payloads()["visit"]
ROW: Final[dict[str, Any]] = {"title": "茗田社区分类投放点改造", "amount": 82.5}
_WITHOUT_BODY: Final = 304
BARE: Final = (b"", b"<html>blocked</html>", b'{"code": 0, "result": "OK", "data": {"number": "S-1", "id": "S-1"}}')
"""Bodies under a status that is no success; the last one would be one under 200."""


def doors_to(reaches: str) -> Doors:
    """Real doors that may reach one address."""
    return open_doors(Egress.parse([reaches], allow_loopback=True), SystemClock())


# --- HTTP, and SOAP over it -------------------------------------------------------------------------------------------


def web(*steps: Step, kind: str = "household_visit") -> Made:
    """A push over HTTP is answered like this; nobody waits long for what hangs."""
    wait_s = 0.5 if HANG in steps else PATIENT_S

    @asynccontextmanager
    async def made(_folder: Path, _socket: str) -> AsyncIterator[Facing]:
        async with Sink() as sink, facing(sink, kind) as connector:
            if kind == KIND:
                sink.on(FIND, said(envelope(absent()))).on(REPORT, *steps)
            else:
                sink.say(*steps)
            yield connector, ANY, wait_s

    return made


def unreached(kind: str, *, granted: bool) -> Made:
    """Nobody listens any more at the address, or the hub may not go there."""

    @asynccontextmanager
    async def made(_folder: Path, _socket: str) -> AsyncIterator[Facing]:
        async with Sink() as gone:
            settings = part(kind, "simulator").settings_for(gone.port, Path())
            doors = doors_to(f"127.0.0.1:{gone.port if granted else 1}")
        connector = part(kind, "connector").Connector(part(kind, "settings").Settings.model_validate(settings), doors)
        yield connector, ANY, PATIENT_S
        await doors.aclose()

    return made


def statuses(numbers: Iterable[int], *, soap: bool = False) -> list[Made]:
    """Bare answers to a push: every connector that speaks HTTP, every status, several bodies."""
    kinds, location = (KIND,) if soap else KINDS, "Location: http://127.0.0.1:1/\r\n"
    bodies = {number: BARE[:1] if number == _WITHOUT_BODY else BARE for number in numbers}
    said_so = [answer(number, body, location) for number, each in bodies.items() for body in each]
    return [web(one, kind=kind) for kind in kinds for one in said_so]


def household(code: int) -> Made:
    """An answer of the System's own kind."""
    return web(answer_json({"code": code, "msg": "不行"}))


def grid(code: str) -> Made:
    """The same inside SOAP."""
    return web(said(envelope(document(code=code, words="不行"))), kind=KIND)


# --- SFTP -------------------------------------------------------------------------------------------------------------


def files(mood: Mood, payload: dict[str, Any] = VISIT, *, key: str = "", port: int = 0, folder: bool = True) -> Made:
    """A push to an SFTP server in some mood; `key` is another machine's, `folder`: its folder `in` is there."""

    @asynccontextmanager
    async def made(home: Path, _socket: str) -> AsyncIterator[Facing]:
        async with serving(home) as station:
            vars(station.mood).update(vars(mood))
            at = replace(station.address, port=port or station.address.port)
            settings = FileSettings(host=at.host, port=at.port, user=at.user, password=at.password,
                                    host_key=key or at.host_key)  # fmt: skip
            if not folder:
                (home / "in").rename(home / "away")
            yield FileConnector(settings, doors_to(f"127.0.0.1:{at.port}")), payload, PATIENT_S

    return made


# --- exchange tables --------------------------------------------------------------------------------------------------


def rows(*before: str, payload: dict[str, Any] = ROW, cut: str = "", after: str = "", **settings: object) -> Made:
    """A push to an exchange table after its administrator did something; cut at a message that begins so."""

    @asynccontextmanager
    async def made(_folder: Path, socket: str) -> AsyncIterator[Facing]:
        async with exchanging(socket) as there:
            if cut:
                await there.connector().push(outgoing("progress", ROW, "k0:system:1"))
                sent = messages(bytes(there.twin.passed["sent"]), opening=True)
                place = next(m for m in sent if cut.encode() in m.body.upper())
                there.twin.fail("cut", "sent", place.end if cut == "COMMIT" else place.start)
            for statement in before:
                await there.do(statement)
            try:
                yield there.connector(**settings), payload, PATIENT_S
            finally:
                if after:
                    await there.do(after)

    return made


NOBODY = "nobody is there"
OURS = "our own side does not let it out, or the other side is not trusted"
YES = "the declared success"
NO = "a declared no of substance"
NOT_YOU = "a declared no to our settings or credentials"
LATER = "a declared request to come again"
BEFORE = "cut off, or too late, before what counts had left"
AFTER = "cut off, or too late, after that"
UNREADABLE = "a success that cannot be read, or answers something else"
TURNED = "a redirect, or 401, 403, 407, 410"
NOT_HERE = "404, 405, 415"
OTHER_4XX = "any other 4xx"
COME_AGAIN = "408, 425, 429, 503"
OTHER_5XX = "any other 5xx"

_TURNED = (300, 301, 302, 303, 304, 307, 308, 401, 403, 407, 410)
_OTHER_4XX = (400, 402, 406, 409, 411, 413, 414, 418, 422, 423, 426, 451, 499)
_OTHER_5XX = (500, 501, 502, 504, 507, 520, 599)
_BROKEN: Final[tuple[tuple[Step, ...], ...]] = (
    (RESET,), (HANG,), (answer(200, b"x" * 10, length=999), RESET), (b"SSH-2.0-OpenSSH\r\n", RESET),
)  # fmt: skip
_READ_ONLY = "ALTER ROLE hub_twin SET default_transaction_read_only = on"
_ANOTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDeTzLLuT1aLo7ckjlTw7iNY1FQ2TjUO7+1D5T6NEDqp"

SCENARIOS: Final[dict[str, dict[str, list[Made]]]] = {
    "HTTP": {
        NOBODY: [unreached(kind, granted=True) for kind in KINDS],
        OURS: [unreached(kind, granted=False) for kind in KINDS],
        YES: [web(page("application/json", success(kind)), kind=kind) for kind in KINDS],
        NO: [household(42203), web(answer_json({"code": "BIN404", "msg": "没有"}), kind="garbage_scoring")],
        NOT_YOU: [household(40301), web(answer_json({"message": "签名不匹配"}, 401), kind="garbage_scoring")],
        LATER: [household(50300), web(answer_json({"result": "5031", "message": "忙"}), kind="river_patrol")],
        AFTER: [web(*steps, kind=kind) for kind in KINDS for steps in _BROKEN],
        UNREADABLE: [web(page("text/html", b"<html>"), kind=kind) for kind in KINDS] + [household(0)],
        TURNED: statuses(_TURNED),
        NOT_HERE: statuses((404, 405, 415)),
        OTHER_4XX: statuses(_OTHER_4XX),
        COME_AGAIN: statuses((408, 425, 429, 503)),
        OTHER_5XX: statuses(_OTHER_5XX),
    },
    "SOAP": {
        NOBODY: [unreached(KIND, granted=True)],
        OURS: [unreached(KIND, granted=False)],
        YES: [web(said(envelope(stored())), kind=KIND)],
        NO: [grid("2001"), web(answer(500, fault("soap:Client", "缺少参数").encode()), kind=KIND)],
        NOT_YOU: [grid("1001"), web(answer(500, fault("wsse:FailedAuthentication").encode()), kind=KIND)],
        LATER: [grid("9001"), web(answer(500, fault("soap:Server.Busy").encode()), kind=KIND)],
        AFTER: [web(*steps, kind=KIND) for steps in _BROKEN],
        UNREADABLE: [web(said(envelope(text)), kind=KIND) for text in (absent(), "", stored("another"))],
        TURNED: statuses(_TURNED, soap=True),
        NOT_HERE: statuses((404, 405, 415), soap=True),
        OTHER_4XX: statuses(_OTHER_4XX, soap=True),
        COME_AGAIN: statuses((408, 425, 429, 503), soap=True),
        OTHER_5XX: [*statuses(_OTHER_5XX, soap=True), web(answer(500, fault("soap:Server").encode()), kind=KIND)],
    },
    "SFTP": {
        NOBODY: [files(Mood(), port=1)],
        OURS: [files(Mood(), key=_ANOTHER_KEY)],
        YES: [files(Mood())],
        NO: [files(Mood(), {**VISIT, "content": "响铃\a"})],
        NOT_YOU: [files(Mood(), folder=False)],
        LATER: [files(Mood(on_write="quota")), files(Mood(on_rename="refuse"))],
        BEFORE: [files(Mood(cut_at=5)), files(Mood(on_write="break")), files(Mood(on_write="lose"))],
        AFTER: [files(Mood(on_rename="break"))],
    },
    "table": {
        NOBODY: [rows("ALTER ROLE hub_twin CONNECTION LIMIT 0", after="ALTER ROLE hub_twin CONNECTION LIMIT -1")],
        OURS: [rows(password="wrong")],
        YES: [rows()],
        NO: [rows(payload={**ROW, "title": "长" * 41}), rows("ALTER TABLE {t} ADD CHECK (amount < 5)")],
        NOT_YOU: [rows("REVOKE INSERT ON {t} FROM hub_twin"), rows("ALTER TABLE {t} DROP COLUMN amount")],
        LATER: [rows(_READ_ONLY, after="ALTER ROLE hub_twin RESET ALL")],
        BEFORE: [rows(cut="SELECT"), rows(cut="INSERT")],
        AFTER: [rows(cut="COMMIT")],
    },
}
"""By door and row of the page: everything that makes it happen."""
