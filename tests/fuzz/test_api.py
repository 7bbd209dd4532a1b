"""The whole API with every role on both databases: no answer 5xx, none that the description does not tell of.

Per operation: the boundary cases schemathesis derives from the description, then random ones, good and bad, half of
them about things that exist. The seed is fixed. In a short run each boundary case is asked on one of the two databases;
FUZZ_EXAMPLES=<random cases of a kind> makes a long one, with all of them on both.
"""

import os
import time
from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.schemas import APIOperation, BaseSchema

from hub.web.site import description
from tests.fuzz.conftest import FILLED, Stage
from tests.fuzz.visitor import Visitor

LONG = "FUZZ_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "5"))
LEAST_ASKED = 5
OPERATIONS = 45
LOGINS = {
    "staff": "ada", "leader": "lea", "department_admin": "dan", "data_bureau": "bea", "operator": "opal",
    "anonymous": "",
}  # fmt: skip
LEAST_DONE = {"staff": 18, "leader": 18, "department_admin": 12, "data_bureau": 8, "operator": 15}
"""How many operations must have been done at least once, not only refused."""
SIGN_IN = {"POST /api/v1/sessions", "POST /api/v1/sessions/me/password"}
"""Where 401 means a wrong password."""
BOTH = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
FIXED = settings(
    max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("role", LOGINS)
def test_every_answer_is_one_that_is_described(stage: Stage, role: str, capsys: pytest.CaptureFixture[str]) -> None:
    person = stage.site.program(LOGINS[role]) if LOGINS[role] else stage.site.client()
    visitor = Visitor(stage, stage.loop.run_until_complete(person))
    schema = schemathesis.openapi.from_dict(description(stage.site.app))
    began = time.process_time()
    asked = {found.ok().label: ask_all(visitor, schema, found.ok()) for found in schema.get_all_operations()}
    took_s = time.process_time() - began
    with capsys.disabled():
        dialect = stage.site.store.writing.dialect.name
        print(f"\n  {dialect}, {role}: {sum(asked.values())} cases, {took_s:.0f} s", end=" ")  # noqa: T201 - the figure people ask for
    assert not visitor.findings, "\n\n".join(f"{key}: {shown}" for key, shown in visitor.findings.items())
    assert len(asked) == OPERATIONS, sorted(asked)
    assert min(asked.values()) >= LEAST_ASKED, asked
    assert_it_was_let_in(visitor, role)


def assert_it_was_let_in(visitor: Visitor, role: str) -> None:
    """A fuzzer whose sign-in fails tries nothing: somebody known is never unknown, nobody is never let in."""
    unknown = {label for label, status in visitor.seen if status == 401}
    good = {label for label, status in visitor.seen if 200 <= status < 300}
    if role == "anonymous":
        assert good == set()
        assert len(unknown) == OPERATIONS
    else:
        assert unknown <= SIGN_IN, unknown
        assert len(good) >= LEAST_DONE[role], sorted(good)


def ask_all(visitor: Visitor, schema: BaseSchema, operation: APIOperation) -> int:
    """Ask one operation everything; return how many cases that were."""
    before = visitor.seen.total()
    cases = schema.iter_coverage_cases(operation, generation_modes=BOTH, generation_config=schema.config.generation)
    half = 0 if visitor.stage.site.store.writing.dialect.name == "sqlite" else 1
    for number, case in enumerate(cases):
        if LONG or number % 2 == half:
            visitor.ask(case)
    for mode in BOTH:
        ask_at_random(visitor, operation, mode)
    return visitor.seen.total() - before


def ask_at_random(visitor: Visitor, operation: APIOperation, mode: GenerationMode) -> None:
    """Ask what the description allows, or what it does not."""

    @FIXED
    @given(case=operation.as_strategy(mode), which=st.integers(0, 7))
    def ask(case: Case, which: int) -> None:
        changed = which < 4 and aim(case, which, visitor.stage)
        visitor.ask(case, as_made=not changed)

    try:
        ask()
    except Unsatisfiable:
        assert not operation.body, "nothing can be wrong in an operation that takes nothing, but this takes a body"


def aim(case: Case, which: int, stage: Stage) -> bool:
    """Make a case be about something that exists; say whether that was possible."""
    names = [name for name in case.path_parameters or {} if name in stage.known]
    for name in names:
        case.path_parameters[name] = stage.known[name][which % len(stage.known[name])]
    if case.operation.path.endswith("/prefill"):
        case.query = (case.query or {}) | {"place": "HV-1"}
    if case.operation.path.endswith(FILLED) and isinstance(case.body, dict):
        some = dict(list(case.body.items())[: which % 2])
        case.body = stage.bodies[which % len(stage.bodies)] | some
        if "form" in names:
            case.path_parameters["form"] = stage.bodies[0]["form"]
        if case.operation.path.endswith("/move"):
            case.body |= {"id": str(uuid4()), "place": "HV-13", "why": "wrong door"}
        return True
    return bool(names)
