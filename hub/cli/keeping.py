"""backup, restore: everything the hub keeps in one file, and back."""

from pathlib import Path
from typing import Annotated

import typer

from hub.cli.files import UNSET
from hub.cli.say import FAILED, err, out, read_settings, speaking
from hub.clock import SystemClock
from hub.files import read_files
from hub.model import Epoch
from hub.outbox.epoch import Reckoned, reckon
from hub.sdk import Capabilities
from hub.settings import Settings, read_secret
from hub.store import Session
from hub.store.backup import Manifest, restore_copy, take_copy

NOTHING = Capabilities(honours_key=False)
"""What may be assumed of a System that is no longer wired."""


def backup(file: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")]) -> None:
    """Copy database, photos and key into one file while the hub runs, and check it."""
    settings = read_settings()
    with speaking(settings):
        manifest = take_copy(settings.database, settings.data_dir, file, SystemClock().now())
    out.print(f"已备份并校验 / copied and checked: {file}")
    _describe(manifest)
    err.print("备份含个人信息，请加密保管 / it holds personal data: keep it encrypted", style="yellow")
    if manifest.missing:
        err.print(f"缺少或受损的照片 / photos missing or damaged: {' '.join(manifest.missing)}", style="red")
        raise typer.Exit(FAILED)


def _describe(manifest: Manifest) -> None:
    rows, photos = (
        sum(table.rows for table in manifest.tables.values()),
        len(manifest.members) - len(manifest.tables) - 1,
    )
    out.print(f"{rows} 行 / rows, {photos} 照片 / photos, {manifest.taken_at.isoformat(timespec='seconds')}")
    out.print(f"SHA-256 {manifest.digest}", soft_wrap=True)


def restore(
    file: Annotated[Path, typer.Argument(help="A file written by hub backup.")],
    force: Annotated[bool, typer.Option(help="Replace what the database holds now.")] = False,
) -> None:
    """Put a copy back, with the hub stopped; what may have been sent since is never sent blindly."""
    settings = read_settings()
    found: list[Reckoned] = []
    with speaking(settings):
        can = _capabilities(settings)

        def settle(session: Session, epoch: Epoch) -> None:
            found.append(reckon(session, epoch, lambda system: can.get(system, NOTHING)))

        restored = restore_copy(
            settings.database, settings.data_dir, file, settle, at=SystemClock().now(), force=force
        )  # fmt: skip
    out.print(f"已恢复，第 {restored.epoch} 纪元开始 / restored, epoch {restored.epoch} begins")
    _describe(restored.manifest)
    _warn(restored.manifest, found[-1])


def _capabilities(settings: Settings) -> dict[str, Capabilities]:
    """Return what each wired System can do; no secret is needed for that."""
    _, registry = read_files(settings, SystemClock(), lambda name: read_secret(name) or UNSET, lambda _: "")
    return {name: system.capabilities for name, system in registry.systems.items()}


def _warn(manifest: Manifest, found: Reckoned) -> None:
    err.print(
        f"备份（{manifest.taken_at:%Y-%m-%d %H:%M} UTC）之后的提交不在其中；其后停用的账号令牌又有效，请核对。\n"
        "Submissions since then are not in it; accounts and tokens ended since are valid again: look them through.",
        style="bold yellow", soft_wrap=True,
    )  # fmt: skip
    for words, counted in (
        ("用原投递键重发 / go again under their old key", found.again),
        ("先向对方系统核实 / asked about first", found.asked),
        ("需人工核实 / need a person", found.by_person),
    ):
        for system, many in sorted(counted.items()):
            err.print(f"  {system}: {many} {words}", style="yellow", markup=False, soft_wrap=True)
