"""Sessions and tokens: whether somebody is who they say. Hashes and digests come in ready made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import cast

from sqlalchemy import ColumnElement, delete
from sqlmodel import Session, col, select

from hub.errors import Problem
from hub.model.people import Account, ApiToken
from hub.model.people import Session as SignedIn
from hub.store.bulk import find_rows
from hub.store.query.people.accounts import account_named
from hub.store.query.people.keeping import REACH
from hub.store.query.people.throttle import forgive

SKEW = timedelta(minutes=5)
"""How far clocks of one hub's machines may differ. What began later than that was made under a clock that was wrong."""
MOST_SESSIONS = 20
"""Sessions one person keeps: browsers they forgot about end by number, never by a clock that may be wrong."""


@dataclass(frozen=True)
class Checked:
    """Somebody whose password was right, as the account was then."""

    account: Account
    source: str
    """Where the password came from, as `throttle` counts."""


def set_password(session: Session, checked: Checked, password_hash: str, keep_digest: str) -> None:
    """Change a password and end every other session of that person; raises Problem if it was changed meanwhile."""
    account = _still(session, checked)
    forgive(session, account.login, checked.source)
    account.password_hash, account.must_change_password = password_hash, False
    session.add(account)
    others = delete(SignedIn).where(col(SignedIn.account_id) == account.id, col(SignedIn.token_digest) != keep_digest)
    session.connection().execute(others)


def start_session(session: Session, checked: Checked, signed_in: SignedIn) -> None:
    """Keep a new session and forget the tries that led to it; raises Problem if the account was changed meanwhile."""
    account = _still(session, checked)
    forgive(session, account.login, checked.source)
    _make_room(session, account.id, signed_in.created_at)
    session.add(signed_in)


def _still(session: Session, checked: Checked) -> Account:
    """Return the account, locked, unless it is another one by now than the one whose password was checked."""
    account = _hold(session, col(Account.id) == checked.account.id)
    if account is None or account.disabled_at is not None or account.password_hash != checked.account.password_hash:
        raise Problem("auth.wrong", 401)
    if any(getattr(account, name) != getattr(checked.account, name) for name in REACH):
        raise Problem("auth.changed", 409)
    return account


def _hold(session: Session, which: ColumnElement[bool]) -> Account | None:
    """Return an account as it is now, locked: what is done in somebody's name waits, or is done already."""
    query = select(Account).where(which).with_for_update()
    return session.exec(query, execution_options={"populate_existing": True}).first()


def _make_room(session: Session, account_id: str, now: datetime) -> None:
    """End sessions made under a clock that was ahead, and the oldest of too many."""
    theirs = col(SignedIn.account_id) == account_id
    newest = (
        select(col(SignedIn.token_digest))
        .where(theirs, col(SignedIn.created_at) <= now + SKEW)
        .order_by(col(SignedIn.created_at).desc(), col(SignedIn.token_digest))
        .limit(MOST_SESSIONS - 1)
    )
    kept = session.exec(newest).all()
    session.connection().execute(delete(SignedIn).where(theirs, col(SignedIn.token_digest).not_in(kept)))


def end_session(session: Session, token_digest: str) -> None:
    """Sign a browser out."""
    whose = select(SignedIn.account_id).where(SignedIn.token_digest == token_digest).scalar_subquery()
    _hold(session, col(Account.id) == whose)
    session.connection().execute(delete(SignedIn).where(col(SignedIn.token_digest) == token_digest))


Asked = Sequence[tuple[str, datetime]]
"""Digests of what proves somebody, each with the moment it is shown."""
_Held = tuple[str, datetime, datetime | None]
"""Whose it is, since and until when."""
_ACCOUNT = Account.__table__  # type: ignore[attr-defined]  # SQLModel adds it
_SESSION, _TOKEN = SignedIn.__table__, ApiToken.__table__  # type: ignore[attr-defined]  # SQLModel adds it
_TOLD = tuple(column.name for column in _ACCOUNT.c if column.name not in {"password_hash", "created_at", "disabled_at"})


def session_accounts(session: Session, asked: Asked) -> list[Account | None]:
    """Return who is signed in with each of these sessions then, unless it ran out or the account is disabled."""
    columns = ("token_digest", "account_id", "created_at", "expires_at")
    found = find_rows(session.connection(), _SESSION, columns, _shown(asked))
    return _holders(session, asked, {shown: (account_id, since, until) for shown, account_id, since, until in found})


def token_accounts(session: Session, asked: Asked) -> list[Account | None]:
    """Return whom each of these API tokens acts for, unless it was revoked, ran out or the account is disabled."""
    columns = ("token_digest", "account_id", "created_at", "expires_at", "revoked_at")
    found = find_rows(session.connection(), _TOKEN, columns, _shown(asked))
    held = {shown: (account_id, since, until) for shown, account_id, since, until, ended in found if ended is None}
    return _holders(session, asked, held)


def _shown(asked: Asked) -> list[dict[str, str]]:
    return [{"token_digest": shown} for shown in sorted({shown for shown, _ in asked})]


def _holders(session: Session, asked: Asked, holds: Mapping[str, _Held]) -> list[Account | None]:
    """Return the account behind each; every request asks this, so what comes is to be read, without its secrets."""
    wanted = [{"id": account_id} for account_id in sorted({account_id for account_id, _, _ in holds.values()})]
    rows = find_rows(session.connection(), _ACCOUNT, ("disabled_at", *_TOLD), wanted)
    enabled = [dict(zip(_TOLD, told, strict=True)) for disabled_at, *told in rows if disabled_at is None]
    people = {told["id"]: cast("Account", SimpleNamespace(**told)) for told in enabled}
    return [_holder(holds.get(shown), people, now) for shown, now in asked]


def _holder(held: _Held | None, people: Mapping[str, Account], now: datetime) -> Account | None:
    account_id, since, until = held or ("", now, None)
    return people.get(account_id) if since <= now + SKEW and (until is None or now < until) else None


def add_token(session: Session, login: str, token: ApiToken) -> None:
    """Keep a token for the account with this login; raises Problem when there is none."""
    account = account_named(session, login)
    if account is None:
        raise Problem("account.unknown", 404, login=login)
    token.account_id = account.id
    session.add(token)


def revoke_tokens(session: Session, login: str, name: str, now: datetime) -> int:
    """End the tokens of that name; return how many."""
    _hold(session, col(Account.login) == login)
    query = (
        select(ApiToken)
        .join(Account, col(Account.id) == col(ApiToken.account_id))
        .where(Account.login == login, ApiToken.name == name, col(ApiToken.revoked_at).is_(None))
    )
    tokens = session.exec(query).all()
    for token in tokens:
        token.revoked_at = now
        session.add(token)
    return len(tokens)
