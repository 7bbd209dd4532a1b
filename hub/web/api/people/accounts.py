"""Accounts as operators keep them: open, change, disable, list, each within the operator's own division."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field, StrictBool, StringConstraints

from hub.clock import civil_day
from hub.model import Account
from hub.model.odd import Odd, known
from hub.model.people import Role
from hub.store import Session, credentials
from hub.store.query import people
from hub.store.query.people import Change, NewAccount
from hub.store.query.places import division_names
from hub.web.api.people.sessions import Unit
from hub.web.context import Hub, Parts
from hub.web.problems import documented
from hub.web.security import Caller, Operator, demand_json
from hub.web.shapes import PLAIN, Asked, View, Word

router = APIRouter(prefix="/accounts", tags=["accounts"])
Login = Annotated[str, Path(max_length=80, pattern=PLAIN, examples=["chen.lei"])]
Name = Annotated[str, StringConstraints(max_length=80, pattern=PLAIN, strip_whitespace=True)]


class AccountAsked(Asked):
    """Who is to be given an account."""

    login: Word = Field(examples=["chen.lei"], description="2 to 40 of a-z 0-9 . _ - and a letter first")
    name: Name = Field(examples=["陈雷"])
    role: Role
    division: Word = Field(examples=["330783005004"], description="12 digits, within the operator's own division")
    department: Word = Field("", examples=["water-bureau"], description="needed for department administrators")
    staff_number: Word = ""
    phone: Word = ""


class ChangeAsked(Asked):
    """What is to change; what is left out stays."""

    name: Name = ""
    role: Role = Role.STAFF
    division: Word = ""
    department: Word = ""
    staff_number: Word = ""
    phone: Word = ""
    disabled: StrictBool = Field(default=False, description="true ends its sessions and revokes its tokens")
    reset_password: StrictBool = Field(default=False, description="true gives a new one-time password")


class AccountLine(View):
    """An account as operators see it."""

    id: str
    login: str
    name: str
    role: Role | Odd
    unit: Unit
    department: str
    staff_number: str
    phone: str
    created_at: datetime
    disabled_at: datetime | None
    must_change_password: bool


class AccountGiven(AccountLine):
    """An account just opened or changed."""

    one_time_password: str | None = Field(description="shown this once; to be changed at the first sign-in")


@router.get("")
async def list_accounts(
    caller: Operator,
    hub: Hub,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[Word, Query(description="the last login seen")] = "",
) -> list[AccountLine]:
    """List the accounts of my division by login, disabled ones included."""
    today = civil_day(hub.clock.now())

    def look(session: Session) -> list[AccountLine]:
        found = people.listed_accounts(session, caller.scope, after, limit)
        names = division_names(session, (account.division for account in found), today)
        return [_line(account, names) for account in found]

    return await hub.store.read(look)


@router.post("", status_code=201, dependencies=[Depends(demand_json)], responses=documented(409))
async def open_account(asked: AccountAsked, caller: Operator, hub: Hub) -> AccountGiven:
    """Give somebody an account with a one-time password."""
    password, password_hash = await _one_time_password(hub, caller)
    new = NewAccount(**asked.model_dump(), password_hash=password_hash, must_change_password=True)
    now = hub.clock.now()

    def write(session: Session) -> AccountGiven:
        return _given(session, people.open_account(session, new, caller.scope, now), password, now)

    return await hub.write(caller.proof, write)


@router.patch("/{login}", dependencies=[Depends(demand_json)], responses=documented(404, 409))
async def change_account(login: Login, asked: ChangeAsked, caller: Operator, hub: Hub) -> AccountGiven:
    """Change an account; a new role, division or department, disabling and a new password end what is signed in."""
    values = asked.model_dump(exclude_unset=True)
    disabled, resets = values.pop("disabled", None), values.pop("reset_password", False)
    password, password_hash = await _one_time_password(hub, caller) if resets else (None, None)
    change, now = Change(values, disabled, password_hash), hub.clock.now()

    def write(session: Session) -> AccountGiven:
        return _given(session, people.change_account(session, login, change, caller.scope, now), password, now)

    return await hub.write(caller.proof, write)


async def _one_time_password(hub: Parts, caller: Caller) -> tuple[str, str]:
    """Return a fresh password and its hash."""
    password = credentials.new_password()
    async with hub.hashing.turn(caller.account.id) as hashing:
        return password, await hashing.run(credentials.hash_password, password)


def _given(session: Session, account: Account, password: str | None, now: datetime) -> AccountGiven:
    line = _line(account, division_names(session, [account.division], civil_day(now)))
    return AccountGiven(**dict(line), one_time_password=password)


def _line(account: Account, names: dict[str, str]) -> AccountLine:
    unit = Unit(code=account.division, name=names.get(account.division, account.division))
    plain: Iterable[str] = AccountLine.model_fields.keys() - {"unit", "role"}
    return AccountLine(unit=unit, role=known(Role, account.role), **{name: getattr(account, name) for name in plain})
