"""How the story looks in a terminal: chapters, what was known, and the receipt table. Chinese, for people."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

View = dict[str, Any]

console = Console(highlight=False)

STATES = {
    "waiting": "[yellow]待送",
    "leased": "[yellow]正在送",
    "retry": "[yellow]稍后再送",
    "transported": "[cyan]已送达，等结果",
    "delivered": "[green]已接收",
    "unknown": "[magenta]待核实",
    "parked": "[red]需人工处理",
    "manual": "[red]需人工办理",
    "cancelled": "[dim]已取消",
}
ROLES = {
    "staff": "基层干部",
    "leader": "街道领导",
    "department_admin": "部门管理员",
    "data_bureau": "数据局",
    "operator": "平台运维",
}
INTENTS = {"amend": "更正", "withdraw": "撤回"}
ORDER = ("visit", "bin_score", "finding")
CODES_SHOWN = 44
ABOUT_WIDTH, OTHER_COLUMNS_WIDTH = 20, 60


def opening() -> None:
    """Say what is about to happen."""
    console.print(Panel("一次上门，填一次表，[b]四个部门[/b]各得所需", title="一填通 FillOnce", border_style="green"))


def chapter(number: int, title: str) -> None:
    """Open a chapter."""
    console.print(f"\n[b green]{number}[/] [b]{title}")


def note(text: str) -> None:
    """Print an aside."""
    console.print(f"  [yellow]●[/] {text}")


def promise(text: str, *, kept: bool) -> None:
    """Print a promise and whether it was kept."""
    console.print(f"  [green]✓[/] {text}" if kept else f"  [b red]✗ {text}")


def pulled(report: View) -> None:
    """Print what one pull brought."""
    source = f"{report['system']}/{report['name']}"
    console.print(f"  [dim]{source:<32}[/] {report['rows'] or '无新'} 行 {escape(report['reason'])}")


def codes(printed: Mapping[str, str], places: Mapping[str, View]) -> None:
    """Show each code on the door with the place it opened."""
    table = Table("门上的码", "内容", "打开的户", box=None, padding=(0, 2))
    for title, code in printed.items():
        place = places[title]
        table.add_row(title, escape(code[:CODES_SHOWN]), place["name"])
    console.print(table)


def prefilled(values: list[View], titles: Mapping[str, str]) -> None:
    """Show what the form knew before anybody typed, with source and date."""
    table = Table("已知数据", "值", "来源", "截至", box=None, padding=(0, 2))
    for value in values:
        table.add_row(
            titles[value["element"]],
            escape(str(value["value"])),
            value["source"]["title"]["zh"],
            str(value["as_of"])[:10],
        )
    console.print(table)


def deliveries(view: View) -> None:
    """Print the receipt: per record and System what became of it, under the System's own number."""
    named = f"{_text(view['title'])} · {_text(view['place']['name'])} · 第 {view['revision']} 版"
    table = Table(title=f"回执 {view['number']} · {named}", title_style="bold", box=box.ROUNDED)
    room = max(ABOUT_WIDTH, console.width - OTHER_COLUMNS_WIDTH)
    table.add_column("事项", max_width=room, no_wrap=True, overflow="ellipsis")
    for heading in ("系统", "状态", "对方编号"):
        table.add_column(heading, no_wrap=True)
    for record in _in_order(view):
        for row in _rows(record):
            table.add_row(*row)
        table.add_section()
    console.print(table)


def skipped(view: View) -> None:
    """Print who gets nothing of a record, and why."""
    for record in _in_order(view):
        for skip in record["skipped"]:
            line = f"  [dim]不送 {_text(skip['title'])}：{_text(skip['reason'])} — {_about(record)}"
            console.print(line, no_wrap=True, overflow="ellipsis")


def _in_order(view: View) -> list[View]:
    return sorted(view["records"], key=lambda record: ORDER.index(record["record"].partition("/")[0]))


def _rows(record: View) -> Iterator[tuple[str, ...]]:
    for delivery in record["deliveries"]:
        system = _text(delivery["title"]) + (" [dim]模拟" if delivery["simulated"] else "")
        intent = "" if delivery["intent"] == "create" else f"[b]{INTENTS[delivery['intent']]}[/] "
        tries = f" [dim]第 {delivery['attempts']} 次" if delivery["attempts"] > 1 else ""
        yield _about(record), system, intent + STATES[delivery["state"]] + "[/]" + tries, _text(delivery["number"])
    if not record["taker"]:
        yield _about(record), "[dim]暂无接收部门", "[dim]平台登记跟踪", ""


def _about(record: View) -> str:
    # An issue is known by its summary; everything else there is one of.
    return _text(record["summary"] if record["issue"] else record["title"])


def _text(value: Any) -> str:  # noqa: ANN401 - a text or its translations
    return escape(str(value["zh"] if isinstance(value, dict) else value or ""))


@contextmanager
def waiting() -> Iterator[Callable[[View], None]]:
    """Show a moving line with the state of every delivery while the story waits."""
    with console.status("…") as status:

        def show(view: View) -> None:
            states = [f"{_text(one['title'])} {STATES.get(one['state'], '')}[/]" for one in _each(view)]
            status.update(" · ".join(states))

        yield show


def _each(view: View) -> Iterator[View]:
    for record in view["records"]:
        yield from record["deliveries"]


def addresses(hub: str, systems: Mapping[str, str], accounts: list[dict[str, str]]) -> None:
    """Print where to look and how to sign in."""
    console.print(f"\n[b]门户[/] {hub}    [dim]在手机或浏览器打开；按 Ctrl-C 停止全部[/]")
    for name, address in systems.items():
        console.print(f"  [dim]{name:<20} {address}")
    table = Table(
        "账号", "口令", "姓名", "角色", title="演示账号（仅供演示）", title_justify="left", box=None, padding=(0, 2)
    )
    for account in accounts:
        table.add_row(account["login"], account["password"], account["name"], ROLES[account["role"]])
    console.print(table)


def failed(reason: str, logs: Path) -> None:
    """Say why the story could not be told, and where to read on."""
    console.print(Panel(f"{escape(reason)}\n\n日志：{logs}", title="演示中断", border_style="red"))


def verdict(broken: list[str]) -> None:
    """Close the story."""
    if broken:
        console.print(Panel("\n".join(f"✗ {text}" for text in broken), title="未兑现", border_style="red"))
    else:
        console.print(Panel("每一份回执都如所说。填一次，处处用。", border_style="green"))
