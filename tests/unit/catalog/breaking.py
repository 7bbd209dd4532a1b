"""What the catalog's tests share: the project's root, a day that stands still, and the faults of a broken copy."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.catalog import BadFiles, Fault, Messages, load_catalog

ROOT = Path(__file__).parents[3]
Edit = Callable[[str, str, str], None]


class StoppedClock:
    """A day on which every licence and code of the data is valid."""

    def now(self) -> datetime:
        return datetime(2026, 11, 22, 4, 0, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


CLOCK = StoppedClock()


def faults_of(root: Path) -> tuple[tuple[Fault, ...], Messages]:
    with pytest.raises(BadFiles) as caught:
        load_catalog(root, CLOCK)
    return caught.value.faults, caught.value.messages
