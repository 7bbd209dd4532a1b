"""The web edge over a real store, the county's real forms and wiring, and six people; nothing is ever sent."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlmodel import Session
from starlette.routing import BaseRoute

from hub.app import load_files
from hub.catalog import Catalog
from hub.clock import Clock
from hub.intake.accept import Intake
from hub.intake.plan import Rules
from hub.model import Account, Alias, ApiToken, Division, Place
from hub.model import Session as SignedIn
from hub.model.people import Role
from hub.pulls.run import Pulls
from hub.sdk import Page
from hub.settings import Settings
from hub.store import Store
from hub.store.blobs import attachment_key
from hub.store.credentials import digest
from hub.store.query.people import NewAccount, create_account
from hub.systems import Registry
from hub.web.context import Parts
from hub.web.site import API, make_app
from tests.builders import Bell, pull_row

VILLAGE, OTHER_VILLAGE, TOWN, COUNTY = "330783005004", "330783123233", "330783005000", "330783000000"
PASSWORD = "correct horse battery"
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}
PEOPLE = {
    "ada": (Role.STAFF, VILLAGE, ""),
    "bo": (Role.STAFF, OTHER_VILLAGE, ""),
    "cy": (Role.STAFF, VILLAGE, ""),
    "lea": (Role.LEADER, TOWN, ""),
    "lou": (Role.LEADER, TOWN, ""),
    "dan": (Role.DEPARTMENT_ADMIN, COUNTY, "agriculture-office"),
    "wes": (Role.DEPARTMENT_ADMIN, COUNTY, "water-bureau"),
    "bea": (Role.DATA_BUREAU, COUNTY, ""),
    "opal": (Role.OPERATOR, COUNTY, ""),
}
PERSON = tuple[Role, str, str]
"""Role, division, department."""
NAMES = {login: f"名{login}" for login in PEOPLE}
ROUTES: dict[str, list[BaseRoute]] = {}
HEAD = "陈大山"
SECRETS = ("HOUSEHOLD_VISIT_SECRET", "GARBAGE_SCORING_SECRET", "RIVER_PATROL_SECRET", "POVERTY_ALLEVIATION_SECRET")
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1rCGuGZtRPvYMX0nnaqrYP2V0LM4AT2Ur7o5iJmpwp"


class Empty:
    """A System that has nothing new; the seam where a Connector goes."""

    async def pull(self, _source: str, cursor: str) -> AsyncIterator[Page]:
        yield Page(rows=(), cursor=cursor + "+")


@dataclass
class Site:
    """The app under test, who is in it, and what it rang for."""

    parts: Parts
    store: Store
    rung: list[set[str]]
    stack: AsyncExitStack
    checks: dict[str, bool] = field(default_factory=lambda: {"database": True})
    answered: list[httpx.Response] = field(default_factory=list)

    async def client(self, login: str = "", address: str = "203.0.113.9", **headers: str) -> httpx.AsyncClient:
        """Return a browser on the hub's own page, signed in when a login is given."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(address, 4711))
        client = httpx.AsyncClient(
            transport=transport, base_url=self.parts.settings.address, headers=OWN_PAGE | headers
        )
        if login:
            client.cookies.set("hub_session", f"session-of-{login}")
        return await self.stack.enter_async_context(client)

    async def program(self, login: str) -> httpx.AsyncClient:
        """Return a program that uses an API token."""
        client = await self.client()
        client.headers = httpx.Headers({"Authorization": f"Bearer fo_token-of-{login}"})
        return client

    def __post_init__(self) -> None:
        """The routes are the same for every site, and take the framework a tenth of a second to make."""
        self.app = make_app(self.parts)
        self.app.router.routes = list(ROUTES.setdefault(API, self.app.router.routes[:]))


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Catalog, Registry]]:
    """The county's forms, schemas and wiring, with made-up secrets."""
    with pytest.MonkeyPatch.context() as patch:
        for name in SECRETS:
            patch.setenv(f"HUB_SECRET_{name}", "made-up")
        patch.setenv("HUB_SECRET_POVERTY_ALLEVIATION_HOST_KEY", HOST_KEY)
        settings = Settings(profile="test", data_dir=tmp_path_factory.mktemp("files"))
        yield load_files(settings)


@pytest.fixture(scope="session")
def password_hash() -> str:
    """One hash for everybody, and one that is cheap to check: real ones take their time on purpose."""
    return PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),)).hash(PASSWORD)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(profile="test", data_dir=tmp_path / "data", public_url="http://hub.test")


@pytest.fixture
async def site(
    store: Store, clock: Clock, settings: Settings, files: tuple[Catalog, Registry], password_hash: str
) -> AsyncIterator[Site]:
    """The hub's web edge with people, Places and nothing sent yet."""
    async with open_site(store, clock, settings, files, password_hash) as made:
        yield made


