"""What somebody asks for is judged once more in the transaction that writes it: the API has no other way to write."""

import re

import pytest

from tests.architecture.test_shape import ROOT

BARE = re.compile(r"store\s*\.\s*writer?\b")
ALLOWED = {"sessions.py": 3}
"""Signing in and out: nobody is signed in yet, or their own session is what ends."""


@pytest.mark.fault("F94")
@pytest.mark.case("C72")
def test_the_api_writes_in_somebodys_name() -> None:
    found = {path.name: len(BARE.findall(path.read_text())) for path in (ROOT / "hub/web/api").rglob("*.py")}
    assert {name: times for name, times in found.items() if times} == ALLOWED, "use hub.write(caller.proof, …)"
