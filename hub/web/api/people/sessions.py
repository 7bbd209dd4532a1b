"""Signing in and out, and who one is."""

import math
import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, StringConstraints

from hub.clock import civil_day
from hub.errors import FieldFault, Problem
from hub.model import Account
from hub.model import Session as SessionRow
from hub.model.odd import Odd, known
from hub.model.people import Role
from hub.store import credentials
from hub.store.query import people
from hub.store.query.people import Checked
from hub.store.query.places import division_names
from hub.web.api.people.browser import known_browser, remember_browser
from hub.web.context import Hub, Parts
from hub.web.problems import documented
from hub.web.security import Known, client_address, cookie_name, demand_json, demand_own_page, is_secure, source_of
from hub.web.shapes import PLAIN, Asked, View

router = APIRouter(prefix="/sessions", tags=["sessions"])
Password = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class SignIn(Asked):
    """Login and password."""

    login: Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=PLAIN)] = Field(examples=["chen.lei"])
    password: Password


class NewPassword(Asked):
    """One's password and the one to be."""

    old: Password
    new: Annotated[str, StringConstraints(max_length=200)]


class Unit(View):
    """The division a person acts in."""

    code: str = Field(examples=["330783005004"])
    name: str


class AccountView(View):
    """The person signed in."""

    id: str
    login: str
    name: str
    role: Role | Odd
    unit: Unit
    department: str
    staff_number: str
    must_change_password: bool


class SignedInView(View):
    """The answer to a sign-in."""

    account: AccountView


@router.post("", dependencies=[Depends(demand_json)], responses=documented(401, 409, 429, 503))
async def sign_in(asked: SignIn, request: Request, response: Response, hub: Hub) -> SignedInView:
    """Sign in with login and password; the session is a cookie."""
    if "sec-fetch-site" in request.headers or "origin" in request.headers:
        demand_own_page(request, hub.settings)
    checked = await _check(hub, asked, request)
    account, token, now = checked.account, secrets.token_urlsafe(32), hub.clock.now()
    row = SessionRow(
        token_digest=credentials.digest(token),
        account_id=account.id,
        created_at=now,
        expires_at=now + hub.settings.session_lifetime,
    )
    await hub.store.write(lambda session: people.start_session(session, checked, row))
    response.set_cookie(
        cookie_name(hub.settings),
        token,
        max_age=int(hub.settings.session_lifetime.total_seconds()),
        secure=is_secure(hub.settings),
        httponly=True,
        samesite="lax",
    )
    remember_browser(request, response, hub, account)
    return SignedInView(account=await _account_view(hub, account))


async def _check(hub: Parts, asked: SignIn, request: Request) -> Checked:
    """Return whose login and password these are; unknown, disabled and wrong look and cost the same.

    Wrong ones are counted once they are known to be wrong, and before the next one has its turn.
    """
    account = await hub.store.read(lambda session: people.account_named(session, asked.login))
    source = known_browser(request, hub, account) or source_of(client_address(request, hub.settings))
    await _demand_patience(hub, asked.login, source)
    async with hub.hashing.turn(source) as hashing:
        await _demand_patience(hub, asked.login, source)
        kept = account.password_hash if account and account.disabled_at is None else None
        if await hashing.run(credentials.is_password, asked.password, kept) and account is not None:
            return Checked(account, source)
        now = hub.clock.now()
        await hub.store.write(lambda session: people.note_failure(session, asked.login, source, now))
    raise Problem("auth.wrong", 401)


async def _demand_patience(hub: Parts, login: str, source: str) -> None:
    """Raise Problem while wrong passwords make the next try wait."""
    now = hub.clock.now()
    wait = await hub.store.read(lambda session: people.wait_for(session, login, source, now))
    if wait is not None:
        seconds = math.ceil(wait.total_seconds())
        raise Problem("auth.too_many_tries", 429, retry_after=seconds, seconds=seconds)


@router.get("/me")
async def who_am_i(caller: Known, hub: Hub) -> AccountView:
    """Say who is signed in."""
    return await _account_view(hub, caller.account)


@router.delete("/me", status_code=204, responses=documented(409))
async def sign_out(caller: Known, response: Response, hub: Hub) -> None:
    """End this session; a token is ended by who made it, on the command line."""
    if caller.proof.how == "token":
        raise Problem("auth.token_stays", 409)
    await hub.store.write(lambda session: people.end_session(session, caller.proof.digest))
    response.delete_cookie(cookie_name(hub.settings), secure=is_secure(hub.settings), httponly=True, samesite="lax")


@router.post("/me/password", status_code=204, dependencies=[Depends(demand_json)], responses=documented(409, 429))
async def change_password(asked: NewPassword, request: Request, caller: Known, hub: Hub) -> None:
    """Choose one's own password; every other session of the same person ends."""
    if len(asked.new) < credentials.LEAST_PASSWORD or asked.new == asked.old:
        fault = FieldFault("/new", "password_weak", {"least": credentials.LEAST_PASSWORD})
        raise Problem("request.invalid", 422, [fault])
    checked = await _check(hub, SignIn(login=caller.account.login, password=asked.old), request)
    async with hub.hashing.turn(checked.source) as hashing:
        fresh = await hashing.run(credentials.hash_password, asked.new)
    await hub.write(caller.proof, lambda session: people.set_password(session, checked, fresh, caller.proof.digest))


async def _account_view(hub: Parts, account: Account) -> AccountView:
    today = civil_day(hub.clock.now())
    found = await hub.store.read(lambda session: division_names(session, [account.division], today))
    unit = Unit(code=account.division, name=found.get(account.division, account.division))
    names = ("id", "login", "name", "department", "staff_number", "must_change_password")
    return AccountView(unit=unit, role=known(Role, account.role), **{name: getattr(account, name) for name in names})
