"""A county with its hub: four simulators and `hub serve` as processes, the people of both, and a look into storage."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

import httpx
import yaml
from sqlalchemy import create_engine, text

from deploy.county import portal
from deploy.county.seed import DIVISIONS, VILLAGES, Door, division_names
from deploy.county.systems import PORTS, County
from tests.journeys.process import ROOT, Hub, until

View = dict[str, Any]
Json: TypeAlias = Any
"""Whatever the API answers."""
WIRING = ROOT / "connectors.yaml"
HOUSEHOLDS = 96
BOOKS = {
    "household-visit": ("household_visit/household_visit.db", "SELECT * FROM entry ORDER BY id"),
    "garbage-scoring": ("garbage_scoring/garbage.sqlite", "SELECT * FROM score ORDER BY rowid"),
    "river-patrol": ("river_patrol/river_patrol.db", "SELECT * FROM instance ORDER BY seq"),
    "poverty-alleviation": (
        "poverty_alleviation/poverty.sqlite",
        "SELECT verdict.*, entry.body FROM verdict LEFT JOIN entry USING (number) ORDER BY verdict.rowid",
    ),
}
"""Where each simulator keeps what it took, and how to read it."""
KEYS = {
    "household-visit": "client_id",
    "garbage-scoring": "request_id",
    "river-patrol": "instance_id",
    "poverty-alleviation": "key",
}
PASSWORD = "journeys-only"
NEIGHBOURS = (
    ("farofficer", "staff", VILLAGES[3].code, "DY0010"),
    ("leader2", "leader", VILLAGES[0].code[:9] + "000", ""),
)
"""People the stories need beside those of the demo: an officer of another village, a second leader of the street."""


class Person:
    """Somebody signed in, as a browser on the hub's own page."""

    def __init__(self, url: str, login: str, password: str) -> None:
        self.browser = httpx.Client(
            base_url=f"{url}/api/v1", headers={"Sec-Fetch-Site": "same-origin"}, timeout=60, trust_env=False
        )
        self.account = self.told("POST", "sessions", {"login": login, "password": password})["account"]

    def ask(self, method: str, path: str, body: View | None = None, **query: str) -> httpx.Response:
        """Ask and take any answer."""
        return self.browser.request(method, path, json=body, params=query)

    def told(self, method: str, path: str, body: View | None = None, **query: str) -> Json:
        """Ask and demand success."""
        answer = self.ask(method, path, body, **query)
        assert answer.is_success, f"{method} {path} -> {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def get(self, path: str, **query: str) -> Json:
        return self.told("GET", path, **query)

    def post(self, path: str, body: View | None = None) -> Json:
        return self.told("POST", path, body or {})

    def place(self, code: str) -> View:
        """What stands behind a code on a door."""
        found: View = self.get(f"places/{quote(code, safe='')}")
        return found

    def submit(self, body: View) -> View:
        view: View = self.post("submissions", body)
        return view

    def watch(self, view: View, enough: Callable[[View], bool], within_s: float = 60.0) -> View:
        """Look again, as the page does, until the receipt says enough."""
        seen: list[View] = []

        def look() -> View | None:
            seen[:] = [self.get(f"submissions/{view['id']}")]
            return seen[0] if enough(seen[0]) else None

        try:
            return until(look, within_s)
        except AssertionError as late:
            raise AssertionError(f"{late}: {states(seen[0]) if seen else view}") from late


def states(view: View) -> dict[tuple[str, str], str]:
    """(System, kind of record) -> state, of every delivery of a receipt."""
    return {(one["system"], kind): one["state"] for kind, one in deliveries(view)}


def deliveries(view: View) -> Iterator[tuple[str, View]]:
    """Every delivery with the kind of its record."""
    for record in view["records"]:
        for delivery in record["deliveries"]:
            yield record["record"].partition("/")[0], delivery


def sent_to(view: View, system: str, kind: str = "") -> View:
    """The one delivery of a receipt that goes to a System."""
    found = [one for name, one in deliveries(view) if one["system"] == system and kind in ("", name)]
    assert len(found) == 1, f"{len(found)} deliveries to {system} {kind}"
    return found[0]


