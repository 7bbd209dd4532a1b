"""A database of before withdrawals: its Submissions stand, and can be withdrawn."""

import pytest
from sqlalchemy import MetaData
from sqlmodel import select

from hub.intake.revise import demand_standing
from hub.model import Submission
from hub.store import open_store
from hub.store.engine import open_writing
from hub.store.migrate import migrate
from hub.store.query.counts import withdrawn_count
from hub.store.steps import bring_to
from tests.builders import AT

pytestmark = [pytest.mark.case("C46"), pytest.mark.fault("F22")]


async def test_what_was_there_before_is_kept_and_not_withdrawn(empty_url: str) -> None:
    engine = open_writing(empty_url)
    with engine.begin() as connection:
        bring_to(connection, "0006")
        old = MetaData()
        old.reflect(connection)
        who = {"id": "ada", "login": "ada", "name": "", "staff_number": "", "phone": "", "role": "staff",
               "division": "", "department": "", "password_hash": "", "created_at": AT,
               "must_change_password": False}  # fmt: skip
        sent = {"id": "s", "client_id": "c", "root_id": "s", "account_id": "ada", "revision": 1, "number": "7",
                "form": "visit", "form_version": 1, "division": "", "body": b"{}", "digest": "d", "occurred_at": AT,
                "reported_at": AT, "received_at": AT, "clock_suspect": False}  # fmt: skip
        connection.execute(old.tables["account"].insert(), [who])
        connection.execute(old.tables["submission"].insert(), [sent])
    engine.dispose()
    migrate(empty_url)
    store = open_store(empty_url)
    row = await store.read(lambda session: session.exec(select(Submission)).one())
    demand_standing(row)
    assert (row.body, row.withdrawn_by, row.withdrawn_why, row.moved_to, row.moved_from) == (b"{}", *[None] * 4)
    assert await store.read(withdrawn_count) == 0
    await store.close()
