"""`hub` commands as processes of their own, with the settings of a hub under test."""

import asyncio
import os
import sys

from tests.fifth.ledger_world import ROOT, HubProcess

PLAIN = ("-c", "from hub.cli import main; main()")
ARMED = ("-m", "tests.crash.hub_under_test")


async def hub_command(hub: HubProcess, *words: str, orders: str = "") -> tuple[int, str]:
    """Run a command; return its exit code and what it said. `orders` arm failpoints."""
    theirs = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    settings = {
        "HUB_PROFILE": "test", "HUB_HOME": str(ROOT), "HUB_DATA_DIR": str(hub.home), "LC_ALL": "en_GB.UTF-8",
        "HUB_DATABASE_URL": hub.database_url, "HUB_CONNECTORS_FILE": str(hub.home / "connectors.yaml"),
        "HUB_CONNECTOR_PACKAGES": '["tests.fifth"]', "PYTHONPATH": str(ROOT), "HUB_FAILPOINTS": orders,
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, *(ARMED if orders else PLAIN), *words, env=theirs | settings, cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()
