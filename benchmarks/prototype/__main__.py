"""Serves the bare prototype: POST /submissions is judged, flushed, handed over in memory and sent to three ports.

python -m benchmarks.prototype PORT FOLDER PORT,PORT,PORT httpx|door|hand
"""

import asyncio
import sys
from collections import deque
from pathlib import Path

import jsonschema_rs
import orjson
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.prototype.clients import CLIENTS, Client
from benchmarks.prototype.store import Store
from hub.catalog import load_catalog

IN_FLIGHT = 32
RETRY_S = 1.0
CREATED = 201
ENVELOPE = ("id", "form", "version", "occurred_at", "reported_at", "answers")


def payloads(body: dict[str, object], systems: int) -> list[bytes]:
    """Return what each System gets."""
    answers: dict[str, object] = body["answers"]  # type: ignore[assignment]  # judged before
    mapped = {
        "key": body["id"],
        "reference": answers["inspection.reference"],
        "title": answers["inspection.title"],
        "category": answers["inspection.category"],
        "severity": answers["inspection.severity"],
        "site": answers["inspection.site"],
        "households": answers["inspection.households"],
        "detail": answers["inspection.detail"],
        "place": answers.get("inspection.location"),
        "happenedAt": body["occurred_at"],
    }
    return [orjson.dumps({**mapped, "system": number}) for number in range(systems)]


class Dispatch:
    """Queues and senders of one System; a failure goes to the end of the queue a second later."""

    def __init__(self, number: int, client: Client, store: Store) -> None:
        self._number, self._client, self._store = number, client, store
        self._due: deque[tuple[str, bytes]] = deque()
        self._busy = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, submission_id: str, payload: bytes) -> None:
        """Take one delivery."""
        self._due.append((submission_id, payload))
        if self._busy < IN_FLIGHT:
            self._busy += 1
            task = asyncio.create_task(self._send())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _send(self) -> None:
        while self._due:
            submission_id, payload = self._due.popleft()
            try:
                status = await self._client.post(payload, f"{submission_id}:{self._number}")
            except OSError:
                status = 0
            if status == CREATED:
                self._store.settle(submission_id, self._number)
            else:
                asyncio.get_running_loop().call_later(RETRY_S, self.add, submission_id, payload)
        self._busy -= 1


def make_app(folder: Path, store: Store, lines: list[Dispatch]) -> Starlette:
    """Return the ASGI app."""
    form = load_catalog(folder).form("inspection")
    assert form is not None
    verdict = jsonschema_rs.validator_for(form.schema)

    async def submit(request: Request) -> Response:
        body = orjson.loads(await request.body())
        if any(name not in body for name in ENVELOPE) or not verdict.is_valid(body["answers"]):
            return Response(status_code=422)
        made = payloads(body, len(lines))
        await store.keep(body["id"], orjson.dumps(body), made)
        for line, payload in zip(lines, made, strict=True):
            line.add(body["id"], payload)
        return Response(orjson.dumps({"id": body["id"]}), CREATED, media_type="application/json")

    async def ready(_request: Request) -> Response:
        return Response()

    return Starlette(routes=[Route("/submissions", submit, methods=["POST"]), Route("/ready", ready)])


async def serve(port: int, folder: Path, aims: list[int], client: str) -> None:
    """Serve until told to stop."""
    store = Store(folder / "prototype.db")
    lines = [Dispatch(number, CLIENTS[client](aim), store) for number, aim in enumerate(aims)]
    app = make_app(folder, store, lines)
    for submission_id, system, payload in store.open_deliveries():
        lines[system].add(submission_id, payload)
    await uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", access_log=False)).serve()


if __name__ == "__main__":
    _, port, folder, aims, client = sys.argv
    uvloop.run(serve(int(port), Path(folder), [int(aim) for aim in aims.split(",")], client))
