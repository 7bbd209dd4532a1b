"""check, lineage: commands about the files people write; they open no database, so they load none."""

from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table

from hub.catalog import Catalog
from hub.catalog.lineage import trace
from hub.cli.say import BAD_INPUT, err, language, out, read_settings, speaking
from hub.clock import SystemClock, civil_day
from hub.files import Secrets, read_files
from hub.private import exposed
from hub.settings import Settings, read_secret
from hub.systems import BadSystems, Registry, links_of

NOTICE = timedelta(days=30)
"""How long before a form's licence ends its keepers are told."""
UNSET = "ssh-unset unset"
"""Stands in for a secret that is not set here; shaped like a host key, the one secret whose form is checked."""


def check() -> None:
    """Check every file of ours; print all that is wrong, with file, place, reason and remedy."""
    settings = read_settings()
    unset: set[str] = set()

    def secret(name: str) -> str:
        """Stand in for a secret of another machine: what files say can be checked without it."""
        value = read_secret(name)
        if value is None:
            unset.add(name)
        return value or UNSET

    with speaking(settings):
        catalog, registry = _read(settings, secret)
        if unset:
            names = ", ".join(f"HUB_SECRET_{name}" for name in sorted(unset))
            err.print(f"此处未设置（hub serve 需要）/ not set here, hub serve needs them: {names}", style="yellow")
        _warn_of_endings(catalog)
        for path in exposed(settings.database, settings.data_dir):
            err.print(
                f"{path}: 本机其他人可以读到 / others on this machine may read it: chmod go= {path}",
                style="yellow", markup=False, soft_wrap=True,
            )  # fmt: skip
        if registry.gaps:
            raise BadSystems(registry.gaps)
        out.print(
            f"{len(catalog.elements)} 数据元, {len(catalog.forms)} 表单, {len(catalog.records)} 记录, "
            f"{len(registry.systems)} 系统：全部通过 / all good"
        )


def _read(settings: Settings, secrets: Secrets) -> tuple[Catalog, Registry]:
    """Read everything; nothing is sent, so no photo needs an address."""
    return read_files(settings, secrets, lambda _: "")


def _warn_of_endings(catalog: Catalog) -> None:
    """Name the forms that nobody can fill any more when the notice is over; that is their issuer's to settle."""
    lasting = {form.form for form in catalog.offered_forms(civil_day(SystemClock().now() + NOTICE))}
    for form in catalog.newest_forms():
        if form.form not in lasting:
            days = " – ".join(day.isoformat() for day in form.valid)
            err.print(
                f"{form.form}/v{form.version}: 有效期将满或不符 / licence ends or does not fit: {days}", style="yellow"
            )


def lineage(element: Annotated[str, typer.Argument(help="A data element, for example visit.purpose.")]) -> None:
    """Show where an element is asked, which records carry it, and which System fields it ends up in."""
    settings = read_settings()
    with speaking(settings):
        catalog, registry = _read(settings, lambda name: read_secret(name) or UNSET)
        if element not in catalog.elements:
            err.print(f"没有数据元 {element} / no such element", style="red")
            raise typer.Exit(BAD_INPUT)
        found = trace(catalog, element)
        table = Table("环节 / step", "何处 / where", "字段 / field", title=catalog.elements[element].title[language()])
        for asked in found.asked:
            table.add_row("表单 / form", f"{asked.form}/v{asked.version}", asked.path)
        for entry in found.kept:
            table.add_row("记录 / record", entry.record, entry.element)
        for name in sorted({element, *(entry.element for entry in found.kept)}):
            for link in links_of(name, registry):
                arrow = "→" if link.direction == "send" else "←"
                table.add_row("系统 / system", f"{arrow} {link.system} · {link.flow}", link.system_field)
        out.print(table)
