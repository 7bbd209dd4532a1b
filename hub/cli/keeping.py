"""backup, restore, erase: everything the hub keeps in one file, and back; and what is no longer to be kept."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from hub.catalog.messages import Messages
from hub.cli.files import UNSET
from hub.cli.say import FAILED, err, out, read_settings, sentence, speaking
from hub.clock import SystemClock
from hub.erasure.erase import Deed
from hub.erasure.erase import erase as erase_one
from hub.erasure.keeping import Allowed, erase_by_hand, objections
from hub.erasure.sweep import erase_older
from hub.errors import Problem
from hub.files import read_files
from hub.model import Epoch
from hub.outbox.epoch import Reckoned, reckon
from hub.sdk import Capabilities
from hub.settings import LEAST_RETENTION, Settings, read_secret
from hub.store import Session, Store, open_store
from hub.store.backup import Manifest, restore_copy, take_copy
from hub.store.migrate import is_current
from hub.store.query import people
from hub.systems.duration import duration

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
    _, registry = read_files(settings, lambda name: read_secret(name) or UNSET, lambda _: "")
    return {name: system.capabilities for name, system in registry.systems.items()}


def _warn(manifest: Manifest, found: Reckoned) -> None:
    err.print(
        f"备份（{manifest.taken_at:%Y-%m-%d %H:%M} UTC）之后的提交不在其中；其后停用的账号令牌又有效，请核对。\n"
        "Submissions since then are not in it; accounts and tokens ended since are valid again: look them through.",
        style="bold yellow", soft_wrap=True,
    )  # fmt: skip
    err.print(
        "备份之后删除过的提交又回来了：到期的会自动再删，单独删除的请再删一次。\n"
        "Submissions erased since then are back: those over their term go again by themselves, others erase again.",
        style="yellow", soft_wrap=True,
    )  # fmt: skip
    for words, counted in (
        ("用原投递键重发 / go again under their old key", found.again),
        ("先向对方系统核实 / asked about first", found.asked),
        ("需人工核实 / need a person", found.by_person),
    ):
        for system, many in sorted(counted.items()):
            err.print(f"  {system}: {many} {words}", style="yellow", markup=False, soft_wrap=True)


def erase(  # noqa: PLR0913 - an option for each thing a person may take upon themselves
    submission_id: Annotated[str | None, typer.Argument(help="A submission, by any revision's id.")] = None,
    *,
    why: Annotated[str, typer.Option(help="The reason, kept in the journal; no personal data.")],
    older_than: Annotated[str, typer.Option(help="All that are older, for example 1095d.", metavar="DAYS")] = "",
    by: Annotated[str, typer.Option(help="The login of who decided it, for the journal.")] = "",
    dry_run: Annotated[bool, typer.Option(help="Only count what --older-than would erase.")] = False,
    more_than_share: Annotated[bool, typer.Option(help="However many HUB_RETENTION_SHARE lets go at once.")] = False,
    clock_is_right: Annotated[bool, typer.Option(help="You have looked: this machine's clock is right.")] = False,
) -> None:
    """Erase what submissions said, for good; their ids stay taken. What Systems hold is theirs and stays."""
    if (submission_id is None) == (older_than == "") or (dry_run and not older_than):
        raise typer.BadParameter("给一个提交编号，或给 --older-than / give one submission id, or --older-than")
    term = _term(older_than) if older_than else None
    settings = read_settings()
    with speaking(settings) as messages:
        allowed = Allowed(settings.retention_share, clock_is_right, more_than_share)
        asyncio.run(_erase(settings, Wanted(submission_id or "", term, by, why, dry_run, allowed), messages))


@dataclass(frozen=True)
class Wanted:
    """What is to be erased: one submission, or all beyond a term."""

    submission_id: str
    term: timedelta | None
    by: str
    why: str
    dry: bool
    allowed: Allowed


def _term(written: str) -> timedelta:
    try:
        term = duration(written)
    except ValueError as error:
        raise typer.BadParameter(f"时长写作 1095d / a length of time is written 1095d: {written}") from error
    if term < LEAST_RETENTION:
        least = LEAST_RETENTION.days
        raise typer.BadParameter(f"至少保存 {least} 天 / submissions are kept for at least {least} days: {least}d")
    return term


async def _erase(settings: Settings, wanted: Wanted, messages: Messages) -> None:
    store, now = open_store(settings.database, settings.durability), SystemClock().now()
    try:
        if not await store.read(lambda session: is_current(session.connection())):
            raise Problem("store.other_schema", 503)
        deed = Deed(await _account_id(store, wanted.by), wanted.why, now)
        if wanted.term is None:
            rows = await store.write(lambda session: erase_one(session, wanted.submission_id, deed))
            said = ", ".join(f"{name} {count}" for name, count in sorted(rows.items()))
            out.print(f"已删除 / erased: {said}", soft_wrap=True, highlight=False)
            return
        if wanted.dry:
            swept = await erase_older(store, now - wanted.term, deed, dry=True)
        else:
            swept = await erase_by_hand(store, now - wanted.term, deed, wanted.allowed)
        done = "将删除 / would be erased" if wanted.dry else "已删除 / erased"
        out.print(f"{swept.erased} 份提交{done}, {swept.left} 份未办结保留 / kept, something is open", soft_wrap=True)
        for objection in await objections(store, now, swept.erased, wanted.allowed) if wanted.dry else ():
            err.print(sentence(messages, objection), style="yellow", markup=False, soft_wrap=True)
    finally:
        await store.close()


async def _account_id(store: Store, login: str) -> str:
    """Return the account that decided; none on the command line alone."""
    if not login:
        return ""
    account = await store.read(lambda session: people.account_named(session, login))
    if account is None:
        raise Problem("account.unknown", 404, login=login)
    return account.id
