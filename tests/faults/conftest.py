"""The web edge of tests/web over a real socket, and proxies that lose things on the way."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn

from tests.store.conftest import world
from tests.web.conftest import Site, files, password_hash, settings, site

__all__ = ["files", "password_hash", "settings", "site", "world"]


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
