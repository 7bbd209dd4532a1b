"""Whatever stands where JSON was asked for, in any operation with a body: a 4xx that says so, as a problem."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.schemas import APIOperation, BaseSchema

from hub.web.site import description
from tests.fuzz.conftest import FILLED, Stage
from tests.fuzz.visitor import Visitor

DEEP, DEEPER = 200, 100_000
HOSTILE = (
    "NaN", "Infinity", "-Infinity", "1e400", "-1e-400", "1" + "0" * 400, "9" * 5_000, '"\\ud800"', '"\\udc00\\ud800"',
    '"\\u0000"', '"a\\u0000b"', "[" * DEEP + "]" * DEEP, "[" * DEEPER + "]" * DEEPER, '{"":' * DEEP + "1" + "}" * DEEP,
    "\ufeff1", "'x'", "0x10", "01", "undefined", "1 2", '{"\\ud800": 1}',
)  # fmt: skip
KEYS = ('"\\ud800"', '"\\u0000"', '"__proto__"', '""', '"' + "k" * 70_000 + '"', '"/~0~1"')
WHOLE = (
    b"", b"null", b"[]", b'"x"', b"1", b"\xff\xfe{\x00", b"{", b'{"a":1}}', b"\x00", b'{"\xc3\x28":1}',
    b"[" * DEEPER, b"NaN", b'{"why": "\xed\xa0\x80"}',
)  # fmt: skip
MARK = "4f2c-here-stands-something-else"
WHO = {"/api/v1/sessions": "opal", "/api/v1/accounts": "opal", "/api/v1/deliveries": "opal", "/api/v1/systems": "opal",
       "/api/v1/submissions": "ada", "/api/v1/issues": "ada", "/api/v1/forms": "ada", "/api/v1/open-items": "opal",
       "/api/v1/places": "opal"}  # fmt: skip
EXAMPLES = 60
FIXED = settings(
    max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.mark.fault("F75", "F76")
@pytest.mark.timeout(600)
def test_hostile_json_is_told_off(stage: Stage) -> None:
    schema = schemathesis.openapi.from_dict(description(stage.site.app))
    sent = {}
    for found in schema.get_all_operations():
        operation = found.ok()
        if any(body.media_type == "application/json" for body in operation.body):
            sent[operation.label] = ask_hostile(stage, operation, good_body(schema, operation, stage))
    assert len(sent) == 21, sorted(sent)
    assert min(sent.values()) >= EXAMPLES + len(WHOLE)


def good_body(schema: BaseSchema, operation: APIOperation, stage: Stage) -> dict[str, Any]:
    """Return a body the operation takes, as far as its description can tell."""
    if operation.path.endswith(FILLED):
        return stage.bodies[0] | ({"why": "wrong door"} if operation.path.endswith("/move") else {})
    cases = schema.iter_coverage_cases(
        operation, generation_modes=[GenerationMode.POSITIVE], generation_config=schema.config.generation
    )
    return next(case.body for case in cases if isinstance(case.body, dict))


def ask_hostile(stage: Stage, operation: APIOperation, good: dict[str, Any]) -> int:
    """Send an operation everything hostile, whole and in some place of a good body; return how many were sent."""
    login = next(login for start, login in WHO.items() if operation.path.startswith(start))
    visitor = Visitor(stage, stage.loop.run_until_complete(stage.site.program(login)))
    path = operation.path.format(**{name: values[0] for name, values in stage.known.items()})
    asked = {
        "method": operation.method,
        "url": stage.site.parts.settings.address + path,
        "headers": {"Content-Type": "application/json"},
    }
    sent = 0

    def send(body: bytes) -> None:
        nonlocal sent
        sent += 1
        answer = visitor.send(asked | {"data": body})
        shown = (operation.label, body[:300], answer.status_code, answer.text[:300])
        assert 400 <= answer.status_code < 500, shown
        assert answer.headers["content-type"] == "application/problem+json", shown
        assert answer.json()["status"] == answer.status_code, shown

    @FIXED
    @given(spot=st.integers(0, 50), text=st.sampled_from(HOSTILE))
    def ask(spot: int, text: str) -> None:
        send(spoilt(good, spot, text))

    for whole in WHOLE:
        send(whole)
    for spot, key in enumerate(KEYS):
        send(spoilt(good, spot, key, is_key=True))
    ask()
    return sent


def spoilt(good: dict[str, Any], spot: int, text: str, *, is_key: bool = False) -> bytes:
    """Return the good body as bytes with `text` in place of one value, or as a further key of one object."""
    body = deepcopy(good)
    places = [place for place in spots(body) if not is_key or isinstance(place[0], dict)]
    holder, name = places[spot % len(places)]
    if is_key:
        holder[MARK] = 1
    else:
        holder[name] = MARK
    return json.dumps(body).replace(json.dumps(MARK), text).encode("utf-8", "surrogatepass")


def spots(part: dict[str, Any] | list[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield every value in a body as what holds it and its name there."""
    for name, below in part.items() if isinstance(part, dict) else enumerate(part):
        yield part, name
        if isinstance(below, dict | list):
            yield from spots(below)
