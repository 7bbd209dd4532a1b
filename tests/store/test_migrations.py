"""The migrations make exactly the schema of the model, on both databases, whoever runs them and however often."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, MetaData, inspect, text

from hub.errors import Problem
from hub.model import METADATA
from hub.store.engine import lock_file, open_writing
from hub.store.migrate import NEWEST, current, is_current, migrate
from hub.store.steps import bring_to
from hub.store.steps import config as steps
from tests.builders import AT


def differences(engine: Engine) -> list[object]:
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), METADATA))


def downgrade(engine: Engine) -> None:
    config = steps()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        connection.commit()


def test_from_nothing_to_the_model_and_back(empty_url: str) -> None:
    migrate(empty_url)
    engine = open_writing(empty_url)
    assert differences(engine) == []
    with engine.connect() as connection:
        assert is_current(connection)
    downgrade(engine)
    assert inspect(engine).get_table_names() == ["alembic_version"]
    with engine.connect() as connection:
        assert not is_current(connection)
    engine.dispose()
    migrate(empty_url)
    engine = open_writing(empty_url)
    assert set(inspect(engine).get_table_names()) == {*METADATA.tables, "alembic_version"}
    engine.dispose()


def shape(engine: Engine) -> set[tuple[str, ...]]:
    """Return the whole schema in the database's own words: every column, index and constraint, conditions included."""
    lite = """
        SELECT 'column', m.name, c.name, upper(c.type), c."notnull", coalesce(c.dflt_value, ''), c.pk
        FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c WHERE m.type = 'table'
        UNION ALL SELECT 'key', m.name, k."from", k."table", k."to", k.on_delete, 0
        FROM sqlite_master AS m JOIN pragma_foreign_key_list(m.name) AS k WHERE m.type = 'table'
        UNION ALL SELECT 'index', tbl_name, name, coalesce(sql, ''), 0, '', 0 FROM sqlite_master WHERE type = 'index'
    """
    server = """
        SELECT 'column', table_name, column_name, data_type, is_nullable, coalesce(column_default, ''),
               coalesce(character_maximum_length, 0)
        FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT 'key', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', '', 0
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT 'index', tablename, indexname, indexdef, '', '', 0 FROM pg_indexes WHERE schemaname = 'public'
    """
    with engine.connect() as connection:
        found = connection.execute(text(lite if connection.dialect.name == "sqlite" else server))
        return {tuple(" ".join(str(word).split()) for word in row) for row in found}


@pytest.mark.fault("F22")
def test_made_in_one_go_or_step_by_step_it_is_the_same_schema(empty_url: str) -> None:
    migrate(empty_url)
    engine = open_writing(empty_url)
    made = shape(engine)
    downgrade(engine)
    assert {row[1] for row in shape(engine)} == {"alembic_version"}
    engine.dispose()
    migrate(empty_url)
    engine = open_writing(empty_url)
    assert shape(engine) == made
    assert len(made) > 150, "columns, keys and indexes of all tables"
    engine.dispose()


def test_running_it_again_changes_nothing(empty_url: str) -> None:
    migrate(empty_url)
    migrate(empty_url)
    engine = open_writing(empty_url)
    assert differences(engine) == []
    engine.dispose()


@pytest.mark.fault("F22")
def test_a_revision_that_fails_half_way_leaves_nothing_and_can_be_run_again(empty_url: str) -> None:
    engine = open_writing(empty_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE submission (in_the_way INTEGER)"))
    with pytest.raises(Exception, match="already exists"):
        migrate(empty_url)
    assert set(inspect(engine).get_table_names()) <= {"submission", "alembic_version"}
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE submission"))
    engine.dispose()
    migrate(empty_url)
    engine = open_writing(empty_url)
    assert differences(engine) == []
    engine.dispose()


@pytest.mark.fault("F22")
def test_a_database_of_a_newer_program_is_refused_untouched(empty_url: str) -> None:
    migrate(empty_url)
    engine = open_writing(empty_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Problem) as caught:
        migrate(empty_url)
    assert (caught.value.code, caught.value.status, caught.value.params) == ("store.newer", 503, {"revision": "9999"})
    with engine.connect() as connection:
        assert not is_current(connection)
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"
    engine.dispose()


def test_json_is_kept_as_jsonb_on_postgres(empty_url: str) -> None:
    migrate(empty_url)
    engine = open_writing(empty_url)
    kinds = {str(column["type"]) for column in inspect(engine).get_columns("pull_row") if column["name"] == "known"}
    assert kinds == ({"JSON"} if engine.dialect.name == "sqlite" else {"JSONB"})
    engine.dispose()


def test_processes_that_migrate_at_once_take_turns(empty_url: str) -> None:
    if empty_url.startswith("sqlite"):
        held = lock_file(empty_url)
        with pytest.raises(Problem, match=r"store\.held"):
            migrate(empty_url)
        assert held is not None
        held.close()
        return
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(migrate, [empty_url] * 4)) == [None] * 4
    engine = open_writing(empty_url)
    assert differences(engine) == []
    with engine.connect() as connection:
        locks = connection.execute(text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")).scalar_one()
    assert locks == 0
    engine.dispose()


def test_there_is_one_newest_revision() -> None:
    assert ScriptDirectory.from_config(steps()).get_heads() == [NEWEST]


class Asked(Exception):
    """Somebody wants this to end."""


@pytest.mark.fault("F22", "F73")
@pytest.mark.parametrize("taken", ["", "0001", "0002"])
def test_between_two_steps_it_may_be_ended_and_goes_on_from_there(empty_url: str, taken: str) -> None:
    engine = open_writing(empty_url)
    with engine.begin() as connection:  # where Alembic was at it before, nothing is made in one go
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY NOT NULL)"))
    looked = count()

    def heed() -> None:
        if next(looked) > int(taken or 0):
            raise Asked

    with pytest.raises(Asked):
        migrate(empty_url, heed)
    with engine.connect() as connection:
        assert (current(connection) or "") == taken
    migrate(empty_url)
    assert differences(engine) == []
    engine.dispose()


