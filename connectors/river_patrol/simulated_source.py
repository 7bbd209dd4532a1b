"""Changes the segments of a simulated 河长制巡河 while it runs, as its people would."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from connectors.river_patrol.simulated import Register


class Segments:
    """The list of segments; a row is told from others by its number, and shows its value as `name`."""

    key: ClassVar = "segmentId"
    page_rows: ClassVar = 100
    tells: ClassVar[frozenset[str]] = frozenset()
    """Nothing: a version says that the list is another one, not whether it is an older one."""
    listed: ClassVar = "rows"

    def __init__(self, directory: Path, now: Callable[[], datetime]) -> None:
        self._directory, self._now = directory, now

    def fill(self, count: int) -> None:
        """Enter rows 1 to `count`."""
        self.put(range(1, count + 1), "filled")

    def put(self, numbers: Iterable[int], value: str, when: str = "now") -> None:  # noqa: ARG002 - no times here
        """Enter or change rows; a list in the order of ids has no times, so `when` does not matter."""
        rows = [
            {
                "segmentId": self.key_of(number),
                "name": value,
                "chief": "河长一",
                "minMinutes": 5,
                "minLengthM": 300,
                "divisionCode": "330783100001",
                "path": [[120.244, 29.287], [120.254, 29.287]],
                "wardens": ["DY0001"],
            }
            for number in numbers
        ]
        with self._register() as register:
            register.seed({"segments": rows})

    def remove(self, number: int) -> None:
        """Take a row off."""
        with self._register() as register:
            register.remove(self.key_of(number))

    def held(self) -> dict[str, str]:
        """Return the value of every row it holds, by key."""
        with self._register() as register:
            bodies = [json.loads(body) for (body,) in register.db.execute("SELECT body FROM segment")]
        return {body[self.key]: self.value_of(body) for body in bodies}

    def key_of(self, number: int) -> str:
        """Return the key of a row."""
        return f"HD{number:09d}"

    def value_of(self, row: Mapping[str, Any]) -> str:
        """Return the value a row shows."""
        return str(row["name"])

    @contextmanager
    def _register(self) -> Iterator[Register]:
        register = Register(self._directory, 0, self._now)
        with closing(register.db):
            yield register