@asynccontextmanager
async def open_site(
    store: Store, clock: Clock, settings: Settings, files: tuple[Catalog, Registry], password_hash: str
) -> AsyncIterator[Site]:
    """The same, for whoever has a loop of their own."""
    catalog, registry = files
    rung: list[set[str]] = []

    bell = Bell(rung)
    async with AsyncExitStack() as stack:
        checks = {"database": True}

        async def ready() -> dict[str, bool]:
            return checks

        parts = Parts(
            settings=settings,
            clock=clock,
            store=store,
            catalog=catalog,
            registry=registry,
            intake=Intake(store, clock, Rules(catalog, registry), bell),
            pulls=Pulls(store, clock, registry, {"garbage-scoring": Empty()}, catalog),
            ring=bell.ring,
            ready=ready,
            stood_still=lambda: (0, 0.0),
            attachment_key=attachment_key(settings.data_dir),
        )
        await store.write(populate(clock, password_hash))
        yield Site(parts, store, rung, stack, checks)


def populate(clock: Clock, password_hash: str) -> Callable[[Session], None]:
    """Return the write that puts people and Places into an empty hub."""
    now = clock.now()

    def write(session: Session) -> None:
        for login, person in PEOPLE.items():
            let_in(session, login, person, password_hash, now)
        session.add(Division(code=VILLAGE, name="李宅村", level="village", valid_from=now.date(), recorded_at=now))
        session.add(Place(id=HOUSE, kind="household", name="12号", division=VILLAGE, token="tok-a", created_at=now))
        session.add(
            Place(id=FAR_HOUSE, kind="household", name="7号", division=OTHER_VILLAGE, token="tok-b", created_at=now)
        )
        session.add(
            Place(id=RIVER, kind="river_segment", name="江北溪", division=VILLAGE, token="tok-r", created_at=now)
        )
        session.flush()
        for place, issuer, code in ALIASES:
            session.add(Alias(issuer=issuer, code=code, place_id=place, told_by=issuer, since=now, is_key=True))
        known = {"household.head_name": HEAD}
        session.add(pull_row("household-visit", known, now - timedelta(days=3), place_id=HOUSE))

    return write


def let_in(session: Session, login: str, person: PERSON, password_hash: str, now: datetime) -> None:
    """Put somebody in, signed in and with a token."""
    role, division, department = person
    name = NAMES.get(login, login)
    new = NewAccount(login, name, role, division, password_hash, department, f"NO-{login}", "19900000001")
    account = create_account(session, new, now)
    ends_at = now + timedelta(hours=12)
    session.add(SignedIn(token_digest=digest(f"session-of-{login}"), account_id=account.id, created_at=now,
                         expires_at=ends_at))  # fmt: skip
    session.add(
        ApiToken(token_digest=digest(f"fo_token-of-{login}"), account_id=account.id, name="test", created_at=now)
    )


HOUSE, FAR_HOUSE, RIVER = (f"0198c1de-0000-7000-8000-00000000000{n}" for n in (1, 2, 3))
ALIASES = (
    (HOUSE, "household-visit", "HV-1"),
    (HOUSE, "garbage-scoring", "BIN/1"),
    (FAR_HOUSE, "household-visit", "HV-2"),
    (RIVER, "river-patrol", "SEG-1"),
)


def visit(clock: Clock, **changed: object) -> dict[str, Any]:
    """Return a visit with a scored bin, a dispute and sewage in the river."""
    now = clock.now().isoformat()
    answers = {
        "household.head_name": HEAD,
        "household.phone": "19900000102",
        "household.member_count": 5,
        "visit.purpose": "safety",
        "bin": {"bin.sorting": "good", "bin.delivery": "medium", "bin.cleanliness": "poor"},
        "findings": [
            {
                "id": "f1",
                "finding.category": "dispute",
                "finding.severity": "ordinary",
                "finding.description": "宅基地争执",
            },
            {
                "id": "f2",
                "finding.category": "river",
                "finding.severity": "urgent",
                "finding.description": "有污水入河",
                "finding.segment": "SEG-1",
                "finding.river_type": RIVER_TYPE,
            },
        ],
    }
    body = {
        "id": str(uuid4()),
        "form": "visit",
        "version": 1,
        "place": "HV-1",
        "occurred_at": now,
        "reported_at": now,
        "location": {"missing": "not_asked"},
        "answers": answers,
        "seen": {},
    }
    return body | changed


RIVER_TYPE = "outlet"


@pytest.fixture
async def submitted(site: Site, clock: Clock) -> dict[str, Any]:
    """A visit ada made, as its page shows it."""
    ada = await site.client("ada")
    answer = await ada.post("/api/v1/submissions", json=visit(clock))
    assert answer.status_code == 201, answer.text
    view: dict[str, Any] = answer.json()
    return view


async def account(site: Site, login: str) -> Account:
    """Return somebody's row."""
    from hub.store.query.people import account_named  # noqa: PLC0415 - only here

    found = await site.store.read(lambda session: account_named(session, login))
    assert found is not None
    return found
