"""What the tests within one process share: a world, and no failpoint armed after them."""

from collections.abc import Iterator

import pytest

from hub import failpoint
from hub.store import Store
from tests.builders import World
from tests.conftest import HandClock
from tests.crash.private_postgres import PrivatePostgres


@pytest.fixture
async def world(store: Store, clock: HandClock) -> World:
    return World(store, clock)


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoint.arm(None)


@pytest.fixture
def postgres() -> Iterator[PrivatePostgres]:
    """A server of one's own, to be killed."""
    server = PrivatePostgres()
    yield server
    server.close()
