"""Browsers somebody signed in from before: a stranger's wrong passwords, even under the same address, are not theirs.

A cookie holds a mark for each of the last few people who signed in there. It opens nothing. With it, wrong passwords
count against this browser instead of against its address, which a whole office or a mobile network may share.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from datetime import timedelta

from fastapi import Request, Response

from hub.model import Account
from hub.web.context import Parts
from hub.web.security import cookie_name, is_secure

COOKIE = "hub_known"
MOST_PEOPLE, KEPT_FOR = 4, timedelta(days=180)
_BETWEEN = "~"


def known_browser(request: Request, hub: Parts, account: Account | None) -> str | None:
    """Return what this browser is known by to a person, None when they never signed in here."""
    for mark in _marks(request, hub):
        number, _, _ = mark.partition(".")
        if account is not None and hmac.compare_digest(mark.encode(), _mark(hub, number, account).encode()):
            return f"browser {number}"
    return None


def remember_browser(request: Request, response: Response, hub: Parts, account: Account) -> None:
    """Let this browser be known to a person from now on; of many people the last few stay known."""
    known = known_browser(request, hub, account)
    mark = _mark(hub, known.rpartition(" ")[2] if known else secrets.token_hex(8), account)
    others = [other for other in _marks(request, hub) if other != mark]
    response.set_cookie(
        cookie_name(hub.settings, COOKIE), _BETWEEN.join([mark, *others][:MOST_PEOPLE]),
        max_age=int(KEPT_FOR.total_seconds()), secure=is_secure(hub.settings), httponly=True, samesite="strict",
    )  # fmt: skip


def _marks(request: Request, hub: Parts) -> Iterator[str]:
    """Yield the marks a browser shows, no more than it was given."""
    shown = request.cookies.get(cookie_name(hub.settings, COOKIE), "")
    yield from (mark for mark in shown.split(_BETWEEN, MOST_PEOPLE)[:MOST_PEOPLE] if mark)


def _mark(hub: Parts, number: str, account: Account) -> str:
    """Return a number with the proof that the hub gave it to a browser of this person."""
    said = f"browser\n{number}\n{account.id}".encode()
    return f"{number}.{hmac.new(hub.attachment_key, said, hashlib.sha256).hexdigest()}"
