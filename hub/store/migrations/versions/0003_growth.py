# ruff: noqa: E501, F401, I001, PLR0915, RUF100 - written by Alembic, reviewed by people, never restyled
"""growth: indexes that cost by what is open, not by what is stored; and counts that need not be counted again."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STANDING = " OR ".join(
    f"state = '{state}'" for state in ("retry", "transported", "unknown", "parked", "manual", "cancelled")
)
IN_ORDER = "order_key IS NOT NULL AND state NOT IN ('delivered', 'cancelled')"


def _partial(name: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, "delivery", columns, unique=False, sqlite_where=condition, postgresql_where=condition)


def upgrade() -> None:
    op.create_table(
        "tally",
        sa.Column("what", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("what", "name", name=op.f("pk_tally")),
    )
    for name, table in (
        ("ix_contest_submission_id", "contest"),
        ("ix_delivery_order_key", "delivery"),
        ("ix_delivery_record_id", "delivery"),
        ("ix_delivery_state_system", "delivery"),
        ("ix_issue_assignee_id", "issue"),
        ("ix_issue_division_state", "issue"),
        ("ix_journal_subject", "journal"),
        ("ix_record_place_id", "record"),
    ):
        op.drop_index(name, table)
    _partial("ix_delivery_order_key", ["order_key"], IN_ORDER)
    _partial("ix_delivery_standing", ["state", "system", "id", "due_at"], STANDING)
    op.create_index("ix_delivery_system_id", "delivery", ["system", "id"], unique=False)
    op.create_index("ix_issue_assignee_id_opened_at", "issue", ["assignee_id", "opened_at"], unique=False)
    op.create_index("ix_issue_opened_at", "issue", ["opened_at"], unique=False)
    op.create_index("ix_issue_reporter_id_opened_at", "issue", ["reporter_id", "opened_at"], unique=False)
    op.create_index("ix_session_expires_at", "session", ["expires_at"], unique=False)
    op.create_index("ix_submission_received_at", "submission", ["received_at"], unique=False)


def downgrade() -> None:
    for name, table in (
        ("ix_delivery_order_key", "delivery"),
        ("ix_delivery_standing", "delivery"),
        ("ix_delivery_system_id", "delivery"),
        ("ix_issue_assignee_id_opened_at", "issue"),
        ("ix_issue_opened_at", "issue"),
        ("ix_issue_reporter_id_opened_at", "issue"),
        ("ix_session_expires_at", "session"),
        ("ix_submission_received_at", "submission"),
    ):
        op.drop_index(name, table)
    _partial("ix_delivery_order_key", ["order_key"], "order_key IS NOT NULL")
    for name, table, columns in (
        ("ix_contest_submission_id", "contest", ["submission_id"]),
        ("ix_delivery_record_id", "delivery", ["record_id"]),
        ("ix_delivery_state_system", "delivery", ["state", "system"]),
        ("ix_issue_assignee_id", "issue", ["assignee_id"]),
        ("ix_issue_division_state", "issue", ["division", "state"]),
        ("ix_journal_subject", "journal", ["subject"]),
        ("ix_record_place_id", "record", ["place_id"]),
    ):
        op.create_index(name, table, columns, unique=False)
    op.drop_table("tally")
