"""Messages and lineage: what the rest of the hub asks the catalog."""

import pytest

from hub.catalog import Catalog, trace
from hub.catalog.lineage import AskedIn, KeptIn


def test_text_in_both_languages(catalog: Catalog) -> None:
    assert catalog.messages.text("fault.too_long", rule=5) == "太长，最多 5 个字。"
    assert catalog.messages.both("fault.too_long", rule=5) == {
        "zh": "太长，最多 5 个字。",
        "en": "Too long, at most 5 characters.",
    }


def test_a_param_may_itself_have_two_languages(catalog: Catalog) -> None:
    params = {"title": {"zh": "强制拍照", "en": "Compulsory photo"}, "scenes": "necessity"}
    assert catalog.messages.text("catalog.exception_scene", "en", **params).startswith("“Compulsory photo” can only")


def test_missing_texts_and_params_are_errors(catalog: Catalog) -> None:
    with pytest.raises(KeyError):
        catalog.messages.text("no.such.key")
    with pytest.raises(KeyError):
        catalog.messages.text("fault.too_long")


def test_every_element_says_what_forms_would_otherwise_repeat(catalog: Catalog) -> None:
    owners = {"organisation-department", "agriculture-office", "water-bureau", "agriculture-rural-bureau"}
    assert {element.authority for element in catalog.elements.values()} == owners
    assert all(any(word.isascii() for word in element.synonyms) for element in catalog.elements.values())
    assert {e.id for e in catalog.elements.values() if e.sensitivity == 4} >= {
        "household.income_yuan",
        "person.id_number_masked",
    }
    assert catalog.elements["household.members"].items == ("person.name", "person.relation", "person.id_number_masked")


def test_where_an_element_is_asked_and_kept(catalog: Catalog) -> None:
    phone = trace(catalog, "household.phone")
    assert phone.asked == (AskedIn("visit", 1, "/household.phone", confirm=True),)
    assert phone.kept == (KeptIn("visit/v1", "household.phone", "visit", 1),)


def test_an_answer_is_followed_under_its_new_name(catalog: Catalog) -> None:
    kept = {KeptIn("finding/v1", "finding.description", "report", version) for version in (1, 2)}
    assert set(trace(catalog, "report.detail").kept) == kept


def test_an_element_nobody_asks(catalog: Catalog) -> None:
    income = trace(catalog, "household.income_yuan")
    assert (income.asked, income.kept) == ((), ())
