# ruff: noqa: E501, F401, I001, PLR0915, RUF100 - written by Alembic, reviewed by people, never restyled
"""erasure: since when nothing is kept of a Submission, out of every list's way; which photos each one names."""

import re

import sqlalchemy as sa
from alembic import op

import hub.model.column

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_DIGEST = re.compile(rb'"([0-9a-f]{64})"')


def upgrade() -> None:
    op.add_column("submission", sa.Column("erased_at", hub.model.column.UtcDateTime(timezone=True), nullable=True))
    op.drop_index("ix_submission_received_at", "submission")
    kept = sa.text("erased_at IS NULL")
    op.create_index(
        "ix_submission_received_at",
        "submission",
        ["received_at"],
        unique=False,
        sqlite_where=kept,
        postgresql_where=kept,
    )
    op.create_table(
        "attachment_use",
        sa.Column("submission_id", sa.String(length=36), nullable=False),
        sa.Column("sha256", sa.String(length=80), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["sha256", "account_id"],
            ["attachment.sha256", "attachment.account_id"],
            name=op.f("fk_attachment_use_sha256_account_id_attachment"),
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_attachment_use_submission_id_submission")
        ),
        sa.PrimaryKeyConstraint("submission_id", "sha256", name=op.f("pk_attachment_use")),
    )
    op.create_index("ix_attachment_use_sha256_account_id", "attachment_use", ["sha256", "account_id"], unique=False)
    _note_uses(op.get_bind())


def _note_uses(connection: sa.Connection) -> None:
    """Read once from what was filled in which photos it names."""
    photo, sent = (sa.table(name, *map(sa.column, names)) for name, names in (
        ("attachment", ("sha256", "account_id")), ("submission", ("id", "account_id", "body")),
    ))  # fmt: skip
    use = sa.table("attachment_use", *map(sa.column, ("submission_id", "sha256", "account_id")))
    last = "" if connection.execute(sa.select(photo.c.sha256).limit(1)).first() else "~"
    while page := connection.execute(sa.select(sent).where(sent.c.id > last).order_by(sent.c.id).limit(1_000)).all():
        last = page[-1].id
        words = {(row.id, word.decode(), row.account_id) for row in page for word in _DIGEST.findall(bytes(row.body))}
        held = sa.select(photo).where(photo.c.sha256.in_({word for _, word, _ in words}))
        known = {(row.sha256, row.account_id) for row in connection.execute(held)}
        names = ("submission_id", "sha256", "account_id")
        if uses := [dict(zip(names, one, strict=True)) for one in sorted(words) if one[1:] in known]:
            connection.execute(sa.insert(use), uses)


def downgrade() -> None:
    op.drop_index("ix_attachment_use_sha256_account_id", "attachment_use")
    op.drop_table("attachment_use")
    op.drop_index("ix_submission_received_at", "submission")
    op.drop_column("submission", "erased_at")
    op.create_index("ix_submission_received_at", "submission", ["received_at"], unique=False)
