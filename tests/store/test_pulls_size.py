"""Pulls of a county's size: rows are merged in sets, and rows that did not change are looked at and not written.

How fast that is `python -m benchmarks.pulls` measures; here it is the number of statements, the same on any machine.
"""

from collections import Counter
from collections.abc import Sequence

import pytest
from sqlalchemy import Connection

from hub.model import Alias, Place, PullRow
from hub.store import Store, bulk
from tests.conftest import HandClock
from tests.some_connectors.county import VILLAGE, County
from tests.some_connectors.source import Sources

pytestmark = pytest.mark.case("C12")
MANY = 3_000


def house(number: int, **changes: object) -> dict[str, object]:
    plates = [{"by": "police", "text": f"P-{number}"}, {"by": "civil", "text": f"C-{number}"}]
    row = {"door": f"D-{number}", "village": VILLAGE, "address": f"幸福路{number}号", "head": "陈大山", "count": 4}
    return row | {"old": plates} | changes


@pytest.fixture
async def hub(store: Store, clock: HandClock) -> Sources:
    sources = Sources(County(store, clock))
    sources.doors.page_rows = 1_000
    sources.doors.say(*map(house, range(MANY)))
    return sources


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Every statement over sets, by its verb; the others are a handful for each page."""
    told: Counter[str] = Counter()
    run = bulk.run

    def note(connection: Connection, sql: str, values: tuple[object, ...] = ()) -> Sequence[object]:
        told[sql.split(maxsplit=1)[0].upper()] += 1
        return run(connection, sql, values)

    monkeypatch.setattr(bulk, "run", note)
    return told


async def test_a_first_reading_is_few_statements_for_many_rows(hub: Sources, told: Counter[str]) -> None:
    told.clear()
    (report,) = await hub.pull("doors")
    assert (report.rows, report.changed) == (MANY, MANY)
    assert await hub.counts() == (MANY, 3 * MANY, MANY)
    assert told.total() < MANY / 5, told


async def test_what_comes_again_unchanged_is_not_written(hub: Sources, told: Counter[str]) -> None:
    await hub.pull("doors")
    before = [await hub.county.rows(model) for model in (Place, Alias, PullRow)]
    told.clear()
    (report,) = await hub.pull("doors", from_start=True)
    assert (report.rows, report.changed, report.whole) == (MANY, 0, True)
    assert set(told) == {"SELECT"}, told
    assert [await hub.county.rows(model) for model in (Place, Alias, PullRow)] == before


async def test_of_many_rows_only_the_changed_ones_are_written(hub: Sources, told: Counter[str]) -> None:
    await hub.pull("doors")
    hub.doors.say(*(house(number, count=5) for number in range(0, MANY, 1_000)))
    told.clear()
    (report,) = await hub.pull("doors", from_start=True)
    assert (report.rows, report.changed) == (MANY, 3)
    assert told.total() - told["SELECT"] < 20, told
