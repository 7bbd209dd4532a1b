"""Every wrong engine can still be made of today's code; whether each is found, `make test-mutants` says."""

import pytest

from hub.failpoint import POINTS
from tests.machine.stage import POINTS as DEATHS
from tests.mutants.copied import ROOT
from tests.mutants.mutants import MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
def test_a_wrong_engine_can_be_made(mutant: Mutant) -> None:
    texts = {edit.file: (ROOT / edit.file).read_text(encoding="utf-8") for edit in mutant.edits}
    assert [edit.old for edit in mutant.edits if texts[edit.file].count(edit.old) != 1] == []
    assert (ROOT / mutant.found_by[0].partition("::")[0]).exists()


def test_there_are_enough_of_them_and_no_name_twice() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 12


def test_the_machine_dies_only_where_the_hub_has_a_failpoint() -> None:
    assert set(DEATHS) <= set(POINTS)
