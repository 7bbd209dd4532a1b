# ruff: noqa: E501, F401, I001, PLR0915, RUF100 - written by Alembic, reviewed by people, never restyled
"""doubt: a no nobody is sure of, workers that died over a Delivery, rows nobody understands, which push began a pause."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_delivery_suspect": ("due_at", "lost >= 2 AND due_at IS NOT NULL"),
    "ix_delivery_unrecognised": (
        "id",
        "(state NOT IN ('waiting', 'leased', 'retry', 'transported', 'delivered', 'unknown', 'parked', 'manual', 'cancelled') OR intent NOT IN ('create', 'amend', 'withdraw'))",
    ),
}


def upgrade() -> None:
    op.add_column("delivery", sa.Column("refusal", sa.Text(), nullable=True))
    op.add_column("delivery", sa.Column("lost", sa.Integer(), server_default="0", nullable=False))
    op.add_column("system_state", sa.Column("paused_by", sa.String(length=36), nullable=True))
    for name, (column, condition) in _INDEXES.items():
        where = sa.text(condition)
        op.create_index(name, "delivery", [column], unique=False, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for name in _INDEXES:
        op.drop_index(name, "delivery")
    op.drop_column("system_state", "paused_by")
    op.drop_column("delivery", "lost")
    op.drop_column("delivery", "refusal")
