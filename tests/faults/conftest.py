"""The web edge of tests/web over a real socket, and proxies that lose things on the way."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn

from tests.some_connectors.county import County
from tests.store.conftest import world
from tests.web.conftest import Site, files, password_hash, settings, site

__all__ = ["PLAIN", "counts", "files", "password_hash", "settings", "site", "world"]
PLAIN = {
    "household.head_name": "陈大山",
    "household.phone": "19900000102",
    "household.member_count": 5,
    "visit.purpose": "care",
}
"""The least a visit says."""


async def counts(site: Site) -> dict[str, int]:
    """How many rows every table of the site's database has."""
    return await County(site.store, site.parts.clock).counts()


@pytest.fixture
async def port(site: Site) -> AsyncIterator[int]:
    """The site served by a real server on loopback; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(site.app, log_config=None, access_log=False, lifespan="off"))
        task = asyncio.create_task(server.serve([listening]))
        while not server.started:  # noqa: ASYNC110 - uvicorn tells by a flag only
            await asyncio.sleep(0.01)
        yield int(listening.getsockname()[1])
        server.should_exit = True
        await task
