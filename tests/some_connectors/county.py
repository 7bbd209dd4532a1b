"""A small county on a real store: two villages, three people, four Places, and the way a filled form takes."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar
from uuid import uuid4

import orjson
import yaml
from sqlmodel import Session, SQLModel, col, select, update

from hub.app import load_files
from hub.catalog import Catalog
from hub.catalog.conditions import compile_condition
from hub.clock import Clock
from hub.intake.accept import Accepted, Intake, accept
from hub.intake.plan import Rules
from hub.intake.revise import revise
from hub.model import Account, Alias, Attachment, Delivery, Place, Record, Skip
from hub.model.people import Role
from hub.settings import Settings
from hub.store import Store
from hub.systems import Registry, Surroundings, load_registry
from tests.builders import Bell, pull_row

Row = TypeVar("Row", bound=SQLModel)
Body = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]
VILLAGE, SIBLING, TOWN, COUNTY = "330783005004", "330783005040", "330783005000", "330783000000"
PHOTO, HERS = "a" * 64, "b" * 64
VISIT: Body = {
    "form": "visit",
    "version": 1,
    "place": "D-1",
    "occurred_at": "2026-11-23T08:50:00+08:00",
    "reported_at": "2026-11-23T08:59:00+08:00",
    "location": {"lon": 120.24, "lat": 29.28, "crs": "wgs84", "accuracy_m": 12},
    "answers": {
        "household.head_name": "陈大山",
        "household.phone": "19900000101",
        "household.member_count": 4,
        "visit.purpose": "care",
    },
    "seen": {},
}
BIN = {"bin.sorting": "good", "bin.delivery": "medium", "bin.cleanliness": "poor"}
DIRT = {"id": "dirt", "finding.category": "environment", "finding.severity": "ordinary", "finding.description": "垃圾"}
QUARREL = {"id": "quarrel", "finding.category": "dispute", "finding.severity": "urgent", "finding.description": "争吵"}
RIVER = {
    "id": "river", "finding.category": "river", "finding.severity": "urgent", "finding.description": "污水",
    "finding.segment": "R-1", "finding.river_type": "outlet",
}  # fmt: skip


MENDED = {
    "{from: place.known.household.income_yuan}": "{from: place.known.household.income_yuan, default: 0}",
    "{from: finding.segment.aliases.rivers}": "{from: finding.segment.aliases.rivers, default: -}",
}
"""Fields that tests want to see fail; `hub check` names them."""


def mended_wiring() -> str:
    """The wiring of this folder without its gaps, so that it passes `hub check`."""
    text = (ROOT / "tests/some_connectors/connectors.yaml").read_text(encoding="utf-8")
    for gap, mended in MENDED.items():
        assert gap in text, f"the wiring no longer has {gap!r}"
        text = text.replace(gap, mended)
    return text


@cache
def files() -> tuple[Catalog, Registry]:
    """The county's forms with the wiring of this folder."""
    settings = Settings(
        profile="test",
        home=ROOT,
        connectors_file=Path("tests/some_connectors/connectors.yaml"),
        connector_packages=("tests.some_connectors",),
        data_dir=Path(mkdtemp(prefix="fillonce-test-")),
    )
    return load_files(settings, lambda _: None)


def wired(change: Callable[[Any], None]) -> Registry:
    """The wiring of this folder with something changed in it."""
    catalog, _ = files()
    document = yaml.safe_load((ROOT / "tests/some_connectors/connectors.yaml").read_text(encoding="utf-8"))
    change(document)
    elements = {
        name: {field.element: catalog.elements[field.element].type for field in record.fields}
        for name, record in catalog.records.items()
    }
    kinds = ("household", "river_segment")
    around = Surroundings(
        elements, catalog.elements, kinds, compile_condition, lambda _: None, str, ("tests.some_connectors",)
    )
    return load_registry(document, "connectors.yaml", around)


def visit(*, id: str = "", answers: Body | None = None, **changes: object) -> Body:  # noqa: A002 - the field's name
    """A body of the visit form, with changes to it and to its answers (None takes one away)."""
    body = deepcopy(VISIT) | {"id": id or str(uuid4())} | changes
    body["answers"] = {k: v for k, v in (body["answers"] | (answers or {})).items() if v is not None}
    return body


