"""The seeded county: the same every time, whole, and with nobody real in it."""

import json
import re
from datetime import date
from pathlib import Path

from deploy.county import people, portal, seed


def written(folder: Path, count: int) -> dict[str, str]:
    seed.write(folder, count)
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def test_the_same_county_every_time(tmp_path: Path) -> None:
    first, second = written(tmp_path / "a", 60), written(tmp_path / "b", 60)
    assert first == second
    assert sorted(first) == [
        "garbage_scoring.json",
        "household_visit.json",
        "poverty_alleviation.json",
        "river_patrol.json",
    ]


def test_a_larger_county_keeps_everybody(tmp_path: Path) -> None:
    small = json.loads(written(tmp_path / "a", 60)["household_visit.json"])["households"]
    large = json.loads(written(tmp_path / "b", 300)["household_visit.json"])["households"]
    assert (len(small), len(large)) == (60, 300)
    by_code = {row["householdCode"]: row for row in large}
    assert all(by_code[row["householdCode"]] == row for row in small)


def test_every_code_leads_somewhere() -> None:
    county = seed.county(300)
    households = {row["householdCode"]: row for row in county["household_visit"]["households"]}
    bins = {row["binCode"]: row for row in county["garbage_scoring"]["bins"]}
    files = {row["fileNumber"]: row for row in county["poverty_alleviation"]["households"]}
    printed = [
        (code, row["issuer"], row["payload"]) for code, house in households.items() for row in house["legacyCodes"]
    ]
    assert len({(issuer, payload) for _, issuer, payload in printed}) == len(printed)
    assert {payload: code for code, issuer, payload in printed if issuer == "garbage-scoring"} == {
        code: row["houseCode"] for code, row in bins.items()
    }
    assert {payload: code for code, issuer, payload in printed if issuer == "poverty-alleviation"} == {
        code: row["householdCode"] for code, row in files.items()
    }
    assert all(len(row["members"]) == households[row["householdCode"]]["memberCount"] for row in files.values())


def test_divisions_are_real_villages() -> None:
    names = seed.division_names()
    county = seed.county(300)
    rows = [
        *county["household_visit"]["households"],
        *county["household_visit"]["officers"],
        *county["river_patrol"]["segments"],
    ]
    assert {row["divisionCode"] for row in rows} == {village.code for village in seed.VILLAGES} <= set(names)


def test_the_story_has_its_doors() -> None:
    models = [door for door in seed.doors(300) if door.is_model]
    assert len(models) == seed.MODEL_HOUSEHOLDS
    files = {row["fileNumber"]: row for row in seed.county(300)["poverty_alleviation"]["households"]}
    assert {door.village.code for door in models} == {"330783005004"}
    assert all(files[door.file]["monitoredType"] in "123" for door in models)


def test_nobody_real_lives_here() -> None:
    text = json.dumps(seed.county(300), ensure_ascii=False)
    ids = re.findall(r'"idNumber": "(\w+)"', text)
    assert ids
    assert {number[:6] for number in ids} == {people.UNASSIGNED_COUNTY}
    assert all(number == people.id_number(birth(number), int(number[14:17])) for number in ids)
    assert {phone[:8] for phone in re.findall(r'"phone": "(\d+)"', text)} == {"19900000"}


def birth(number: str) -> date:
    return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))


def test_the_check_digit_follows_the_standard() -> None:
    # GB 11643-1999: the weighted sum of all eighteen, the check digit weighing one, is 1 modulo 11.
    number = people.id_number(date(1990, 1, 1), 1)
    digits = [10 if digit == "X" else int(digit) for digit in number]
    weights = [2 ** (17 - place) % 11 for place in range(18)]
    assert sum(weight * digit for weight, digit in zip(weights, digits, strict=True)) % 11 == 1


def test_accounts_match_the_officers() -> None:
    officers = {row["staffNumber"]: row for row in seed.officers()}
    staff = [account for account in portal.accounts() if account["role"] == "staff"]
    assert staff
    for account in staff:
        officer = officers[account["staff_number"]]
        assert (account["name"], account["division"]) == (officer["name"], officer["divisionCode"])
    assert {account["role"] for account in portal.accounts()} == {
        "staff",
        "leader",
        "department_admin",
        "data_bureau",
        "operator",
    }


def test_only_wardens_may_patrol_the_lower_segments() -> None:
    upper, lower = seed.segments()[:2]
    assert "DY0001" in upper["wardens"]
    assert "DY0001" not in lower["wardens"]
    assert lower["wardens"]
