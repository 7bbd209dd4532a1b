"""Two processes on one PostgreSQL do the same thing at the same moment; on SQLite there is one writer (C63).

What was looked through, and what of it was wrong, is in docs/decisions/0037.
"""

from datetime import date
from pathlib import Path

import pytest
from sqlmodel import select

from hub import failpoint
from hub.erasure.erase import erase
from hub.errors import Problem
from hub.intake.accept import Accepted
from hub.model import Account, Attachment, Delivery, Submission
from hub.model.delivery import State
from hub.model.people import Role, Scope
from hub.model.place import Division
from hub.store import Session, Store, open_store
from hub.store.blobs import attachment_key, blob_path, name_blob
from hub.store.query import divisions, people
from hub.store.query.divisions import DivisionLine
from hub.store.query.people import Change, NewAccount
from tests.builders import Loose
from tests.conftest import HandClock
from tests.some_connectors.county import BIN, COUNTY, TOWN, VILLAGE, County, visit
from tests.store.erased import county, deed, other
from tests.store.test_erase_at_once import Meanwhile

__all__ = ["county", "other"]
pytestmark = [pytest.mark.case("C63"), pytest.mark.fault("F85")]
AT_COMMIT = "writer.before_commit"


@pytest.fixture
async def twin(store: Store, database_url: str) -> Loose:
    """Another process's store on a database nobody is in yet, where there can be one."""
    if database_url.startswith("sqlite"):
        yield store
        return
    opened = open_store(database_url)
    yield opened
    await opened.close()


def new(login: str) -> NewAccount:
    return NewAccount(login, login.title(), Role.STAFF, VILLAGE, "x")


async def test_two_hubs_that_start_at_once_make_one_first_operator(store: Store, twin: Store, clock: HandClock) -> None:
    def make(session: Session) -> Loose:
        return people.ensure_first_operator(session, COUNTY, clock.now())

    meanwhile = Meanwhile(AT_COMMIT, lambda: twin.write(make))
    first = await store.write(make)
    assert (first is not None, await meanwhile.came_to()) == (True, None)
    assert len(await store.read(lambda s: list(s.exec(select(Account))))) == 1


async def test_nor_do_they_fail_over_seeded_accounts(store: Store, twin: Store, clock: HandClock) -> None:
    rows = [{"login": name, "name": name, "role": "staff", "division": VILLAGE, "password": "x"} for name in "ab"]

    def seed(session: Session) -> int:
        return people.seed_accounts(session, rows, clock.now())

    meanwhile = Meanwhile(AT_COMMIT, lambda: twin.write(seed))
    assert await store.write(seed) == 2
    assert await meanwhile.came_to() == 0
    assert sorted(await store.read(lambda s: list(s.exec(select(Account.login))))) == ["a", "b"]


async def test_of_two_who_open_one_login_one_is_told_that_it_is_taken(
    store: Store, twin: Store, clock: HandClock
) -> None:
    def make(session: Session) -> Account:
        return people.open_account(session, new("chen.lei"), None, clock.now())

    meanwhile = Meanwhile(AT_COMMIT, lambda: twin.write(make))
    await store.write(make)
    problem = await meanwhile.came_to()
    assert isinstance(problem, Problem), problem
    assert problem.code == "account.exists"


async def test_two_imports_of_one_list_at_once_know_each_division_once(
    store: Store, twin: Store, clock: HandClock
) -> None:
    lines = [DivisionLine(f"33078300500{n}", "village", f"村{n}", TOWN) for n in range(5)]

    def load(session: Session) -> int:
        return divisions.import_lines(session, lines, date(2026, 1, 1), clock.now())

    meanwhile = Meanwhile(AT_COMMIT, lambda: twin.write(load))
    assert await store.write(load) == 5
    assert await meanwhile.came_to() == 0
    codes = await store.read(lambda s: list(s.exec(select(Division.code))))
    assert sorted(codes) == sorted(line.code for line in lines)


async def test_a_photo_sent_twice_at_once_is_new_once(county: County, other: Store, tmp_path: Path) -> None:
    path = blob_path(tmp_path, "c" * 64)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")

    def name(session: Session) -> bool:
        row = Attachment(
            sha256="c" * 64, account_id="ada", media_type="image/png", size_bytes=1, created_at=county.clock.now()
        )
        return name_blob(session, tmp_path, row)

    meanwhile = Meanwhile(AT_COMMIT, lambda: other.write(name))
    assert await county.store.write(name)
    assert await meanwhile.came_to() is False


