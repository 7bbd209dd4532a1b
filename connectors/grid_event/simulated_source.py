"""Changes categories and events of a simulated grid centre while it runs, as its people and its repairs would."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar

from connectors.grid_event.simulated import Centre

GAP = 10
"""Between the numbers of two changes, so that one may be committed late between them."""
AHEAD = 1_000_000_000


class Categories:
    """The list of categories, read as a whole; a row shows its value as `name`, and every change is a new version."""

    key: ClassVar = "code"
    page_rows: ClassVar = 100
    tells: ClassVar[frozenset[str]] = frozenset()
    listed: ClassVar = ""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def fill(self, count: int) -> None:
        """Enter rows 1 to `count`."""
        self.put(range(1, count + 1), "filled")

    def put(self, numbers: Iterable[int], value: str, when: str = "now") -> None:  # noqa: ARG002 - no times here
        """Enter or change rows; a list read as a whole has no times, so `when` does not matter."""
        with opened(self._directory, str) as centre:
            for number in numbers:
                centre.write("INSERT OR REPLACE INTO category VALUES (?, ?)", self.key_of(number), value)
            self._new_version(centre)

    def remove(self, number: int) -> None:
        """Take a category off the list."""
        with opened(self._directory, str) as centre:
            centre.write("DELETE FROM category WHERE code = ?", self.key_of(number))
            self._new_version(centre)

    def held(self) -> dict[str, str]:
        """Return the value of every row it holds, by key."""
        with opened(self._directory, str) as centre:
            return dict(centre.books.execute("SELECT code, name FROM category").fetchall())

    def key_of(self, number: int) -> str:
        """Return the key of a row."""
        return f"C{number:04d}"

    def value_of(self, row: Mapping[str, Any]) -> str:
        """Return the value a row shows."""
        return str(row["name"])

    def _new_version(self, centre: Centre) -> None:
        centre.write("UPDATE setting SET value = value || '.1' WHERE name = 'version'")


class Events:
    """The list of events; a row is told from others by its number, and shows its value as `status`."""

    key: ClassVar = "eventNo"
    tells: ClassVar = frozenset({"restored"})
    """Not what lies ahead: it does not say how far its numbers have come."""
    listed: ClassVar = ""

    def __init__(self, directory: Path, page_rows: int, now: Callable[[], str]) -> None:
        self._directory, self.page_rows, self._now = directory, page_rows, now

    def fill(self, count: int) -> None:
        """Enter rows 1 to `count`."""
        self.put(range(1, count + 1), "filled")

    def put(self, numbers: Iterable[int], value: str, when: str = "now") -> None:
        """Enter or change rows, each as a change of its own.

        Its number is a new one, one just before the newest (`late`), one from `long_ago`, or far `ahead` of the others.
        """
        with opened(self._directory, self._now) as centre:
            for number in numbers:
                row = (self.key_of(number), value, "{}", self._now(), self._change(centre, when))
                centre.write("INSERT OR REPLACE INTO event VALUES (?, ?, ?, ?, ?)", *row)

    def remove(self, number: int) -> None:
        """Delete an event from the books, as only a repair does."""
        with opened(self._directory, self._now) as centre:
            centre.write("DELETE FROM event WHERE number = ?", self.key_of(number))

    def held(self) -> dict[str, str]:
        """Return the value of every row it holds, by key."""
        with opened(self._directory, self._now) as centre:
            return dict(centre.books.execute("SELECT number, status FROM event").fetchall())

    def key_of(self, number: int) -> str:
        """Return the key of a row."""
        return f"ZZ20260101{number:06d}"

    def value_of(self, row: Mapping[str, Any]) -> str:
        """Return the value a row shows."""
        return str(row["status"])

    def _change(self, centre: Centre, when: str) -> int:
        taken = {row["change"] for row in centre.books.execute("SELECT change FROM event")}
        newest = max(taken, default=0)
        ranges = {
            "now": range(newest + GAP, newest + GAP + 1),
            "late": range(newest - 1, 0, -1),
            "long_ago": range(1, newest),
            "ahead": range(AHEAD, 2 * AHEAD),
        }
        return next(number for number in ranges[when] if number not in taken)


@contextmanager
def opened(directory: Path, now: Callable[[], str]) -> Iterator[Centre]:
    """Open the books beside the running process."""
    centre = Centre(directory, {}, now)
    with closing(centre.books):
        yield centre
