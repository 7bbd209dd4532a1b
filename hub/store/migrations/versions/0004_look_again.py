# ruff: noqa: E501, F401, I001, PLR0915, RUF100 - written by Alembic, reviewed by people, never restyled
"""look again: how far each System was asked about what it had confirmed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("system_state", sa.Column("looked_through", sa.String(length=36), nullable=True))


def downgrade() -> None:
    op.drop_column("system_state", "looked_through")
