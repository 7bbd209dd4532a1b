"""One suite over every connector folder. A new folder is tested with no line here; what it cannot do does not apply."""

import ast
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, SecretStr

from hub.sdk import Capabilities, Intent, Misconfigured, Page, Refused, Unavailable
from hub.sdk import Connector as Contract
from tests.connectors.system import FOLDERS, System, about, deliver, full_name, outgoing, part

RULES = {
    "check",
    "declared_success",
    "key_honoured",
    "refused_reason_kept",
    "misconfigured_on_401",
    "unavailable_on_5xx",
    "probe",
    "pull_cursor",
    "simulator",
    "readme",
    "no_personal_data_in_logs",
    "amend",
    "withdraw",
}
STATES = {"done", "todo", "exempt"}
SIZES = {"connector.py": 150, "settings.py": 60, "mapping.py": 150}
NAMES_A_SECRET = re.compile(r"password|secret|token")
HAN = re.compile(r"[\u4e00-\u9fff]")
KINDS = sorted(FOLDERS)


def able(fits: Callable[[Capabilities], object]) -> list[str]:
    """Kinds whose connector declares a capability."""
    return [kind for kind in KINDS if fits(part(kind, "connector").Connector.capabilities)]


FLOWS = [(kind, flow) for kind in KINDS for flow in part(kind, "simulator").sample_payloads()]
SOURCES = [(kind, source) for kind in KINDS for source in part(kind, "connector").Connector.capabilities.sources]
PROBING = able(lambda can: can.probes or can.answers_later)
READING = able(lambda can: can.sources)
AMENDING = able(lambda can: can.amends)
WITHDRAWING = able(lambda can: can.withdraws)


def sample(system: System) -> tuple[str, dict[str, Any]]:
    """The first flow of a System and a payload it accepts."""
    found: tuple[str, dict[str, Any]] = next(iter(system.simulator.sample_payloads().items()))
    return found


def texts(value: object) -> Iterator[str]:
    """Every text inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts(inner)


def garbled(value: object) -> object:
    """The same JSON value with every text replaced by one that no System knows."""
    if isinstance(value, dict):
        return {name: garbled(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [garbled(inner) for inner in value]
    return "unknown-here" if isinstance(value, str) else value


def secrets(settings: BaseModel) -> dict[str, str]:
    """The secret values of a connector's settings by field."""
    found = {name: getattr(settings, name) for name in type(settings).model_fields}
    return {name: value.get_secret_value() for name, value in found.items() if isinstance(value, SecretStr)}


async def pages(connector: Contract, source: str, cursor: str) -> list[Page]:
    """All pages of a pull."""
    return [page async for page in connector.pull(source, cursor)]


def rows(found: list[Page]) -> list[object]:
    """The rows of some pages, in order."""
    return [dict(row) for page in found for row in page.rows]


def test_there_are_connectors() -> None:
    assert KINDS


# --- the folder -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_offers_the_contract(kind: str) -> None:
    connector = part(kind, "connector").Connector
    assert isinstance(connector.capabilities, Capabilities)
    assert all(callable(getattr(connector, act)) for act in ("check", "push", "probe", "pull"))


@pytest.mark.parametrize("kind", KINDS)
def test_settings_are_complete_and_strict(kind: str) -> None:
    settings = part(kind, "settings").Settings
    schema = settings.model_json_schema()
    assert schema["additionalProperties"] is False
    assert [name for name, shape in schema["properties"].items() if not {"type", "$ref", "anyOf"} & set(shape)] == []
    named = [name for name in settings.model_fields if NAMES_A_SECRET.search(name)]
    assert [name for name in named if settings.model_fields[name].annotation is not SecretStr] == []


@pytest.mark.parametrize("kind", KINDS)
def test_imports_nothing_of_the_hub_but_the_sdk(kind: str) -> None:
    own = full_name(kind)
    for path in FOLDERS[kind].glob("*.py"):
        for module in imported(path):
            assert not module.startswith("hub") or re.match(r"hub\.sdk\b", module), f"{path.name}: {module}"
            assert not module.startswith("connectors") or module.startswith(own), f"{path.name}: {module}"
            leans = module.startswith(f"{own}.simulat") and not path.name.startswith("simulat")
            assert not leans, f"{path.name}: {module}"


