"""Changes the bins of a simulated 东阳考垃 while it runs, as its people, its imports and its repairs would."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar

from connectors.garbage_scoring.simulated import Office

GAP = 10
"""Between the numbers of two changes, so that one may be committed late between them."""
AHEAD = 1_000_000_000


class Bins:
    """The list of bins; a row is told from others by its number, and shows its value as `houseCode`."""

    key: ClassVar = "binCode"
    tells: ClassVar = frozenset({"ahead", "restored"})
    listed: ClassVar = "list"

    def __init__(self, directory: Path, page_rows: int, now: Callable[[], str]) -> None:
        self._directory, self.page_rows, self._now = directory, page_rows, now

    def fill(self, count: int) -> None:
        """Enter rows 1 to `count`."""
        self.put(range(1, count + 1), "filled")

    def put(self, numbers: Iterable[int], value: str, when: str = "now") -> None:
        """Enter or change rows, each as a change of its own.

        Its number is a new one, one just before the newest (`late`), one from `long_ago`, or one far `ahead`.
        """
        with self._office() as office:
            for number in numbers:
                row = (self.key_of(number), value, 1, 0, "2099-01-01 00:00:00" if when == "ahead" else self._now())
                office.enter_bin(row, self._change(office, when))

    def remove(self, number: int) -> None:
        """Take a bin out of use."""
        with self._office() as office:
            office.remove_bin(self.key_of(number))

    def held(self) -> dict[str, str]:
        """Return the value of every row it holds, by key."""
        with self._office() as office:
            return dict(office.books.execute("SELECT bin_code, house_code FROM bin").fetchall())

    def key_of(self, number: int) -> str:
        """Return the key of a row."""
        return f"LJ{number:09d}"

    def value_of(self, row: Mapping[str, Any]) -> str:
        """Return the value a row shows."""
        return str(row["houseCode"])

    def _change(self, office: Office, when: str) -> int:
        if when == "ahead":
            return AHEAD
        if when == "now":
            office.write("UPDATE counter SET newest = newest + ?", GAP)
            return office.next_change()
        taken = {
            row["change"] for row in office.books.execute("SELECT change FROM bin UNION SELECT change FROM removed")
        }
        given = range(1, office.one("SELECT newest FROM counter")["newest"])
        return next(number for number in (given if when == "long_ago" else reversed(given)) if number not in taken)

    @contextmanager
    def _office(self) -> Iterator[Office]:
        office = Office(self._directory, {}, self._now)
        with closing(office.books):
            yield office
