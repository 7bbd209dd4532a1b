"""What changes while a request is under way is heeded when it is written: rights, passwords, sessions."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import orjson
import pytest
from sqlmodel import Session, select

from hub.clock import Clock
from hub.model import METADATA, Delivery, Division, SystemState
from hub.model import Session as SignedIn
from hub.model.people import Role
from hub.store import Store
from hub.store.credentials import digest, hash_password
from hub.store.query import people
from hub.store.query.people import Change
from tests.pictures import jpeg
from tests.web.conftest import OTHER_VILLAGE, PASSWORD, Site, account, visit
from tests.web.test_signing_in import ME, sign_in

OTHER_HASH = "$argon2id$v=19$m=65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
ABOUT_PEOPLE = {"account", "session", "api_token", "journal", "sign_in_failure"}
Act = Callable[[Session], object]


def changed(login: str, clock: Clock, change: Change) -> Act:
    """Return the write by which somebody at the command line changes an account."""
    return lambda session: people.change_account(session, login, change, None, clock.now())


ENDINGS: dict[str, Callable[[str, Clock], Act]] = {
    "disabled": lambda login, clock: changed(login, clock, Change(disabled=True)),
    "role": lambda login, clock: changed(login, clock, Change({"role": Role.DATA_BUREAU})),
    "division": lambda login, clock: changed(login, clock, Change({"division": OTHER_VILLAGE})),
    "reset": lambda login, clock: changed(login, clock, Change(password_hash=OTHER_HASH)),
    "signed out": lambda login, clock: lambda session: people.end_session(session, digest(f"session-of-{login}")),
}


@pytest.fixture(autouse=True)
async def _known(site: Site, clock: Clock) -> None:
    def write(session: Session) -> None:
        day, now = clock.now().date(), clock.now()
        session.add(Division(code=OTHER_VILLAGE, name="别村", level="village", valid_from=day, recorded_at=now))

    await site.store.write(write)


async def everything(store: Store) -> dict[str, list[str]]:
    """Return all rows that are not about people themselves."""

    def look(session: Session) -> dict[str, list[str]]:
        tables = [table for table in METADATA.sorted_tables if table.name not in ABOUT_PEOPLE]
        return {table.name: sorted(map(repr, session.connection().execute(select(table)))) for table in tables}  # type: ignore[call-overload]  # any table

    return await store.read(look)


async def within(store: Store, act: Act, ask: Callable[[], Any]) -> httpx.Response:
    """Ask while a transaction that does `act` is under way, which ends only after whoever asks was recognised."""
    begun, go = threading.Event(), threading.Event()

    def write(session: Session) -> None:
        act(session)
        session.flush()
        begun.set()
        go.wait(30)

    changing = asyncio.create_task(store.write(write))
    await asyncio.to_thread(begun.wait, 30)
    asked = asyncio.create_task(ask())
    await asyncio.sleep(0.4)
    go.set()
    await changing
    answer: httpx.Response = await asked
    return answer


# -- C68: signing in ---------------------------------------------------------------------------------------------------


@pytest.mark.fault("F90")
@pytest.mark.case("C68")
@pytest.mark.parametrize("ending", ["disabled", "reset", "role", "division"])
async def test_no_session_begins_for_who_somebody_was(site: Site, clock: Clock, ending: str) -> None:
    client = await site.client()
    answer = await within(site.store, ENDINGS[ending]("ada", clock), lambda: sign_in(client))
    told = {"disabled": (401, "auth.wrong"), "reset": (401, "auth.wrong")}.get(ending, (409, "auth.changed"))
    assert (answer.status_code, answer.json()["code"]) == told
    assert "hub_session" not in client.cookies
    ada = await account(site, "ada")
    left = select(SignedIn).where(SignedIn.account_id == ada.id)
    assert await site.store.read(lambda session: session.exec(left).all()) == []


@pytest.mark.fault("F90")
@pytest.mark.case("C68")
@pytest.mark.parametrize("ending", ["disabled", "reset", "role"])
async def test_no_session_begins_after_a_change_while_the_password_is_looked_at(
    site: Site, clock: Clock, ending: str
) -> None:
    """With a hash as costly as real ones, so that the change falls into the time it takes to look at it."""
    real = hash_password(PASSWORD)
    await site.store.write(changed("ada", clock, Change(password_hash=real)))
    client = await site.client()
    asked = asyncio.create_task(sign_in(client))
    await asyncio.sleep(0.08)
    await site.store.write(ENDINGS[ending]("ada", clock))
    assert (await asked).status_code in {401, 409}
    ada = await account(site, "ada")
    left = select(SignedIn).where(SignedIn.account_id == ada.id)
    assert await site.store.read(lambda session: session.exec(left).all()) == []


@pytest.mark.fault("F90")
@pytest.mark.case("C68")
async def test_a_password_changed_meanwhile_is_not_changed_back(site: Site, clock: Clock) -> None:
    """Somebody chooses a password with a stolen one, an operator resets it at that moment: the reset stays."""
    ada = await site.client("ada")
    ask = {"old": PASSWORD, "new": "a much better password"}
    answer = await within(site.store, ENDINGS["reset"]("ada", clock), lambda: ada.post(f"{ME}/password", json=ask))
    assert answer.status_code == 401
    row = await site.store.read(lambda session: people.account_named(session, "ada"))
    assert row is not None
    assert (row.password_hash, row.must_change_password) == (OTHER_HASH, True)


@pytest.mark.fault("F90")
@pytest.mark.case("C68")
async def test_two_who_choose_a_password_with_the_same_old_one_do_not_both_succeed(site: Site) -> None:
    one, other = await site.client("ada"), await site.client()
    await sign_in(other)

    async def choose(client: httpx.AsyncClient, new: str) -> int:
        return (await client.post(f"{ME}/password", json={"old": PASSWORD, "new": new})).status_code

    codes = await asyncio.gather(choose(one, "the first new password"), choose(other, "the second new password"))
    assert sorted(codes) == [204, 401]


# -- C72: everything that writes ---------------------------------------------------------------------------------------


@pytest.mark.fault("F94")
@pytest.mark.case("C72")
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("rest", ["submission", "correction", "photo"])
async def test_rights_that_end_while_the_body_arrives_are_gone_when_it_is_written(
    site: Site, clock: Clock, submitted: dict[str, Any], ending: str, rest: str
) -> None:
    from hashlib import sha256  # noqa: PLC0415 - only here

    ada, before = await site.client("ada"), await everything(site.store)
    photo = jpeg(b"gate" * 100)
    path, method, body = {
        "submission": ("submissions", "POST", orjson.dumps(visit(clock))),
        "correction": (f"submissions/{submitted['id']}/revisions", "POST", orjson.dumps(visit(clock))),
        "photo": (f"attachments/{sha256(photo).hexdigest()}", "PUT", photo),
    }[rest]

    async def slowly() -> AsyncIterator[bytes]:
        yield body[:100]
        await site.store.write(ENDINGS[ending]("ada", clock))
        clock.tick(seconds=20)
        yield body[100:]

    answer = await ada.request(
        method, f"/api/v1/{path}", content=slowly(), headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.required")
    assert await everything(site.store) == before


@pytest.mark.fault("F94")
@pytest.mark.case("C72")
@pytest.mark.parametrize(
    ("end", "told"),
    [
        ({"revoked_at": True}, (401, "auth.required")),
        ({"role": Role.LEADER}, (409, "auth.changed")),
        ({"division": OTHER_VILLAGE}, (409, "auth.changed")),
    ],
)
async def test_a_token_is_judged_again_like_a_session(
    site: Site, clock: Clock, end: dict[str, Any], told: tuple[int, str]
) -> None:
    program, before, body = await site.program("ada"), await everything(site.store), orjson.dumps(visit(clock))

    def act(session: Session) -> None:
        if "revoked_at" in end:
            assert people.revoke_tokens(session, "ada", "test", clock.now()) == 1
        else:
            people.change_account(session, "ada", Change(end), None, clock.now())

    async def slowly() -> AsyncIterator[bytes]:
        yield body[:100]
        await site.store.write(act)
        yield body[100:]

    headers = {"Content-Type": "application/json"}
    answer = await program.post("/api/v1/submissions", content=slowly(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == told
    assert await everything(site.store) == before


@pytest.mark.fault("F94")
@pytest.mark.case("C72")
async def test_of_one_group_only_who_lost_their_rights_is_refused(site: Site, clock: Clock) -> None:
    """Ada's and Bo's arrive in one transaction of the writer, and so do one of Ada's by a token that still holds."""
    ada, bo = await site.client("ada"), await site.client("bo")
    program = await site.program("ada")
    far = visit(clock, place="HV-2") | {"id": "0198c1de-7c1e-4a01-9d3f-5f1d3a1f0c22"}
    far["answers"] = {name: far["answers"][name] for name in list(far["answers"])[:4]} | {"nothing_to_report": True}
    out = ENDINGS["signed out"]("ada", clock)

    async def all_three() -> list[int]:
        asked = (
            ada.post("/api/v1/submissions", json=visit(clock)),
            bo.post("/api/v1/submissions", json=far),
            program.post("/api/v1/submissions", json=visit(clock)),
        )
        return [answer.status_code for answer in await asyncio.gather(*asked)]

    assert await within(site.store, out, all_three) == [401, 201, 201]  # type: ignore[comparison-overlap]  # what was asked


