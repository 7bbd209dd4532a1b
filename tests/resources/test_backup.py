"""A copy taken beside a running hub: of one moment, whole, checked, and the same again on either database (F25)."""

import asyncio
import hashlib
import os
import struct
import zipfile
from pathlib import Path
from random import Random

import orjson
import pytest
from sqlalchemy import create_engine, inspect, text

from hub.errors import Problem
from hub.model import METADATA
from hub.store import Store, open_store
from hub.store.backup import restore_copy, take_copy, verify
from hub.store.backup.rows import FORGOTTEN, copied_tables, lines
from hub.store.blobs import attachment_key, blob_path
from hub.store.engine import open_reading, open_writing
from hub.store.migrate import migrate
from hub.store.steps import bring_to
from tests.builders import AT, until
from tests.conftest import HandClock
from tests.some_connectors.county import BIN, PHOTO, QUARREL, RIVER, County, visit

CALLED_NOW = {"as_of": "since"}
"""Columns of the first schema that have another name since."""
PHOTO_BYTES = b"\xff\xd8\xff" + b"bank" * 1_000


@pytest.fixture
async def county(store: Store, clock: HandClock) -> County:
    return await County(store, clock).settle()


def everything(url: str) -> dict[str, list[object]]:
    """All rows of all copied tables; the names within a value may stand in another order on the other database."""
    engine = open_reading(url)
    try:
        with engine.connect() as connection:
            return {table.name: [orjson.loads(line) for line in lines(connection, table)] for table in copied_tables()}
    finally:
        engine.dispose()


def files(folder: Path, word: str) -> list[str]:
    return [path.name for path in folder.iterdir() if word in path.name]


def nothing(*_: object) -> None:
    """Decide nothing about Deliveries."""


def put_photo(data: Path, content: bytes, sha256: str) -> None:
    place = blob_path(data, sha256)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


@pytest.mark.fault("F25")
async def test_a_copy_holds_every_row_and_comes_back_the_same_on_either_database(
    county: County, database_url: str, empty_url: str, tmp_path: Path
) -> None:
    first = await county.submit(visit(answers={"bin": BIN, "findings": [QUARREL, RIVER]}))
    await county.correct(first, visit(answers={"bin": BIN, "findings": [QUARREL], "household.phone": "19900000102"}))
    before = everything(database_url)
    manifest = take_copy(database_url, tmp_path / "data", tmp_path / "copy.zip", AT)
    assert {name: table.rows for name, table in manifest.tables.items()} == {n: len(r) for n, r in before.items()}
    assert sum(len(rows) > 0 for rows in before.values()) >= 10
    restored = restore_copy(empty_url, tmp_path / "other", tmp_path / "copy.zip", nothing, at=AT, force=False)
    after = everything(empty_url)
    assert len(after.pop("epoch")) == restored.epoch - 1 == 1
    assert before.pop("epoch") == []
    assert after == before
    assert attachment_key(tmp_path / "other") == attachment_key(tmp_path / "data")
    assert (tmp_path / "copy.zip").stat().st_mode & 0o777 == 0o600


async def test_nobody_stays_signed_in_over_a_restore() -> None:
    assert {"session", "sign_in_failure", "heartbeat"} == FORGOTTEN
    assert {table.name for table in copied_tables()} == METADATA.tables.keys() - FORGOTTEN


@pytest.mark.fault("F25")
async def test_photos_come_along_and_what_is_missing_is_named(
    county: County, database_url: str, tmp_path: Path
) -> None:
    sha256 = hashlib.sha256(PHOTO_BYTES).hexdigest()
    statement = text("UPDATE attachment SET sha256 = :new WHERE sha256 = :old").bindparams(new=sha256, old=PHOTO)
    await county.store.write(lambda session: session.connection().execute(statement) and None)
    put_photo(tmp_path / "data", PHOTO_BYTES, sha256)
    put_photo(tmp_path / "data", b"damaged", "b" * 64)
    manifest = take_copy(database_url, tmp_path / "data", tmp_path / "copy.zip", AT)
    assert manifest.missing == ["b" * 64]
    target = f"sqlite:///{tmp_path}/other/hub.db"
    restore_copy(target, tmp_path / "other", tmp_path / "copy.zip", nothing, at=AT, force=False)
    assert blob_path(tmp_path / "other", sha256).read_bytes() == PHOTO_BYTES
    assert not blob_path(tmp_path / "other", "b" * 64).exists()


@pytest.mark.fault("F25")
async def test_a_copy_is_of_one_moment_however_much_is_written_meanwhile(
    county: County, database_url: str, tmp_path: Path
) -> None:
    """Every Submission in it is whole: its Records, Deliveries and journal entry are there, none without it."""
    sent, running = 0, True

    async def submit() -> None:
        nonlocal sent
        while running:
            await county.submit(visit())
            sent += 1

    officers, counts = [asyncio.create_task(submit()) for _ in range(3)], []
    for number in range(3):
        before = sent
        await until(lambda before=before: sent >= before + 5)  # type: ignore[misc]  # default binds the loop variable
        file, target = tmp_path / f"copy{number}.zip", f"sqlite:///{tmp_path}/other{number}/hub.db"
        first = sent
        await asyncio.to_thread(take_copy, database_url, tmp_path / "data", file, AT)
        last = sent
        restore_copy(target, tmp_path / f"other{number}", file, nothing, at=AT, force=False)
        rows = everything(target)
        many = len(rows["submission"])
        assert first <= many <= last + 3, "acknowledged before it began is in it"
        assert (len(rows["record"]), len(rows["journal"]), len(rows["delivery"])) == (many, many, 2 * many)
        counts.append(many)
    running = False
    await asyncio.gather(*officers)
    assert 0 < counts[0] < counts[1] < counts[2] <= sent