@pytest.mark.fault("F31")
def test_what_photos_older_submissions_name_is_noted(empty_url: str) -> None:
    """So that a photo is erased with the last Submission that names it, also those of before this was kept."""
    engine, (mine, hers, nobody) = open_writing(empty_url), ("a" * 64, "b" * 64, "c" * 64)
    with engine.begin() as connection:
        bring_to(connection, "0005")
        old = MetaData()
        old.reflect(connection)
        account = {"name": "", "staff_number": "", "phone": "", "role": "staff", "division": "", "department": "",
                   "password_hash": "", "created_at": AT, "must_change_password": False}  # fmt: skip
        photo = {"media_type": "image/png", "size_bytes": 1, "created_at": AT}
        sent = {"revision": 1, "number": "", "form": "visit", "form_version": 1, "division": "", "digest": "",
                "occurred_at": AT, "reported_at": AT, "received_at": AT, "clock_suspect": False}  # fmt: skip
        names = [{"id": who, "login": who, **account} for who in ("ada", "bo")]
        photos = [
            {"sha256": sha, "account_id": who, **photo} for sha, who in ((mine, "ada"), (mine, "bo"), (hers, "bo"))
        ]
        bodies = [f'{{"a":["{mine}","{hers}"],"b":"{nobody}"}}', f'{{"x":"{mine}!"}}', *["{}"] * 1_000]
        many = [
            {
                "id": f"{n:04}",
                "client_id": str(n),
                "root_id": f"{n:04}",
                "account_id": "ada",
                "body": body.encode(),
                **sent,
            }
            for n, body in enumerate([*bodies, f'{{"z":{{"y":["{mine}"]}}}}'])
        ]
        for table, rows in (("account", names), ("attachment", photos), ("submission", many)):
            connection.execute(old.tables[table].insert(), rows)
    migrate(empty_url)
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT submission_id, sha256, account_id FROM attachment_use ORDER BY 1")).all()
    engine.dispose()
    assert [tuple(row) for row in kept] == [("0000", mine, "ada"), ("1002", mine, "ada")]


@pytest.mark.case("C71")
@pytest.mark.fault("F93")
def test_corrections_that_went_along_with_their_author_are_brought_back(empty_url: str) -> None:
    """With all they became; what was filled elsewhere from the start stays there."""
    engine = open_writing(empty_url)
    home, away = "330783005004", "330783120001"
    with engine.begin() as connection:
        bring_to(connection, "0006")
        old = MetaData()
        old.reflect(connection)
        account = {"id": "ada", "login": "ada", "name": "", "staff_number": "", "phone": "", "role": "staff",
                   "division": away, "department": "", "password_hash": "", "created_at": AT,
                   "must_change_password": False}  # fmt: skip
        sent = {"number": "", "form": "visit", "form_version": 1, "digest": "", "occurred_at": AT, "reported_at": AT,
                "received_at": AT, "clock_suspect": False, "account_id": "ada", "body": b"{}"}  # fmt: skip
        made = (("a", "a", 1, home), ("b", "a", 2, away), ("c", "c", 1, away))
        subs = [{"id": name, "root_id": root, "client_id": name, "revision": revision, "division": division, **sent}
                for name, root, revision, division in made]  # fmt: skip
        records = [{"id": f"r{sub['id']}", "key": f"k{sub['root_id']}", "revision": sub["revision"], "position": 0,
                    "record": "finding/v1", "submission_id": sub["id"], "division": sub["division"], "occurred_at": AT,
                    "content": b"{}", "withdrawn": False} for sub in subs]  # fmt: skip
        owed = [{"id": f"d{one['id']}", "key": f"{one['key']}:{one['revision']}", "record_id": one["id"],
                 "record_key": one["key"], "record": "finding/v1", "revision": one["revision"], "system": "x",
                 "flow": "x", "flow_version": "1", "intent": "create", "payload": b"", "digest": "",
                 "account_id": "ada", "division": one["division"], "state": "delivered", "attempts": 1,
                 "repeat": False, "amends": "", "remote_id": "", "reason": "", "created_at": AT}
                for one in records]  # fmt: skip
        opened = [{"id": f"i{sub['id']}", "record": "finding/v1", "submission_id": sub["id"], "reporter_id": "ada",
                   "division": sub["division"], "state": "reported", "opened_at": AT, "changed_at": AT}
                  for sub in subs]  # fmt: skip
        rows = {"account": [account], "submission": subs, "record": records, "delivery": owed, "issue": opened}
        for table, some in rows.items():
            connection.execute(old.tables[table].insert(), some)
    migrate(empty_url)
    with engine.connect() as connection:
        found = {
            table: list(connection.execute(text(f"SELECT division FROM {table} ORDER BY id")).scalars())
            for table in ("submission", "record", "delivery", "issue")
        }
    engine.dispose()
    assert [*found.values()] == [[home, home, away]] * 4
