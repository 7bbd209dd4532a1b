"""Writes the fault matrix into docs/reliability.md: row, fault, duty, tests, last result. `make reliability`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.faults.marks import ROOT, guarded
from tests.faults.results import last_results

PAGE = ROOT / "docs/reliability.md"
ROWS = Path(__file__).parent / "rows.yaml"
BEGIN, END = "<!-- fault matrix: made by `make reliability` -->", "<!-- fault matrix: end -->"
HEAD = "| row | what goes wrong | what the hub must do | tests | last result |\n|---|---|---|---|---|\n"
NOT_RUN = "not run"


@dataclass(frozen=True)
class Row:
    """One row of the matrix: words from rows.yaml, tests from the marks."""

    name: str
    fault: str
    must: str
    tests: tuple[str, ...]
    no_test: str = ""
    gap: str = ""

    @property
    def shown_tests(self) -> str:
        """Return the cell that names the tests, or says why there is none."""
        if not self.tests:
            return f"no test: {self.no_test}"
        named = [f"`{test.removeprefix('tests/')}`" for test in self.tests]
        return "<br>".join([*named, f"not shown: {self.gap}"] if self.gap else named)

    def line(self, result: str) -> str:
        """Return the row as Markdown."""
        return f"| {self.name} | {self.fault} | {self.must} | {self.shown_tests} | {result} |\n"


def rows() -> list[Row]:
    """Return the whole matrix in order."""
    words, tests = yaml.safe_load(ROWS.read_text(encoding="utf-8")), guarded()
    return [Row(name=name, tests=tuple(tests.get(name, ())), **told) for name, told in words.items()]


def result_of(row: Row, results: Mapping[str, tuple[str, int, str]], before: str) -> str:
    """Return how the row's tests ended at last; what was not run again keeps the result it had."""
    if not row.tests:
        return "—"
    if not set(row.tests) <= results.keys():
        return before or NOT_RUN
    ended = [results[test] for test in row.tests]
    cases, day = sum(many for _, many, _ in ended), max(day for _, _, day in ended)
    bad = [outcome for outcome, _, _ in ended if outcome != "passed"]
    return f"{'**' + bad[0] + '**' if bad else 'passed'}, {cases} {'case' if cases == 1 else 'cases'}, {day}"


def words_of(page: str) -> list[str]:
    """Return the page's rows without their last results."""
    return re.findall(r"^(\| F\d+ \|.*\|) [^|]* \|$", page, re.MULTILINE)


def old_results(page: str) -> dict[str, str]:
    """Return the last results the page shows, by what stands before them in their line."""
    lines = re.findall(r"^(\| F\d+ \|.*\|) ([^|]*) \|$", page, re.MULTILINE)
    return {_identity(line): result for line, result in lines}


def _identity(line: str) -> str:
    """Return the row and its tests: new words for a fault do not make its result an old one."""
    cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
    return f"{cells[0]}: {cells[3]}"


def made(page: str, results: Mapping[str, tuple[str, int, str]]) -> str:
    """Return the page with its table made anew."""
    old = old_results(page)
    lines = [row.line(result_of(row, results, old.get(f"{row.name}: {row.shown_tests}", ""))) for row in rows()]
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{HEAD}{''.join(lines)}{END}{after}"


def drop_stale_reasons() -> list[str]:
    """Take the reason for having no test from rows that have one by now; return the rows."""
    stale = [row.name for row in rows() if row.tests and row.no_test]
    words = ROWS.read_text(encoding="utf-8")
    for name in stale:
        words = re.sub(rf"^({name}:\n(?:  .*\n)*?)  no_test: .*\n", r"\1", words, flags=re.MULTILINE)
    ROWS.write_text(words, encoding="utf-8")
    return stale


def main() -> None:
    """Write the page and say how many rows have tests."""
    if stale := drop_stale_reasons():
        print(f"{', '.join(stale)}: tested by now, so rows.yaml no longer says why not")  # noqa: T201 - it is a command
    PAGE.write_text(made(PAGE.read_text(encoding="utf-8"), last_results()), encoding="utf-8")
    matrix = rows()
    print(f"{sum(bool(row.tests) for row in matrix)} of {len(matrix)} rows have tests")  # noqa: T201 - it is a command


if __name__ == "__main__":
    main()
