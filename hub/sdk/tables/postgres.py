"""What is PostgreSQL's about the table door: signing in, and what its errors mean."""

import re
from typing import Any, Final

import psycopg
from sqlalchemy.exc import DBAPIError

from hub.sdk.errors import DeliveryFailure, Misconfigured, Refused, Unavailable
from hub.sdk.tables.address import TableAddress

ENGINE: Final = "postgresql+psycopg"
Wire = psycopg.AsyncConnection[Any]
TAKEN: Final = "23505"
UNWRITABLE: Final = "22P05"

# At the door libpq tells no code, only words: a severity in the server's own language, a colon and two blanks.
_SERVER_SAID: Final = re.compile(r"failed: [^\s:]+:  (.+)")
_COME_AGAIN: Final = re.compile(
    r"too many|slots are reserved|starting up|shutting down|recovery|not yet accepting|太多|保留|启动|关闭|恢复"
)
_NOT_TRUSTED: Final = re.compile(r"certificate|does not support SSL|SSL error: (?!unexpected eof)")

_MEANINGS: Final[dict[str, type[DeliveryFailure]]] = {
    "22": Refused,
    "22001": Misconfigured,  # longer than the column, though not longer than was agreed
    "23": Refused,
    "23502": Misconfigured,
    "28": Misconfigured,
    "3D": Misconfigured,
    "3F": Misconfigured,
    "42": Misconfigured,
    "44": Refused,
    "P0001": Refused,  # said by a trigger of the System's own
}
"""By SQLSTATE, the longest that fits; all others are Unavailable: busy, locked, full, read-only, in conflict."""


async def connect(address: TableAddress, port: int, operation_s: float) -> Wire:
    """Sign in through the line that begins at a port of this machine; the name is the one a certificate must show."""
    # Told to the server as well: what we no longer wait for must not go on waiting for a lock there.
    parts = {"lock_timeout": 0.8, "statement_timeout": 0.9, "idle_in_transaction_session_timeout": 1}
    return await psycopg.AsyncConnection.connect(
        host=address.host,
        hostaddr="127.0.0.1",
        port=port,
        dbname=address.database,
        user=address.user,
        password=address.password,
        options=" ".join(f"-c {name}={int(part * operation_s * 1000)}" for name, part in parts.items()),
        client_encoding="UTF8",
        application_name="fillonce",
        gssencmode="disable",
        sslcertmode="disable",
        sslmode="verify-full" if address.authority else "disable",
        sslrootcert=address.authority or None,
        ssl_min_protocol_version="TLSv1.2",
        prepare_threshold=None,
    )


def not_let_in(failure: psycopg.Error, place: str) -> DeliveryFailure:
    """Return what a failure to connect means; nothing has been sent."""
    words = str(failure)
    said = _SERVER_SAID.search(words)
    if said:
        meaning = Unavailable if _COME_AGAIN.search(said[1]) else Misconfigured
        return meaning(f"{place}: {said[1]}")
    if _NOT_TRUSTED.search(words):
        return Misconfigured(f"{place}: {words.rpartition('failed: ')[2].strip()}")
    return Unavailable(f"{place}: no connection ({type(failure).__name__})")


def state_of(failure: DBAPIError) -> str:
    """Return the SQLSTATE of an answer; empty when there was none."""
    return getattr(failure.orig, "sqlstate", None) or ""


def is_broken(failure: DBAPIError) -> bool:
    """Say whether the line broke, or the server said goodbye, instead of an answer."""
    state = state_of(failure)
    unanswered = not state and isinstance(failure.orig, psycopg.OperationalError | psycopg.InterfaceError)
    return failure.connection_invalidated or unanswered or state.startswith(("08", "57P"))


def meaning_of(failure: DBAPIError, place: str) -> DeliveryFailure:
    """Return what a complete answer that is an error means: nothing was done."""
    state = state_of(failure)
    meaning = next((_MEANINGS[state[:n]] for n in (5, 2) if state[:n] in _MEANINGS), Unavailable)
    # The words of class 22 and all details repeat what was in the row.
    tells = not state.startswith("22") or state == "22001"
    words = (isinstance(failure.orig, psycopg.Error) and tells and failure.orig.diag.message_primary) or ""
    if state == "P0001":
        return Refused(words, state)
    return meaning(f"{place}: {type(failure.orig).__name__}{words and f': {words}'}")


def unwritable(failure: DBAPIError) -> tuple[str, str]:
    """Return the character a database's own character set does not have, and the name of that set."""
    words = (isinstance(failure.orig, psycopg.Error) and failure.orig.diag.message_primary) or ""
    sequence = bytes(int(pair, 16) for pair in re.findall(r"0x([0-9a-f]{2})", words))
    sets = re.findall(r'"([^"]+)"', words)
    return sequence.decode("utf-8", "replace")[:1] or "\ufffd", sets[-1] if sets else "its own"
