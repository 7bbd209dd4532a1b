"""check, lineage, qr and demo: what people are told about their files."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from hub.clock import SystemClock, civil_day
from hub.model import Place
from hub.store import open_store
from hub.store.query.places import Session
from tests.conftest import HandClock
from tests.some_connectors.county import SIBLING, VILLAGE
from tests.unit.cli.conftest import Run, flat


def test_good_files_pass(run: Run) -> None:
    result = run("check")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "6 表单" in result.stdout
    assert "4 系统：全部通过 / all good" in flat(result.stdout)


def test_a_secret_of_another_machine_is_named_but_no_fault(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_CONNECTOR_PACKAGES", '["connectors"]')
    (home / "connectors.yaml").write_text(Path("connectors.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    result = run("check")
    assert result.exit_code == 0
    for name in ("HOUSEHOLD_VISIT_SECRET", "POVERTY_ALLEVIATION_HOST_KEY"):
        assert f"HUB_SECRET_{name}" in result.stderr
        monkeypatch.setenv(f"HUB_SECRET_{name}", "ssh-x x")
    assert "HUB_SECRET_HOUSEHOLD_VISIT_SECRET" not in run("check").stderr


@pytest.mark.parametrize("locale", ["en_GB.UTF-8", "zh_CN.UTF-8"])
def test_every_fault_is_told_with_file_place_reason_and_remedy(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch, locale: str
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    form = home / "forms/check_in/v1.yaml"
    form.write_text(form.read_text(encoding="utf-8").replace("check_in.purpose\n", "check_in.hair\n"), encoding="utf-8")
    (home / "forms/visit/V1.yaml").write_text("", encoding="utf-8")
    result = run("check")
    assert result.exit_code == 2
    told = [line for line in result.stderr.splitlines() if "#" in line]
    assert any(line.startswith("forms/check_in/v1.yaml#/questions/0") and "check_in.hair" in line for line in told)
    assert "forms/visit/V1.yaml" in result.stderr
    assert "to mend" in result.stderr
    assert all("catalog." not in line for line in result.stderr.splitlines())


def test_faults_of_the_wiring_are_told_the_same_way(run: Run, home: Path) -> None:
    wiring = home / "connectors.yaml"
    text = wiring.read_text(encoding="utf-8")
    wiring.write_text(text.replace("visit.purpose, table", "visit.hair, table"), encoding="utf-8")
    result = run("check")
    assert result.exit_code == 2
    assert "connectors.yaml#/systems/doors/send/0/fields/why" in result.stderr
    assert "visit.hair" in result.stderr
    wiring.write_text(text.replace("in_flight: 1", "in_flight: none"), encoding="utf-8")
    result = run("check")
    assert result.exit_code == 2
    assert result.stderr.count("/limits/in_flight") == 4
    wiring.unlink()
    result = run("check")
    assert (result.exit_code, "connectors.yaml: 没有这个文件" in flat(result.stderr)) == (2, True)


@pytest.mark.parametrize(("name", "value"), [("PROFILE", "prod"), ("PORT", "high[/]")])
def test_a_wrong_setting_is_named(run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"HUB_{name}", value)
    result = run("check")
    assert result.exit_code == 2
    assert f"HUB_{name}: Input should be" in flat(result.stderr)


def test_lineage_names_question_record_and_system_field(run: Run) -> None:
    said = flat(run("lineage", "visit.purpose").stdout)
    for part in ("visit/v1 /visit.purpose", "→ doors · visit why", "→ files · visit why"):
        assert part in said
    assert "← files · homes income" in flat(run("lineage", "household.income_yuan").stdout)


def test_lineage_of_nothing(run: Run) -> None:
    result = run("lineage", "visit.hair")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "visit.hair" in result.stderr


@pytest.fixture
def places(database: str, clock: HandClock) -> None:
    """Three households of two villages."""

    async def put() -> None:
        store, now = open_store(database), clock.now()
        homes = [
            Place(
                id=name,
                kind="household",
                name="陈大山家",
                division=division,
                token=f"tok-{name}",
                created_at=now,
            )
            for name, division in (("a", VILLAGE), ("b", VILLAGE), ("c", SIBLING))
        ]

        def write(session: Session) -> None:
            session.add_all(homes)

        await store.write(write)
        await store.close()

    asyncio.run(put())


@pytest.mark.usefixtures("places")
def test_a_sheet_of_codes_says_nothing_of_people(run: Run, tmp_path: Path) -> None:
    sheet = tmp_path / "codes.svg"
    result = run("qr", str(sheet), "--division", VILLAGE)
    assert result.exit_code == 0
    text = sheet.read_text(encoding="utf-8")
    assert all(token in text for token in ("tok-a", "tok-b"))
    assert not any(word in text for word in ("tok-c", "陈大山", VILLAGE))
    assert run("qr", str(tmp_path / "codes.pdf"), "--division", VILLAGE).exit_code == 0
    assert (tmp_path / "codes.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.usefixtures("places")
def test_a_sheet_that_cannot_be_made_says_why(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("qr", str(tmp_path / "codes.png"), "--division", VILLAGE)
    assert (result.exit_code, ".svg" in result.stderr) == (2, True)
    result = run("qr", str(tmp_path / "codes.svg"), "--division", VILLAGE, "--kind", "office")
    assert (result.exit_code, "office" in result.stderr) == (1, True)
    monkeypatch.setattr("hub.cli.sheets.MOST_LABELS", 1)
    result = run("qr", str(tmp_path / "codes.svg"), "--division", VILLAGE)
    assert (result.exit_code, "too many" in result.stderr) == (2, True)
    assert not list(tmp_path.glob("codes.*"))


def test_the_demo_wants_a_checkout(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("demo", "--once")
    assert (result.exit_code, "checkout" in result.stderr) == (1, True)


@pytest.mark.parametrize(("days", "warned"), [(-1, True), (29, True), (30, False), (400, False)])
def test_a_licence_that_ends_soon_is_a_warning(run: Run, home: Path, days: int, warned: bool) -> None:
    (home / "forms/released.sha256").unlink()
    last = civil_day(SystemClock().now()) + timedelta(days=days)
    form = home / "forms/visit/v1.yaml"
    text = form.read_text(encoding="utf-8")
    assert '"2027-12-31"' in text
    form.write_text(text.replace('"2027-12-31"', f'"{last}"'), encoding="utf-8")
    result = run("check")
    assert result.exit_code == 0
    assert (
        f"visit/v1: 有效期将满或不符 / licence ends or does not fit: 2026-01-01 – {last}" in flat(result.stderr)
    ) == warned
    assert "patrol/v1" not in result.stderr


def test_an_unknown_policy_profile_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_POLICY", "cn-2099")
    result = run("check")
    assert result.exit_code == 2
    assert "schemas/policy/cn-2099.yaml There is no policy profile “cn-2099” (HUB_POLICY)." in flat(result.stderr)


@pytest.mark.case("C43")
def test_a_record_no_flow_could_express_is_named_and_does_not_pass(run: Run, home: Path) -> None:
    wiring = home / "connectors.yaml"
    text = wiring.read_text(encoding="utf-8")
    assert run("check").exit_code == 0
    loose = text.replace("when: {properties: {place: {properties: {aliases: {required: [doors]}}}}}\n", "when: {}\n", 1)
    assert loose != text
    wiring.write_text(loose, encoding="utf-8")
    result = run("check")
    assert result.exit_code == 2
    assert "connectors.yaml#/systems/doors/send/0/fields/door" in result.stderr
    assert "a visit/v1 may have no place.aliases.doors, and cannot be sent then" in flat(result.stderr)
    assert "require it in `when`" in flat(result.stderr)
