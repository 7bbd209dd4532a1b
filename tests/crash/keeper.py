"""Somebody who copies the hub's data while it is being killed, and later puts the last copy back elsewhere."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import create_engine, text

from hub.store.blobs import blob_path
from tests.crash.books import BOOKS
from tests.crash.kills import County
from tests.crash.officers import Told

DONE_WITHIN_S = 90.0
LOOK_S = 0.1
TORN = (
    "SELECT s.id FROM submission s LEFT JOIN record r ON r.submission_id = s.id "
    "LEFT JOIN delivery d ON d.record_id = r.id WHERE s.withdrawn_by IS NULL "
    f"GROUP BY s.id HAVING count(d.id) != {len(BOOKS)}"
)


async def keep_copies(county: County, told: Told, after_kills: Sequence[int]) -> None:
    """Take a copy after each of so many kills, killing the first try; judge the last one as a hub's own database."""
    for number, kills in enumerate(after_kills):
        while county.verdict.kills.total() < kills:  # noqa: ASYNC110 - nobody rings at a death
            await asyncio.sleep(LOOK_S)
        file = county.home.parent / f"{county.home.name}-copy-{number}.zip"
        county.verdict.demand(
            holds=await command(county, "backup", file, "backup.flushed=kill") == -9 and not file.exists(),
            or_else="a killed backup left a file that looks whole",
        )
        acked, photos = set(told.acked), set(told.photos)
        code = await command(county, "backup", file)
        county.verdict.demand(holds=code == 0, or_else=f"hub backup ended with {code}")
        county.verdict.deeds["copy"] += 1
    await judge_copy(county, file, acked, photos)


async def command(county: County, name: str, file: Path, orders: str = "", home: Path | None = None) -> int | None:
    """Run a command of the hub beside it; return its exit code."""
    mortal = county.mortal(name)
    if home is not None:
        mortal.told = {**mortal.told, "DATA_DIR": str(home), "DATABASE_URL": f"sqlite:///{home / 'hub.db'}"}
    mortal.arguments = (str(file),)
    mortal.start(orders)
    if not await mortal.died(DONE_WITHIN_S):
        mortal.kill()
    return mortal.returncode


async def judge_copy(county: County, file: Path, acked: set[str], photos: set[str]) -> None:
    """Restore a copy into an empty place: all that was acknowledged before it was taken is there, whole."""
    home = county.home.parent / f"{county.home.name}-restored"
    home.mkdir()
    code = await command(county, "restore", file, home=home)
    county.verdict.demand(holds=code == 0, or_else=f"hub restore ended with {code}")
    stored, torn, named = await asyncio.to_thread(read, f"sqlite:///{home / 'hub.db'}")
    county.verdict.demand(holds=acked <= stored, or_else=f"not in the copy: {len(acked - stored)}")
    county.verdict.demand(holds=not torn, or_else=f"torn in the copy: {torn}")
    missing = [sha256 for sha256 in named if not blob_path(home, sha256).exists()]
    county.verdict.demand(holds=photos <= named and not missing, or_else=f"photos not in the copy: {len(missing)}")


def read(url: str) -> tuple[set[str], int, set[str]]:
    """Return the ids kept, how many fan-outs are torn, and the photos rows name."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            stored = set(connection.execute(text("SELECT client_id FROM submission")).scalars())
            torn = len(connection.execute(text(TORN)).all())
            return stored, torn, set(connection.execute(text("SELECT sha256 FROM attachment")).scalars())
    finally:
        engine.dispose()
