"""Carries patrols and matters to 河长制巡河 and reads its segments. I/O only: answers are read in mapping.py."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import ClassVar, Final
from urllib.parse import quote

import httpx

from connectors.river_patrol.mapping import (
    DATA_NOEXIST,
    NO_SESSION,
    Answer,
    Grant,
    Segments,
    accept,
    read_answer,
    receipt_of,
)
from connectors.river_patrol.segments import read_segments
from connectors.river_patrol.settings import Settings
from hub.sdk import Capabilities, Misconfigured, Outgoing, Page, Receipt, Refused
from hub.sdk.answers import check_status, read_part
from hub.sdk.doors import Doors
from hub.sdk.reading import Token, TokenExpired, Tokens, patiently

PAGE_ROWS: Final = 100


class Connector:
    """One installation of 河长制巡河."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        honours_key=True, probes=True, probes_changes=True, amends=True, sources=("segments",)
    )

    def __init__(self, settings: Settings, doors: Doors) -> None:
        self._settings = settings
        self._doors = doors
        self._tokens = Tokens(doors.clock, self._fetch_token)

    async def check(self) -> str:
        """Fetch a token and the first segment."""
        page = await self._read_segments("", 1)
        return "answers, and lists segments" if page.rows else "answers, and lists no segment yet"

    async def push(self, outgoing: Outgoing) -> Receipt:
        """Report a patrol (a payload with `beginTime`) or a matter, or amend a matter; the key is `instanceId`."""
        content = json.loads(outgoing.payload)
        body = {**content, "instanceId": outgoing.key}
        patrol = "beginTime" in content
        if outgoing.intent == "create":
            return receipt_of(*await self._call("POST", "cruise" if patrol else "matter", body=body))
        if outgoing.intent == "withdraw" or patrol:
            raise Refused("河长制巡河 takes no withdrawals, and no changes to a patrol")
        return receipt_of(*await self._call("POST", f"matter/{quote(outgoing.amends, safe='')}/update", body=body))

    async def probe(self, outgoing: Outgoing) -> Receipt | None:
        """Ask what became of an `instanceId`; it keeps those of changes too."""
        response, answer = await self._call("GET", f"instance/{quote(outgoing.key, safe='')}")
        return None if answer.result == DATA_NOEXIST else receipt_of(response, answer)

    async def pull(self, source: str, cursor: str) -> AsyncIterator[Page]:
        """Yield segments in the order of their ids; once one has changed, all. The cursor is `version/last id`."""
        if source not in self.capabilities.sources:
            raise Misconfigured(f"河长制巡河 has no source {source!r}, only {', '.join(self.capabilities.sources)}")
        async for page in read_segments(self._read_segments, cursor):
            yield page

    async def _read_segments(self, after: str, size: int = PAGE_ROWS) -> Segments:
        async def once() -> Segments:
            response, answer = await self._call("GET", "segments", query={"after": after, "size": str(size)})
            return read_part(response, accept(answer), Segments)

        return await patiently(once)

    async def _call(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: object = None
    ) -> tuple[httpx.Response, Answer]:
        async def with_token(token: str) -> tuple[httpx.Response, Answer]:
            params = {**(query or {}), "access_token": token}
            response, answer = await self._send(httpx.Request(method, self._url(path), params=params, json=body))
            if answer.result == NO_SESSION:
                raise TokenExpired
            return response, answer

        return await self._tokens.use(with_token)

    async def _fetch_token(self) -> Token:
        credentials = {"app_id": self._settings.app_id, "secret": self._settings.secret.get_secret_value()}
        response, answer = await self._send(httpx.Request("POST", self._url("token"), json=credentials))
        grant = read_part(response, accept(answer), Grant)
        return Token(grant.access_token, grant.expires_in)

    async def _send(self, request: httpx.Request) -> tuple[httpx.Response, Answer]:
        response = await self._doors.http.send(request)
        check_status(response, self._doors.clock.now())
        return response, read_answer(response)

    def _url(self, path: str) -> str:
        return f"{self._settings.base_url.rstrip('/')}/{path}"
