# ruff: noqa: E501, F401, I001, PLR0915, RUF100 - written by Alembic, reviewed by people, never restyled
"""belief: until when the clock was believed, before anything is erased by it; what is kept of a photo that told more."""

import sqlalchemy as sa
from alembic import op

import hub.model.column

revision = "0010"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "retention",
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("believed_at", hub.model.column.UtcDateTime(timezone=True), nullable=False),
        sa.Column("odd_until", hub.model.column.UtcDateTime(timezone=True), nullable=True),
        sa.Column("held", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_retention")),
    )
    op.add_column("attachment", sa.Column("kept_sha256", sa.String(length=80), nullable=True))


def downgrade() -> None:
    op.drop_column("attachment", "kept_sha256")
    op.drop_table("retention")
