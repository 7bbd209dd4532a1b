"""What a form is offered: the authority's word first, then the youngest; freshness by the element's cycle."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.model import Snapshot
from hub.prefill import Offer, offer
from hub.prefill.offer import ranked
from tests.some_connectors.county import files

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def said(system: str, value: Any, days: float = 1, element: str = "household.head_name") -> Snapshot:  # noqa: ANN401 - any JSON
    return Snapshot(
        place_id="p", element=element, system=system, value=value, as_of=NOW - timedelta(days=days), pull_id="x"
    )


def offers(*snapshots: Snapshot) -> dict[str, Offer]:
    catalog, registry = files()
    form = catalog.form("visit")
    assert form is not None
    return {found.element: found for found in offer(catalog, registry, form, snapshots, NOW)}


def test_the_authority_comes_first_however_old() -> None:
    """doors belongs to the organisation department, the authority of a household's head."""
    found = offers(
        said("files", "小"), said("doors", "大", days=300), said("bins", "中", days=9), said("gone", "旧", days=99)
    )
    best = found["household.head_name"]
    assert (best.path, best.best.value, best.best.system, best.best.authority) == (
        "/household.head_name",
        "大",
        "doors",
        True,
    )
    assert [(o.system, o.authority) for o in best.others] == [("files", False), ("bins", False), ("gone", False)]
    assert best.best.as_of == NOW - timedelta(days=300)


def test_without_the_authority_the_youngest_comes_first() -> None:
    best = offers(said("bins", "中", days=9), said("files", "小", days=2))["household.head_name"]
    assert (best.best.system, best.best.authority, [o.system for o in best.others]) == ("files", False, ["bins"])


def test_what_nobody_says_is_not_offered() -> None:
    assert offers() == {}
    assert offers(said("doors", None), said("doors", 9000, element="household.income_yuan")) == {}
    assert list(offers(said("doors", None), said("files", "小"))) == ["household.head_name"]


def test_false_and_nought_are_values() -> None:
    assert offers(said("doors", 0, element="household.member_count"))["household.member_count"].best.value == 0


@pytest.mark.parametrize(
    ("element", "days", "fresh"),
    [
        ("household.head_name", 365.9, True), ("household.head_name", 366, False),
        ("household.phone", 182, True), ("household.phone", 183, False),
        ("visit.purpose", 0, False),
    ],
)  # fmt: skip
def test_a_value_is_fresh_within_its_cycle(element: str, days: float, fresh: bool) -> None:
    assert offers(said("doors", "x", days=days, element=element))[element].fresh is fresh


def test_questions_asked_once_for_every_item_are_not_offered() -> None:
    assert offers(said("doors", "dispute", element="finding.category")) == {}


def test_ranking_serves_elements_no_form_asks_for() -> None:
    catalog, registry = files()
    element = catalog.elements["household.income_yuan"]
    told = ranked(registry, element, [said("doors", 1, 1), said("files", 2, 5)])
    assert [(opinion.value, opinion.authority) for opinion in told] == [(2, True), (1, False)]


@pytest.mark.case("C03")
@pytest.mark.parametrize(("days", "fresh"), [(1, True), (-0.001, True), (-1, False), (-400, False)])
def test_what_is_dated_ahead_is_asked_and_not_merely_confirmed(days: float, fresh: bool) -> None:
    """A clock that was wrong dated it; how old it is nobody knows."""
    assert offers(said("doors", "大", days=days))["household.head_name"].fresh is fresh
