"""photos: look through what is kept for what is no picture, such as a place, and leave it out."""

import asyncio
from collections import Counter

import typer

from hub.cli.say import FAILED, err, out, read_settings, speaking
from hub.clock import SystemClock
from hub.settings import Settings
from hub.store import open_store

photos = typer.Typer(no_args_is_help=True, add_completion=False, help="Photos that are kept.")
_WORDS = {
    "place": "说出拍摄地点 / says where it was taken",
    "more": "含画面以外的内容，可能有地点 / holds more than a picture, perhaps a place",
    "missing": "文件不在 / the file is missing",
    "unreadable": "不是完整的照片 / no whole photo",
}


@photos.command("check")
def check_photos() -> None:
    """Say which photos tell a place or hold more than a picture; changes nothing, also beside a running hub."""
    settings = read_settings()
    with speaking(settings):
        from hub.store.blobs.check import look_through  # noqa: PLC0415 - loads what reads pictures

        found: Counter[str] = Counter()
        for lying in look_through(settings.database, settings.data_dir):
            found[lying.fault if lying else ""] += 1
            if lying:
                out.print(f"{lying.sha256}  {_WORDS[lying.fault]}", markup=False, highlight=False, soft_wrap=True)
        out.print(f"{found.total()} 张照片 / photos, {found.total() - found['']} 张有问题 / not as they should be")
        if found["place"] or found["more"]:
            err.print(
                "hub photos strip 去掉画面以外的内容 / leaves out what is no picture", style="yellow", soft_wrap=True
            )
        if found.total() != found[""]:
            raise typer.Exit(FAILED)


@photos.command("strip")
def strip_photos() -> None:
    """Leave out of every photo what is no picture; name, pixels, colours and which way up it is stay."""
    settings = read_settings()
    with speaking(settings):
        out.print(f"{asyncio.run(_strip(settings))} 张照片已处理 / photos stripped", highlight=False)


async def _strip(settings: Settings) -> int:
    from hub.store.blobs.check import look_through, strip  # noqa: PLC0415 - as above

    store, count = open_store(settings.database, settings.durability), 0
    try:
        for lying in await asyncio.to_thread(lambda: [*look_through(settings.database, settings.data_dir)]):
            if lying is not None and lying.can_be_stripped:
                await strip(store, settings.data_dir, lying, SystemClock().now())
                count += 1
        return count
    finally:
        await store.close()
