"""Who is asking: cookie sessions, API tokens, roles, and proof that a browser's own page asked. Keeps no state."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Annotated, Any, Literal

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPBearer

from hub.errors import Problem
from hub.model import Account
from hub.model.odd import Odd, known
from hub.model.people import Proof, Role, Scope
from hub.settings import Settings
from hub.store.credentials import digest
from hub.store.query import people
from hub.systems import Registry
from hub.web.context import Hub
from hub.web.whom import forbidden

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_COOKIE = "hub_session"
_NETWORK_BITS = 64
"""Of an IPv6 address, what one subscriber has as a rule; the rest they may choose as they like."""
SHOWN = (Depends(APIKeyCookie(name=_COOKIE, auto_error=False)), Depends(HTTPBearer(auto_error=False)))
"""Only for OpenAPI: what is read is read below."""


@dataclass(frozen=True)
class Caller:
    """Somebody known, and how they proved it."""

    scope: Scope
    proof: Proof

    @property
    def account(self) -> Account:
        """Return the person's account as it was when the request began."""
        return self.proof.account

    def owned(self, registry: Registry) -> frozenset[str]:
        """Return the Systems the person's department owns."""
        department = self.scope.department
        return frozenset(name for name, system in registry.systems.items() if department and system.owner == department)


def cookie_name(settings: Settings, name: str = _COOKIE) -> str:
    """Return a cookie's name, the session's own; over https its prefix makes browsers refuse one set by others."""
    return f"__Host-{name}" if is_secure(settings) else name


def is_secure(settings: Settings) -> bool:
    """Say whether people reach the hub over https."""
    return settings.address.startswith("https://")


def header(asked: Mapping[str, Any], name: bytes) -> str | None:
    """Return a header of a request or its ASGI scope, the first one of that name."""
    for given, value in asked["headers"]:
        if given == name:
            return str(value, "latin-1")
    return None


def client_address(request: Request, settings: Settings) -> str:
    """Return the address the request came from; what proxies say counts only when they are trusted ones (A58)."""
    address = request.client.host if request.client else ""
    for hop in reversed(request.headers.get("x-forwarded-for", "").split(",")):
        if address not in settings.trusted_proxies or not hop.strip():
            break
        address = hop.strip()
    return address


def source_of(address: str) -> str:
    """Return what counts as one address: an IPv6 network of one subscriber is one."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:80]
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or ip_network((parsed, _NETWORK_BITS), strict=False))
    return str(parsed)


def demand_own_page(request: Request, settings: Settings) -> None:
    """Refuse a change that another site's page asked this browser for (CSRF)."""
    site = header(request, b"sec-fetch-site")
    if site is not None:
        own = site in {"same-origin", "none"}
    else:
        here = f"{request.url.scheme}://{request.headers.get('host', '')}"
        own = request.headers.get("origin") in {settings.address, here}
    if not own:
        raise Problem("auth.foreign_page", 403)


async def demand_json(request: Request) -> None:
    """Refuse a body that is not declared JSON: forms of other sites can send anything but that."""
    if (header(request, b"content-type") or "").partition(";")[0].strip().lower() != "application/json":
        raise Problem("request.not_json", 415)


async def recognised(request: Request, hub: Hub) -> Caller:
    """Return who is asking; a bearer token goes before a cookie. Looked up each time: an end is an end at once."""
    scheme, _, token = (header(request, b"authorization") or "").partition(" ")
    now = hub.clock.now()
    how: Literal["session", "token"] = "token" if scheme.lower() == "bearer" else "session"
    kept = digest(token if how == "token" else request.cookies.get(cookie_name(hub.settings), ""))
    asked = people.token_accounts if how == "token" else people.session_accounts
    account = await hub.store.look(asked, (kept, now))
    if account is None:
        raise Problem("auth.required", 401)
    if how == "session" and request.method not in SAFE:
        demand_own_page(request, hub.settings)
    role = known(Role, account.role)
    if isinstance(role, Odd):
        raise Problem("auth.role_unknown", 403)
    scope = Scope(account.id, role, account.division, account.department)
    return Caller(scope, Proof(account, how, kept, now))


Known = Annotated[Caller, Depends(recognised)]
"""Somebody signed in, even if their first password is still to be changed."""


async def signed_in(caller: Known) -> Caller:
    """Return who is asking, unless they must choose their own password first."""
    if caller.account.must_change_password:
        raise Problem("auth.password_to_change", 403)
    return caller


SignedIn = Annotated[Caller, Depends(signed_in)]


def only(*roles: Role) -> Callable[[SignedIn, Hub], Awaitable[Caller]]:
    """Return the dependency that lets these roles in and tells others that it is not theirs."""

    async def demand_role(caller: SignedIn, hub: Hub) -> Caller:
        if caller.scope.role not in roles:
            division = caller.scope.division
            raise await hub.store.read(lambda session: forbidden(session, Role.OPERATOR, division))
        return caller

    return demand_role


FILLER = only(Role.STAFF, Role.LEADER)
Filler = Annotated[Caller, Depends(FILLER)]
"""Somebody who fills forms on the spot."""
Operator = Annotated[Caller, Depends(only(Role.OPERATOR))]
"""Somebody who runs the hub."""
Settler = Annotated[Caller, Depends(only(Role.DEPARTMENT_ADMIN, Role.OPERATOR))]
"""Somebody who settles Deliveries."""
Keeper = Annotated[Caller, Depends(only(Role.OPERATOR, Role.DEPARTMENT_ADMIN, Role.DATA_BUREAU))]
"""Somebody who sees how Systems fare."""
