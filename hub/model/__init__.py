"""The nouns we store: rows, status enums and legal transitions. Pure: no queries, no I/O."""

from hub.model.column import METADATA
from hub.model.delivery import Attempt, Delivery, Reminder, Skip, Take
from hub.model.issue import Issue, IssueStep
from hub.model.journal import Epoch, JournalEntry, Tally
from hub.model.people import Account, ApiToken, Session, SignInFailure
from hub.model.place import Alias, Discrepancy, Division, Place, Snapshot
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
    "Issue",
    "IssueStep",
    "JournalEntry",
    "Place",
    "Pull",
    "PullCursor",
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
