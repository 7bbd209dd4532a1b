"""Scope by division prefix, cut at a level and never inside one (A23)."""

import pytest

from hub.model.people import DIVISION_LEVELS, LONGEST, Role, Scope, account_faults, division_prefix


@pytest.mark.parametrize(
    ("code", "prefix"),
    [
        ("330000000000", "33"),
        ("330700000000", "3307"),
        ("330100000000", "3301"),
        ("330783000000", "330783"),
        ("330780000000", "330780"),
        ("330783005000", "330783005"),
        ("330783100000", "330783100"),
        ("330783005001", "330783005001"),
        ("330783005010", "330783005010"),
        ("330783005100", "330783005100"),
        ("300000000000", "30"),
    ],
)
def test_the_prefix_ends_at_a_level(code: str, prefix: str) -> None:
    assert division_prefix(code) == prefix
    assert len(prefix) in DIVISION_LEVELS
    assert Scope("a", Role.LEADER, code).prefix == prefix


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("330100000000", "330783005001"),
        ("330783005000", "330783051000"),
        ("330783005001", "330783005010"),
        ("330783100000", "330783010000"),
        ("330783001000", "330783010000"),
        ("330780000000", "330783000000"),
    ],
)
def test_a_neighbour_whose_code_begins_alike_is_outside(mine: str, theirs: str) -> None:
    assert not theirs.startswith(division_prefix(mine))


def test_all_zeros_stands_for_nobody_else() -> None:
    """A unit that was never given a division must not see the whole country."""
    assert division_prefix("000000000000") == "00"


@pytest.mark.parametrize("code", ["", "330783", "3307830050040"])
def test_a_code_that_is_none_has_no_prefix(code: str) -> None:
    with pytest.raises(ValueError, match="12 digits"):
        division_prefix(code)


def test_a_field_of_an_account_may_not_be_endless() -> None:
    assert [(fault.path, fault.code) for fault in account_faults({"name": "王" * (LONGEST + 1)})] == [
        ("/name", "too_long")
    ]
    assert list(account_faults({"name": "王" * LONGEST})) == []