async def test_one_client_id_as_a_new_one_and_as_a_correction_at_once_is_kept_once(
    county: County, other: Store
) -> None:
    first = await county.submit(visit())
    body = visit(answers={"visit.purpose": "safety"})
    beside = County(other, county.clock)
    for act, rival in (
        (lambda: county.submit(body), lambda: beside.correct(first, body)),
        (lambda: county.correct(first, body), lambda: beside.submit(body)),
    ):
        body["id"] = visit()["id"]
        meanwhile = Meanwhile(AT_COMMIT, rival)
        one = await act()
        two = await meanwhile.came_to()
        assert isinstance(two, Accepted), two
        assert (one.created, two.created, two.submission_id) == (True, False, one.submission_id)
        assert len(await county.rows(Submission, client_id=body["id"])) == 1


async def order_of(county: County) -> list[tuple[str, str | None]]:
    """The Deliveries of the ordered flow that have not ended, with what each waits for."""
    rows = await county.rows(Delivery)
    return [(row.id, row.after_id) for row in rows if row.order_key and row.state not in {"delivered", "cancelled"}]


@pytest.mark.parametrize("before", [0, 1])
async def test_two_that_join_an_ordered_flow_at_once_go_one_after_the_other(
    county: County, other: Store, before: int
) -> None:
    beside = County(other, county.clock)
    for _ in range(before):
        await county.submit(visit(answers={"bin": BIN}))
    meanwhile = Meanwhile(AT_COMMIT, lambda: beside.submit(visit(answers={"bin": BIN})))
    await county.submit(visit(answers={"bin": BIN}))
    assert isinstance(await meanwhile.came_to(), Accepted)
    chain = await order_of(county)
    assert len(chain) == before + 2
    waited_for = [after for _, after in chain if after is not None]
    assert len(set(waited_for)) == len(waited_for) == before + 1, "each waits for another one"


async def test_an_erasure_is_refused_while_somebody_joins_behind_it(county: County, other: Store) -> None:
    """The last one of an ordered flow ends and is erased while the next is about to wait for it."""
    first = await county.submit(visit(answers={"bin": BIN}))
    beside = County(other, county.clock)

    async def end_and_erase() -> object:
        for row in await county.rows(Delivery):
            await beside.put(row, state=State.DELIVERED, settled_at=county.clock.now())
        return await other.write(lambda s: erase(s, first.submission_id, deed(county)))

    meanwhile = Meanwhile("intake.fanout", end_and_erase)
    await county.submit(visit(answers={"bin": BIN}))
    problem = await meanwhile.came_to()
    there = {row.id for row in await county.rows(Delivery)}
    assert {row.after_id for row in await county.rows(Delivery)} - {None} <= there, "it waits for nothing there is"
    if isinstance(problem, Problem):
        assert problem.code == "submission.open"


async def test_an_account_that_moves_out_of_reach_meanwhile_is_not_changed(
    store: Store, twin: Store, clock: HandClock
) -> None:
    await store.write(lambda s: people.open_account(s, new("chen.lei"), None, clock.now()))
    town = Scope("opal", Role.OPERATOR, TOWN, "")
    move, reset = Change({"division": "330783007000"}), Change(password_hash="y")
    meanwhile = Meanwhile(
        AT_COMMIT, lambda: twin.write(lambda s: people.change_account(s, "chen.lei", reset, town, clock.now()))
    )
    await store.write(lambda s: people.change_account(s, "chen.lei", move, None, clock.now()))
    problem = await meanwhile.came_to()
    assert isinstance(problem, Problem), problem
    assert problem.code == "account.unknown"


def test_two_that_start_on_one_folder_sign_with_one_key(tmp_path: Path) -> None:
    rival: list[bytes] = []

    def act(point: str) -> None:
        if point == "key.written" and not rival:
            rival.append(b"")
            rival[0] = attachment_key(tmp_path)

    failpoint.arm(act)
    try:
        mine = attachment_key(tmp_path)
    finally:
        failpoint.arm(None)
    assert (mine, attachment_key(tmp_path)) == (rival[0], rival[0])
    assert [file.name for file in (tmp_path / "keys").iterdir()] == ["attachments.key"]
