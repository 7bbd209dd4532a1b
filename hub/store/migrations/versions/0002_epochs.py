# ruff: noqa: E501, F401, I001, PLR0915, RUF100 - written by Alembic, reviewed by people, never restyled
"""epochs."""

import sqlalchemy as sa
from alembic import op

import hub.model.column

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "epoch",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("began_at", hub.model.column.UtcDateTime(timezone=True), nullable=False),
        sa.Column("copied_at", hub.model.column.UtcDateTime(timezone=True), nullable=False),
        sa.Column("copy_digest", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_epoch")),
    )


def downgrade() -> None:
    op.drop_table("epoch")
