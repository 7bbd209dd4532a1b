"""open-items, dismiss, solve, link, part: what readings could not settle, ended by a person over the public API."""

import json
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer

from hub.cli.client import Token, Url, call
from hub.cli.say import BAD_INPUT, err, language, out

Why = Annotated[str, typer.Option(prompt=True, help="The reason, kept in the journal.")]
ROW = ("system", "pull", "key")
Item = Annotated[str, typer.Argument(help="Id of the open item.")]


def open_items(
    url: Url = "http://127.0.0.1:8000",
    token: Token = "",
    system: Annotated[str, typer.Option(help="Only this System.")] = "",
    kind: Annotated[str, typer.Option(help="Only this kind, for example places_to_link.")] = "",
    state: Annotated[str, typer.Option(help="open, solved or dismissed.")] = "open",
) -> None:
    """List what readings could not settle by themselves, the newest first, two hundred at most."""
    asked = {key: value for key, value in (("system", system), ("kind", kind)) if value}
    found = call(url, token, f"GET /api/v1/open-items?{urlencode(asked | {'state': state, 'limit': 200})}")
    for item in found:
        _print_item(item)


def _print_item(item: dict[str, Any]) -> None:
    """Print an open item: what it is, where, and what to do."""
    out.print(f"{item['id']}  {item['system']}/{item['pull']}", style="bold", markup=False)
    out.print(f"  {item['what'][language()]}: {item['reason'][language()]}", markup=False)
    named = (("row_key", "行 / row"), ("field", "字段 / field"), ("value", "值 / value"), ("place", "地点 / Place"),
             ("other_place", "另一处 / other"))  # fmt: skip
    for key, words in named:
        if item[key]:
            out.print(f"  {words}: {item[key]}", markup=False)
    out.print(f"  {item['remedy'][language()]}", style="dim", markup=False)


def dismiss(item: Item, why: Why, url: Url = "http://127.0.0.1:8000", token: Token = "") -> None:
    """Say why an open item may stay as it is; it opens again when what it is about changes."""
    _end(item, "dismiss", why, (url, token))


def solve(item: Item, why: Why, url: Url = "http://127.0.0.1:8000", token: Token = "") -> None:
    """Say how an open item was mended; a later reading that meets it again opens it anew."""
    _end(item, "solve", why, (url, token))


def link(
    place: Annotated[str, typer.Argument(help="Id of the Place that turned out to be the other one.")],
    into: Annotated[str, typer.Argument(help="Id of the Place both are from now on.")],
    why: Why,
    url: Url = "http://127.0.0.1:8000",
    token: Token = "",
) -> None:
    """Link two Places: rows and codes of the first go to the second, what was filed stays where it was filed."""
    _print(_post(f"places/{quote(place)}/link", {"into": into, "why": why}, (url, token)))


def part(
    place: Annotated[str, typer.Argument(help="Id of the Place.")],
    rows: Annotated[list[str], typer.Argument(help="Rows that are about another one, each as system/pull/key.")],
    why: Why,
    url: Url = "http://127.0.0.1:8000",
    token: Token = "",
) -> None:
    """Part a Place: these rows, with the codes they tell, stand on a new one."""
    named = [_row(row) for row in rows]
    _print(_post(f"places/{quote(place)}/part", {"rows": named, "why": why}, (url, token)))


def _row(told: str) -> dict[str, str]:
    """Return which row is meant, or end with how to say it."""
    parts = told.split("/", 2)
    if len(parts) < len(ROW):
        err.print(f"{told}: 请写成 / write it as system/pull/key", style="red", markup=False)
        raise typer.Exit(BAD_INPUT)
    return dict(zip(ROW, parts, strict=True))


def _end(item: str, how: str, why: str, hub: tuple[str, str]) -> None:
    ended = _post(f"open-items/{quote(item)}/{how}", {"why": why}, hub)
    out.print(f"{ended['id']}: {ended['state']}", markup=False)


def _post(path: str, body: dict[str, Any], hub: tuple[str, str]) -> Any:  # noqa: ANN401 - any JSON
    url, token = hub
    return call(url, token, f"POST /api/v1/{path}", json.dumps(body).encode())


def _print(place: dict[str, Any]) -> None:
    """Print what stands on a Place."""
    out.print(f"{place['id']} {place['name']}".rstrip(), markup=False)
    for row in place["rows"]:
        out.print(f"  {row['system']}/{row['pull']}/{row['key']}", markup=False)
    for code in place["codes"]:
        out.print(f"  {code['issuer']}: {code['code']}", markup=False)
