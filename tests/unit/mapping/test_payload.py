"""Canonical bytes, their digest and what changed between two payloads."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.mapping import changed_fields, digest, encode

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def test_bytes_are_compact_sorted_utf8() -> None:
    assert encode({"乙": 1, "a": {"d": [1], "c": None}}) == '{"a":{"c":null,"d":[1]},"乙":1}'.encode()


@given(st.dictionaries(st.text(), JSON))
def test_equal_content_gives_equal_bytes_that_read_back(mapped: dict[str, object]) -> None:
    payload = encode(mapped)
    assert encode(dict(reversed(mapped.items()))) == payload
    assert json.loads(payload) == mapped


def test_digest_is_sha256_in_hex() -> None:
    assert digest(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ({"a": 1}, {"a": 1}, ()),
        ({"b": 1, "a": 1}, {"b": 2, "a": 2}, ("a", "b")),
        ({"a": 1}, {}, ("a",)),
        ({}, {"a": None}, ("a",)),
        ({"a": [{"x": 1}]}, {"a": [{"x": 2}]}, ("a",)),
    ],
)
def test_changed_fields(old: dict[str, object], new: dict[str, object], changed: tuple[str, ...]) -> None:
    assert changed_fields(old, new) == changed
