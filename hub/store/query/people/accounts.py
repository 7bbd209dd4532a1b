"""Who has an account: opening the first ones, looking them up. Checks nothing and writes no journal: see `keeping`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from hub.errors import Problem
from hub.model.people import Account, Role
from hub.store.credentials import hash_password, new_password

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
    account = _added(session, new, now)
    if account is None:
        raise Problem("account.exists", 409, login=new.login)
    return account


def _added(session: Session, new: NewAccount, now: datetime) -> Account | None:
    """Add an account, or None when the login is taken, perhaps by somebody else this very moment."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = Account(**vars(new), created_at=now).model_dump()
    added = insert(Account).values(row).on_conflict_do_nothing(index_elements=["login"]).returning(col(Account.id))
    return session.get_one(Account, row["id"]) if session.connection().execute(added).first() else None


def account_named(session: Session, login: str) -> Account | None:
    """Return the account with this login, disabled or not."""
    return session.exec(select(Account).where(Account.login == login)).first()


def names(session: Session, account_ids: Iterable[str]) -> dict[str, str]:
    """Return the names of these accounts."""
    query = select(Account.id, Account.name).where(col(Account.id).in_(set(account_ids)))
    return dict(session.exec(query).all())


def ensure_first_operator(session: Session, county: str, now: datetime) -> tuple[str, str] | None:
    """Give a hub without accounts its first operator; return login and one-time password, shown once and never kept."""
    if session.exec(select(Account.id).limit(1)).first() is not None:
        return None
    password = new_password()
    new = NewAccount(
        FIRST_OPERATOR, FIRST_OPERATOR, Role.OPERATOR, county, hash_password(password), must_change_password=True
    )
    return (FIRST_OPERATOR, password) if _added(session, new, now) else None


def seed_accounts(session: Session, rows: Iterable[dict[str, Any]], now: datetime) -> int:
    """Add the accounts of a play county that are not there yet; return how many. Never called in production."""
    added = 0
    for row in rows:
        if account_named(session, row["login"]) is None:
            rest = {**row, "role": Role(row["role"]), "password_hash": hash_password(row["password"])}
            del rest["password"]
            added += _added(session, NewAccount(**rest), now) is not None
    return added
