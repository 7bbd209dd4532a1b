"""Keeping accounts, for operators and the command line alike: open, change, disable, list. Every deed is journalled."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from hub.clock import civil_day
from hub.errors import FieldFault, Problem
from hub.model.people import Account, ApiToken, Scope, account_faults
from hub.model.people import Session as SignedIn
from hub.store.query import divisions
from hub.store.query.journal import add_entries, entry
from hub.store.query.people.accounts import NewAccount, create_account
from hub.store.query.places import division_names, within

REACH = frozenset({"role", "division", "department"})
"""What a person may do and see follows from these: when one changes, everything signed in ends."""


@dataclass(frozen=True)
class Change:
    """What is to become of an account; what is not named stays."""

    values: Mapping[str, str] = field(default_factory=dict)
    """Name, role, division, department, staff_number, phone."""
    disabled: bool | None = None
    password_hash: str | None = None
    """Of a new one-time password."""


def open_account(session: Session, new: NewAccount, by: Scope | None, now: datetime) -> Account:
    """Give somebody an account; `by` is None on the command line. Raises Problem naming all that does not fit."""
    faults = [*account_faults(vars(new)), *_division_faults(session, new.division, by, now)]
    if faults:
        raise Problem("request.invalid", 422, faults)
    account = create_account(session, new, now)
    _note(session, account, by, now, {"account.created": ""})
    return account


def change_account(session: Session, login: str, change: Change, by: Scope | None, now: datetime) -> Account:
    """Change an account within reach; what is signed in ends when its reach, its password or its use changes."""
    account = _within_reach(session, login, by)
    values = {name: value for name, value in change.values.items() if getattr(account, name) != value}
    switches = change.disabled is not None and change.disabled != (account.disabled_at is not None)
    if by is not None and by.account_id == account.id and (switches or change.password_hash or REACH & values.keys()):
        raise Problem("account.own", 409)
    _demand_fit(session, account, values, by, now)
    deeds = {"account.changed": ", ".join(values)} if values else {}
    account.sqlmodel_update(values)
    if change.password_hash:
        account.password_hash, account.must_change_password = change.password_hash, True
        deeds["account.password_reset"] = ""
    if switches:
        account.disabled_at = now if change.disabled else None
        deeds["account.disabled" if change.disabled else "account.enabled"] = ""
    session.add(account)
    if switches or change.password_hash or REACH & values.keys():
        _end_sessions(session, account)
    if switches and change.disabled:
        _revoke_all_tokens(session, account, now)
    _note(session, account, by, now, deeds)
    return account


def listed_accounts(session: Session, by: Scope | None, after: str = "", limit: int | None = None) -> list[Account]:
    """Return accounts within reach by login, disabled ones included, beginning after a login."""
    query = select(Account).where(col(Account.login) > after).order_by(col(Account.login)).limit(limit)
    if by is not None:
        query = query.where(within(col(Account.division), by))
    return list(session.exec(query))


def _within_reach(session: Session, login: str, by: Scope | None) -> Account:
    """Return the account, locked; one out of reach is as unknown as one that does not exist."""
    query = select(Account).where(Account.login == login).with_for_update()
    account = session.exec(query, execution_options={"populate_existing": True}).first()
    if account is None or (by is not None and not account.division.startswith(by.prefix)):
        raise Problem("account.unknown", 404, login=login)
    return account


def _demand_fit(session: Session, account: Account, values: Mapping[str, str], by: Scope | None, now: datetime) -> None:
    """Raise Problem for what does not fit; what was there before and stays is nobody's fault now."""
    changed = values.keys() | ({"department"} if "role" in values else set())
    whole = {"role": account.role, "department": account.department, **values}
    faults = [fault for fault in account_faults(whole) if fault.path[1:] in changed]
    if "division" in values:
        faults += _division_faults(session, values["division"], by, now)
    if faults:
        raise Problem("request.invalid", 422, faults)


def _division_faults(session: Session, division: str, by: Scope | None, now: datetime) -> Iterator[FieldFault]:
    """Say that a division is out of the operator's reach, or there is none today, where lists were imported at all."""
    if any(account_faults({"division": division})):
        return
    if by is not None and not division.startswith(by.prefix):
        yield FieldFault("/division", "division_out_of_reach", {"division": by.division})
    elif not division_names(session, [division], civil_day(now)) and not divisions.is_empty(session):
        yield FieldFault("/division", "division_unknown")


def _end_sessions(session: Session, account: Account) -> None:
    session.connection().execute(delete(SignedIn).where(col(SignedIn.account_id) == account.id))


def _revoke_all_tokens(session: Session, account: Account, now: datetime) -> None:
    """End its tokens for good: enabling an account again must not bring programs back that nobody thinks of."""
    living = update(ApiToken).where(col(ApiToken.account_id) == account.id, col(ApiToken.revoked_at).is_(None))
    session.connection().execute(living.values(revoked_at=now))


def _note(session: Session, account: Account, by: Scope | None, now: datetime, deeds: Mapping[str, str]) -> None:
    """Journal what was done, by ids and names of fields, never their values."""
    who = by.account_id if by is not None else ""
    add_entries(session, [entry(now, who, action, account.id, why) for action, why in deeds.items()])
