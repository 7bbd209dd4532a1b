"""The real hub whose files are taken away under it: it says so within seconds, and no 201 is gone at the next start."""

import hashlib
import resource
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.crash.mortal import free_port
from tests.fifth.ledger_world import HubProcess, Ledgers, sign_in, submission
from tests.pictures import jpeg
from tests.resources.test_restore_real import OWN_PAGE

pytestmark = [pytest.mark.fault("F98"), pytest.mark.case("C76"), pytest.mark.timeout(300)]
PHOTO = jpeg(b"gate" * 100)


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[HubProcess]:
    async with Ledgers() as ledgers, httpx.AsyncClient(trust_env=False) as client:
        made = HubProcess(tmp_path / "hub", free_port(), ledgers.port, f"sqlite:///{tmp_path}/hub/hub.db")
        made.write_files()
        made.start()
        await made.ready(client)
        yield made
        made.stop()


@pytest.fixture
async def client(hub: HubProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=20, trust_env=False, base_url=hub.url) as made:
        await sign_in(made, hub.url)
        yield made


async def submit(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/api/v1/submissions", content=submission(1, str(uuid4())), headers=OWN_PAGE)


async def upload(client: httpx.AsyncClient) -> httpx.Response:
    return await client.put(f"/api/v1/attachments/{hashlib.sha256(PHOTO).hexdigest()}", content=PHOTO, headers=OWN_PAGE)


def copied_over(home: Path) -> None:
    shutil.copy(home / "hub.db", home / "older.db")
    with sqlite3.connect(home / "older.db") as older:
        older.execute("UPDATE account SET name = 'older'")
    older.close()
    shutil.copyfile(home / "older.db", home / "hub.db")


MISHAPS: dict[str, Callable[[Path], object]] = {
    "removed": lambda home: (home / "hub.db").unlink(),
    "replaced": lambda home: (shutil.copy(home / "hub.db", home / "new"), (home / "new").replace(home / "hub.db")),
    "copied over": copied_over,
    "its log removed": lambda home: (home / "hub.db-wal").unlink(),
    "photos moved": lambda home: (home / "blobs").rename(home / "moved"),
}


@pytest.mark.parametrize("mishap", MISHAPS)
async def test_it_is_noticed_and_nothing_counts_as_kept(
    hub: HubProcess, client: httpx.AsyncClient, mishap: str
) -> None:
    assert (await submit(client)).status_code == 201
    assert (await upload(client)).status_code == 201
    MISHAPS[mishap](hub.home)
    ready = await client.get("/readyz")
    photos = mishap == "photos moved"
    assert ready.status_code == 503
    assert (ready.json()["database"], ready.json()["photos"]) == (photos, not photos)
    answer = await upload(client) if photos else await submit(client)
    assert (answer.status_code, answer.json()["code"]) == (503, "store.misplaced")
    assert "hub restore" in answer.json()["en"]["detail"]
    assert (await client.get("/healthz")).json()["alive"] is True
    if photos:
        assert (await submit(client)).status_code == 201


async def test_put_back_it_goes_on_with_all_that_was_kept(hub: HubProcess, client: httpx.AsyncClient) -> None:
    kept = [(await submit(client)).json()["client_id"] for _ in range(3)]
    names = ("hub.db", "hub.db-wal", "hub.db-shm")
    (hub.home / "away").mkdir()
    for name in names:
        (hub.home / name).rename(hub.home / "away" / name)
    assert (await submit(client)).status_code == 503
    for name in names:
        (hub.home / "away" / name).rename(hub.home / name)
    kept.append((await submit(client)).json()["client_id"])
    assert (await client.get("/readyz")).status_code == 200
    hub.kill()
    hub.start()
    await hub.ready(client)
    listed = {one["client_id"] for one in (await client.get("/api/v1/submissions")).json()}
    assert set(kept) <= listed


async def test_a_log_at_its_limit_is_not_ready_though_there_is_room(hub: HubProcess, client: httpx.AsyncClient) -> None:
    """The log may not grow beyond what it has; another megabyte would fit on the disk."""
    reader = sqlite3.connect(f"file:{hub.home}/hub.db?mode=ro", uri=True, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM account").fetchone()
    log = hub.home / "hub.db-wal"
    while log.stat().st_size < 1_200_000:
        assert (await submit(client)).status_code == 201
    assert hub.process is not None
    _, hard = resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE, (log.stat().st_size, hard))
    answers = [await submit(client) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {507}
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()) == (503, {"database": False, "disk": True, "photos": True})
    resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    reader.close()
    assert (await client.get("/readyz")).status_code == 200
    assert (await submit(client)).status_code == 201
