"""Fixtures of the connector tests: simulators that run while a test, or the whole run, needs them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import pytest
import uvloop

from hub.store import open_store
from tests.builders import World, watch_moves
from tests.conftest import HandClock
from tests.connectors.system import System

ON_BOTH_LOOPS = {"test_http_door.py", "test_http_connections.py", "test_http_tls.py"}
"""Modules run on Python's own event loop and on uvloop, which the hub runs on: what reaches a protocol differs."""
ON_UVLOOP = {"test_table_faults.py", "test_table_caps.py", "test_file_caps.py", "test_http_caps.py"}
"""Long ones, run on the hub's own loop only; their neighbours meet the same driver on Python's."""


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Say which event loops a test is run on."""
    loops = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    if item.path.name in ON_BOTH_LOOPS:
        return loops
    name = "uvloop" if item.path.name in ON_UVLOOP else "asyncio"
    return {name: loops[name]}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a test that hangs end: uvloop never gives the signal of the usual time limit a chance."""
    for item in items:
        if item.path.name in ON_BOTH_LOOPS | ON_UVLOOP:
            item.add_marker(pytest.mark.timeout(120, method="thread"))


@pytest.fixture
async def world(sqlite_template: bytes, tmp_path: Path, clock: HandClock) -> AsyncIterator[World]:
    """The outbox, with Systems to be put in front of it; tests/store is where it runs on both databases."""
    file = tmp_path / "hub.db"
    file.write_bytes(sqlite_template)
    store = open_store(f"sqlite:///{file}")
    illegal = await watch_moves(store)
    yield World(store, clock)
    assert await illegal() == set()
    await store.close()


@pytest.fixture
def system(kind: str, tmp_path: Path) -> Iterator[System]:
    """A simulator of its own for a test that stores something in it or stops it."""
    fresh = System(kind, tmp_path / kind)
    fresh.start(fresh.simulator.sample_seed())
    yield fresh
    fresh.stop()


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, System]]:
    """The simulators that stay up, by kind, as far as tests have asked for them."""
    running: dict[str, System] = {}
    yield running
    for each in running.values():
        each.stop()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, System]]:
    """The simulators of one module, by kind, as far as its tests have asked for them."""
    found: dict[str, System] = {}
    yield found
    for each in found.values():
        each.stop()


@pytest.fixture
def shared(kind: str, running: dict[str, System], tmp_path_factory: pytest.TempPathFactory) -> System:
    """A simulator that keeps what earlier tests of the module did to it."""
    if kind not in running:
        system = System(kind, tmp_path_factory.mktemp("shared") / kind)
        system.start(system.simulator.sample_seed())
        running[kind] = system
    return running[kind]


@pytest.fixture
def untouched(kind: str, standing: dict[str, System], tmp_path_factory: pytest.TempPathFactory) -> System:
    """A simulator shared by all tests that leave nothing behind in it."""
    if kind not in standing:
        shared = System(kind, tmp_path_factory.mktemp("standing") / kind)
        shared.start(shared.simulator.sample_seed())
        standing[kind] = shared
    return standing[kind]