def imported(path: Path) -> Iterator[str]:
    """Names of the modules a file imports."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("kind", KINDS)
def test_is_small(kind: str) -> None:
    lines = {path.name: len(path.read_text("utf-8").splitlines()) for path in FOLDERS[kind].glob("*.py")}
    assert {name: count for name, count in lines.items() if count > SIZES.get(name, 300)} == {}


@pytest.mark.parametrize("kind", KINDS)
def test_grades_itself_by_every_rule(kind: str) -> None:
    rules = yaml.safe_load((FOLDERS[kind] / "quality.yaml").read_text("utf-8"))["rules"]
    assert set(rules) == RULES
    for rule, grade in rules.items():
        state = grade if isinstance(grade, str) else grade["status"]
        assert state in STATES, rule
        assert state == "done" or grade["reason"].strip(), f"{rule}: {state} without a reason"


@pytest.mark.parametrize("kind", KINDS)
def test_grades_agree_with_what_it_declares(kind: str) -> None:
    rules = yaml.safe_load((FOLDERS[kind] / "quality.yaml").read_text("utf-8"))["rules"]
    can = part(kind, "connector").Connector.capabilities
    declared = {"probe": can.probes, "amend": can.amends, "withdraw": can.withdraws, "pull_cursor": bool(can.sources)}
    assert {rule: rules[rule] == "done" for rule in declared} == declared


@pytest.mark.parametrize("kind", KINDS)
def test_readme_tells_what_matters(kind: str) -> None:
    readme = (FOLDERS[kind] / "README.md").read_text("utf-8")
    assert re.search(r"^# \S", readme)
    assert len(re.findall(r"^## \S", readme, re.MULTILINE)) >= 3
    assert "simulat" in readme.lower()


# --- its manners towards a System -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
async def test_check_answers_and_changes_nothing(untouched: System) -> None:
    before = untouched.page()
    async with untouched.connector() as connector:
        assert isinstance(connector, Contract)
        assert (await connector.check()).strip()
    assert untouched.page() == before
    assert "模拟系统" in before


@pytest.mark.parametrize("kind", KINDS)
async def test_wrong_credentials_are_misconfigured(untouched: System) -> None:
    names = secrets(untouched.settings())
    assert names
    for name in names:
        async with untouched.connector(**{name: "wrong"}) as connector:
            with pytest.raises(Misconfigured):
                await connector.check()
            flow, payload = sample(untouched)
            with pytest.raises(Misconfigured):
                await connector.push(outgoing(flow, payload))


@pytest.mark.parametrize(("kind", "flow"), FLOWS)
async def test_the_same_key_twice_has_one_effect(system: System, flow: str) -> None:
    delivery = outgoing(flow, system.simulator.sample_payloads()[flow])
    async with system.connector() as connector:
        first = await deliver(connector, delivery)
        seen = system.page()
        again = await deliver(connector, delivery)
    assert first.remote_id
    assert again.remote_id == first.remote_id
    assert seen.count(first.remote_id) == system.page().count(first.remote_id) == 1
    assert seen.count("<tr") == system.page().count("<tr")


@pytest.mark.parametrize(("kind", "flow"), FLOWS)
async def test_a_refusal_keeps_the_words_of_the_system(system: System, flow: str) -> None:
    payload = garbled(system.simulator.sample_payloads()[flow])
    assert isinstance(payload, dict)
    async with system.connector() as connector:
        with pytest.raises(Refused, match=HAN):
            await deliver(connector, outgoing(flow, payload))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stopped_system_is_unavailable(system: System) -> None:
    flow, payload = sample(system)
    async with system.connector() as connector:
        system.stop()
        with pytest.raises(Unavailable):
            await connector.check()
        with pytest.raises(Unavailable):
            await connector.push(outgoing(flow, payload))


@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_delivered_outlives_a_restart(system: System) -> None:
    flow, payload = sample(system)
    async with system.connector() as connector:
        first = await deliver(connector, outgoing(flow, payload))
    system.stop()
    system.start()
    async with system.connector() as connector:
        again = await deliver(connector, outgoing(flow, payload))
    assert again.remote_id == first.remote_id
    assert first.remote_id in system.page()


@pytest.mark.parametrize("kind", PROBING)
async def test_a_probe_tells_what_arrived_from_what_did_not(system: System) -> None:
    flow, payload = sample(system)
    async with system.connector() as connector:
        assert await connector.probe(about("k1:system:1")) is None
        receipt = await deliver(connector, outgoing(flow, payload))
        probed = await connector.probe(about("k1:system:1"))
        assert probed is not None
        assert (probed.remote_id, probed.accepted) == (receipt.remote_id, True)
        assert await connector.probe(about("k2:system:1")) is None


@pytest.mark.parametrize("kind", AMENDING)
async def test_an_amendment_changes_what_was_accepted(system: System) -> None:
    assert await changed_flows(system, "amend")


@pytest.mark.parametrize("kind", WITHDRAWING)
async def test_a_withdrawal_takes_back_what_was_accepted(system: System) -> None:
    assert await changed_flows(system, "withdraw")


async def changed_flows(system: System, intent: Intent) -> list[str]:
    """The flows that take a change, made and repeated here; what is not there is refused with the System's words."""
    flows = []
    for flow, payload in system.simulator.sample_payloads().items():
        async with system.connector() as connector:
            receipt = await deliver(connector, outgoing(flow, payload, f"{flow}:system:1"))
            change = outgoing(flow, payload, f"{flow}:system:2", intent=intent, amends=receipt.remote_id)
            try:
                changed = await deliver(connector, change)
            except Refused:  # a flow may be final where another of the same System is not
                continue
            assert changed.remote_id
            assert (await deliver(connector, change)).remote_id == changed.remote_id
            stray = outgoing(flow, payload, f"{flow}:system:3", intent=intent, amends="unknown-here")
            with pytest.raises(Refused, match=HAN):
                await deliver(connector, stray)
            flows.append(flow)
    return flows


