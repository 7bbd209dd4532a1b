"""The envelope of a Submission as people send it: what must be there besides the answers, checked field by field."""

import re
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Annotated, Any, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StrictBool,
    StrictInt,
    StringConstraints,
    ValidationError,
)

from hub.catalog.documents import pointer
from hub.errors import FieldFault, Problem
from hub.model.column import timed_id

NAMESPACE = uuid5(NAMESPACE_URL, "https://fillonce.dev/submission")
CLOCK_TOLERANCE = timedelta(hours=24)
"""A device clock further off than this is kept as claimed, and marked."""

DAY_FIRST = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
EARLIEST, LATEST = 1900, 2999
"""Years outside are a slip or an attack; no offset can push one inside out of what a datetime holds."""


def _utc(value: datetime) -> datetime:
    """Return the instant in UTC, as Records and databases keep it."""
    if not EARLIEST <= value.year <= LATEST:
        raise ValueError("no year anybody can mean")
    return value.astimezone(UTC)


def _written(value: object) -> object:
    """Refuse what does not begin with a day: a bare number, also as text, would be taken for seconds since 1970."""
    if not isinstance(value, str) or not DAY_FIRST.match(value):
        raise ValueError("a time is a text with its offset")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_utc)]
Real = Annotated[float, Strict()]
"""A number as JSON has it: neither `true` nor text that looks like one."""


PLAIN = r"^[^\x00-\x08\x0b-\x1f\x7f]*$"
"""No control characters but tab and newline: databases and logs choke on them."""
Why = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=PLAIN, strip_whitespace=True)]


class Location(BaseModel):
    """Where, by an explicit act of the author: a point with its reference system, or why there is none."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    lon: Real | None = Field(default=None, ge=-180, le=180)
    lat: Real | None = Field(default=None, ge=-90, le=90)
    crs: Literal["wgs84", "gcj02", "bd09", "cgcs2000"] | None = None
    accuracy_m: Real | None = Field(default=None, ge=0)
    missing: Literal["denied", "unavailable", "not_asked"] | None = None


class Seen(BaseModel):
    """Which known value the author was shown for a question in this act, and whether it was turned down."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    system: str = Field(max_length=80)
    as_of: Moment
    value: Any = Field(default=None, description="what was shown; without it only a value of this very `as_of` counts")
    refused: StrictBool = False


class Filled(BaseModel):
    """A Submission's envelope and answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: UUID
    form: str = Field(max_length=80)
    version: StrictInt = Field(ge=1)
    place: str | None = Field(default=None, max_length=500)
    occurred_at: Moment
    reported_at: Moment
    location: Location | None = None
    answers: dict[str, Any]
    seen: dict[str, Seen] = Field(default_factory=dict)

    @cached_property
    def client_id(self) -> str:
        """Return the id its author's client gave it, as it is written."""
        return str(self.id)

    def submission_id(self, account_id: str) -> str:
        """Return the id it is kept under: the author's own namespace, so that equal ids of two people never meet."""
        return timed_id(self.reported_at, NAMESPACE, f"{account_id}/{self.client_id}")

    def clock_suspect(self, received_at: datetime) -> bool:
        """Say whether the device's clock is too far off to be believed."""
        return abs(received_at - self.reported_at) > CLOCK_TOLERANCE


class Moving(Filled):
    """A Submission filed at another Place in stead of one that is taken back by the same act, and why."""

    why: Why


_FAULTS = {"string_too_short": "required", "missing": "required", "extra_forbidden": "unknown_field",
           "timezone_aware": "needs_zone"}  # fmt: skip


def read_filled(value: object, shape: type[Filled] = Filled) -> Filled:
    """Return the envelope, or raise Problem `submission.invalid` naming every field at fault."""
    try:
        filled = shape.model_validate(value)
    except ValidationError as error:
        faults = [
            FieldFault(pointer(fault["loc"]), _code(fault["type"], fault["input"]))
            for fault in error.errors(include_url=False)
        ]
        raise Problem("submission.invalid", 422, faults) from error
    location = filled.location
    if location is not None and location.missing is None and None in (location.lon, location.lat, location.crs):
        raise Problem("submission.invalid", 422, [FieldFault("/location", "location_incomplete")])
    return filled


def _code(kind: str, value: object) -> str:
    """Return the code of one thing wrong: no moment at all is one that is missing, another one is no moment."""
    if kind.startswith("datetime_") or kind == "value_error":
        return "required" if value in (None, "") else "format"
    return _FAULTS.get(kind, "invalid")
