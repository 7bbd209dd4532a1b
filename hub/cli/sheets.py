"""qr: printable sheets of Place codes. A module of its own, as its PDF library takes a second to load."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.say import BAD_INPUT, FAILED, err, out, read_settings, speaking
from hub.labels import sheet_pdf, sheet_svg
from hub.model.people import Role, Scope
from hub.store import open_store
from hub.store.query import places

MOST_LABELS = 1_000


def qr(
    file: Annotated[Path, typer.Argument(help="Where to write: a .svg or .pdf file.")],
    division: Annotated[str, typer.Option(help="12-digit division whose Places get codes.")],
    kind: Annotated[str, typer.Option(help="Kind of Place.")] = "household",
) -> None:
    """Write a printable sheet of codes: opaque tokens only, nothing about who lives there."""
    settings = read_settings()
    render = {".svg": sheet_svg, ".pdf": sheet_pdf}.get(file.suffix)
    if render is None:
        err.print("文件名须以 .svg 或 .pdf 结尾 / the file must end in .svg or .pdf", style="red")
        raise typer.Exit(BAD_INPUT)
    scope = Scope("", Role.OPERATOR, division)
    with speaking(settings):
        found = asyncio.run(_places(settings.database, scope, kind))
    if len(found) > MOST_LABELS:
        err.print(
            f"超过 {MOST_LABELS} 个，请按下级区划分批 / too many for one sheet, take smaller divisions", style="red"
        )
        raise typer.Exit(BAD_INPUT)
    if not found:
        err.print(f"{division} 下没有 {kind} / no such places", style="red")
        raise typer.Exit(FAILED)
    file.write_bytes(render(found))
    out.print(f"{len(found)} 个二维码 / codes → {file}")


async def _places(database: str, scope: Scope, kind: str) -> list[str]:
    store = open_store(database)
    try:
        wanted = places.PlaceSearch(kind=kind, limit=MOST_LABELS + 1)
        return [place.token for place in await store.read(lambda session: places.search(session, scope, wanted))]
    finally:
        await store.close()
