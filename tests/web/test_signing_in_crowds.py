"""Many sign in at once, some of them strangers: who is right is never refused, and nobody locks anybody out."""

import asyncio
from collections import Counter

import pytest
from sqlmodel import Session, select

from hub.clock import Clock
from hub.model import Account, SignInFailure
from hub.model.people import Role
from hub.settings import Settings
from hub.store.query.people.throttle import MOST_FROM
from tests.web.conftest import PASSWORD, VILLAGE, Site, let_in
from tests.web.test_signing_in import ME, sign_in

pytestmark = [pytest.mark.fault("F89"), pytest.mark.case("C67")]
ROOM = [f"officer{number}" for number in range(30)]


async def populate(site: Site, clock: Clock) -> None:
    """Put thirty people in who have yet to choose their password."""

    def write(session: Session) -> None:
        known = session.exec(select(Account).where(Account.login == "ada")).one().password_hash
        for login in ROOM:
            let_in(session, login, (Role.STAFF, VILLAGE, ""), known, clock.now())
        for account in session.exec(select(Account).where(Account.login.startswith("officer"))):  # type: ignore[attr-defined]  # a column
            account.must_change_password = True
            session.add(account)

    await site.store.write(write)


async def test_forty_right_passwords_at_once_from_one_address(site: Site) -> None:
    clients = [await site.client() for _ in range(40)]
    answers = await asyncio.gather(*map(sign_in, clients))
    assert Counter(answer.status_code for answer in answers) == {200: 40}


async def test_a_room_of_thirty_chooses_its_first_passwords(site: Site, clock: Clock) -> None:
    await populate(site, clock)

    async def begin(login: str) -> list[int]:
        client = await site.client()
        signed_in = await sign_in(client, login)
        chosen = await client.post(f"{ME}/password", json={"old": PASSWORD, "new": f"a password of {login}"})
        return [signed_in.status_code, chosen.status_code, (await client.get("/api/v1/forms")).status_code]

    assert await asyncio.gather(*map(begin, ROOM)) == [[200, 204, 200]] * 30


async def test_a_stranger_locks_nobody_out(site: Site) -> None:
    stranger = await site.client("", "198.51.100.7")
    for _ in range(7):
        await sign_in(stranger, "ada", "wrong")
    assert (await sign_in(stranger)).status_code == 429
    assert (await sign_in(await site.client())).status_code == 200


async def test_a_stranger_at_the_same_address_does_not_lock_a_known_browser_out(site: Site) -> None:
    own, stranger = await site.client(), await site.client()
    assert (await sign_in(own)).status_code == 200
    await own.delete(ME)
    assert own.cookies.get("hub_known")
    for _ in range(6):
        await sign_in(stranger, "ada", "wrong")
    assert (await sign_in(stranger)).status_code == 429
    assert (await sign_in(own)).status_code == 200


async def test_a_known_browser_has_its_own_limit(site: Site) -> None:
    own = await site.client()
    await sign_in(own)
    codes = [(await sign_in(own, "ada", "wrong")).status_code for _ in range(6)]
    assert codes == [401] * 5 + [429]
    assert (await sign_in(own)).status_code == 429
    assert (await sign_in(await site.client())).status_code == 200


async def test_a_mark_of_another_person_or_a_made_up_one_is_none(site: Site) -> None:
    bo, stranger = await site.client(), await site.client()
    await sign_in(bo, "bo")
    known = bo.cookies["hub_known"]
    marks = [known, known.replace(".", ""), "1234.abcd", "~" * 300, "." + "0" * 64]
    for _ in range(5):
        await sign_in(stranger, "ada", "wrong")
    for mark in marks:
        stranger.cookies.set("hub_known", mark)
        assert (await sign_in(stranger)).status_code == 429


async def test_a_shared_browser_is_known_to_the_last_few(site: Site) -> None:
    shared = await site.client()
    for login in ("ada", "bo", "cy", "lea", "lou", "lou"):
        assert (await sign_in(shared, login)).status_code == 200
    assert len(shared.cookies["hub_known"].split("~")) == 4
    stranger = await site.client()
    for login in ("ada", "bo"):
        for _ in range(5):
            await sign_in(stranger, login, "wrong")
    assert (await sign_in(shared, "ada")).status_code == 429
    assert (await sign_in(shared, "bo")).status_code == 200


async def test_over_https_the_mark_is_bound_to_the_host(site: Site, settings: Settings) -> None:
    settings.__dict__["public_url"] = "https://hub.test"
    cookies = (await sign_in(await site.client())).headers.get_list("set-cookie")
    (mark,) = (cookie for cookie in cookies if "hub_known" in cookie)
    assert mark.startswith("__Host-hub_known=")
    assert {"Secure", "HttpOnly", "SameSite=strict"} <= set(mark.split("; "))


async def test_guessing_at_everybody_stops_while_others_get_in(site: Site, clock: Clock) -> None:
    address = "198.51.100.7"

    def write(session: Session) -> None:
        session.add_all(
            SignInFailure(login=f"guess{number}", address=address, at=clock.now()) for number in range(MOST_FROM)
        )

    await site.store.write(write)
    refused = await sign_in(await site.client("", address), "ada")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "600")
    assert (await sign_in(await site.client())).status_code == 200


async def test_parallel_guesses_do_not_slip_by(site: Site) -> None:
    """As many wrong ones as there are places for hashing may be looked at before the fifth is counted, no more."""
    clients = [await site.client() for _ in range(20)]
    answers = await asyncio.gather(*(sign_in(client, "ada", "wrong") for client in clients))
    codes = Counter(answer.status_code for answer in answers)
    assert 5 <= codes[401] <= 6
    assert codes[429] == 20 - codes[401]


async def test_too_many_at_once_are_told_when_to_come_again(site: Site) -> None:
    clients, hashing = [await site.client() for _ in range(90)], site.parts.hashing
    async with hashing.turn("one"), hashing.turn("another"):
        asked = [asyncio.create_task(sign_in(client)) for client in clients]
        done, waiting = await asyncio.wait(asked, timeout=3)
        told = [task.result() for task in done]
        assert {(answer.status_code, answer.json()["code"]) for answer in told} == {(503, "auth.busy")}
        assert all(0 < int(answer.headers["retry-after"]) < 600 for answer in told)
        assert (len(told), len(waiting)) == (26, 64)
    assert [(await task).status_code for task in waiting] == [200] * 64
    assert (await sign_in(await site.client())).status_code == 200
