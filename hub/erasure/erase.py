"""Erases one Submission, unless something of it is still open; says what it is to others from then on."""

from dataclasses import dataclass
from datetime import datetime

from hub.clock import civil_day
from hub.errors import FieldFault, Problem
from hub.failpoint import passing
from hub.store import Session
from hub.store.query import erasing
from hub.store.query.erasing import Found
from hub.store.query.journal import add_entries, entry


@dataclass(frozen=True)
class Deed:
    """Who has something erased, why and when; without an account it is the hub itself or the command line."""

    account_id: str
    why: str
    at: datetime


def gone(erased_at: datetime) -> Problem:
    """Return the Problem of a Submission that is no more."""
    return Problem("submission.erased", 410, day=civil_day(erased_at).isoformat())


def erase(session: Session, submission_id: str, deed: Deed) -> dict[str, int]:
    """Erase a Submission with all its revisions; return how many rows of which table.

    Raises Problem, and changes nothing, when it is erased already or anything of it has not ended.
    """
    if not deed.why.strip():
        raise Problem("reason.needed", 422, [FieldFault("/why", "required")])
    found = erasing.find(session, submission_id, lock=True)
    if found is None:
        raise Problem("submission.unknown", 404)
    if found.erased_at is not None:
        raise gone(found.erased_at)
    if still_open := erasing.still_open(session, found):
        raise Problem("submission.open", 409, open=still_open)
    return wipe(session, found, deed)


def wipe(session: Session, found: Found, deed: Deed) -> dict[str, int]:
    """Wipe it and write the one entry that proves it: who, when, why, how many rows of what."""
    counts = erasing.wipe(session, found, deed.at)
    rows = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    proof = entry(deed.at, deed.account_id, "submission.erased", found.root_id, f"{deed.why.strip()} [{rows}]")
    add_entries(session, [proof])
    passing("erase.wiped")
    return counts
