# ruff: noqa: E501, F401, I001, PLR0915, RUF100 - written by Alembic, reviewed by people, never restyled
"""waiting: which Place a Skip waits at; Skips from before wait at none."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

WAITS = sa.text("waits_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("skip", sa.Column("waits_at", sa.String(length=36), nullable=True))
    op.create_index("ix_skip_waits_at", "skip", ["waits_at"], unique=False, sqlite_where=WAITS, postgresql_where=WAITS)


def downgrade() -> None:
    op.drop_index("ix_skip_waits_at", "skip")
    op.drop_column("skip", "waits_at")
