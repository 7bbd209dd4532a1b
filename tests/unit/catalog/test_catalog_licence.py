"""Which forms may be filled on a day, and which policy profile they are held to."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from hub.catalog import BadFiles, Catalog, load_catalog
from hub.catalog.contents import Form
from tests.unit.catalog.breaking import DAY

PROFILES = "schemas/policy"


def lasting(form: Form, version: int, first: str, last: str) -> Form:
    return replace(form, version=version, licence=form.licence | {"valid": [first, last]})


@pytest.fixture
def yearly(catalog: Catalog) -> Catalog:
    """A form licensed for 2026, its successor for 2027, and nothing else."""
    form = catalog.forms["visit", 1]
    years = {
        ("visit", 1): lasting(form, 1, "2026-01-01", "2026-12-31"),
        ("visit", 2): lasting(form, 2, "2027-01-01", "2027-12-31"),
    }
    return replace(catalog, forms=years)


@pytest.mark.parametrize(("day", "offered", "shown"), [
    ("2025-12-31", None, 2), ("2026-01-01", 1, 1), ("2026-12-31", 1, 1), ("2027-01-01", 2, 2), ("2028-01-01", None, 2),
])  # fmt: skip
def test_a_form_is_offered_in_the_version_licensed_that_day(
    yearly: Catalog, day: str, offered: int | None, shown: int
) -> None:
    on = date.fromisoformat(day)
    assert [form.version for form in yearly.offered_forms(on)] == ([offered] if offered else [])
    found = yearly.form_on("visit", on)
    assert found is not None
    assert (found.version, found.licensed_on(on)) == (shown, offered is not None)
    assert yearly.form_on("nothing", on) is None


def test_of_two_licensed_versions_the_newer_is_offered(catalog: Catalog) -> None:
    form = catalog.forms["visit", 1]
    both = {("visit", n): lasting(form, n, "2026-01-01", "2026-12-31") for n in (2, 10, 1)}
    assert [f.version for f in replace(catalog, forms=both).offered_forms(date(2026, 6, 1))] == [10]


def test_every_form_of_the_county_is_licensed_now(catalog: Catalog) -> None:
    offered = catalog.offered_forms(DAY)
    assert sorted(form.form for form in offered) == [form.form for form in catalog.newest_forms()]
    assert [form.form for form in offered][:2] == ["visit", "patrol"], "in the order of their licences"


def test_another_profile_takes_effect(county: Path) -> None:
    strict = (county / PROFILES / "cn-2026-12.yaml").read_text(encoding="utf-8")
    strict = strict.replace("profile: cn-2026-12", "profile: cn-2027").replace("words: [打卡,", "words: [入户, 打卡,")
    (county / PROFILES / "cn-2027.yaml").write_text(strict, encoding="utf-8")
    assert load_catalog(county).policy.profile == "cn-2026-12"
    with pytest.raises(BadFiles) as caught:
        load_catalog(county, "cn-2027")
    assert {(fault.file, fault.reason) for fault in caught.value.faults} == {
        ("forms/visit/v1.yaml", "catalog.policy_word")
    }


@pytest.mark.parametrize("name", ["cn-2099", "../policy/cn-2026-12", ""])
def test_an_unknown_profile_is_a_fault_with_its_remedy(county: Path, name: str) -> None:
    with pytest.raises(BadFiles) as caught:
        load_catalog(county, name)
    (said,) = caught.value.sentences("en")
    assert said.startswith(f"{PROFILES}/{name}.yaml  There is no policy profile “{name}” (HUB_POLICY).")
    assert said.endswith("set HUB_POLICY to one that is there: cn-2026-12.")
