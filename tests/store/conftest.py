"""A store with Systems that do as told; every change of a Delivery's state is watched by the database itself."""

from collections.abc import AsyncIterator

import pytest

from hub.store import Store
from tests.builders import World, watch_moves
from tests.conftest import HandClock


@pytest.fixture
async def world(store: Store, clock: HandClock) -> AsyncIterator[World]:
    """A world in which no illegal move of a Delivery may ever happen."""
    illegal = await watch_moves(store)
    yield World(store, clock)
    assert await illegal() == set()
