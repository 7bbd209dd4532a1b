"""Named points at which tests stop the hub. Nothing here can be armed by a setting: only a test's own launcher does.

`POINTS` is the whole list. A test fails when a place that commits, flushes, renames or sends has no point, when a name
is not in the list, and when the kill runs never come past one (docs/decisions/0014-failpoints.md).
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

POINTS: Mapping[str, str] = MappingProxyType(
    {
        "intake.begin": "a Submission is judged and planned, nothing is written",
        "intake.row": "its own row is written, what it owes is not",
        "intake.fanout": "its Records and Deliveries are written, not committed",
        "intake.compared": "a second body under a known id was compared, not committed",
        "intake.committed": "it is on disk, its author has no answer yet",
        "revise.written": "a correction and what it replaces are written, not committed",
        "revise.committed": "a correction is on disk, its author has no answer yet",
        "withdraw.written": "a withdrawal and all it takes back are written, not committed",
        "withdraw.committed": "a withdrawal is on disk, who asked has no answer yet",
        "move.written": "a withdrawal and what is filed at another Place are written, not committed",
        "move.committed": "a move is on disk, its author has no answer yet",
        "writer.before_commit": "a group of writes is done and about to be committed",
        "writer.committed": "a group is on disk, nobody who waits for it knows",
        "claim.leased": "leases and attempts are written, not committed",
        "claim.committed": "leases are on disk, no attempt has begun",
        "send.before": "an attempt begins, no byte has left",
        "send.after": "the System has answered, nobody wrote it down",
        "probe.before": "a question is about to be asked",
        "probe.after": "the System has said what it has, nobody wrote it down",
        "settle.written": "outcomes are written, not committed",
        "settle.committed": "an outcome is on disk, its System has not been rung",
        "release.written": "what waited behind an ended Delivery is let go, not committed",
        "release.stranded": "what waits behind something that ended unseen was found",
        "reap.read": "leases of dead workers were found, none is settled",
        "clock.set_back": "the wall clock was set back, no wait is shortened yet",
        "clock.set_forward": "the wall clock was set forward, no take is prolonged yet",
        "waits.far_ahead": "Deliveries put off too far were found, none is due yet",
        "replay.row": "a replay looks at one of its Deliveries: half way through",
        "replay.moved": "a replay has moved all of its Deliveries, the journal does not say so",
        "replay.committed": "a replay is on disk, who asked has no answer yet",
        "resume.written": "a pause is ended, not committed",
        "look.written": "what a System has lost is parked, not committed",
        "pull.claimed": "a pull has its slot, nothing is read",
        "pull.page": "some rows of a page are written, not committed",
        "pull.mark": "the rows of a page are on disk, where it goes on is written, not committed",
        "pull.committed": "a page and where it goes on are on disk",
        "pull.end": "a pull's outcome is written, not committed",
        "pull.lose": "pulls of dead processes are about to be called lost",
        "blob.written": "all bytes of a photo arrived, none is flushed",
        "blob.flushed": "a photo's bytes are on disk under a passing name",
        "blob.renamed": "a photo has its name, its folder is not flushed",
        "blob.folder": "the names in a folder are on disk",
        "blob.settled": "a photo is on disk for good, no row names it",
        "blob.row": "the row of a photo is on disk, its sender has no answer yet",
        "tidy.found": "a photo's file that no row names is about to be removed",
        "tidy.removed": "it is removed, the others of its folder are not",
        "erase.wiped": "a Submission is erased and its proof written, not committed",
        "name.given": "a file has a name nobody had, its folder is not flushed",
        "key.written": "the key that signs addresses is on disk under a passing name",
        "migrate.begin": "the schema is about to be brought up to date",
        "migrate.commit": "the schema is up to date, not committed",
        "backup.flushed": "a copy is on disk under a passing name, not read back yet",
        "restore.photo": "a photo of a copy is on disk, no row names it",
        "restore.filled": "all rows of a copy are written, not committed",
        "restore.exchange": "a whole file is on disk, the old one still has its name",
        "restore.log": "the old file's log is set aside, the old file still has its name",
    }
)
"""Every point, `area.moment`, with what is true there."""

_act: Callable[[str], None] | None = None


def passing(name: str) -> None:
    """Say that the hub is at this point; in every build but a test's it does nothing."""
    if _act is not None:
        _act(name)


def arm(act: Callable[[str], None] | None) -> None:
    """Let `act` be called at every point; it may kill, raise or wait. For tests."""
    global _act  # noqa: PLW0603 - one switch a process
    _act = act
