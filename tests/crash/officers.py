"""The people of a kill run: they keep filling, correcting and asking over every crash, and note what they were told."""

import asyncio
import hashlib
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

import httpx

from tests.crash.books import ASKED, BOOKS, Books, row_code
from tests.fifth.ledger_world import submission
from tests.pictures import jpeg

AGAIN_S = 0.05
ANSWERS = {
    "submit": (200, 201), "resend": (200,), "conflict": (409,), "correct": (200, 201), "photo": (200, 201),
    "withdraw": (200, 201), "move": (200, 201), "look": (200, 404),
}  # fmt: skip
PHOTO_BYTES = 3_000
REPLAYED = 3
MOST_ODD = 100


@dataclass
class Told:
    """What the hub answered; what it promised must be true however often it died."""

    begun: set[str] = field(default_factory=set)
    """Ids of all Submissions and corrections ever sent."""
    acked: dict[str, str] = field(default_factory=dict)
    """Ids answered with success, each with its receipt number."""
    photos: set[str] = field(default_factory=set)
    withdrawn: set[str] = field(default_factory=set)
    """Ids of Submissions whose withdrawal, or move, was answered with success."""
    odd: Counter[str] = field(default_factory=Counter)
    """Answers nobody should get, such as 500."""
    deeds: Counter[str] = field(default_factory=Counter)


class Officers:
    """Several people at once, each doing one thing after another; what got no answer is sent again under its id."""

    def __init__(self, url: str, cookies: httpx.Cookies, seed: int) -> None:
        self.url, self.cookies = url, cookies
        self.told = Told()
        self.running = True
        self.paused = False
        self._dice = random.Random(seed)

    async def work(self) -> None:
        """Fill, and now and then do something else, until told to stop."""
        async with httpx.AsyncClient(
            base_url=f"{self.url}/api/v1/",
            cookies=self.cookies,
            timeout=5,
            trust_env=False,
            headers={"Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"},
        ) as client:
            while self.running:
                if self.paused:
                    await asyncio.sleep(AGAIN_S)
                    continue
                await self._one_piece_of_work(client)

    async def _one_piece_of_work(self, client: httpx.AsyncClient) -> None:
        chance = self._dice.random()
        photos = [await self._photo(client)] if chance < 0.3 else []
        client_id, body = self._fill(photos)
        view = await self._send(client, "submit", "submissions", client_id, body)
        if chance < 0.1:
            again = await self._tell(client, "resend", "POST", "submissions", body)
            if again.json()["number"] != view["number"]:
                self.told.odd["another receipt for the same content"] += 1
        elif chance < 0.2:
            await self._tell(client, "conflict", "POST", "submissions", body.replace("三天".encode(), "四天".encode()))
        elif chance < 0.5:
            correction_id, correction = self._fill(photos)
            await self._send(client, "correct", f"submissions/{view['id']}/revisions", correction_id, correction)
        if 0.4 < chance < 0.6:
            await self._take_back(client, view["id"])
        elif chance > 0.9:
            await self._move(client, view["id"], photos)

    async def _take_back(self, client: httpx.AsyncClient, submission_id: str) -> None:
        body = json.dumps({"why": "走错门了"}).encode()
        await self._tell(client, "withdraw", "POST", f"submissions/{submission_id}/withdrawal", body)
        self.told.withdrawn.add(submission_id)

    async def _move(self, client: httpx.AsyncClient, submission_id: str, photos: list[str]) -> None:
        """File it at the first household that was read, once one was."""
        there = await self._tell(client, "look", "GET", f"places/{row_code(0)}", b"")
        if there.status_code != httpx.codes.OK:
            return
        client_id, filled = self._fill(photos)
        body = json.dumps(json.loads(filled) | {"place": row_code(0), "why": "走错门了"}).encode()
        await self._send(client, "move", f"submissions/{submission_id}/move", client_id, body)
        self.told.withdrawn.add(submission_id)

    def _fill(self, photos: list[str]) -> tuple[str, bytes]:
        client_id = str(UUID(int=self._dice.getrandbits(128), version=4))
        self.told.begun.add(client_id)
        body = json.loads(submission(len(self.told.begun), client_id))
        if photos:
            body["answers"]["finding.photos"] = photos
        return client_id, json.dumps(body, ensure_ascii=False).encode()

    async def _photo(self, client: httpx.AsyncClient) -> str:
        data = jpeg(self._dice.randbytes(PHOTO_BYTES))
        sha256 = hashlib.sha256(data).hexdigest()
        await self._tell(client, "photo", "PUT", f"attachments/{sha256}", data)
        self.told.photos.add(sha256)
        return sha256

    async def _send(
        self, client: httpx.AsyncClient, deed: str, path: str, client_id: str, body: bytes
    ) -> dict[str, str]:
        answer = await self._tell(client, deed, "POST", path, body)
        view: dict[str, str] = answer.json()
        self.told.acked[client_id] = view["number"]
        return view

    async def _tell(self, client: httpx.AsyncClient, deed: str, method: str, path: str, body: bytes) -> httpx.Response:
        """Say it until it is answered."""
        while True:
            try:
                answer = await client.request(method, path, content=body)
            except httpx.TransportError:
                await asyncio.sleep(AGAIN_S)
                continue
            if answer.status_code in ANSWERS[deed]:
                self.told.deeds[deed] += 1
                return answer
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                self.told.odd[f"{deed}: {answer.status_code} {answer.json().get('code', '')}"] += 1
                assert self.told.odd.total() < MOST_ODD, self.told.odd
            await asyncio.sleep(AGAIN_S)

    async def operate(self, cookies: httpx.Cookies, *, pulling: bool) -> None:
        """An operator reads the first book and sends a few of its Deliveries again, over and over."""
        async with httpx.AsyncClient(
            base_url=f"{self.url}/api/v1/",
            cookies=cookies,
            timeout=5,
            trust_env=False,
            headers={"Sec-Fetch-Site": "same-origin"},
        ) as client:
            while self.running:
                await asyncio.sleep(AGAIN_S)
                if self.paused:
                    continue
                try:
                    if pulling:
                        await client.post(f"systems/{BOOKS[0]}/pull", json={})
                    await self._replay(client)
                except httpx.TransportError:
                    continue

    async def _replay(self, client: httpx.AsyncClient) -> None:
        found = await client.get("deliveries", params={"system": BOOKS[0], "state": "delivered", "limit": REPLAYED})
        if not found.is_success or not found.json():
            return
        ids = [row["id"] for row in found.json()]
        answer = await client.post("deliveries/replay", json={"ids": ids, "why": "the county office asked for it"})
        self.told.deeds["replay"] += answer.is_success


async def settle_suspects(client: httpx.AsyncClient, url: str, books: Books) -> int:
    """Do what a person does with what was parked after five workers in a row died over it; return how many.

    Where keys are not honoured one looks there first: sending again what arrived would double it.
    """
    there = f"{url}/api/v1/deliveries"
    headers, why = {"Sec-Fetch-Site": "same-origin"}, "its workers were killed by us"
    found = (await client.get(there, params={"state": "parked", "limit": 200})).json()
    for row in found:
        key = (await client.get(f"{there}/{row['id']}")).json()["key"]
        if key in books.seen[ASKED]:
            answer = await client.post(
                f"{there}/{row['id']}/confirm", json={"number": "S", "why": why}, headers=headers
            )
        else:
            answer = await client.post(f"{there}/{row['id']}/replay", json={"why": why}, headers=headers)
        assert answer.is_success, answer.text
    return len(found)