WHY = {"why": "new secret is in place"}
ACTS: dict[str, tuple[str, str, str, Any]] = {
    "resume": ("dan", "POST", "systems/garbage-scoring/resume", WHY),
    "replay one": ("dan", "POST", "deliveries/{delivery}/replay", WHY),
    "replay many": ("dan", "POST", "deliveries/replay", WHY | {"ids": ["{delivery}"]}),
    "confirm": ("dan", "POST", "deliveries/{delivery}/confirm", WHY | {"number": "S-7"}),
    "cancel": ("dan", "POST", "deliveries/{delivery}/cancel", WHY),
    "take": ("dan", "POST", "deliveries/{delivery}/take", None),
    "give back": ("dan", "DELETE", "deliveries/{delivery}/take", None),
    "step": ("lea", "POST", "issues/{issue}/steps", {"to": "assigned", "assignee": "cy"}),
    "withdraw": ("ada", "POST", "submissions/{submission}/withdrawal", WHY),
    "withdraw as a leader": ("lea", "POST", "submissions/{submission}/withdrawal", WHY),
    "erase": ("opal", "POST", "submissions/{submission}/erasure", WHY),
    "open an account": (
        "opal", "POST", "accounts",
        {"login": "new.one", "name": "新", "role": "staff", "division": "330783005004"},
    ),
    "change an account": ("opal", "PATCH", "accounts/bo", {"name": "博"}),
    "choose a password": ("dan", "POST", "sessions/me/password", {"old": PASSWORD, "new": "a much better password"}),
}  # fmt: skip


