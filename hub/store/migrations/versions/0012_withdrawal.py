# ruff: noqa: E501, F401, I001, PLR0915, RUF100 - written by Alembic, reviewed by people, never restyled
"""withdrawal: who took a Submission back and why; which one it was moved to another Place as."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("submission", sa.Column("withdrawn_by", sa.String(length=36), nullable=True))
    op.add_column("submission", sa.Column("withdrawn_why", sa.Text(), nullable=True))
    op.add_column("submission", sa.Column("moved_to", sa.String(length=36), nullable=True))
    op.add_column("submission", sa.Column("moved_from", sa.String(length=36), nullable=True))
    withdrawn = sa.text("withdrawn_by IS NOT NULL")
    op.create_index(
        "ix_submission_withdrawn",
        "submission",
        ["id"],
        unique=False,
        sqlite_where=withdrawn,
        postgresql_where=withdrawn,
    )


def downgrade() -> None:
    op.drop_index("ix_submission_withdrawn", "submission")
    for name in ("moved_from", "moved_to", "withdrawn_why", "withdrawn_by"):
        op.drop_column("submission", name)
