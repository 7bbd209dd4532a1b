"""What stands in an older database is found however it is typed, once it was brought to 0011."""

import pytest
from sqlalchemy import MetaData, text

from hub.store.engine import open_writing
from hub.store.migrate import migrate
from hub.store.steps import bring_to
from tests.builders import AT

MANY = 1_200
"""More than the step fills at once."""


@pytest.mark.case("C51", "C34")
def test_names_and_codes_of_before_are_compared_and_sorted_like_new_ones(empty_url: str) -> None:
    engine = open_writing(empty_url)
    with engine.begin() as connection:
        bring_to(connection, "0006")
        old = MetaData()
        old.reflect(connection)
        same = {"kind": "segment", "division": "330783005004", "created_at": AT}
        places = [{"id": f"{n:05}", "name": f"Ｋ段 {n}", "token": str(n), **same} for n in range(MANY)]
        told = {"is_key": True, "told_by": "rivers", "as_of": AT}
        aliases = [{"issuer": "rivers", "code": f"ＫＬ {n}", "place_id": f"{n:05}", **told} for n in range(MANY)]
        connection.execute(old.tables["place"].insert(), places)
        connection.execute(old.tables["alias"].insert(), aliases)
    migrate(empty_url)
    with engine.connect() as connection:
        named = connection.execute(text("SELECT name_key FROM place ORDER BY division, order_key")).scalars().all()
        codes = connection.execute(text("SELECT code, code_key FROM alias")).all()
    engine.dispose()
    assert named == [f"k段{n}" for n in range(MANY)]
    assert {tuple(row) for row in codes} == {(f"ＫＬ {n}", f"kl{n}") for n in range(MANY)}
