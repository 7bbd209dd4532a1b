"""A copy of the project whose text can be changed, and pytest run in it."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.mutants import Edit

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("hub", "connectors", "tests", "forms", "schemas", "deploy", "connectors.yaml", "pyproject.toml")
LEFT_OUT = shutil.ignore_patterns("node_modules", "dist", "__pycache__", "*.db", "*.db-*")
ENOUGH = {"MACHINE_EXAMPLES": "40", "MACHINE_STEPS": "50", "MACHINE_SEED": "3"}
"""The state machine is a small one here, and always the same."""


@dataclass(frozen=True)
class Run:
    """How one run of pytest in the copy ended."""

    failed: str
    """The test that failed, empty when all passed."""
    seconds: float
    said: str


@dataclass(frozen=True)
class Copy:
    """The copied project."""

    home: Path

    @contextmanager
    def changed(self, edits: Sequence[Edit]) -> Iterator[None]:
        """Make the replacements and take them back; each piece of text must be there exactly once."""
        kept = {edit.file: (self.home / edit.file).read_text(encoding="utf-8") for edit in edits}
        try:
            for edit in edits:
                file = self.home / edit.file
                text = file.read_text(encoding="utf-8")
                found = text.count(edit.old)
                assert found == 1, f"{edit.file} has this {found} times, not once; mend the mutant:\n{edit.old}"
                _write(file, text.replace(edit.old, edit.new))
            yield
        finally:
            for name, text in kept.items():
                _write(self.home / name, text)

    def test(self, words: Sequence[str]) -> Run:
        """Run tests in the copy until one fails."""
        began = time.monotonic()
        done = self._python("-m", "pytest", "-x", "-q", "--tb=line", "--color=no", *words)
        seconds = time.monotonic() - began
        assert done.returncode in (0, 1), done.stdout[-3_000:] + done.stderr[-3_000:]
        failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        named = failed[0].split(" ")[1] if failed else ""
        assert bool(named) == (done.returncode == 1), done.stdout[-3_000:]
        return Run(named, seconds, done.stdout[-3_000:])

    def where(self, module: str) -> str:
        """Return the file a module is imported from in the copy."""
        return self._python("-c", f"import {module}; print({module}.__file__)").stdout.strip()

    def _python(self, *words: str) -> subprocess.CompletedProcess[str]:
        # Without what coverage and pytest leave for child processes: the copy does not count.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.home,
            env=kept | ENOUGH,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


def _write(file: Path, text: str) -> None:
    """Change a source; its bytecode goes too, since Python tells its age in whole seconds only."""
    file.write_text(text, encoding="utf-8")
    for compiled in file.parent.glob(f"__pycache__/{file.stem}.*.pyc"):
        compiled.unlink()


def copy_project(home: Path) -> Copy:
    """Copy what the tests need."""
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, home / part, ignore=LEFT_OUT)
        else:
            shutil.copy2(source, home / part)
    return Copy(home)
