"""Changes the households of a simulated 走村入户 while it runs, as its people, its imports and its repairs would."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from connectors.household_visit.simulated import BEIJING, PAGE_ROWS, Register

TIME = "%Y-%m-%d %H:%M:%S"
LONG_AGO = datetime(2020, 1, 1, tzinfo=BEIJING)
LATE = timedelta(minutes=1)
AHEAD = datetime(2099, 1, 1, tzinfo=BEIJING)


class Households:
    """The list of households; a row is told from others by its number, and shows its value as `headName`."""

    key: ClassVar = "householdCode"
    page_rows: ClassVar = PAGE_ROWS
    tells: ClassVar = frozenset({"ahead", "restored"})
    listed: ClassVar = "rows"

    def __init__(self, directory: Path, now: Callable[[], datetime]) -> None:
        self._directory, self._now = directory, now

    def fill(self, count: int) -> None:
        """Enter rows 1 to `count`, each changed at a time of its own this spring."""
        began_at = datetime(2026, 1, 1, tzinfo=BEIJING)
        self._enter({n: began_at + timedelta(minutes=n) for n in range(1, count + 1)}, "filled")

    def put(self, numbers: Iterable[int], value: str, when: str = "now") -> None:
        """Enter or change rows, all at one time: now, a little before the newest (`late`), `long_ago`, or `ahead`."""
        with self._register() as register:
            newest = register.db.execute("SELECT max(updated_at) FROM household WHERE updated_at < '2098'").fetchone()[
                0
            ]
        late_at = datetime.strptime(newest, TIME).replace(tzinfo=BEIJING) - LATE if newest else LONG_AGO
        at = {"now": self._now(), "late": late_at, "long_ago": LONG_AGO, "ahead": AHEAD}[when]
        self._enter(dict.fromkeys(numbers, at), value)

    def remove(self, number: int) -> None:
        """Strike a row off."""
        with self._register() as register:
            register.remove(self.key_of(number))

    def held(self) -> dict[str, str]:
        """Return the value of every row it holds, by key."""
        with self._register() as register:
            bodies = [json.loads(body) for (body,) in register.db.execute("SELECT body FROM household")]
        return {body[self.key]: self.value_of(body) for body in bodies}

    def key_of(self, number: int) -> str:
        """Return the key of a row."""
        return f"ZC{number:014d}"

    def value_of(self, row: Mapping[str, Any]) -> str:
        """Return the value a row shows."""
        return str(row["headName"])

    def _enter(self, times: Mapping[int, datetime], value: str) -> None:
        rows = [
            {
                "householdCode": self.key_of(number),
                "headName": value,
                "phone": "19900000101",
                "address": f"甘井村{number}号",
                "memberCount": 3,
                "divisionCode": "330783100001",
                "legacyCodes": [],
                "updatedAt": at.astimezone(BEIJING).strftime(TIME),
            }
            for number, at in times.items()
        ]
        with self._register() as register:
            register.seed({"households": rows, "officers": []})

    @contextmanager
    def _register(self) -> Iterator[Register]:
        register = Register(self._directory, 0, self._now)
        with closing(register.db):
            yield register
