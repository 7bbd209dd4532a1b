"""Identifiers grow, stored times are UTC-aware on both kinds of database."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
import time_machine
from sqlalchemy.dialects import postgresql, sqlite

from hub.model.column import UtcDateTime, new_id

AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def test_ids_are_version_7_unique_and_in_the_order_they_were_made() -> None:
    ids = [new_id() for _ in range(20_000)]
    assert ids == sorted(set(ids))
    assert {(UUID(one).version, UUID(one).variant) for one in ids} == {(7, "specified in RFC 4122")}


def make(_: int) -> str:
    return new_id()


def test_ids_made_by_several_threads_never_meet() -> None:
    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(make, range(16_000)))
    assert len(set(ids)) == 16_000


FORK = """
import os
from hub.model.column import new_id
new_id()
print(os.fork() and os.wait() and "parent" or "child", new_id()[-12:], flush=True)
"""


def test_a_forked_process_draws_its_own_digits() -> None:
    told = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, check=True).stdout
    (child, hers), (parent, his) = (line.split() for line in told.splitlines())
    assert (child, parent) == ("child", "parent")
    assert hers != his


def test_ids_carry_the_time_and_do_not_go_back_with_the_clock() -> None:
    later = datetime(2099, 1, 1, tzinfo=UTC)
    with time_machine.travel(later, tick=False):
        ahead = new_id()
    assert UUID(ahead).int >> 80 == int(later.timestamp() * 1000)
    assert new_id() > ahead


DIALECTS = [make() for make in (sqlite.dialect, postgresql.dialect)]


@pytest.mark.parametrize("dialect", DIALECTS, ids=["sqlite", "postgres"])
def test_a_time_comes_back_in_utc_whatever_its_zone(dialect: object) -> None:
    column = UtcDateTime()
    china = AT.astimezone(timezone(timedelta(hours=8)))
    bound = column.process_bind_param(china, dialect)
    assert bound is not None
    assert bound.hour == 1
    assert column.process_result_value(bound, dialect) == AT
    assert column.process_result_value(china, dialect).utcoffset() == timedelta(0)
    assert column.process_bind_param(None, dialect) is None
    assert column.process_result_value(None, dialect) is None


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="UTC-aware"):
        UtcDateTime().process_bind_param(datetime(2026, 1, 1), sqlite.dialect())  # noqa: DTZ001 - what is refused
