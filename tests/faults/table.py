"""Writes the fault matrix and the cases into docs/reliability.md: words, tests, last result. `make reliability`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.faults.marks import ROOT, guarded
from tests.faults.results import last_results

PAGE = ROOT / "docs/reliability.md"
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
    not_reproduced: str = ""

    @property
    def shown_tests(self) -> str:
        """Return the cell that names the tests, or says why there is none."""
        if not self.tests:
            return f"no test: {self.no_test}"
        shown = [f"`{test.removeprefix('tests/')}`" for test in self.tests]
        if self.gap:
            shown.append(f"not shown: {self.gap}")
        if self.not_reproduced:
            shown.append(f"not reproduced: {self.not_reproduced}")
        return "<br>".join(shown)

    def line(self, result: str) -> str:
        """Return the row as Markdown."""
        return f"| {self.name} | {self.fault} | {self.must} | {self.shown_tests} | {result} |\n"


@dataclass(frozen=True)
class Table:
    """One table of the page: where its words are, between which lines it stands, how its columns are called."""

    words: Path
    title: str
    letter: str
    """What the names of its rows begin with."""
    columns: tuple[str, str]
    keys: tuple[str, str]
    """Keys of the words of these two columns."""

    @property
    def begin(self) -> str:
        """Return the line before the table."""
        return f"<!-- {self.title}: made by `make reliability` -->"

    @property
    def end(self) -> str:
        """Return the line after the table."""
        return f"<!-- {self.title}: end -->"

    @property
    def head(self) -> str:
        """Return the head of the table as Markdown."""
        return f"| row | {self.columns[0]} | {self.columns[1]} | tests | last result |\n|---|---|---|---|---|\n"

    def rows(self) -> list[Row]:
        """Return all rows in order."""
        words, tests = yaml.safe_load(self.words.read_text(encoding="utf-8")), guarded()
        return [self._row(name, tuple(tests.get(name, ())), told) for name, told in words.items()]

    def _row(self, name: str, tests: tuple[str, ...], told: Mapping[str, str]) -> Row:
        fault, must = (told[key] for key in self.keys)
        beside = {key: words for key, words in told.items() if key not in self.keys}
        return Row(name=name, fault=fault, must=must, tests=tests, **beside)

    def words_of(self, page: str) -> list[str]:
        """Return the page's rows without their last results."""
        return [line for line, _ in self._lines(page)]

    def old_results(self, page: str) -> dict[str, str]:
        """Return the last results the page shows, by what stands before them in their line."""
        return {_identity(line): result for line, result in self._lines(page)}

    def made(self, page: str, results: Mapping[str, tuple[str, int, str]]) -> str:
        """Return the page with this table made anew."""
        old = self.old_results(page)
        lines = [
            row.line(result_of(row, results, old.get(f"{row.name}: {row.shown_tests}", ""))) for row in self.rows()
        ]
        before, _, rest = page.partition(self.begin)
        _, _, after = rest.partition(self.end)
        return f"{before}{self.begin}\n{self.head}{''.join(lines)}{self.end}{after}"

    def drop_stale_reasons(self) -> list[str]:
        """Take the reason for having no test from rows that have one by now; return the rows."""
        stale = [row.name for row in self.rows() if row.tests and row.no_test]
        words = self.words.read_text(encoding="utf-8")
        for name in stale:
            words = re.sub(rf"^({name}:\n(?:  .*\n)*?)  no_test: .*\n", r"\1", words, flags=re.MULTILINE)
        self.words.write_text(words, encoding="utf-8")
        return stale

    def _lines(self, page: str) -> list[tuple[str, str]]:
        return re.findall(rf"^(\| {self.letter}\d+ \|.*\|) ([^|]*) \|$", page, re.MULTILINE)


FAULTS = Table(
    Path(__file__).parent / "rows.yaml",
    "fault matrix",
    "F",
    ("what goes wrong", "what the hub must do"),
    ("fault", "must"),
)
CASES = Table(
    Path(__file__).parent / "cases.yaml", "cases", "C", ("what somebody met", "what the hub does"), ("case", "does")
)
TABLES = (FAULTS, CASES)


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


def _identity(line: str) -> str:
    """Return the row and its tests: new words for a fault do not make its result an old one."""
    cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
    return f"{cells[0]}: {cells[3]}"


def main() -> None:
    """Write the page and say how many rows have tests."""
    for table in TABLES:
        if stale := table.drop_stale_reasons():
            print(f"{', '.join(stale)}: tested by now, so {table.words.name} no longer says why not")  # noqa: T201 - it is a command
        PAGE.write_text(table.made(PAGE.read_text(encoding="utf-8"), last_results()), encoding="utf-8")
        rows = table.rows()
        print(f"{table.title}: {sum(bool(row.tests) for row in rows)} of {len(rows)} rows have tests")  # noqa: T201 - it is a command


if __name__ == "__main__":
    main()
