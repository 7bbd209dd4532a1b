"""Looks through the photos kept so far for what today's hub leaves out, and leaves it out if a person says so."""

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlmodel import Session

from hub.errors import Problem
from hub.store.blobs.keep import Blob, blob_path, keep_less
from hub.store.blobs.picture import measure_kept
from hub.store.blobs.picture.place import tells_place
from hub.store.engine import Store, open_reading
from hub.store.query import views
from hub.store.query.journal import add_entries, entry


@dataclass(frozen=True)
class Lying:
    """A photo that lies there otherwise than today's hub would keep it."""

    sha256: str
    media_type: str
    fault: str
    """`missing`; `unreadable`: no whole photo; `place`: it says where it was taken; `more`: it is more than that."""

    @property
    def can_be_stripped(self) -> bool:
        """Say whether something can be left out of it."""
        return self.fault in ("place", "more")


def look_through(url: str, data_dir: Path) -> Iterator[Lying | None]:
    """Yield for each photo rows name what is wrong with it, or None; reads only, also beside a running hub."""
    engine = open_reading(url)
    try:
        with Session(engine) as session:
            photos = views.photos(session)
    finally:
        engine.dispose()
    for sha256, media_type in photos:
        fault = _fault(blob_path(data_dir, sha256), media_type)
        yield Lying(sha256, media_type, fault) if fault else None


def _fault(file: Path, media_type: str) -> str:
    try:
        raw = file.read_bytes()
        kept = measure_kept(file, media_type)
    except FileNotFoundError:
        return "missing"
    except Problem:
        return "unreadable"
    if kept.sha256 == hashlib.sha256(raw).hexdigest():
        return ""
    return "place" if tells_place(raw) else "more"


async def strip(store: Store, data_dir: Path, lying: Lying, now: datetime) -> None:
    """Leave out of a photo what is no picture. Killed between row and file, it is found and done again."""
    file, blob = blob_path(data_dir, lying.sha256), Blob(lying.sha256, lying.media_type, 0)
    kept_sha256, size_bytes = await asyncio.to_thread(measure_kept, file, lying.media_type)

    def note(session: Session) -> None:
        views.note_kept(session, lying.sha256, kept_sha256, size_bytes)
        add_entries(session, [entry(now, "", "photo.stripped", lying.sha256)])

    await store.write(note)
    await keep_less(data_dir, blob, file)
