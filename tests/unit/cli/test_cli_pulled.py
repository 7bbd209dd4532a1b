"""open-items, dismiss, solve, link, part: what they ask of the hub, and what they show of its answer."""

import json

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.test_cli_client import Fake, ask, hub

__all__ = ["hub"]
ITEM = {
    "id": "i-1", "system": "bins", "what": {"zh": "编码指向不同的地点", "en": "Codes lead [b]"}, "row_key": "R-1",
    "reason": {"zh": "两处", "en": "two"}, "field": "police", "value": "…", "place": "p-1", "other_place": None,
    "state": "dismissed", "pull": "homes", "remedy": {"zh": "查明", "en": "Find out"},
}  # fmt: skip
PLACE = {"id": "p-2", "name": "12号[/b]", "rows": [{"system": "bins", "pull": "homes", "key": "B/1"}],
         "codes": [{"issuer": "bins", "code": "B/1"}]}  # fmt: skip
pytestmark = pytest.mark.case("C10")


def test_items_are_listed_and_narrowed(run: Run, hub: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    hub.answer([ITEM])
    code, out, _ = ask(run, hub, "open-items", "--system", "a b", "--kind", "codes_tangled")
    said = (
        "i-1 bins/homes Codes lead [b]: two 行 / row: R-1 字段 / field: police 值 / value: … 地点 / Place: p-1 Find out"
    )
    assert (code, " ".join(out.split())) == (0, said)
    assert hub.asked[0][1] == "/api/v1/open-items?system=a+b&kind=codes_tangled&state=open&limit=200"


@pytest.mark.parametrize("verb", ["dismiss", "solve"])
def test_an_item_ends_with_a_reason(run: Run, hub: Fake, verb: str) -> None:
    hub.answer(ITEM)
    code, out, _ = ask(run, hub, verb, "i-1", "--why", "seen")
    assert (code, out) == (0, "i-1: dismissed")
    assert hub.asked[0][1] == f"/api/v1/open-items/i-1/{verb}"
    assert json.loads(hub.asked[0][3]) == {"why": "seen"}


def test_places_are_linked_and_parted(run: Run, hub: Fake) -> None:
    hub.answer(PLACE)
    assert ask(run, hub, "link", "p-1", "p-2", "--why", "one")[1] == "p-2 12号[/b] bins/homes/B/1 bins: B/1"
    assert ask(run, hub, "part", "p-2", "bins/homes/B/1", "--why", "two")[0] == 0
    (_, link, _, linked), (_, part, _, parted) = hub.asked
    assert (link, json.loads(linked)) == ("/api/v1/places/p-1/link", {"into": "p-2", "why": "one"})
    row = {"system": "bins", "pull": "homes", "key": "B/1"}
    assert (part, json.loads(parted)) == ("/api/v1/places/p-2/part", {"rows": [row], "why": "two"})


def test_a_row_without_its_three_parts_is_told(run: Run, hub: Fake) -> None:
    code, _, err = ask(run, hub, "part", "p-2", "bins/1", "--why", "two")
    assert (code, "system/pull/key" in err, hub.asked) == (2, True, [])