@pytest.mark.fault("F25")
async def test_a_damaged_copy_is_refused_before_anything_changes(
    county: County, database_url: str, tmp_path: Path
) -> None:
    """One byte of any member changed, or the end cut off."""
    await county.submit(visit())
    file, target = tmp_path / "copy.zip", f"sqlite:///{tmp_path}/other/hub.db"
    take_copy(database_url, tmp_path / "data", file, AT)
    whole, dice = file.read_bytes(), Random(1)
    with zipfile.ZipFile(file) as copy:
        members = [info for info in copy.infolist() if info.file_size > 0]
    assert len(members) > 8
    for info in members:
        (extra,) = struct.unpack_from("<H", whole, info.header_offset + 28)
        at = info.header_offset + 30 + len(info.filename) + extra + dice.randrange(info.compress_size)
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        with pytest.raises(Problem, match=r"backup\.damaged"):
            restore_copy(target, tmp_path / "other", file, nothing, at=AT, force=False)
    for _ in range(8):
        file.write_bytes(whole[: dice.randrange(len(whole))])
        with pytest.raises(Problem, match=r"backup\.damaged"):
            restore_copy(target, tmp_path / "other", file, nothing, at=AT, force=False)
    assert not (tmp_path / "other").exists()


async def test_a_copy_never_overwrites_and_leaves_no_half_file(sqlite_template: bytes, tmp_path: Path) -> None:
    source = tmp_path / "hub.db"
    source.write_bytes(sqlite_template)
    (tmp_path / "copy.zip").write_bytes(b"mine")
    with pytest.raises(Problem, match=r"backup\.exists"):
        take_copy(f"sqlite:///{source}", tmp_path, tmp_path / "copy.zip", AT)
    assert (tmp_path / "copy.zip").read_bytes() == b"mine"
    with pytest.raises(Problem, match=r"backup\.not_written"):
        take_copy(f"sqlite:///{source}", tmp_path, tmp_path / "no/such/folder/copy.zip", AT)
    migrate(f"sqlite:///{source}")
    engine = create_engine(f"sqlite:///{source}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(Problem, match=r"backup\.other_schema"):
        take_copy(f"sqlite:///{source}", tmp_path, tmp_path / "other.zip", AT)
    assert files(tmp_path, "zip") == ["copy.zip"]


@pytest.mark.fault("F6")
@pytest.mark.skipif(not os.access("/dev/full", os.W_OK), reason="no /dev/full on this system")
async def test_a_full_disk_is_told_and_the_hub_is_none_the_worse(
    county: County, database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "copy.zip.partial").symlink_to("/dev/full")
    with pytest.raises(Problem) as caught:
        take_copy(database_url, tmp_path / "data", tmp_path / "copy.zip", AT)
    assert (caught.value.code, caught.value.params["reason"]) == ("backup.not_written", "No space left on device")
    assert files(tmp_path, "copy") == []
    assert (await county.submit(visit())).created


def first_tables(folder: Path) -> dict[str, set[str]]:
    """The tables of the first schema, each with its columns."""
    engine = open_writing(f"sqlite:///{folder}/first.db")
    with engine.begin() as connection:
        bring_to(connection, "0001")
        look = inspect(connection)
        tables = {name: {str(each["name"]) for each in look.get_columns(name)} for name in look.get_table_names()}
    engine.dispose()
    return tables


def as_first_written(lines: bytes, kinds: dict[str, str], there: set[str]) -> tuple[bytes, dict[str, str]]:
    """The rows of one table as the first hub wrote them, and its columns with their kinds."""
    today = list(kinds)
    kept = [(name, today.index(name if name in kinds else CALLED_NOW[name])) for name in sorted(there)]
    rows = [orjson.loads(line) for line in lines.splitlines()]
    written = b"".join(orjson.dumps([row[place] for _, place in kept]) + b"\n" for row in rows)
    return written, {name: kinds[today[place]] for name, place in kept}


async def test_a_copy_of_an_older_schema_is_brought_up_to_date(
    county: County, database_url: str, tmp_path: Path
) -> None:
    take_copy(database_url, tmp_path / "data", tmp_path / "copy.zip", AT)
    older, there = tmp_path / "older.zip", first_tables(tmp_path)
    with zipfile.ZipFile(tmp_path / "copy.zip") as copy, zipfile.ZipFile(older, "w") as made:
        manifest = orjson.loads(copy.read("manifest.json"))
        later = manifest["tables"].keys() - there.keys()
        manifest["schema"] = "0001"
        for name in later:
            del manifest["tables"][name], manifest["members"][f"tables/{name}.jsonl"]
        contents = {name: copy.read(name) for name in manifest["members"]}
        manifest["tables"] = {"place": manifest["tables"].pop("place"), **manifest["tables"]}  # codes pointed at it
        for name, table in manifest["tables"].items():
            member = f"tables/{name}.jsonl"
            contents[member], table["columns"] = as_first_written(contents[member], table["columns"], there[name])
            digest = hashlib.sha256(contents[member]).hexdigest()
            manifest["members"][member] = {"sha256": digest, "size_bytes": len(contents[member])}
        for name, content in contents.items():
            made.writestr(name, content)
        made.writestr("manifest.json", orjson.dumps(manifest))
    assert "epoch" in later
    assert verify(older).schema == "0001"
    target = f"sqlite:///{tmp_path}/other/hub.db"
    assert restore_copy(target, tmp_path / "other", older, nothing, at=AT, force=False).epoch == 2
    store = open_store(target)
    assert (await County(store, county.clock).submit(visit())).created
    await store.close()
