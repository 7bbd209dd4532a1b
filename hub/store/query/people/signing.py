"""Tries to sign in, sessions and tokens: whether somebody is who they say. Hashes and digests come in ready made."""

from datetime import datetime, timedelta

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


def session_account(session: Session, token_digest: str, now: datetime) -> Account | None:
    """Return who is signed in with this session, unless it ran out or the account was disabled."""
    query = (
        select(Account)
        .join(SignedIn, col(SignedIn.account_id) == col(Account.id))
        .where(SignedIn.token_digest == token_digest, SignedIn.expires_at > now, col(Account.disabled_at).is_(None))
    )
    return session.exec(query).first()


def token_account(session: Session, token_digest: str, now: datetime) -> Account | None:
    """Return whom this API token acts for, unless it was revoked, ran out or the account was disabled."""
    query = (
        select(Account, ApiToken.expires_at)
        .join(ApiToken, col(ApiToken.account_id) == col(Account.id))
        .where(
            ApiToken.token_digest == token_digest,
            col(ApiToken.revoked_at).is_(None),
            col(Account.disabled_at).is_(None),
        )
    )
    found = session.exec(query).first()
    if found is None or (found[1] is not None and found[1] <= now):
        return None
    return found[0]


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
