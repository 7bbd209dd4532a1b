"""Names sort the way people count, in any script, and the key sorts by its bytes."""

import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.model.natural_order import order_key

IN_ORDER = [
    ["段1", "段2", "段9", "段10", "段11", "段100"],
    ["一组", "二组", "九组", "十组", "十一组", "二十组", "二十一组", "一百组", "一百零五组"],
    ["第1段", "第二段", "第３段", "第04段", "第十段"],
    ["江北溪1段上", "江北溪1段下", "江北溪2段上"],
    ["1号", "1号2室", "1号10室", "2号"],
    ["a", "B", "c"],
    ["2026年1月", "2026年2月", "2026年10月", "二〇二七年一月"],
    ["", "0", "1"],
]


@pytest.mark.case("C34")
@pytest.mark.parametrize("names", IN_ORDER, ids=lambda names: names[-1])
def test_names_stand_in_the_order_people_count(names: list[str]) -> None:
    mixed = names[:]
    random.Random(1).shuffle(mixed)
    assert sorted(mixed, key=lambda name: order_key(name).encode()) == names


@pytest.mark.case("C34", "C51")
@pytest.mark.parametrize("other", ["kl 005", "ＫＬ００５", "KL\u3000005", "Kl5", "KL五"])
def test_case_width_blanks_and_script_make_no_difference(other: str) -> None:
    assert order_key(other) == order_key("KL005")


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_numbers_sort_by_their_value(one: int, other: int) -> None:
    assert (order_key(f"段{one}") < order_key(f"段{other}")) == (one < other)


@given(st.text(max_size=20))
def test_every_text_has_a_key(text: str) -> None:
    assert order_key(unicodedata.normalize("NFKC", text)) == order_key(text)
