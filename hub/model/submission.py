"""What arrived and what it became: Submissions as received, the immutable Records made of them, their photos."""

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from hub.model.column import Blob, Id, Instant, Short, Words, new_id

NOT_ERASED = "erased_at IS NULL"
"""The condition of what lists show, and of the index they walk."""
IS_WITHDRAWN = "withdrawn_by IS NOT NULL"
"""The condition of what is counted as withdrawn, and of the index it is counted by."""


class Submission(SQLModel, table=True):
    """One filled form as it came, in canonical form; a correction is a new row with the same root.

    Rows stay for good, so that their ids stay taken; once erased they say nothing any more.
    """

    __table_args__ = (
        UniqueConstraint("account_id", "client_id"),
        UniqueConstraint("root_id", "revision"),
        Index("ix_submission_account_id_received_at", "account_id", "received_at"),
        Index("ix_submission_division_received_at", "division", "received_at"),
        Index("ix_submission_received_at", "received_at", sqlite_where=text(NOT_ERASED),
              postgresql_where=text(NOT_ERASED)),
        Index("ix_submission_withdrawn", "id", sqlite_where=text(IS_WITHDRAWN), postgresql_where=text(IS_WITHDRAWN)),
    )  # fmt: skip
    id: str = Field(primary_key=True, sa_type=Id)
    """Derived from account and client id, so that two people's equal ids never meet."""
    account_id: str = Field(foreign_key="account.id", sa_type=Id)
    client_id: str = Field(sa_type=Id)
    root_id: str = Field(sa_type=Id)
    """The first revision's id; its own for a first one."""
    revision: int = 1
    number: str = Field(sa_type=Short)
    """What a person quotes on the phone: short, no meaning."""
    form: str = Field(sa_type=Short)
    form_version: int
    place_id: str | None = Field(default=None, sa_type=Id)
    division: str = Field(sa_type=Short)
    body: bytes = Field(sa_type=Blob)
    digest: str = Field(sa_type=Short)
    occurred_at: datetime = Field(sa_type=Instant)
    reported_at: datetime = Field(sa_type=Instant)
    received_at: datetime = Field(sa_type=Instant)
    clock_suspect: bool = False
    """The device's clock was over a day off; the server's time rules."""
    erased_at: datetime | None = Field(default=None, sa_type=Instant)
    """Since when nothing is kept of what was filled in."""
    withdrawn_by: str | None = Field(default=None, sa_type=Id)
    """Who took it back. Only a last revision has this: it has no Records, and repeats what was filled in before."""
    withdrawn_why: str | None = Field(default=None, sa_type=Words)
    moved_to: str | None = Field(default=None, sa_type=Id)
    """The first revision of what was filed at another Place by the same act; only a withdrawn one has it."""
    moved_from: str | None = Field(default=None, sa_type=Id)
    """The first revision of what it was moved from; every revision has it."""


class Contest(SQLModel, table=True):
    """A body that came under an id already taken by other content; refused, and kept for review."""

    id: str = Field(default_factory=new_id, primary_key=True, sa_type=Id)
    submission_id: str = Field(foreign_key="submission.id", sa_type=Id)
    body: bytes = Field(sa_type=Blob)
    digest: str = Field(sa_type=Short)
    received_at: datetime = Field(sa_type=Instant)
    __table_args__ = (UniqueConstraint("submission_id", "digest"),)


class Record(SQLModel, table=True):
    """One normalized, immutable fact; `key` stays over revisions, a revision supersedes the one before."""

    __table_args__ = (UniqueConstraint("key", "revision"),)
    id: str = Field(default_factory=new_id, primary_key=True, sa_type=Id)
    key: str = Field(sa_type=Id)
    revision: int
    position: int = 0
    """Place among the Records of its Submission, in the order of the form."""
    record: str = Field(sa_type=Short)
    submission_id: str = Field(foreign_key="submission.id", index=True, sa_type=Id)
    place_id: str | None = Field(default=None, sa_type=Id)
    division: str = Field(sa_type=Short)
    occurred_at: datetime = Field(sa_type=Instant)
    content: bytes = Field(sa_type=Blob)
    """Canonical JSON of envelope and elements."""
    withdrawn: bool = False
    """This revision says that the fact was taken back."""


class Attachment(SQLModel, table=True):
    """A photo in the blob store, by digest, as one account uploaded it."""

    sha256: str = Field(primary_key=True, sa_type=Short)
    account_id: str = Field(foreign_key="account.id", primary_key=True, sa_type=Id)
    media_type: str = Field(sa_type=Short)
    size_bytes: int
    created_at: datetime = Field(sa_type=Instant)
    kept_sha256: str | None = Field(default=None, sa_type=Short)
    """Digest of what is kept where that is less than what was sent; None where it is the same."""


class TrackDigest(SQLModel, table=True):
    """What tells the track of a Record from every other: an equal one that comes later is marked as a repeat."""

    __tablename__ = "track_digest"
    __table_args__ = (Index("ix_track_digest_digest", "digest"),)
    submission_id: str = Field(foreign_key="submission.id", primary_key=True, sa_type=Id)
    record_key: str = Field(primary_key=True, sa_type=Id)
    digest: str = Field(sa_type=Short)
    occurred_at: datetime = Field(sa_type=Instant)


class AttachmentUse(SQLModel, table=True):
    """That one revision of a Submission names a photo; the photo is erased with the last one that does."""

    __tablename__ = "attachment_use"
    __table_args__ = (
        ForeignKeyConstraint(["sha256", "account_id"], ["attachment.sha256", "attachment.account_id"]),
        Index("ix_attachment_use_sha256_account_id", "sha256", "account_id"),
    )
    submission_id: str = Field(foreign_key="submission.id", primary_key=True, sa_type=Id)
    sha256: str = Field(primary_key=True, sa_type=Short)
    account_id: str = Field(sa_type=Id)
