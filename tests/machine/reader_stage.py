"""The same parts of a hub with a real connector: 走村入户's reader over its simulator, whose pages slide."""

import asyncio
import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from connectors.household_visit.connector import Connector
from connectors.household_visit.settings import Settings
from connectors.household_visit.simulated import APP_KEY, APP_SECRET, Register
from connectors.household_visit.simulated_source import Households
from hub.sdk import Unavailable
from hub.sdk.doors import Doors
from hub.systems import Registry
from tests.builders import Loose
from tests.machine.mortal import DIED
from tests.machine.pull_contents import Said
from tests.machine.pull_source import Contents, Held
from tests.machine.pull_stage import How, PullStage
from tests.some_connectors.source import registry_with

NAME, ELEMENT = "doors", "household.head_name"
PATIENCE_S = 60
"""What a reader may wait between tries, and more."""
TOKEN_S = 10**9


def one_system() -> Registry:
    """The small county's doors, kept by 走村入户."""
    whole = registry_with(
        NAME, key="householdCode", place={"division": "divisionCode", "name": "address"},
        aliases={"*": {"each": "legacyCodes", "issuer": "issuer", "code": "payload"}},
        fields={ELEMENT: {"from": "headName", "optional": True}},
    )  # fmt: skip
    system = whole.systems[NAME]
    (flow,) = system.pulls
    return replace(whole, systems={NAME: replace(system, pulls=(replace(flow, source="households"),))})


class Office:
    """The System and the wire to it: before a request its people may change something, or it is cut."""

    def __init__(self, directory: Path, now: Callable[[], Any]) -> None:
        self.list = Households(directory, now)
        self._register = Register(directory, TOKEN_S, now)
        self.is_believed = False
        self.touched: set[str] = set()
        self.meanwhile: list[tuple[int, Callable[[], None]]] = []
        self.cut_at: int | None = None
        self.hangs_at: int | None = None
        self._requests = 0

    @property
    def now(self) -> Contents:
        """What it holds, as the promises want to hear it."""
        held = {key: Held({}, Said({ELEMENT: (value,)}, {}), 0) for key, value in self.list.held().items()}
        return Contents(held)

    def put(self, numbers: list[int], value: str, when: str) -> None:
        self.list.put(numbers, value, when)
        self.touched |= {self.list.key_of(number) for number in numbers}

    def remove(self, number: int) -> None:
        self.list.remove(number)
        self.touched.add(self.list.key_of(number))

    def begin(self) -> None:
        """A reading begins."""
        self._requests, self.touched = 0, set()

    def mend(self) -> None:
        """Nothing is planned any more."""
        self.meanwhile, self.cut_at, self.hangs_at = [], None, None

    async def send(self, request: httpx.Request, **_: object) -> httpx.Response:
        """Stand in for the guarded door."""
        if request.url.path.endswith("households"):
            self._requests += 1
            await self._reach(self._requests)
            query = request.url.params
            data = self._register.list_households(query["since"], int(query["page"]))
        else:
            data = self._register.issue_token(json.loads(request.content))
        return httpx.Response(200, json={"code": 0, "msg": "成功", "data": data}, request=request)

    async def _reach(self, number: int) -> None:
        for before, change in self.meanwhile:
            if before == number:
                change()
        if self.hangs_at is not None and number >= self.hangs_at:
            await asyncio.Event().wait()
        if self.cut_at is not None and number >= self.cut_at:
            raise Unavailable("cut")

    def empty(self) -> None:
        self._register.db.execute("DELETE FROM household")

    def close(self) -> None:
        with closing(self._register.db):
            pass


class ReaderStage(PullStage):
    """One System behind its real connector."""

    def __init__(self, url: str, directory: Path) -> None:
        super().__init__(url)
        self.registry = one_system()
        self.office = Office(directory, self.clock.now)

    def connectors(self) -> dict[str, Any]:
        settings = Settings(base_url="http://127.0.0.1:9101", app_key=APP_KEY, app_secret=APP_SECRET)
        doors: Loose = Doors(http=self.office, egress=None, clock=self.clock)  # type: ignore[arg-type]  # its send alone is used
        return {NAME: Connector(settings, doors)}

    def begin(self) -> None:
        super().begin()
        self.sources = {NAME: self.office}

    def start(self) -> None:
        self.office.mend()
        super().start()

    def pull(self, system: str, how: How) -> Loose:
        self.office.begin()
        return super().pull(system, how)

    def wait(self, **units: float) -> None:
        self.office.begin()
        super().wait(**units)

    def do(self, work: Loose) -> Loose:
        task = self.begun(work)
        self.loop.settle(PATIENCE_S)
        if not task.done():
            self.die()
            self.start()
            return DIED
        return task.result()

    def forget(self) -> None:
        super().forget()
        self.office.empty()

    def close(self) -> None:
        super().close()
        self.office.close()
