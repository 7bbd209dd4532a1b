# ruff: noqa: E501, F401, I001, PLR0915, RUF100 - written by Alembic, reviewed by people, never restyled
"""by hand: who has an entry, and which late ones are pressed for."""

import sqlalchemy as sa
from alembic import op

import hub.model.column

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "take",
        sa.Column("delivery_id", sa.String(length=36), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("until", hub.model.column.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_take_account_id_account")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_take_delivery_id_delivery")),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_take")),
    )
    op.create_table(
        "reminder",
        sa.Column("delivery_id", sa.String(length=36), nullable=False),
        sa.Column("department", sa.String(length=80), nullable=False),
        sa.Column("opened_at", hub.model.column.UtcDateTime(timezone=True), nullable=False),
        sa.Column("closed_at", hub.model.column.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_reminder_delivery_id_delivery")),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_reminder")),
    )
    still_open = sa.text("closed_at IS NULL")
    op.create_index(
        "ix_reminder_open",
        "reminder",
        ["delivery_id"],
        unique=False,
        sqlite_where=still_open,
        postgresql_where=still_open,
    )


def downgrade() -> None:
    op.drop_index("ix_reminder_open", "reminder")
    op.drop_table("reminder")
    op.drop_table("take")
