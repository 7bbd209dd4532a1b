"""Changes the households of a simulated 防返贫 office while it runs, each change followed by an export."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from connectors.poverty_alleviation.simulated import Office

AHEAD = "20990101000000"


class Households:
    """The exports of households; a row is told from others by its number, and shows its value as `householdCode`."""

    key: ClassVar = "fileNumber"
    page_rows: ClassVar = 2
    tells: ClassVar = frozenset({"ahead", "restored"})
    listed: ClassVar = ""

    def __init__(self, directory: Path, now: Callable[[], datetime]) -> None:
        self._directory, self._now = directory, now

    def fill(self, count: int) -> None:
        """Enter rows 1 to `count`."""
        self.put(range(1, count + 1), "filled")

    def put(self, numbers: Iterable[int], value: str, when: str = "now") -> None:
        """Enter or change rows and export all of them; `ahead` names the export for 2099, other times do not matter."""
        with self._office() as office:
            for number in numbers:
                row = {
                    "fileNumber": self.key_of(number),
                    "householdCode": value,
                    "monitoredType": "1",
                    "incomeYuan": 9000,
                    "members": [],
                }
                office.books.execute(
                    "INSERT OR REPLACE INTO household VALUES (?, ?)", (row["fileNumber"], json.dumps(row))
                )
            self._export(office, AHEAD if when == "ahead" else "")

    def remove(self, number: int) -> None:
        """Take a household off the books and export the others."""
        with self._office() as office:
            office.books.execute("DELETE FROM household WHERE file_number = ?", (self.key_of(number),))
            self._export(office)

    def held(self) -> dict[str, str]:
        """Return the value of every row on its books, by key."""
        with self._office() as office:
            bodies = [json.loads(row["body"]) for row in office.books.execute("SELECT body FROM household")]
        return {body[self.key]: self.value_of(body) for body in bodies}

    def key_of(self, number: int) -> str:
        """Return the key of a row."""
        return f"FH{number:09d}"

    def value_of(self, row: Mapping[str, Any]) -> str:
        """Return the value a row shows."""
        return str(row["householdCode"])

    def _export(self, office: Office, version: str = "") -> None:
        at = self._now()
        while not version:
            named = f"{at:%Y%m%d%H%M%S}"
            taken = (office.root / "pull" / f"households_{named}.csv").exists()
            version, at = "" if taken else named, at + timedelta(seconds=1)
        office.export_as(version)

    @contextmanager
    def _office(self) -> Iterator[Office]:
        office = Office(self._directory, {}, self._now)
        with closing(office.books):
            yield office
