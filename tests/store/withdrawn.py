"""A county whose people take back what they filed, and what tests of that look at."""

import pytest

from hub.errors import Problem
from hub.intake.accept import Accepted
from hub.intake.withdraw import withdraw
from hub.model import (
    Account,
    Delivery,
    Submission,
)
from hub.model.delivery import State
from hub.model.people import Role, Scope
from hub.outbox.release import release
from hub.store import Store
from tests.conftest import HandClock
from tests.some_connectors.county import BIN, DIRT, QUARREL, RIVER, County

PLENTY = {"bin": BIN, "findings": [DIRT, RIVER, QUARREL]}
BETTER = {"visit.purpose": "safety"}
LEASE = {"state": State.LEASED, "lease_token": "t" * 36}
WHY = "走错门了"


@pytest.fixture
async def county(store: Store, clock: HandClock) -> County:
    return await County(store, clock).settle()


def scope_of(account: Account) -> Scope:
    return Scope(account.id, Role(account.role), account.division, account.department)


async def take_back(county: County, accepted: Accepted | str, who: Account | None = None, why: str = WHY) -> Accepted:
    submission_id = accepted if isinstance(accepted, str) else accepted.submission_id
    return await withdraw(county.intake, scope_of(who or county.ada), submission_id, why)


async def last_revision(county: County, accepted: Accepted) -> Submission:
    rows = await county.rows(Submission, root_id=accepted.submission_id)
    return max(rows, key=lambda row: row.revision)


async def told(county: County, accepted: Accepted) -> dict[str, tuple[str, str, str]]:
    """What the last revision makes Systems hear: intent, number it is about, state."""
    last = await last_revision(county, accepted)
    rows = await county.deliveries(Accepted(last.id, created=True))
    return {name: (row.intent, row.amends, row.state) for name, row in rows.items()}


async def deliver_all(county: County) -> None:
    for row in await county.rows(Delivery):
        if row.state in (State.WAITING, State.RETRY):
            number = f"{row.system}-{row.flow}-{row.revision}"
            await county.put(row, state=State.DELIVERED, remote_id=number, after_id=None, attempts=1)


async def end(county: County, row: Delivery, state: State, number: str = "") -> None:
    """Let a Delivery end and what waits behind it go, as the outbox does."""
    now = county.clock.now()
    await county.put(row, state=state, lease_token=None, leased_until=None, remote_id=number, settled_at=now)
    await county.store.write(lambda session: release(session, {row.id: state}, now))


async def refused(county: County, *asked: object, why: str = WHY) -> Problem:
    before = await county.counts()
    with pytest.raises(Problem) as caught:
        await take_back(county, *asked, why=why)  # type: ignore[arg-type]  # the arguments of take_back
    assert await county.counts() == before
    return caught.value


async def add_person(county: County, name: str, role: Role, division: str) -> Account:
    person = county.ada.model_copy(update={"id": name, "login": name, "name": name.title(), "role": role,
                                           "division": division})  # fmt: skip
    await county.store.write(lambda session: session.add(Account(**person.model_dump())))
    return person
