"""Carries visits to 走村入户 and reads its households. I/O only: answers are read in mapping.py."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import quote

import httpx

from connectors.household_visit.households import Listing
from connectors.household_visit.mapping import (
    NOT_FOUND,
    TOKEN_EXPIRED,
    Answer,
    Grant,
    Households,
    accept,
    read_answer,
    read_time,
    receipt_of,
    written_time,
)
from connectors.household_visit.settings import Settings
from hub.sdk import Capabilities, Misconfigured, Outgoing, Page, Receipt, Refused
from hub.sdk.answers import check_status, read_part
from hub.sdk.doors import Doors
from hub.sdk.reading import Marks, Token, TokenExpired, Tokens, patiently, read_changes


class Connector:
    """One installation of 走村入户."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        honours_key=True, probes=True, probes_changes=True, amends=True, sources=("households",)
    )

    def __init__(self, settings: Settings, doors: Doors) -> None:
        self._settings = settings
        self._doors = doors
        self._tokens = Tokens(doors.clock, self._fetch_token)

    async def check(self) -> str:
        """Fetch a token and the first page of households."""
        page = await self._read_households(None, 1)
        return f"answers, and lists {page.total} households"

    async def push(self, outgoing: Outgoing) -> Receipt:
        """Report a visit or amend one; the key goes along as `clientId`."""
        if outgoing.intent == "withdraw":
            raise Refused("走村入户 takes no withdrawals")
        body = {**json.loads(outgoing.payload), "clientId": outgoing.key}
        if outgoing.intent == "amend":
            return receipt_of(*await self._call("PUT", f"visits/{quote(outgoing.amends, safe='')}", body=body))
        return receipt_of(*await self._call("POST", "visits", body=body))

    async def probe(self, outgoing: Outgoing) -> Receipt | None:
        """Ask what became of a `clientId`; it keeps those of amendments too."""
        response, answer = await self._call("GET", f"visits/by-client/{quote(outgoing.key, safe='')}")
        return None if answer.code == NOT_FOUND else receipt_of(response, answer)

    async def pull(self, source: str, cursor: str) -> AsyncIterator[Page]:
        """Yield households that changed since the cursor, a time of change; oldest change first."""
        if source not in self.capabilities.sources:
            raise Misconfigured(f"走村入户 has no source {source!r}, only {', '.join(self.capabilities.sources)}")
        overlap = timedelta(seconds=self._settings.overlap_s)
        # Once a cursor was `time|code`.
        marks = Marks(written_time, lambda text: read_time(text.partition("|")[0]), lambda at: at - overlap)
        async for page in read_changes(lambda since: Listing(self._read_households, since).batches(), marks, cursor):
            yield page

    async def _read_households(self, since: datetime | None, number: int) -> Households:
        async def once() -> Households:
            query = {"since": written_time(since) if since else "", "page": str(number)}
            response, answer = await self._call("GET", "households", query=query)
            return read_part(response, accept(answer), Households)

        return await patiently(once)

    async def _call(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: object = None
    ) -> tuple[httpx.Response, Answer]:
        async def with_token(token: str) -> tuple[httpx.Response, Answer]:
            headers = {"Authorization": f"Bearer {token}"}
            response, answer = await self._send(
                httpx.Request(method, self._url(path), params=query, json=body, headers=headers)
            )
            if answer.code == TOKEN_EXPIRED:
                raise TokenExpired
            return response, answer

        return await self._tokens.use(with_token)

    async def _fetch_token(self) -> Token:
        credentials = {"appKey": self._settings.app_key, "appSecret": self._settings.app_secret.get_secret_value()}
        response, answer = await self._send(httpx.Request("POST", self._url("token"), json=credentials))
        grant = read_part(response, accept(answer), Grant)
        return Token(grant.accessToken, grant.expiresIn)

    async def _send(self, request: httpx.Request) -> tuple[httpx.Response, Answer]:
        response = await self._doors.http.send(request)
        check_status(response, self._doors.clock.now())
        return response, read_answer(response)

    def _url(self, path: str) -> str:
        return f"{self._settings.base_url.rstrip('/')}/api/{path}"
