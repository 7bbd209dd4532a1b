"""Delivers bin scores to 东阳考垃 and reads its bins: I/O only, meaning is in mapping.py."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, ClassVar
from urllib.parse import quote

import httpx

from connectors.garbage_scoring.bins import Bins, bins_of, read_bins
from connectors.garbage_scoring.mapping import (
    as_of,
    existing_receipt,
    has_failed,
    is_success,
    is_turned_away,
    receipt,
    refusal,
)
from connectors.garbage_scoring.settings import Settings
from connectors.garbage_scoring.signature import signed_headers
from hub.sdk import Capabilities, Misconfigured, Outgoing, Page, Receipt, Refused
from hub.sdk.answers import check_status, excerpt, read_object
from hub.sdk.doors import Doors
from hub.sdk.http import inconclusive
from hub.sdk.reading import Marks, patiently, read_changes

SKEW_WORDS = "时间偏差"


class Connector:
    """One garbage-scoring System."""

    # It stores our requestId but promises nothing about it, so what is unknown is probed, never sent again blindly.
    capabilities: ClassVar[Capabilities] = Capabilities(
        honours_key=False, probes=True, probes_changes=True, amends=True, sources=("bins",)
    )

    def __init__(self, settings: Settings, doors: Doors) -> None:
        self._settings = settings
        self._doors = doors

    async def check(self) -> str:
        """Ask for one bin, which tries address, clock and keys."""
        _, answer = await self._ask("GET", "/bins", {"size": "1"})
        return f"the gateway accepts our signature; {bins_of(answer['data']).total} bins are kept there"

    async def push(self, outgoing: Outgoing) -> Receipt:
        """Store a score, or change today's; a score cannot be taken back there."""
        if outgoing.intent == "withdraw":
            raise Refused("this System cannot take a score back; its owner has to delete it by hand", code="WITHDRAW")
        body = {**json.loads(outgoing.payload), "requestId": outgoing.key}
        if outgoing.intent == "amend":
            request, answer = await self._call("PUT", f"/score/{quote(outgoing.amends, safe='')}", body=body)
        else:
            request, answer = await self._call("POST", "/score", body=body)
        if not is_success(answer):
            earlier = existing_receipt(answer, outgoing.key)
            if earlier is None:
                raise refusal(answer)
            return earlier
        stored = receipt(answer.get("data"))
        if stored is None:
            raise inconclusive(request, "it answered success without a score number")
        return stored

    async def probe(self, outgoing: Outgoing) -> Receipt | None:
        """Look the key up, of a change too; no score means it never arrived."""
        _, answer = await self._ask("GET", "/score", {"requestId": outgoing.key})
        return receipt(answer["data"], repeated=True)

    async def pull(self, source: str, cursor: str) -> AsyncIterator[Page]:
        """Yield bins that changed since the cursor, the System's own change number; oldest change first."""
        if source not in self.capabilities.sources:
            raise Misconfigured(f"{source!r} cannot be pulled here; this System has: bins")
        overlap = self._settings.overlap_changes
        marks = Marks(str, int, lambda change: max(change - overlap, 0))
        async for page in read_changes(partial(read_bins, self._ask_bins), marks, cursor):
            yield page

    async def _ask_bins(self, after: int) -> tuple[Bins, datetime | None]:
        query = {"cursor": str(after), "size": str(self._settings.page_size)}
        _, answer = await self._ask("GET", "/bins", query)
        return bins_of(answer["data"]), as_of(answer)

    async def _ask(self, method: str, path: str, query: Mapping[str, str]) -> tuple[httpx.Request, dict[str, Any]]:
        """Read something, patiently; an answer other than success means that the hub asked wrongly."""
        request, answer = await patiently(partial(self._call, method, path, query))
        if not is_success(answer):
            raise Misconfigured(f"{path}: {refusal(answer).reason}")
        if "data" not in answer:
            raise inconclusive(request, f"{path}: it answered success without data")
        return request, answer

    async def _call(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
    ) -> tuple[httpx.Request, dict[str, Any]]:
        request = self._signed(method, path, query, body)
        response = await self._doors.http.send(request)
        turned_away = is_turned_away(response.status_code, response.content)
        if turned_away and SKEW_WORDS in excerpt(response):
            raise Misconfigured(f"{excerpt(response)}: the hub's clock is wrong; set it by NTP")
        check_status(response, self._doors.clock.now(), declared=turned_away)
        answer = read_object(response)
        if has_failed(answer):
            raise inconclusive(request, f"it failed inside HTTP 200: {excerpt(response, 200)}")
        return request, answer

    def _signed(
        self, method: str, path: str, query: Mapping[str, str] | None, body: Mapping[str, Any] | None
    ) -> httpx.Request:
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = {} if content is None else {"Content-Type": "application/json; charset=utf-8"}
        url = self._settings.base_url.rstrip("/") + path
        request = httpx.Request(method, url, params=query, content=content, headers=headers)
        secret = self._settings.secret_key.get_secret_value()
        request.headers.update(signed_headers(request, self._settings.access_key, secret, self._doors.clock.now()))
        return request
