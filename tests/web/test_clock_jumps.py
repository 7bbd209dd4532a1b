"""A clock that is wrong for a while: who is signed in stays so, and nothing made meanwhile outlives it."""

from datetime import timedelta

import pytest
from sqlmodel import Session, func, select

from hub.clock import Clock
from hub.model import ApiToken
from hub.model import Session as SignedIn
from hub.store.credentials import digest
from hub.store.query import people
from hub.store.query.people.signing import MOST_SESSIONS
from tests.web.conftest import Site, account
from tests.web.test_signing_in import ME, sign_in

JUMPS = [timedelta(days=-400), timedelta(days=400)]
pytestmark = [
    pytest.mark.fault("F42"),
    pytest.mark.case("C03"),
    pytest.mark.parametrize("jump", JUMPS, ids=["back", "ahead"]),
]


async def test_who_was_signed_in_is_so_again_when_the_clock_is_right(site: Site, clock: Clock, jump: timedelta) -> None:
    browser, program = await site.client("ada"), await site.program("ada")
    clock.at += jump
    assert [(await client.get(ME)).status_code for client in (browser, program)] == [
        401,
        401 if jump < timedelta(0) else 200,
    ]
    assert (await sign_in(await site.client(), "bo")).status_code == 200
    assert (await sign_in(await site.client(), "bo", "wrong")).status_code == 401
    clock.at -= jump
    assert [(await client.get(ME)).status_code for client in (browser, program)] == [200, 200]


async def test_a_session_of_a_wrong_clock_ends_with_it(site: Site, clock: Clock, jump: timedelta) -> None:
    client = await site.client()
    clock.at += jump
    assert (await sign_in(client)).status_code == 200
    assert (await client.get(ME)).status_code == 200
    clock.at -= jump
    assert (await client.get(ME)).status_code == 401
    assert (await sign_in(client)).status_code == 200
    assert (await client.get(ME)).status_code == 200


async def test_a_token_of_a_wrong_clock_does_not_last_longer_than_was_meant(
    site: Site, clock: Clock, jump: timedelta
) -> None:
    clock.at += jump
    row = ApiToken(token_digest=digest("fo_x"), account_id="", name="x", created_at=clock.now(),
                   expires_at=clock.now() + timedelta(days=90))  # fmt: skip
    await site.store.write(lambda session: people.add_token(session, "ada", row))
    client = await site.client("", Authorization="Bearer fo_x")
    assert (await client.get(ME)).status_code == 200
    clock.at -= jump
    assert (await client.get(ME)).status_code == 401


async def test_machines_a_little_apart_agree(site: Site, clock: Clock, jump: timedelta) -> None:
    client = await site.client()
    clock.at += timedelta(minutes=4)
    await sign_in(client)
    clock.at -= timedelta(minutes=4)
    assert (await client.get(ME)).status_code == 200


async def test_forgotten_browsers_end_by_number(site: Site, clock: Clock, jump: timedelta) -> None:
    ada = await account(site, "ada")
    first = await site.client("ada")
    for _ in range(MOST_SESSIONS):
        assert (await first.get(ME)).status_code == 200
        clock.tick(seconds=1)
        last = await site.client()
        await sign_in(last)
    assert (await first.get(ME)).status_code == 401
    assert (await last.get(ME)).status_code == 200

    def count(session: Session) -> int:
        return session.exec(select(func.count()).where(SignedIn.account_id == ada.id)).one()

    assert await site.store.read(count) == MOST_SESSIONS
    clock.at += jump
    await sign_in(await site.client())
    assert await site.store.read(count) <= MOST_SESSIONS
