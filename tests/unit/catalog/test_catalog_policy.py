"""What the policy profile turns off stays off, unless a form's own exception is complete, fitting and in time."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from hub.catalog import Catalog, load_catalog
from tests.unit.catalog.breaking import DAY, Edit, faults_of

VISIT = "forms/visit/v1.yaml"
N_01 = "下载量 安装率 注册率 激活 关注人数 点赞 转发 投票 学习时长 积分 在线时长 日活 活跃度"
CHECK_IN = "forms/check_in/v1.yaml"


def exception(feature: str, scene: str, expires_on: str) -> str:
    approval = "legal_basis: {zh: 汛期巡查规定第三条, en: Flood patrol rule 3}, approver: 大数据局 周明"
    return f'exception: {{feature: {feature}, scene: {scene}, {approval}, expires_on: "{expires_on}"}}\nmakes:'


def require_photo(edit: Edit) -> None:
    edit(VISIT, "visit.photos: {optional: true, most: 9}", "visit.photos: {most: 9}")
    photo = "      visit.photos: [7d865e959b2466918c9863afca942d0fb89d7c9ac0c99bafc3749504ded97730]\n"
    edit(VISIT, "      nothing_to_report: true\n", f"      nothing_to_report: true\n{photo}")
    edit(VISIT, '      visit.next_on: "2026-12-01"\n', f'      visit.next_on: "2026-12-01"\n{photo}')


def test_everything_the_profile_names_is_off(catalog: Catalog) -> None:
    assert set(catalog.policy.features) == {
        "checkin",
        "leaderboard",
        "online_time",
        "usage_count",
        "mandatory_photo",
        "mandatory_track",
        "mandatory_location",
    }
    assert all(form.exception is None for form in catalog.forms.values())
    words = {word for feature in catalog.policy.features.values() for word in feature.words}
    assert words >= set(N_01.split(" "))


def test_no_form_of_ours_needs_a_position_a_track_or_a_photo(catalog: Catalog) -> None:
    asked = [q for form in catalog.forms.values() for q in form.questions if q.type in {"location", "track", "photos"}]
    assert asked
    assert all(question.optional for question in asked)


def test_a_valid_exception_allows_and_shows_it(county: Path, edit: Edit) -> None:
    require_photo(edit)
    edit(VISIT, "makes:", exception("mandatory_photo", "necessity", "2026-11-22"))
    form = load_catalog(county).forms["visit", 1]
    assert form.exception is not None
    assert form.exception["approver"] == "大数据局 周明"


@pytest.mark.case("C47")
def test_a_form_whose_exception_ended_is_not_offered_and_stops_nothing_else(county: Path, edit: Edit) -> None:
    require_photo(edit)
    edit(VISIT, "makes:", exception("mandatory_photo", "necessity", "2026-11-22"))
    catalog = load_catalog(county)
    names = {form.form for form in catalog.newest_forms()}
    assert {form.form for form in catalog.offered_forms(DAY)} == names
    assert {form.form for form in catalog.offered_forms(DAY + timedelta(days=1))} == names - {"visit"}
    form = catalog.forms["visit", 1]
    assert form.valid == (date(2026, 1, 1), date(2026, 11, 22))
    assert (form.licensed_on(DAY), form.licensed_on(DAY + timedelta(days=1))) == (True, False)


def test_an_exception_covers_its_own_feature_only(county: Path, edit: Edit) -> None:
    require_photo(edit)
    edit(VISIT, "makes:", exception("mandatory_track", "necessity", "2027-01-01"))
    found, _ = faults_of(county)
    assert {fault.reason for fault in found} == {"catalog.policy_mandatory"}


@pytest.mark.parametrize(
    ("feature_scene_end", "path", "says"),
    [
        (
            ("mandatory_photo", "security", "2027-01-01"),
            "scene",
            "“强制拍照”只可能在这些场景例外：necessity。 请换成允许的场景",
        ),
        (("usage_count", "security", "2027-01-01"), "scene", "“使用情况考核”只可能在这些场景例外：—。"),
        (("selfie", "necessity", "2027-01-01"), "feature", "规范里没有“selfie”。 请对照 schemas/policy/ 填写。"),
    ],
)
def test_an_exception_that_does_not_hold(
    feature_scene_end: tuple[str, str, str], path: str, says: str, county: Path, edit: Edit
) -> None:
    require_photo(edit)
    edit(VISIT, "makes:", exception(*feature_scene_end))
    found, messages = faults_of(county)
    sentences = {fault.path: messages.sentence(fault) for fault in found}
    assert says in sentences[f"/exception/{path}"]
    assert "/questions/8" in sentences, "a bad exception allows nothing"


def test_attendance_only_where_the_rules_allow_it(county: Path, edit: Edit) -> None:
    edit(CHECK_IN, "zh: 到点工作", "zh: 应急值守签到")
    edit(CHECK_IN, "makes:", exception("checkin", "emergency", "2027-01-01"))
    assert load_catalog(county).forms["check_in", 1].title["zh"] == "应急值守签到"
