"""Tries to sign in, sessions and tokens: whether somebody is who they say. Hashes and digests come in ready made."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func
from sqlmodel import Session, col, select

from hub.errors import Problem
from hub.model.people import Account, ApiToken, SignInFailure
from hub.model.people import Session as SignedIn
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


def session_accounts(session: Session, asked: Sequence[tuple[str, datetime]]) -> list[Account | None]:
    """Return who is signed in with each of these sessions then, unless it ran out or the account is disabled."""
    query = select(SignedIn.token_digest, SignedIn.expires_at, Account).join(
        Account, col(SignedIn.account_id) == col(Account.id)
    )
    return _known(session.exec(_enabled(query, col(SignedIn.token_digest), asked)), asked)


def token_accounts(session: Session, asked: Sequence[tuple[str, datetime]]) -> list[Account | None]:
    """Return whom each of these API tokens acts for, unless it was revoked, ran out or the account is disabled."""
    query = (
        select(ApiToken.token_digest, ApiToken.expires_at, Account)
        .join(Account, col(ApiToken.account_id) == col(Account.id))
        .where(col(ApiToken.revoked_at).is_(None))
    )
    return _known(session.exec(_enabled(query, col(ApiToken.token_digest), asked)), asked)


Keys = Iterable[tuple[str, datetime | None, Account]]
"""What proves somebody: its digest, until when it holds, whose it is."""


def _enabled(query: Any, digest: Any, asked: Sequence[tuple[str, datetime]]) -> Any:  # noqa: ANN401 - a statement of either kind
    wanted = sorted({kept for kept, _ in asked})
    return query.where(digest.in_(wanted), col(Account.disabled_at).is_(None))


def _known(keys: Keys, asked: Sequence[tuple[str, datetime]]) -> list[Account | None]:
    found = {kept: (until, account) for kept, until, account in keys}
    nobody: tuple[datetime | None, Account | None] = (None, None)
    holders = [(found.get(kept, nobody), now) for kept, now in asked]
    return [account if until is None or until > now else None for (until, account), now in holders]


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
