"""The real hub under a loose umask: what it makes, uploads, copies and restores is nobody else's to read."""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.crash.mortal import free_port
from tests.fifth.ledger_world import HubProcess, Ledgers, sign_in
from tests.pictures import jpeg
from tests.resources.commands import hub_command

pytestmark = [pytest.mark.fault("F97"), pytest.mark.case("C75"), pytest.mark.timeout(300)]
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}
PHOTO = jpeg(b"gate" * 100)
TESTS_OWN = {"connectors.yaml", "accounts.yaml", "hub.log"}


@pytest.fixture(autouse=True)
def _loose() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> list[str]:
    paths = [folder, *folder.rglob("*")]
    found = [path for path in paths if path.name not in TESTS_OWN and path.stat().st_mode & 0o077]
    return sorted(f"{oct(stat.S_IMODE(path.stat().st_mode))} {path.relative_to(folder.parent)}" for path in found)


def loosen(data: Path) -> None:
    for path in (data / "hub.db", data / "blobs", data / "keys"):
        path.chmod(0o755)


async def test_a_first_start_an_upload_a_copy_and_a_restore(tmp_path: Path) -> None:
    async with Ledgers() as ledgers, httpx.AsyncClient(timeout=30, trust_env=False) as client:
        data = tmp_path / "up" / "data"
        hub = HubProcess(data, free_port(), ledgers.port, f"sqlite:///{data}/hub.db")
        hub.write_files()
        for made_here in (tmp_path / "up", data):
            made_here.chmod(0o700)
        hub.start()
        await hub.ready(client)
        await sign_in(client, hub.url)
        url = f"{hub.url}/api/v1/attachments/{hashlib.sha256(PHOTO).hexdigest()}"
        assert (await client.put(url, content=PHOTO, headers=OWN_PAGE)).status_code == 201
        assert open_to_others(tmp_path / "up") == []
        code, said = await hub_command(hub, "backup", str(tmp_path / "up" / "copy.zip"))
        assert code == 0, said
        assert hub.stop() == 0
        loosen(data)
        _, said = await hub_command(hub, "check")
        assert f"{data}/hub.db: 本机其他人可以读到 / others on this machine may read it" in said.replace("\n", "")
        code, said = await hub_command(hub, "restore", "--force", str(tmp_path / "up" / "copy.zip"))
        assert code == 0, said
        assert open_to_others(tmp_path / "up") == []
        loosen(data)
        hub.start()
        await hub.ready(client)
        assert open_to_others(tmp_path / "up") == []
        assert hub.stop() == 0
