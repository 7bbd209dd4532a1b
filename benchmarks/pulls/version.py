"""One version of the hub on a fresh database, with registers of households beside what submissions go to."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.candidates import Candidate, sign_in
from benchmarks.postgres import Postgres
from benchmarks.world import PASSWORD, ROOT, accounts, wiring, write_home

PACKAGES = Path(__file__).with_name("packages")
KEEPER = {"login": "opal", "password": PASSWORD, "name": "管", "role": "operator", "division": "330783000000"}
PULL_TIMEOUT_S = 3600


@dataclass(frozen=True)
class Version:
    """A checkout of the project."""

    name: str
    root: Path


def checkout(commit: str, folder: Path) -> Version:
    """Unpack an earlier commit of this repository."""
    folder.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)
    return Version(commit[:7], folder)


@contextmanager
def running(version: Version, folder: Path, ports: list[int], postgres: Postgres | None) -> Iterator["Measured"]:
    """Run a version on a fresh home and database; yield it once it is ready and has read its empty registers."""
    folder.mkdir(parents=True)
    database = ""
    if postgres is not None:
        postgres.make("pulls")
        database = postgres.url("pulls")
    write_home(folder, _wired(folder, ports), root=version.root, people=[*accounts()["accounts"], KEEPER])
    environment = {
        "HUB_PROFILE": "test", "HUB_HOME": str(folder), "HUB_DATA_DIR": str(folder / "var"),
        "HUB_DATABASE_URL": database, "HUB_CONNECTOR_PACKAGES": '["registers", "tests.fifth"]',
        "HUB_SEED_ACCOUNTS": str(folder / "accounts.yaml"), "HUB_LOG_LEVEL": "warning",
        "HELD_FILE": str(folder / "held.json"), "PYTHONPATH": f"{version.root}:{PACKAGES}",
    }  # fmt: skip
    (folder / "var").mkdir()
    # -P: else the folder it is started in would come before the version's own.
    command = [sys.executable, "-P", "-m", "measured", "serve"]
    candidate = Candidate(version.name, folder, [command], "/api/v1/submissions", "/readyz", environment, enter=sign_in)
    if postgres is not None:
        candidate.database = postgres.pids
    candidate.start()
    measured = Measured(candidate)
    try:
        time.sleep(3.0)
        yield measured
    finally:
        candidate.stop()
        held = json.loads((folder / "held.json").read_text())
        measured.held_ms = max((ms for began, ms in held if began >= measured.began), default=0.0)


class Measured:
    """A running version."""

    def __init__(self, candidate: Candidate) -> None:
        self.candidate = candidate
        self.held_ms = 0.0
        """The longest that one group of writes held the writer since `fill`; known once it has ended."""
        self.began = 0.0
        self._headers = sign_in(candidate, "opal")

    def fill(self, households: int) -> None:
        """Let the registers have so many households from now on."""
        self.began = time.monotonic()
        _size_file(self.candidate.folder).write_text(str(households))

    def pull(self, register: int) -> dict[str, Any]:
        """Read a register from the start and return what the hub says of it."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.candidate.port}/api/v1/systems/register-{register}/pull?how=from_start",
            data=b"{}", headers=self._headers | {"Content-Type": "application/json"}, method="POST",
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=PULL_TIMEOUT_S) as answer:
            (report,) = json.loads(answer.read())
        if report["outcome"] != "done":
            raise SystemExit(f"{self.candidate.name}: {report}")
        return dict(report)


def _size_file(folder: Path) -> Path:
    return folder / "households"


def _wired(folder: Path, ports: list[int]) -> dict[str, Any]:
    document = wiring(ports)
    for number in (1, 2):
        document["systems"][f"register-{number}"] = {
            "title": {"zh": f"户册{number}", "en": f"Register {number}"},
            "owner": "test-office",
            "connector": "register",
            "simulated": True,
            "reaches": ["127.0.0.1:9"],
            "settings": {"number": number, "size_file": str(_size_file(folder))},
            "limits": {"in_flight": 1, "per_second": 1, "answer_within": "30s"},
            "pull": [
                {
                    "source": "households", "into": "household", "every": "365d", "key": "code",
                    "place": {"division": "village", "name": "address"},
                    "aliases": {"*": {"each": "plates", "issuer": "by", "code": "text"}},
                    "fields": {
                        "household.head_name": {"from": "head"}, "household.phone": {"from": "phone"},
                        "household.address": {"from": "address"},
                        "household.member_count": {"from": "members", "as": "number"},
                        "household.income_yuan": {"from": "income", "as": "number"},
                    },
                }
            ],
        }  # fmt: skip
    return document
