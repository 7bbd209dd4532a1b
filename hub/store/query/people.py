"""Accounts, their sessions and tokens, and the tries to sign in. Hashes come in ready made."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func
from sqlmodel import Session, col, select

from hub.errors import Problem
from hub.model.people import Account, ApiToken, Role, SignInFailure
from hub.model.people import Session as SignedIn
from hub.store.credentials import hash_password, new_password

WINDOW = timedelta(minutes=1)
MOST_PER_LOGIN, MOST_PER_ADDRESS = 5, 20
FIRST_OPERATOR = "operator"


@dataclass(frozen=True)
class NewAccount:
    """Who is to be given an account."""

    login: str
    name: str
    role: Role
    division: str
    password_hash: str
    department: str = ""
    staff_number: str = ""
    phone: str = ""
    must_change_password: bool = False


def create_account(session: Session, new: NewAccount, now: datetime) -> Account:
    """Add an account; raises Problem when the login is taken."""
    if account_named(session, new.login) is not None:
        raise Problem("account.exists", 409, login=new.login)
    account = Account(**vars(new), created_at=now)
    session.add(account)
    session.flush()
    return account


def account_named(session: Session, login: str) -> Account | None:
    """Return the account with this login, disabled or not."""
    return session.exec(select(Account).where(Account.login == login)).first()


def names(session: Session, account_ids: Iterable[str]) -> dict[str, str]:
    """Return the names of these accounts."""
    query = select(Account.id, Account.name).where(col(Account.id).in_(set(account_ids)))
    return dict(session.exec(query).all())


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


def ensure_first_operator(session: Session, county: str, now: datetime) -> tuple[str, str] | None:
    """Give a hub without accounts its first operator; return login and one-time password, shown once and never kept."""
    if session.exec(select(Account.id).limit(1)).first() is not None:
        return None
    password = new_password()
    new = NewAccount(
        FIRST_OPERATOR, FIRST_OPERATOR, Role.OPERATOR, county, hash_password(password), must_change_password=True
    )
    create_account(session, new, now)
    return FIRST_OPERATOR, password


def seed_accounts(session: Session, rows: Iterable[dict[str, Any]], now: datetime) -> int:
    """Add the accounts of a play county that are not there yet; return how many. Never called in production."""
    added = 0
    for row in rows:
        if account_named(session, row["login"]) is None:
            rest = {**row, "role": Role(row["role"]), "password_hash": hash_password(row["password"])}
            del rest["password"]
            create_account(session, NewAccount(**rest), now)
            added += 1
    return added
