"""submit, deliveries, replay, pull: commands that speak to a running hub over its public API."""

import json
import sys
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer
from rich.markup import escape
from rich.table import Table

from hub.cli.say import BAD_INPUT, FAILED, err, language, out

Url = Annotated[str, typer.Option("--url", envvar="HUB_URL", help="Address of the hub.")]
Token = Annotated[str, typer.Option("--token", envvar="HUB_TOKEN", help="API token (hub token create).")]
TIMEOUT_S = 60
PULL_TIMEOUT_S = 2 * 60 * 60
"""A first reading of a county takes as long as its System wants."""


def submit(
    file: Annotated[Path, typer.Argument(help="JSON body of a Submission; - reads standard input.")],
    url: Url = "http://127.0.0.1:8000",
    token: Token = "",
) -> None:
    """Send a filled form and print its receipts."""
    body = _read(file)
    view = call(url, token, "POST /api/v1/submissions", body)
    out.print(f"{view['number']}  {view['id']}")
    _print_deliveries([d for record in view["records"] for d in record["deliveries"]])


def deliveries(
    url: Url = "http://127.0.0.1:8000",
    token: Token = "",
    state: Annotated[str, typer.Option(help="Only this state.")] = "",
    system: Annotated[str, typer.Option(help="Only this System.")] = "",
) -> None:
    """List Deliveries you may see."""
    wanted = {key: value for key, value in (("state", state), ("system", system)) if value}
    found = call(url, token, f"GET /api/v1/deliveries?{urlencode(wanted)}")
    _print_deliveries(found["items"] if isinstance(found, dict) else found)


def replay(
    ids: Annotated[list[str], typer.Argument(help="Deliveries to send again, with their original bytes and key.")],
    why: Annotated[str, typer.Option(prompt=True, help="The reason, kept in the journal.")],
    url: Url = "http://127.0.0.1:8000",
    token: Token = "",
) -> None:
    """Send Deliveries again."""
    answer = call(url, token, "POST /api/v1/deliveries/replay", json.dumps({"ids": ids, "why": why}).encode())
    out.print_json(json.dumps(answer))


def pull(
    system: Annotated[str, typer.Argument(help="The System to read.")],
    url: Url = "http://127.0.0.1:8000",
    token: Token = "",
    from_start: Annotated[bool, typer.Option("--from-start", help="Read every row, not on from the mark.")] = False,
    believe: Annotated[
        bool, typer.Option("--believe", help="As --from-start; far fewer rows than known are true.")
    ] = False,
) -> None:
    """Read a System's known values now."""
    how = "believe" if believe else "from_start" if from_start else "on"
    what = f"POST /api/v1/systems/{quote(system)}/pull?{urlencode({'how': how})}"
    for report in call(url, token, what, b"{}", PULL_TIMEOUT_S):
        counts = ("rows", "行 / rows"), ("changed", "变化 / changed"), ("ended", "消失 / ended")
        more = (("left_out", "未读入 / left out"), ("noted", "待解决 / open items"))
        said = [f"{report[key]} {words}" for key, words in (*counts, *(each for each in more if report[each[0]]))]
        out.print(f"{report['name']}: {report['outcome']}, {', '.join(said)} {report['reason']}".rstrip(), markup=False)


def _read(file: Path) -> bytes:
    """Return the bytes to send, or end with why they cannot be read."""
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        err.print(f"{file}: {error.strerror}", style="red", markup=False)
        raise typer.Exit(BAD_INPUT) from error


def call(url: str, token: str, what: str, body: bytes | None = None, timeout_s: float = TIMEOUT_S) -> Any:  # noqa: ANN401 - any JSON
    """Return the JSON that `what` is answered with (method and path), or end with the problem it tells."""
    method, _, path = what.partition(" ")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        request = urllib.request.Request(url.rstrip("/") + path, body, headers, method=method)  # noqa: S310 - the operator's own address
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:  # noqa: S310 - as above
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        _tell(error)
    except (OSError, ValueError, HTTPException) as error:
        err.print(f"{url}: {error}", style="red", markup=False)
    raise typer.Exit(FAILED)


def _tell(error: urllib.error.HTTPError) -> None:
    """Print a problem+json answer the way the pages show it."""
    try:
        problem = json.loads(error.read())
        words = problem if language() == "zh" else problem["en"]
        lines = [f"{problem['code']}: {words['title']} {words['detail'] or ''}"]
        for fault in problem["faults"]:
            said = " ".join(part[language()] for part in (fault["message"], fault["remedy"]))
            lines.append(f"  {fault['path']}: {said}")
    except (ValueError, LookupError, TypeError):
        lines = [f"HTTP {error.code}"]
    for line in lines:
        err.print(line, style="red", markup=False)


def _print_deliveries(rows: list[dict[str, Any]]) -> None:
    table = Table("系统", "状态", "回执号", "说明", "id")
    for row in rows:
        words = (row["title"][language()], row["state"], row["number"] or "", row["says"][language()], row["id"])
        table.add_row(*map(escape, words))
    out.print(table)
