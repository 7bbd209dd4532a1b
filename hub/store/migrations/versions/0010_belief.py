# ruff: noqa: E501, F401, I001, PLR0915, RUF100 - written by Alembic, reviewed by people, never restyled
"""belief: until when the clock was believed; what is kept of a photo that told more; corrections are where they were made."""

import sqlalchemy as sa
from alembic import op

import hub.model.column

revision = "0010"
down_revision = "0008"
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
    for step in _BACK_WHERE_THEY_WERE_MADE:
        op.execute(step)


_BACK_WHERE_THEY_WERE_MADE = (
    # Corrections made after their author had moved went along to the new division, with all they became.
    """UPDATE submission SET division = (SELECT made.division FROM submission AS made WHERE made.id = submission.root_id)
       WHERE revision > 1
         AND division <> (SELECT made.division FROM submission AS made WHERE made.id = submission.root_id)""",
    """UPDATE record SET division = (SELECT made.division FROM submission AS made WHERE made.id = record.submission_id)
       WHERE submission_id IN (SELECT id FROM submission WHERE revision > 1)
         AND division <> (SELECT made.division FROM submission AS made WHERE made.id = record.submission_id)""",
    """UPDATE delivery SET division = (SELECT made.division FROM record AS made WHERE made.id = delivery.record_id)
       WHERE revision > 1 AND division <> (SELECT made.division FROM record AS made WHERE made.id = delivery.record_id)""",
    """UPDATE issue SET division = (SELECT made.division FROM submission AS made WHERE made.id = issue.submission_id)
       WHERE division <> (SELECT made.division FROM submission AS made WHERE made.id = issue.submission_id)""",
)


def downgrade() -> None:
    op.drop_column("attachment", "kept_sha256")
    op.drop_table("retention")
