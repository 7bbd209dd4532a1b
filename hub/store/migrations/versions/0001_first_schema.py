"""The first schema, as it was: its own declarations, which never follow the model any more."""

import functools
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from hub.model.column import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = sa.MetaData(
    naming_convention={
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _columns(kind: TypeEngine[Any], *names: str) -> list[sa.Column[Any]]:
    """Return columns of one kind; a name that ends in `?` may be empty."""
    return [sa.Column(name.rstrip("?"), kind, nullable=name.endswith("?")) for name in names]


KINDS = (  # of the columns, in the order of the next line
    sa.String(36),
    sa.String(80),
    sa.String(),
    sa.Text(),
    UtcDateTime(timezone=True),
    sa.Date(),
    sa.Boolean(),
    sa.Integer(),
    sa.LargeBinary(),
)
ids, short, text, words, at, days, flags, whole, blobs = (functools.partial(_columns, kind) for kind in KINDS)
json = functools.partial(_columns, sa.JSON().with_variant(JSONB(), "postgresql"))
STATES = ["waiting", "leased", "retry", "transported", "delivered", "unknown", "parked", "manual", "cancelled"]


def partial(name: str, *columns: str, where: str, unique: bool = False) -> sa.Index:
    """Return an index of those rows only."""
    rows = sa.text(where)
    return sa.Index(name, *columns, unique=unique, sqlite_where=rows, postgresql_where=rows)


# fmt: off
sa.Table("account", SCHEMA,
    *ids("id"),
    *short("login", "name", "staff_number", "phone", "role", "division", "department"),
    *text("password_hash"),
    *at("created_at", "disabled_at?"),
    *flags("must_change_password"),
    sa.PrimaryKeyConstraint("id"),
    sa.UniqueConstraint("login"))
sa.Table("division", SCHEMA,
    *ids("id"),
    *short("code", "name", "level", "parent_code", "successor_code"),
    *days("valid_from", "valid_to?"),
    *at("recorded_at", "superseded_at?"),
    sa.PrimaryKeyConstraint("id"),
    sa.Index("ix_division_code_valid_from", "code", "valid_from"),
    sa.Index("ix_division_parent_code", "parent_code"))
sa.Table("journal", SCHEMA,
    *ids("id"),
    *at("at"),
    *ids("account_id"),
    *short("action"),
    *text("subject"),
    *words("why"),
    sa.PrimaryKeyConstraint("id"),
    sa.Index("ix_journal_subject", "subject"))
sa.Table("place", SCHEMA,
    *ids("id"),
    *short("kind"),
    *text("name"),
    *short("division", "token"),
    *json("location?"),
    *at("created_at"),
    sa.PrimaryKeyConstraint("id"),
    sa.UniqueConstraint("token"),
    sa.Index("ix_place_division", "division"))
sa.Table("pull", SCHEMA,
    *ids("id"),
    *short("system", "name"),
    *at("slot_at", "started_at", "ended_at?"),
    *short("outcome"),
    *whole("rows", "left_out"),
    *words("reason"),
    sa.PrimaryKeyConstraint("id"),
    sa.UniqueConstraint("system", "name", "slot_at"),
    sa.Index("ix_pull_system_name_started_at", "system", "name", "started_at"),
    partial("uq_pull_running", "system", "name", where="outcome = 'running'", unique=True))
sa.Table("pull_cursor", SCHEMA,
    *short("system", "name"),
    *words("cursor"),
    *whole("rows_known"),
    *at("moved_at"),
    sa.PrimaryKeyConstraint("system", "name"))
sa.Table("sign_in_failure", SCHEMA,
    *ids("id"),
    *short("login", "address"),
    *at("at"),
    sa.PrimaryKeyConstraint("id"),
    sa.Index("ix_sign_in_failure_address", "address"),
    sa.Index("ix_sign_in_failure_login", "login"))
sa.Table("system_state", SCHEMA,
    *short("system", "breaker"),
    *whole("failures"),
    *at("open_until?"),
    *words("paused_reason"),
    *at("paused_at?", "last_success_at?", "last_failure_at?"),
    *words("last_reason"),
    sa.PrimaryKeyConstraint("system"))
sa.Table("alias", SCHEMA,
    *short("issuer"),
    *text("code"),
    *ids("place_id"),
    *flags("is_key"),
    *short("told_by"),
    *at("as_of"),
    sa.PrimaryKeyConstraint("issuer", "code"),
    sa.ForeignKeyConstraint(["place_id"], ["place.id"]),
    sa.Index("ix_alias_code", "code"),
    sa.Index("ix_alias_place_id", "place_id"))
sa.Table("api_token", SCHEMA,
    *short("token_digest"),
    *ids("account_id"),
    *short("name"),
    *at("created_at", "expires_at?", "revoked_at?"),
    sa.PrimaryKeyConstraint("token_digest"),
    sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
    sa.Index("ix_api_token_account_id", "account_id"))
sa.Table("attachment", SCHEMA,
    *short("sha256"),
    *ids("account_id"),
    *short("media_type"),
    *whole("size_bytes"),
    *at("created_at"),
    sa.PrimaryKeyConstraint("sha256", "account_id"),
    sa.ForeignKeyConstraint(["account_id"], ["account.id"]))
sa.Table("session", SCHEMA,
    *short("token_digest"),
    *ids("account_id"),
    *at("created_at", "expires_at"),
    sa.PrimaryKeyConstraint("token_digest"),
    sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
    sa.Index("ix_session_account_id", "account_id"))
sa.Table("snapshot", SCHEMA,
    *ids("place_id"),
    *short("element", "system"),
    *json("value"),
    *at("as_of"),
    *ids("pull_id"),
    sa.PrimaryKeyConstraint("place_id", "element", "system"),
    sa.ForeignKeyConstraint(["place_id"], ["place.id"]))
sa.Table("submission", SCHEMA,
    *ids("id", "account_id", "client_id", "root_id"),
    *whole("revision"),
    *short("number", "form"),
    *whole("form_version"),
    *ids("place_id?"),
    *short("division"),
    *blobs("body"),
    *short("digest"),
    *at("occurred_at", "reported_at", "received_at"),
    *flags("clock_suspect"),
    sa.PrimaryKeyConstraint("id"),
    sa.UniqueConstraint("account_id", "client_id"),
    sa.UniqueConstraint("root_id", "revision"),
    sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
    sa.Index("ix_submission_account_id_received_at", "account_id", "received_at"),
    sa.Index("ix_submission_division_received_at", "division", "received_at"))
sa.Table("contest", SCHEMA,
    *ids("id", "submission_id"),
    *blobs("body"),
    *short("digest"),
    *at("received_at"),
    sa.PrimaryKeyConstraint("id"),
    sa.UniqueConstraint("submission_id", "digest"),
    sa.ForeignKeyConstraint(["submission_id"], ["submission.id"]),
    sa.Index("ix_contest_submission_id", "submission_id"))
sa.Table("discrepancy", SCHEMA,
    *ids("id", "submission_id", "place_id"),
    *short("division", "element", "system"),
    *json("theirs"),
    *at("theirs_as_of"),
    *json("ours"),
    *at("found_at", "settled_at?"),
    *words("settlement"),
    sa.PrimaryKeyConstraint("id"),
    sa.ForeignKeyConstraint(["place_id"], ["place.id"]),
    sa.ForeignKeyConstraint(["submission_id"], ["submission.id"]),
    sa.Index("ix_discrepancy_place_id", "place_id"),
    sa.Index("ix_discrepancy_submission_id", "submission_id"),
    sa.Index("ix_discrepancy_system", "system"))
sa.Table("issue", SCHEMA,
    *ids("id"),
    *short("record"),
    *ids("submission_id"),
    *short("division", "state"),
    *ids("reporter_id", "assignee_id?"),
    *at("opened_at", "changed_at"),
    sa.PrimaryKeyConstraint("id"),
    sa.ForeignKeyConstraint(["submission_id"], ["submission.id"]),
    sa.Index("ix_issue_assignee_id", "assignee_id"),
    sa.Index("ix_issue_division_state", "division", "state"))
sa.Table("record", SCHEMA,
    *ids("id", "key"),
    *whole("revision", "position"),
    *short("record"),
    *ids("submission_id", "place_id?"),
    *short("division"),
    *at("occurred_at"),
    *blobs("content"),
    *flags("withdrawn"),
    sa.PrimaryKeyConstraint("id"),
    sa.UniqueConstraint("key", "revision"),
    sa.ForeignKeyConstraint(["submission_id"], ["submission.id"]),
    sa.Index("ix_record_place_id", "place_id"),
    sa.Index("ix_record_submission_id", "submission_id"))
sa.Table("delivery", SCHEMA,
    *ids("id"),
    *text("key"),
    *ids("record_id", "record_key"),
    *short("record"),
    *whole("revision"),
    *short("system", "flow", "flow_version", "intent"),
    *blobs("payload"),
    *short("digest"),
    *ids("account_id"),
    *short("division", "state"),
    *at("due_at?"),
    *ids("lease_token?"),
    *at("leased_until?"),
    *whole("attempts"),
    *ids("after_id?"),
    *text("order_key?"),
    *flags("repeat"),
    *text("amends", "remote_id"),
    *words("reason"),
    *at("created_at", "replayed_at?", "transported_at?", "settled_at?"),
    sa.PrimaryKeyConstraint("id"),
    sa.UniqueConstraint("key"),
    sa.ForeignKeyConstraint(["record_id"], ["record.id"]),
    sa.CheckConstraint("(state = 'leased') = (lease_token IS NOT NULL)", name='lease'),
    sa.CheckConstraint("state IN (" + ", ".join(f"'{state}'" for state in STATES) + ")", name="state"),
    partial("ix_delivery_after_id", "after_id", where='after_id IS NOT NULL'),
    partial("ix_delivery_leased_until", "leased_until", where='leased_until IS NOT NULL'),
    partial("ix_delivery_order_key", "order_key", where='order_key IS NOT NULL'),
    sa.Index("ix_delivery_record_id", "record_id"),
    sa.Index("ix_delivery_record_key_system", "record_key", "system"),
    sa.Index("ix_delivery_state_system", "state", "system"),
    partial("ix_delivery_system_due_at", "system", "due_at", where='due_at IS NOT NULL'))
sa.Table("issue_step", SCHEMA,
    *ids("id", "issue_id"),
    *short("old", "new"),
    *ids("account_id"),
    *words("note"),
    *at("at"),
    sa.PrimaryKeyConstraint("id"),
    sa.ForeignKeyConstraint(["issue_id"], ["issue.id"]),
    sa.Index("ix_issue_step_issue_id", "issue_id"))
sa.Table("skip", SCHEMA,
    *ids("record_id"),
    *short("system", "flow", "code"),
    *words("reason_zh", "reason_en"),
    sa.PrimaryKeyConstraint("record_id", "system", "flow"),
    sa.ForeignKeyConstraint(["record_id"], ["record.id"]))
sa.Table("attempt", SCHEMA,
    *ids("id", "delivery_id"),
    *short("kind"),
    *whole("number"),
    *at("started_at", "ended_at?"),
    *short("outcome"),
    *words("reason", "answer"),
    sa.PrimaryKeyConstraint("id"),
    sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"]),
    sa.Index("ix_attempt_delivery_id", "delivery_id"))
# fmt: on


def upgrade() -> None:
    SCHEMA.create_all(op.get_bind(), checkfirst=False)


def downgrade() -> None:
    SCHEMA.drop_all(op.get_bind(), checkfirst=False)
