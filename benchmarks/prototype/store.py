"""One thread that writes to SQLite (WAL, FULL): whatever is queued goes into one flushed transaction."""

import asyncio
import queue
import sqlite3
import threading
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS submission (id TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS delivery (
  submission_id TEXT NOT NULL, system INTEGER NOT NULL, payload BLOB NOT NULL, state TEXT NOT NULL,
  PRIMARY KEY (submission_id, system)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ix_open ON delivery (state) WHERE state <> 'delivered';
"""
Waiter = asyncio.Future[None]


class Store:
    """Group commit for new submissions and for results."""

    def __init__(self, file: Path) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[tuple[str, bytes, list[bytes], Waiter] | tuple[str, int]] = queue.SimpleQueue()
        self._database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.executescript(SCHEMA)
        threading.Thread(target=self._work, daemon=True).start()

    async def keep(self, submission_id: str, body: bytes, payloads: list[bytes]) -> None:
        """Return once the submission and its deliveries are on disk."""
        done: Waiter = self._loop.create_future()
        self._queue.put((submission_id, body, payloads, done))
        await done

    def settle(self, submission_id: str, system: int) -> None:
        """Mark one delivery delivered, soon."""
        self._queue.put((submission_id, system))

    def open_deliveries(self) -> list[tuple[str, int, bytes]]:
        """Return what an earlier process left."""
        return self._database.execute(
            "SELECT submission_id, system, payload FROM delivery WHERE state <> 'delivered' ORDER BY submission_id"
        ).fetchall()

    def _work(self) -> None:
        while True:
            group = [self._queue.get()]
            while len(group) < 512 and not self._queue.empty():  # noqa: PLR2004 - a group's size
                group.append(self._queue.get())
            fresh = [entry for entry in group if len(entry) == 4]  # noqa: PLR2004 - a submission
            settled = [entry for entry in group if len(entry) != 4]  # noqa: PLR2004 - a result
            cursor = self._database.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            cursor.executemany("INSERT INTO submission VALUES (?, ?)", [(entry[0], entry[1]) for entry in fresh])
            cursor.executemany(
                "INSERT INTO delivery VALUES (?, ?, ?, 'waiting')",
                [(entry[0], system, payload) for entry in fresh for system, payload in enumerate(entry[2])],
            )
            cursor.executemany(
                "UPDATE delivery SET state = 'delivered' WHERE submission_id = ? AND system = ?", settled
            )
            cursor.execute("COMMIT")
            if fresh:
                self._loop.call_soon_threadsafe(_answer, [entry[3] for entry in fresh])


def _answer(waiters: list[Waiter]) -> None:
    for waiter in waiters:
        waiter.set_result(None)
