"""What the four simulated Systems hold before the hub comes: `python -m deploy.county.seed DIR [--households 300]`.

The same count gives the same county, byte for byte. Divisions are real, everybody and everything in them is invented.
"""

import argparse
import csv
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from deploy.county import people

Row = dict[str, Any]

DIVISIONS = Path(__file__).with_name("divisions.csv")
SEED = 330783
MODEL_HOUSEHOLDS = 24
"""First households of the first village: monitored, with a bin. The story visits one of them a run."""
_KEPT_SINCE = datetime(2026, 3, 2, 9, 0)  # noqa: DTZ001 - county time without a zone, as all four Systems write it


@dataclass(frozen=True)
class Village:
    """A real village of the county, and a point in it as Chinese maps draw it (GCJ-02)."""

    code: str
    river: str
    lon: float
    lat: float

    @property
    def short(self) -> str:
        """Town and village digits, what old codes were made of."""
        return self.code[6:]


VILLAGES = (
    Village("330783005004", "江北溪", 120.2392, 29.2981),
    Village("330783005283", "甘溪", 120.2205, 29.3127),
    Village("330783005240", "永久渠", 120.2518, 29.3046),
    Village("330783123233", "南江支流", 120.3164, 29.1583),
    Village("330783106328", "白溪支流", 120.3651, 29.3410),
    Village("330783001027", "卢宅河", 120.2486, 29.2822),
)


@dataclass(frozen=True)
class Door:
    """One household's codes in the four Systems' languages; `house` is the n-th of its village."""

    village: Village
    house: int

    @property
    def household(self) -> str:
        """Code on the household-visit plate."""
        return f"H{self.village.code}{self.house:03d}"

    @property
    def bin(self) -> str:
        """Code on the waste bin."""
        return f"KL{self.village.short}{self.house:03d}"

    @property
    def file(self) -> str:
        """Number of the poverty file."""
        return f"JD{self.village.short}{self.house:03d}"

    @property
    def old_plate(self) -> str:
        """What public security printed on its door plates in 2014."""
        return f"http://mp.dongyang.example/d?id={self.village.short}{self.house:03d}"

    @property
    def is_model(self) -> bool:
        """Say whether the story may visit here."""
        return self.village is VILLAGES[0] and self.house <= MODEL_HOUSEHOLDS


@cache
def division_names() -> dict[str, str]:
    """Return the names of the county's divisions by 12-digit code."""
    with DIVISIONS.open(encoding="utf-8", newline="") as source:
        return {row["code"]: row["name"] for row in csv.DictReader(source)}


def doors(count: int) -> list[Door]:
    """Return `count` households over the villages, the remainder to the first ones."""
    size, rest = divmod(count, len(VILLAGES))
    return [
        Door(village, house)
        for index, village in enumerate(VILLAGES)
        for house in range(1, size + (1 if index < rest else 0) + 1)
    ]


def officers() -> list[Row]:
    """Return two officers and one river warden a village; DY0001 of the first village is the story's."""
    random = Random(SEED)  # noqa: S311 - a county, not a secret
    numbers = range(1, 3 * len(VILLAGES) + 1)
    places = [village.code for village in VILLAGES for _ in range(3)]
    return [
        {"staffNumber": f"DY{number:04d}", "name": people.full_name(random), "divisionCode": code}
        for number, code in zip(numbers, places, strict=True)
    ]


def segments() -> list[Row]:
    """Return two river segments a village: one its officers may patrol, one only the warden's."""
    random = Random(SEED + 1)  # noqa: S311 - as above
    found = []
    for index, village in enumerate(VILLAGES):
        own = [officer["staffNumber"] for officer in officers() if officer["divisionCode"] == village.code]
        found.append(_segment(random, village, f"HD{index + 1:02d}1", f"{village.river}上段", own))
        found.append(_segment(random, village, f"HD{index + 1:02d}2", f"{village.river}下段", own[2:]))
    # One segment is another county's business: whoever reports on it is refused.
    found[-1]["granted"] = False
    return found


