"""Every way a file can be wrong is found, placed, named and answered with a remedy, in Chinese."""

from pathlib import Path

import pytest
import yaml

from hub.catalog import BadFiles, Catalog, load_catalog
from tests.unit.catalog.breaking import ROOT, Edit, faults_of

VISIT = "forms/visit/v1.yaml"
CHECK_IN = "forms/check_in/v1.yaml"
LEVELS = "schemas/codes/bin_level.csv"
POLICY = "schemas/policy/cn-2026-12.yaml"
TEXTS = "schemas/messages/catalog.json"
TRIED_ELSEWHERE = {
    f"catalog.{code}"
    for code in (
        *("too_big", "encoding", "json_object", "policy_unknown", "file_name", "codes_empty"),  # below
        *("exception_feature", "exception_scene"),  # test_catalog_policy
        *("released_changed", "released_missing", "released_line"),  # test_catalog_released
    )
}
BROKEN = yaml.safe_load((Path(__file__).parent / "broken.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken["case"])
def test_fault_is_placed_and_answered(broken: dict[str, str], county: Path, edit: Edit) -> None:
    edit(broken["file"], broken["old"], broken["new"])
    found, messages = faults_of(county)
    expected = (broken.get("at", broken["file"]), broken["path"], broken["reason"])
    places = {(fault.file, fault.path, fault.reason): fault for fault in found}
    assert expected in places
    fault = places[expected]
    assert broken["says"] in messages.text(fault.reason, "zh", **fault.params)
    assert broken["remedy"] in messages.text(fault.remedy, "zh", **fault.params)
    assert messages.sentence(fault, "en").isascii() or fault.params


def test_every_fault_the_code_can_report_is_tried_and_has_texts(catalog: Catalog) -> None:
    keys = {key for key in catalog.messages.texts if key.startswith("catalog.") and not key.endswith(".remedy")}
    assert {f"{key}.remedy" for key in keys} <= catalog.messages.texts.keys()
    assert keys - {broken["reason"] for broken in BROKEN} == TRIED_ELSEWHERE


def test_the_data_of_the_project_is_sound() -> None:
    load_catalog(ROOT)


def test_all_faults_of_all_files_at_once(county: Path, edit: Edit) -> None:
    edit(CHECK_IN, "cycle: as_needed", "cycle: daily")
    edit(CHECK_IN, "  minutes: 1\n", "")
    edit(LEVELS, "poor,", "很差,")
    edit(POLICY, "profile: cn-2026-12", "profile: cn-2027")
    found, _ = faults_of(county)
    assert {(f.file, f.path) for f in found} >= {
        (CHECK_IN, "/licence/cycle"),
        (CHECK_IN, "/licence/minutes"),
        (LEVELS, "/4/code"),
        (POLICY, "/profile"),
    }


def test_sentences_are_lines_for_people(county: Path, edit: Edit) -> None:
    edit(CHECK_IN, "minutes: 1", "minutes: 0")
    with pytest.raises(BadFiles, match="check_in") as caught:
        load_catalog(county)
    assert caught.value.sentences() == [
        "forms/check_in/v1.yaml#/licence/minutes  太小，最小 1。 请检查是否输错。",
    ]
    assert caught.value.sentences("en") == [
        "forms/check_in/v1.yaml#/licence/minutes  Too small, at least 1. Check for a slip.",
    ]


def test_a_file_too_big_is_not_parsed(county: Path) -> None:
    (county / CHECK_IN).write_text("#" * (256 * 1024 + 1))
    found, messages = faults_of(county)
    assert (found[0].file, found[0].path, found[0].reason) == (CHECK_IN, "", "catalog.too_big")
    assert messages.sentence(found[0]) == "forms/check_in/v1.yaml  文件超过 256 KiB。 请拆成几个文件。"


def test_a_file_in_another_encoding(county: Path) -> None:
    (county / CHECK_IN).write_bytes((county / CHECK_IN).read_text().encode("gb18030"))
    found, messages = faults_of(county)
    assert (found[0].file, found[0].reason) == (CHECK_IN, "catalog.encoding")
    assert "另存为 UTF-8" in messages.sentence(found[0])


def test_texts_that_are_no_object(county: Path) -> None:
    (county / "schemas/messages/more.json").write_text("[]")
    found, messages = faults_of(county)
    assert [messages.sentence(f) for f in found] == [
        "schemas/messages/more.json  最外层应是对象（花括号）。 请用花括号括起来。"
    ]


def test_texts_that_are_missing_leave_the_key(county: Path) -> None:
    (county / TEXTS).unlink()
    (county / POLICY).unlink()
    found, messages = faults_of(county)
    assert [messages.sentence(f) for f in found] == [f"{POLICY}  catalog.policy_unknown catalog.policy_unknown.remedy"]


def test_a_missing_policy_stops_the_load(county: Path) -> None:
    (county / POLICY).unlink()
    found, messages = faults_of(county)
    assert [messages.sentence(f) for f in found] == [
        f"{POLICY}  没有政策规则集“cn-2026-12”（HUB_POLICY）。 请恢复该文件，或把 HUB_POLICY 设为现有的：—。"
    ]


@pytest.mark.parametrize(
    "stray", ["forms/visit/v1.yml", "forms/Visit/v1.yaml", "schemas/codes/x.txt", "schemas/elements/a/b.yaml"]
)
def test_a_misspelt_file_name_is_not_passed_over(stray: str, county: Path) -> None:
    path = county / stray
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")
    found, messages = faults_of(county)
    named = next(f for f in found if f.reason == "catalog.file_name")
    assert named.file == stray
    assert "不会被读取" in messages.sentence(named)


@pytest.mark.parametrize("content", ["", "code,zh,en,valid_from,valid_to\n"])
def test_a_code_set_without_codes(content: str, county: Path) -> None:
    (county / "schemas/codes/empty.csv").write_text(content)
    found, messages = faults_of(county)
    reason = "catalog.codes_empty" if content else "catalog.csv_header"
    assert [(f.file, f.reason) for f in found] == [("schemas/codes/empty.csv", reason)]
    assert messages.sentence(found[0])
