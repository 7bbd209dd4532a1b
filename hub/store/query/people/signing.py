"""Tries to sign in, sessions and tokens: whether somebody is who they say. Hashes and digests come in ready made."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import cast

from sqlalchemy import delete, func
from sqlmodel import Session, col, select

from hub.errors import Problem
from hub.model.people import Account, ApiToken, SignInFailure
from hub.model.people import Session as SignedIn
from hub.store.bulk import find_rows
from hub.store.query.people.accounts import account_named

WINDOW = timedelta(minutes=1)
MOST_PER_LOGIN, MOST_PER_ADDRESS = 5, 20


def set_password(session: Session, account_id: str, password_hash: str, keep_digest: str) -> None:
    """Change a password and end every other session of that person."""
    account = session.get_one(Account, account_id)
    account.password_hash, account.must_change_password = password_hash, False
    session.add(account)
    others = delete(SignedIn).where(col(SignedIn.account_id) == account_id, col(SignedIn.token_digest) != keep_digest)
    session.connection().execute(others)


def admit_try(session: Session, login: str, address: str, now: datetime) -> bool:
    """Note a try to sign in and say whether it may go on; a success is taken back with `forgive`.

    Counted before the password is looked at and in the writer's one thread, so that parallel tries cannot slip by.
    """
    session.connection().execute(delete(SignInFailure).where(col(SignInFailure.at) <= now - WINDOW))
    by_login = select(func.count()).where(SignInFailure.login == login)
    by_address = select(func.count()).where(SignInFailure.address == address)
    if session.exec(by_login).one() >= MOST_PER_LOGIN or session.exec(by_address).one() >= MOST_PER_ADDRESS:
        return False
    session.add(SignInFailure(login=login, address=address, at=now))
    return True


def start_session(session: Session, signed_in: SignedIn, address: str) -> None:
    """Keep a new session, forget the tries that led to it and sessions that ran out."""
    login = session.get_one(Account, signed_in.account_id).login
    tries = delete(SignInFailure).where(col(SignInFailure.login) == login, col(SignInFailure.address) == address)
    session.connection().execute(tries)
    session.connection().execute(delete(SignedIn).where(col(SignedIn.expires_at) <= signed_in.created_at))
    session.add(signed_in)


def end_session(session: Session, token_digest: str) -> None:
    """Sign a browser out."""
    session.connection().execute(delete(SignedIn).where(col(SignedIn.token_digest) == token_digest))


Asked = Sequence[tuple[str, datetime]]
"""Digests of what proves somebody, each with the moment it is shown."""
_Held = tuple[str, datetime | None]
"""Whose it is, and until when."""
_ACCOUNT = Account.__table__  # type: ignore[attr-defined]  # SQLModel adds it
_SESSION, _TOKEN = SignedIn.__table__, ApiToken.__table__  # type: ignore[attr-defined]  # SQLModel adds it
_TOLD = tuple(column.name for column in _ACCOUNT.c if column.name not in {"password_hash", "created_at", "disabled_at"})


def session_accounts(session: Session, asked: Asked) -> list[Account | None]:
    """Return who is signed in with each of these sessions then, unless it ran out or the account is disabled."""
    found = find_rows(session.connection(), _SESSION, ("token_digest", "account_id", "expires_at"), _shown(asked))
    return _holders(session, asked, {shown: (account_id, until) for shown, account_id, until in found})


def token_accounts(session: Session, asked: Asked) -> list[Account | None]:
    """Return whom each of these API tokens acts for, unless it was revoked, ran out or the account is disabled."""
    columns = ("token_digest", "account_id", "expires_at", "revoked_at")
    found = find_rows(session.connection(), _TOKEN, columns, _shown(asked))
    held = {shown: (account_id, until) for shown, account_id, until, revoked_at in found if revoked_at is None}
    return _holders(session, asked, held)


def _shown(asked: Asked) -> list[dict[str, str]]:
    return [{"token_digest": shown} for shown in sorted({shown for shown, _ in asked})]


def _holders(session: Session, asked: Asked, holds: Mapping[str, _Held]) -> list[Account | None]:
    """Return the account behind each; every request asks this, so what comes is to be read, without its secrets."""
    wanted = [{"id": account_id} for account_id in sorted({account_id for account_id, _ in holds.values()})]
    rows = find_rows(session.connection(), _ACCOUNT, ("disabled_at", *_TOLD), wanted)
    enabled = [dict(zip(_TOLD, told, strict=True)) for disabled_at, *told in rows if disabled_at is None]
    people = {told["id"]: cast("Account", SimpleNamespace(**told)) for told in enabled}
    return [_holder(holds.get(shown), people, now) for shown, now in asked]


def _holder(held: _Held | None, people: Mapping[str, Account], now: datetime) -> Account | None:
    account_id, until = held or ("", None)
    return people.get(account_id) if until is None or until > now else None


def add_token(session: Session, login: str, token: ApiToken) -> None:
    """Keep a token for the account with this login; raises Problem when there is none."""
    account = account_named(session, login)
    if account is None:
        raise Problem("account.unknown", 404, login=login)
    token.account_id = account.id
    session.add(token)


def revoke_tokens(session: Session, login: str, name: str, now: datetime) -> int:
    """End the tokens of that name; return how many."""
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