@pytest.mark.parametrize("kind", READING)
def test_its_simulator_offers_what_it_reads_to_be_changed(kind: str) -> None:
    """So that test_no_row_lost.py and its neighbours can try every way to lose a row on it."""
    offered = part(kind, "simulator").sources(Path())
    assert set(offered) == set(part(kind, "connector").Connector.capabilities.sources)


@pytest.mark.parametrize(("kind", "source"), SOURCES)
async def test_a_pull_resumes_from_its_cursor(untouched: System, source: str) -> None:
    async with untouched.connector() as connector:
        whole = await pages(connector, source, "")
        every = rows(whole)
        assert every
        assert [page.complete for page in whole] == [False] * (len(whole) - 1) + [True]
        for position, page in enumerate(whole, 1):
            resumed = rows(await pages(connector, source, page.cursor))
            assert [row for row in rows(whole[position:]) if row not in resumed] == [], "a row is lost on resuming"
            assert [row for row in resumed if row not in every] == [], "a row is new though nothing changed there"


@pytest.mark.parametrize(("kind", "source"), SOURCES)
async def test_a_pull_refuses_what_is_no_source(untouched: System, source: str) -> None:
    async with untouched.connector() as connector:
        with pytest.raises(Misconfigured):
            await pages(connector, f"no-{source}", "")


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_personal_or_secret_is_logged_or_shown(system: System, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    flow, payload = sample(system)
    settings = system.settings()
    async with system.connector() as connector:
        await connector.check()
        await deliver(connector, outgoing(flow, payload))
        for source in connector.capabilities.sources:
            await pages(connector, source, "")
        shown = caplog.text + repr(settings) + str(settings) + settings.model_dump_json() + repr(vars(connector))
    personal = {text for text in (*texts(payload), *texts(system.simulator.sample_seed())) if HAN.search(text)}
    assert personal
    assert [text for text in (*secrets(settings).values(), *personal) if text in shown] == []
