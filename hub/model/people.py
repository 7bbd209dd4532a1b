"""Who acts: accounts with one role in one unit, their sessions and tokens, and the scope that follows."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

from sqlmodel import Field, SQLModel

from hub.errors import FieldFault
from hub.model.column import Id, Instant, Short, new_id

COUNTY_DIGITS, TOWN_DIGITS, VILLAGE_DIGITS = 6, 9, 12
DIVISION_LEVELS = (2, 4, COUNTY_DIGITS, TOWN_DIGITS, VILLAGE_DIGITS)
LONGEST = 80
_SHAPES = {
    "login": ("login_form", r"[a-z][a-z0-9._-]{1,39}"),
    "division": ("division_form", r"[0-9]{12}"),
    "department": ("department_form", r"([a-z][a-z0-9-]*)?"),
    "phone": ("phone_form", r"(\+?[0-9][0-9 -]{4,19})?"),
    "name": ("required", r"(?s).*\S.*"),
    "staff_number": ("invalid", r"(?s).*"),
}
"""Field -> fault and the pattern its value has. A login begins with a letter, so that nobody uses a phone number."""


class Role(StrEnum):
    """What a person may do; each sees only what the role needs."""

    STAFF = "staff"
    """Fills forms; sees the own submissions."""
    LEADER = "leader"
    """Sees submissions and issues of the own division, assigns and verifies."""
    DEPARTMENT_ADMIN = "department_admin"
    """Sees deliveries to the Systems of the own department, settles and replays them."""
    DATA_BUREAU = "data_bureau"
    """Sees metadata of everything, never values."""
    OPERATOR = "operator"
    """Keeps the hub running: deliveries, Systems and accounts of the whole county, never values."""


@dataclass(frozen=True)
class Scope:
    """On whose behalf a query runs; every query about people's data takes one."""

    account_id: str
    role: Role
    division: str
    """12-digit division code of the unit the person acts in."""
    department: str = ""
    """Department line, the `owner` of Systems; empty for those who have none."""

    @property
    def prefix(self) -> str:
        """The significant digits of the division: what every code inside it starts with."""
        return division_prefix(self.division)


class Seated(Protocol):
    """Somebody who works somewhere: an account, a Scope."""

    @property
    def department(self) -> str:
        """Return the department line; empty for those who have none."""
        ...

    @property
    def division(self) -> str:
        """Return the 12-digit code of the unit."""
        ...


def are_colleagues(one: Seated, other: Seated) -> bool:
    """Say whether two know each other by name: of one department or, where neither has one, of one division."""
    return one.department == other.department and (one.department != "" or one.division == other.division)


def division_prefix(code: str) -> str:
    """Return the significant digits of a 12-digit code, cut at a level and never inside one.

    >>> division_prefix("330783005000"), division_prefix("330783000000"), division_prefix("330100000000")
    ('330783005', '330783', '3301')
    """
    if len(code) != VILLAGE_DIGITS:
        raise ValueError(f"a division code has {VILLAGE_DIGITS} digits: {code!r}")
    significant = len(code.rstrip("0"))
    return code[: next(level for level in DIVISION_LEVELS if level >= significant or level == VILLAGE_DIGITS)]


class Account(SQLModel, table=True):
    """A person who may sign in, acting in one unit."""

    id: str = Field(default_factory=new_id, primary_key=True, sa_type=Id)
    login: str = Field(unique=True, sa_type=Short)
    name: str = Field(sa_type=Short)
    staff_number: str = Field(default="", sa_type=Short)
    phone: str = Field(default="", sa_type=Short)
    role: Role = Field(sa_type=Short)
    division: str = Field(sa_type=Short)
    department: str = Field(default="", sa_type=Short)
    password_hash: str
    created_at: datetime = Field(sa_type=Instant)
    disabled_at: datetime | None = Field(default=None, sa_type=Instant)
    must_change_password: bool = False


def account_faults(values: Mapping[str, str]) -> Iterator[FieldFault]:
    """Yield what does not fit among the given fields of an account."""
    for name, (fault, pattern) in _SHAPES.items():
        value = values.get(name)
        if value is None:
            continue
        if len(value) > LONGEST:
            yield FieldFault(f"/{name}", "too_long", {"rule": LONGEST})
        elif not re.fullmatch(pattern, value):
            yield FieldFault(f"/{name}", fault)
        elif not value.isprintable():
            yield FieldFault(f"/{name}", "invalid")
    if values.get("role") == Role.DEPARTMENT_ADMIN and not values.get("department"):
        yield FieldFault("/department", "department_needed")


@dataclass(frozen=True)
class Proof:
    """What somebody showed to be let in, and who they were when they did."""

    account: Account
    how: Literal["session", "token"]
    digest: str
    """Of the session's or token's secret."""
    at: datetime


class Session(SQLModel, table=True):
    """A signed-in browser; only the digest of its token is kept."""

    token_digest: str = Field(primary_key=True, sa_type=Short)
    account_id: str = Field(foreign_key="account.id", index=True, sa_type=Id)
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(index=True, sa_type=Instant)


class ApiToken(SQLModel, table=True):
    """A token for programs, acting as its account; only its digest is kept."""

    __tablename__ = "api_token"
    token_digest: str = Field(primary_key=True, sa_type=Short)
    account_id: str = Field(foreign_key="account.id", index=True, sa_type=Id)
    name: str = Field(sa_type=Short)
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)


class SignInFailure(SQLModel, table=True):
    """A failed sign-in, kept for as long as it slows the next try down."""

    __tablename__ = "sign_in_failure"
    id: str = Field(default_factory=new_id, primary_key=True, sa_type=Id)
    login: str = Field(index=True, sa_type=Short)
    address: str = Field(index=True, sa_type=Short)
    at: datetime = Field(sa_type=Instant)
