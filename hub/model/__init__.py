"""The nouns we store: rows, status enums and legal transitions. Pure: no queries, no I/O."""

from hub.model.column import METADATA
from hub.model.delivery import Attempt, Delivery, Reminder, Skip, Take
from hub.model.issue import Issue, IssueStep
from hub.model.journal import Epoch, Heartbeat, JournalEntry, Tally
from hub.model.known import PlaceHistory, PullRow, Snapshot
from hub.model.open_item import OpenItem
from hub.model.people import Account, ApiToken, Session, SignInFailure
from hub.model.place import Alias, Discrepancy, Division, Place
from hub.model.retention import Retention
from hub.model.submission import Attachment, AttachmentUse, Contest, Record, Submission, TrackDigest
from hub.model.system import Pull, PullCursor, SystemState

__all__ = [
    "METADATA",
    "Account",
    "Alias",
    "ApiToken",
    "Attachment",
    "AttachmentUse",
    "Attempt",
    "Contest",
    "Delivery",
    "Discrepancy",
    "Division",
    "Epoch",
    "Heartbeat",
    "Issue",
    "IssueStep",
    "JournalEntry",
    "OpenItem",
    "Place",
    "PlaceHistory",
    "Pull",
    "PullCursor",
    "PullRow",
    "Record",
    "Reminder",
    "Retention",
    "Session",
    "SignInFailure",
    "Skip",
    "Snapshot",
    "Submission",
    "SystemState",
    "Take",
    "Tally",
    "TrackDigest",
]