def _segment(random: Random, village: Village, segment_id: str, name: str, wardens: list[str]) -> Row:
    south = 0.004 if name.endswith("下段") else 0.0
    path = [
        [round(village.lon + 0.0021 * step, 6), round(village.lat - south + random.uniform(-0.0004, 0.0004), 6)]
        for step in range(6)
    ]
    return {
        "segmentId": segment_id,
        "name": name,
        "chief": people.full_name(random),
        "minMinutes": 5,
        "minLengthM": 300,
        "divisionCode": village.code,
        "path": path,
        "wardens": wardens,
    }


@dataclass(frozen=True)
class Household:
    """What the Systems know of one door, before each tells it its own way."""

    door: Door
    phone: str
    members: list[dict[str, str]]
    has_bin: bool
    has_file: bool
    updated_at: str


def households(count: int) -> list[Household]:
    """Invent everybody behind the doors."""
    return [_household(door) for door in doors(count)]


def _household(door: Door) -> Household:
    # One generator a door: a larger county keeps everybody whom a smaller one has.
    random = Random(f"{SEED}-{door.household}")  # noqa: S311 - as above
    members = people.family(random, people.full_name(random), random.randint(1, 6))
    phone = people.phone(random.randrange(1000))
    updated_at = str(_KEPT_SINCE + timedelta(minutes=random.randrange(60 * 24 * 180)))
    has_bin = door.is_model or random.randrange(10) > 0
    has_file = door.is_model or random.randrange(10) == 0
    return Household(door, phone, members, has_bin, has_file, updated_at)


def visit_row(household: Household) -> Row:
    """Return the household as the organisation department lists it, with the old codes on its door."""
    door = household.door
    codes = [("household-visit", door.household), ("public-safety", door.old_plate)]
    codes += [("garbage-scoring", door.bin)] if household.has_bin else []
    codes += [("poverty-alleviation", door.file)] if household.has_file else []
    names = division_names()
    village = names[door.village.code].removesuffix("居委会").removesuffix("村委会")
    return {
        "householdCode": door.household,
        "headName": household.members[0]["name"],
        "phone": household.phone,
        "address": f"{names[door.village.code[:9] + '000']}{village}{door.house}号",
        "memberCount": len(household.members),
        "divisionCode": door.village.code,
        "legacyCodes": [{"issuer": issuer, "payload": payload} for issuer, payload in codes],
        "updatedAt": household.updated_at,
    }


def bin_row(household: Household) -> Row:
    """Return the household's waste bin as the agriculture office keeps it; level 1 good, 2 medium, 3 poor."""
    random = Random(f"bin-{household.door.bin}")  # noqa: S311 - as above
    return {
        "binCode": household.door.bin,
        "houseCode": household.door.household,
        "lastLevel": random.choice((1, 1, 2, 2, 3)),
        "checkedThisMonth": random.randrange(4),
        "updatedAt": household.updated_at,
    }


def file_row(household: Household) -> Row:
    """Return the household's file against falling back into poverty; type 0 is not monitored, 1 to 3 are the kinds."""
    random = Random(f"file-{household.door.file}")  # noqa: S311 - as above
    return {
        "fileNumber": household.door.file,
        "householdCode": household.door.household,
        "monitoredType": random.choice("123") if household.door.is_model else random.choice("0123"),
        "incomeYuan": random.randrange(8_000, 26_000, 100),
        "members": household.members,
    }


def county(count: int) -> dict[str, Row]:
    """Return what each simulator is started with, by connector folder."""
    everybody = households(count)
    return {
        "household_visit": {"households": [visit_row(one) for one in everybody], "officers": officers()},
        "river_patrol": {"segments": segments()},
        "garbage_scoring": {"bins": [bin_row(one) for one in everybody if one.has_bin]},
        "poverty_alleviation": {"households": [file_row(one) for one in everybody if one.has_file]},
    }


def write(folder: Path, count: int) -> None:
    """Write one `<connector>.json` per System into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, content in county(count).items():
        (folder / f"{kind}.json").write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Parse the command line and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--households", type=int, default=300)
    arguments = parser.parse_args()
    write(arguments.folder, arguments.households)


if __name__ == "__main__":
    main()
