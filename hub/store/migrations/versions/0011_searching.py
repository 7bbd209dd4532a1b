# ruff: noqa: E501, F401, I001, PLR0915, RUF100 - written by Alembic, reviewed by people, never restyled
"""searching: names as they sort; what is known of tracks, so that a repeat is seen."""

import sqlalchemy as sa
from alembic import op

from hub.model.column import Bytewise, UtcDateTime
from hub.model.natural_order import order_key

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

AT_ONCE = 500


def upgrade() -> None:
    op.add_column("place", sa.Column("order_key", Bytewise, nullable=False, server_default=""))
    _fill_places(op.get_bind())
    op.create_index("ix_place_division_order_key", "place", ["division", "order_key"], unique=False)
    op.create_table(
        "track_digest",
        sa.Column("submission_id", sa.String(length=36), nullable=False),
        sa.Column("record_key", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("occurred_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_track_digest_submission_id_submission")
        ),
        sa.PrimaryKeyConstraint("submission_id", "record_key", name=op.f("pk_track_digest")),
    )
    op.create_index("ix_track_digest_digest", "track_digest", ["digest"], unique=False)


def _fill_places(connection: sa.Connection) -> None:
    place, last = sa.table("place", *map(sa.column, ("id", "name", "order_key"))), ""
    query = sa.select(place.c.id, place.c.name).order_by(place.c.id).limit(AT_ONCE)
    change = sa.update(place).where(place.c.id == sa.bindparam("of"))
    change = change.values(order_key=sa.bindparam("sorts"))
    while page := connection.execute(query.where(place.c.id > last)).all():
        last = page[-1].id
        rows = [{"of": row.id, "sorts": order_key(row.name)} for row in page]
        connection.execute(change, rows)


def downgrade() -> None:
    op.drop_table("track_digest")
    op.drop_index("ix_place_division_order_key", "place")
    op.drop_column("place", "order_key")