@pytest.mark.fault("F94")
@pytest.mark.case("C72")
@pytest.mark.parametrize("act", ACTS)
async def test_whatever_is_written_is_judged_in_the_transaction_that_writes_it(
    site: Site, clock: Clock, submitted: dict[str, Any], act: str
) -> None:
    login, method, path, body = ACTS[act]

    def prepare(session: Session) -> tuple[str, str]:
        row = session.exec(select(Delivery).where(Delivery.system == "garbage-scoring")).one()
        row.state, row.due_at = "parked", None  # type: ignore[assignment]  # as read
        session.add(row)
        session.add(SystemState(system="garbage-scoring", paused_reason="secret expired", paused_at=clock.now()))
        issue = session.connection().exec_driver_sql("SELECT id FROM issue").scalars().first()
        return row.id, str(issue)

    delivery, issue = await site.store.write(prepare)
    client, before = await site.client(login), await everything(site.store)
    names = await site.store.read(lambda session: sorted(people.listed_accounts(session, None), key=lambda a: a.login))
    url = "/api/v1/" + path.format(delivery=delivery, issue=issue, submission=submitted["id"])
    sent = orjson.loads(orjson.dumps(body).replace(b"{delivery}", delivery.encode()))
    ask = client.request(method, url, json=sent) if body else client.request(method, url)
    answer = await within(site.store, ENDINGS["disabled"](login, clock), lambda: ask)
    assert (answer.status_code, answer.json()["code"]) in {(401, "auth.required"), (401, "auth.wrong")}
    assert await everything(site.store) == before
    now = await site.store.read(lambda session: sorted(people.listed_accounts(session, None), key=lambda a: a.login))
    assert [(a.login, a.name, a.password_hash) for a in now] == [(a.login, a.name, a.password_hash) for a in names]