@dataclass
class County:
    """Everything intake needs, the people in it, and what was rung."""

    store: Store
    clock: Clock
    rung: list[set[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.catalog, self.registry = files()
        self.intake = Intake(self.store, self.clock, Rules(self.catalog, self.registry), Bell(self.rung))
        self.ada, self.bo, self.eve = (
            Account(id=name, login=name, name=name.title(), role=Role.STAFF, division=division, password_hash="x",
                    staff_number=f"NO-{name}", phone="19900000001", created_at=self.clock.now())
            for name, division in (("ada", VILLAGE), ("bo", SIBLING), ("eve", VILLAGE))
        )  # fmt: skip

    async def settle(self) -> "County":
        """Put people, Places and what is known of them into the store."""
        now, people = self.clock.now(), [Account(**who.model_dump()) for who in (self.ada, self.bo, self.eve)]
        homes = {"home": VILLAGE, "bare": VILLAGE, "far": SIBLING, "river": TOWN}
        places = [
            Place(id=name, kind="river_segment" if name == "river" else "household", name=name, division=division,
                  token=f"token-{name}", created_at=now)
            for name, division in homes.items()
        ]  # fmt: skip
        codes = [("doors", "D-1", "home", True), ("bins", "B-1", "home", True), ("files", "F-1", "home", True),
                 ("police", "S-1", "home", False), ("police", "S-2", "bare", False), ("doors", "D-3", "far", True),
                 ("rivers", "R-1", "river", True)]  # fmt: skip
        aliases = [Alias(issuer=i, code=c, place_id=p, is_key=k, told_by=i, since=now) for i, c, p, k in codes]
        known = {"doors": {"household.head_name": "陈大山", "household.phone": "19900000101"},
                 "files": {"household.head_name": "陈小山"}}  # fmt: skip
        said = [pull_row(system, values, now, place_id="home") for system, values in known.items()]
        photos = self.photos()

        def write(session: Session) -> None:
            for rows in (people, places, aliases, said, photos):
                session.add_all(rows)
                session.flush()

        await self.store.write(write)
        return self

    def photos(self) -> list[Attachment]:
        """The photos uploaded before anything is submitted."""
        return [
            Attachment(sha256=sha256, account_id=who, media_type="image/png", size_bytes=1, created_at=self.clock.now())
            for sha256, who in ((PHOTO, "ada"), (HERS, "eve"))
        ]

    async def submit(self, body: Body, author: Account | None = None) -> Accepted:
        return await accept(self.intake, author or self.ada, orjson.dumps(body))

    async def correct(self, earlier: Accepted | str, body: Body, author: Account | None = None) -> Accepted:
        earlier_id = earlier if isinstance(earlier, str) else earlier.submission_id
        return await revise(self.intake, author or self.ada, earlier_id, orjson.dumps(body))

    async def rows(self, model: type[Row], **values: object) -> list[Row]:
        """All rows of a table with these values, in the order of their ids."""
        query = select(model).filter_by(**values).order_by(*model.__table__.primary_key)
        return await self.store.read(lambda session: list(session.exec(query)))

    async def counts(self) -> dict[str, int]:
        """How many rows every table has."""
        tables = SQLModel.metadata.sorted_tables
        return await self.store.read(lambda s: {t.name: len(s.connection().execute(select(t)).all()) for t in tables})

    async def delivery(self, system: str, flow: str, revision: int = 1) -> Delivery:
        """The one Delivery of a flow and revision."""
        (found,) = await self.rows(Delivery, system=system, flow=flow, revision=revision)
        return found

    async def deliveries(self, accepted: Accepted) -> dict[str, Delivery]:
        """Deliveries of one revision as `system/flow`, one each."""
        records = [record.id for record in await self.rows(Record, submission_id=accepted.submission_id)]
        found = [row for row in await self.rows(Delivery) if row.record_id in records]
        assert len({(row.system, row.flow) for row in found}) == len(found)
        return {f"{row.system}/{row.flow}": row for row in found}

    async def skips(self, accepted: Accepted) -> dict[str, str]:
        """Skips of one revision: `record system/flow` to code."""
        records = {record.id: record for record in await self.rows(Record, submission_id=accepted.submission_id)}
        rows = await self.rows(Skip)
        return {
            f"{records[r.record_id].record[:3]} {r.system}/{r.flow}": r.code for r in rows if r.record_id in records
        }

    async def put(self, delivery: Delivery, **values: object) -> None:
        """Bring a Delivery into the state the outbox would have."""
        values.setdefault("due_at", None)
        statement = update(Delivery).where(col(Delivery.id) == delivery.id).values(**values)
        await self.store.write(lambda session: session.connection().execute(statement) and None)