def has_ended(view: View) -> bool:
    """Nothing of it moves any more by itself."""
    return all(state in {"delivered", "parked", "manual", "cancelled"} for state in states(view).values())


@dataclass
class World:
    """One county, one hub, one database."""

    county: County
    hub: Hub
    people: dict[str, Person] = field(default_factory=dict)
    _house: int = 0

    def person(self, login: str) -> Person:
        """Somebody by login, signed in once."""
        if login not in self.people:
            known = {one["login"]: one["password"] for one in portal.accounts()}
            self.people[login] = Person(self.hub.url, login, known.get(login, PASSWORD))
        return self.people[login]

    def part(self) -> None:
        """Hang up for everybody."""
        for one in self.people.values():
            one.browser.close()

    def new_door(self) -> Door:
        """A model household no story has visited."""
        self._house += 1
        assert self._house <= HOUSEHOLDS // len(VILLAGES), "more stories than doors: raise HOUSEHOLDS"
        return Door(VILLAGES[0], self._house)

    def pull(self, system: str) -> list[View]:
        """Let the hub read one System now; its own first reading may be under way."""
        operator, busy = self.person("operator"), 409

        def look() -> list[View] | None:
            answer = operator.ask("POST", f"systems/{system}/pull", {})
            assert answer.is_success or answer.status_code == busy, answer.text
            return answer.json() if answer.is_success else None

        return until(look, what=f"a pull of {system}")

    def rows(self, system: str) -> list[View]:
        """What a simulator keeps of deliveries, read from its own storage."""
        file, rows = BOOKS[system]
        address = f"file:{self.county.data / file}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as books:
            books.row_factory = sqlite3.Row
            return [dict(row) for row in books.execute(rows)]

    def kept(self, system: str, key: str) -> list[View]:
        """The rows of one delivery's key."""
        return [row for row in self.rows(system) if row[KEYS[system]] == key]

    def change(self, system: str, sql: str, *values: object) -> None:
        """Change something in a simulator's own storage, as its department would."""
        with closing(sqlite3.connect(self.county.data / BOOKS[system][0])) as books:
            assert books.execute(sql, values).rowcount == 1
            books.commit()

    def query(self, sql: str, **values: object) -> list[View]:
        """Look into the hub's own database."""
        engine = create_engine(self.hub.database_url)
        try:
            with engine.connect() as connection:
                return [dict(row) for row in connection.execute(text(sql), values).mappings()]
        finally:
            engine.dispose()


def write_accounts(file: Path) -> Path:
    """Write the demo's people and the stories' own."""
    own = [
        {"login": login, "password": PASSWORD, "name": "方远", "role": role, "division": division, "staff_number": no}
        for login, role, division, no in NEIGHBOURS
    ]
    rows = [one | {"phone": "19900000777"} for one in own]
    file.write_text(json.dumps({"accounts": [*portal.accounts(), *rows]}), encoding="utf-8")
    assert {one["division"] for one in own} <= set(division_names())
    return file


def hub_of(county: County, home: Path, database_url: str, **told: str) -> Hub:
    """A hub wired to a running county, not yet started."""
    home.mkdir(parents=True, exist_ok=True)
    county.rewire(WIRING, home / "connectors.yaml")
    settings = {
        "CONNECTORS_FILE": str(home / "connectors.yaml"),
        "SEED_ACCOUNTS": str(write_accounts(home / "accounts.json")),
        "SEED_DIVISIONS": str(DIVISIONS),
        "LOG_LEVEL": "debug",
    }
    secrets = {name.removeprefix("HUB_"): value for name, value in county.secrets(WIRING).items()}
    return Hub(home, database_url, settings | secrets | told)


def add_system(hub: Hub, name: str, system: View) -> None:
    """Wire one more System to a hub that is not started yet."""
    file = hub.home / "connectors.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    document["systems"][name] = system
    file.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")


SYSTEMS = tuple(PORTS)
