"""Tests of the tests: every wrong engine is found, and the right one passes what found them."""

import sys

import pytest

from tests.mutants.copied import Copy, copy_project
from tests.mutants.mutants import MUTANTS, Mutant


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return copy_project(tmp_path_factory.mktemp("copy"))


@pytest.mark.timeout(400)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
def test_a_wrong_engine_is_found(mutant: Mutant, copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    with copy.changed(mutant.edits):
        run = copy.test(mutant.found_by)
    assert run.failed, f"nobody noticed: {mutant.name}\n{run.said}"
    with capsys.disabled():
        name = run.failed.partition("::")[2] or run.failed
        sys.stdout.write(f"\n  {mutant.name}: {name}, {run.seconds:.1f} s\n")


@pytest.mark.timeout(600)
def test_the_right_engine_passes_what_finds_the_wrong_ones(copy: Copy) -> None:
    assert copy.where("hub") == str(copy.home / "hub" / "__init__.py")
    machine = {mutant.found_by for mutant in MUTANTS if "machine" in mutant.found_by[0]}
    others = {word for mutant in MUTANTS if mutant.found_by not in machine for word in mutant.found_by[:1]}
    for words in (*sorted(machine), (*sorted(others), "-k", "not postgres or race")):
        run = copy.test(words)
        assert not run.failed, run.said
