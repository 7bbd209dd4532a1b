"""What the catalog's tests share: the project's root, a day, and the faults of a broken copy."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from hub.catalog import BadFiles, Fault, Messages, load_catalog

ROOT = Path(__file__).parents[3]
Edit = Callable[[str, str, str], None]


DAY = date(2026, 11, 22)
"""A day on which every licence and code of the data is valid."""


def faults_of(root: Path) -> tuple[tuple[Fault, ...], Messages]:
    with pytest.raises(BadFiles) as caught:
        load_catalog(root)
    return caught.value.faults, caught.value.messages
