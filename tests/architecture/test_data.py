"""Data: released forms do not change, nobody real is in the repository, lock files name no host."""

import csv
import hashlib
import json
import re
import subprocess
from datetime import date
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = {
    ".py",
    ".js",
    ".mjs",
    ".vue",
    ".yaml",
    ".yml",
    ".json",
    ".csv",
    ".md",
    ".html",
    ".toml",
    ".txt",
    ".lock",
    ".sh",
    ".service",
}
ID_NUMBER = re.compile(r"(?<![0-9A-Za-z])([1-9]\d{16}[\dXx])(?![0-9A-Za-z])")
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home/\w+|root|Users/\w+|work/(?:main|shared))(?:/|\b)")
HOST = re.compile(r"https?://[\w.-]+")


def ours() -> list[Path]:
    """Every text file that git tracks or would track."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    paths = [ROOT / line for line in listed.splitlines()]
    return [path for path in paths if path.is_file() and (path.suffix in TEXT or path.name in {"Makefile", "run"})]


def is_id_number(digits: str) -> bool:
    """Right length, a birth date that exists and the right check digit: a person could have it."""
    try:
        born = date(int(digits[6:10]), int(digits[10:12]), int(digits[12:14]))
    except ValueError:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, digits[:17], strict=True))
    return born.year >= 1900 and "10X98765432"[total % 11] == digits[17].upper()


def test_the_rule_knows_an_id_number() -> None:
    """The check below is blind if this one is wrong."""
    assert is_id_number("330799199001010014")
    assert not is_id_number("330799199001010010")
    assert not is_id_number("330799199002310019")


def test_nobody_real() -> None:
    """Every id number in the repository lies in the unassigned county 330799."""
    files = ours()
    assert files
    found = [(path, number) for path in files for number in ID_NUMBER.findall(path.read_text())]
    assert [str(path) for path, number in found if is_id_number(number) and not number.startswith("330799")] == []


def test_no_path_of_a_machine() -> None:
    """What works in one home folder only is not ours to ship."""
    found = [
        f"{path.relative_to(ROOT)}: {hit[0]}"
        for path in ours()
        if path != Path(__file__) and not path.name.endswith((".lock", "-lock.json"))
        for hit in MACHINE_PATH.finditer(path.read_text())
    ]
    assert found == []


def test_python_lock_names_no_host_and_pins_by_hash() -> None:
    """Anyone may install from a mirror; the hashes say what must come out."""
    lock = (ROOT / "requirements.lock").read_text()
    pins = re.findall(r"^([\w.\[\]-]+)==", lock, re.MULTILINE)
    assert pins
    assert HOST.findall(lock) == []
    assert lock.count("--hash=sha256:") >= len(pins)


@pytest.mark.skipif(not (ROOT / "hub/ui/package-lock.json").exists(), reason="no front end yet")
def test_npm_lock_names_no_host_and_pins_by_hash() -> None:
    """The same for the front end: integrity kept, no address of a registry."""
    packages = json.loads((ROOT / "hub/ui/package-lock.json").read_text())["packages"]
    installed = {name: package for name, package in packages.items() if name}
    assert installed
    assert [name for name, package in installed.items() if "resolved" in package] == []
    assert [name for name, package in installed.items() if "integrity" not in package and "link" not in package] == []


@pytest.mark.parametrize("folder", ["forms", "schemas/records"])
def test_released_versions_are_frozen(folder: str) -> None:
    """A released version is never edited, a change is the next version; and every version there is is released."""
    versions = {path.relative_to(ROOT / folder).as_posix(): path for path in (ROOT / folder).glob("*/v*.yaml")}
    assert versions
    lines = (ROOT / folder / "released.sha256").read_text().splitlines()
    released = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in versions.items()} == released


def test_county_divisions_nest() -> None:
    """Each division of the demo county is once there and under one that is there."""
    with (ROOT / "deploy/county/divisions.csv").open(encoding="utf-8", newline="") as source:
        rows = {row["code"]: row for row in csv.DictReader(source)}
    assert {"330783000000", "330783005000", "330783005004"} <= set(rows)
    assert [code for code, row in rows.items() if row["level"] != "province" and row["parent_code"] not in rows] == []
