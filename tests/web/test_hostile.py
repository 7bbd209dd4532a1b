"""What anybody may ask without being signed in, and what it may cost the hub at most."""

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
import pytest
from fastapi.routing import APIRoute

from hub.clock import Clock
from hub.web.edge import MOST_BODY_BYTES
from hub.web.problems import MOST_FAULTS
from hub.web.site import API, RESOURCES
from tests.web.conftest import OWN_PAGE, Site, visit
from tests.web.test_edge import is_problem

TYPED = {"Content-Type": "application/json"}
OPERATIONS = sorted(
    (method, API + route.path)
    for resource in RESOURCES
    for route in resource.router.routes
    if isinstance(route, APIRoute)
    for method in route.methods or ()
)
LARGEST_ANSWER = 64 * 1024
BODIES: dict[str, Callable[[int], bytes]] = {
    "many keys": lambda size: b"{" + b",".join(b'"%x":1' % n for n in range(size // 10)) + b"}",
    "deep": lambda size: b"[" * size,
    "deep objects": lambda size: b'{"a":' * (size // 5),
    "a huge number": lambda size: b'{"login":' + b"9" * (size - 10) + b"}",
    "a long text": lambda size: b'{"password":"x","login":"' + b"x" * (size - 40) + b'"}',
    "many of one key": lambda size: b"{" + b'"login":"a",' * (size // 13) + b'"password":"x"}',
    "no JSON": lambda size: b"\xff" * size,
    "null": lambda _: b"null",
}
"""Each as long as it may be, and as long as a stranger likes."""


def filled_in(path: str) -> str:
    """Return an address with something in every place of its own."""
    for name in ("{submission_id}", "{delivery_id}", "{issue_id}"):
        path = path.replace(name, "0198c1de-7c1e-7a01-9d3f-5f1d3a1f0c11")
    path = path.replace("{sha256}", "0" * 64).replace("{code:path}", "HV-1")
    return path.replace("{", "").replace("}", "")


@pytest.mark.fault("F77", "F92")
@pytest.mark.case("C70")
@pytest.mark.parametrize("longer", [1, 100], ids=["fits", "longer"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_no_stranger_gets_a_large_answer_or_much_of_our_time(
    site: Site, body: Callable[[int], bytes], longer: int
) -> None:
    """Every operation, as somebody who is not signed in, with the worst bodies there are."""
    nobody, took = await site.client(), {}
    for method, path in OPERATIONS:
        most = next(most for begin, most in MOST_BODY_BYTES.items() if path.startswith(begin))
        sent = body(min(most * longer, 2**21)) if method in {"POST", "PUT", "PATCH"} else b""
        began = time.process_time()
        answer = await nobody.request(method, filled_in(path), content=sent, headers=TYPED)
        took[method, path] = time.process_time() - began
        assert 400 <= answer.status_code < 500, (method, path, answer.status_code)
        assert len(answer.content) < LARGEST_ANSWER, (method, path)
    assert max(took.values()) < 1, max(took, key=lambda one: took[one])


@pytest.mark.fault("F77")
async def test_more_faults_than_anybody_mends_are_counted_not_told(site: Site, clock: Clock) -> None:
    ada, opal = await site.client("ada"), await site.client("opal")
    many = {f"k{number}": 1 for number in range(5_000)}
    answer = await opal.post("/api/v1/accounts", json=many)
    assert is_problem(answer, 422, "request.invalid")
    assert len(answer.json()["faults"]) == MOST_FAULTS
    assert answer.json()["faults_left_out"] > 4_000
    answer = await ada.post("/api/v1/submissions", json=visit(clock) | many)
    assert is_problem(answer, 422, "submission.invalid")
    assert (len(answer.json()["faults"]), answer.json()["faults_left_out"]) == (MOST_FAULTS, 4_900)


@pytest.mark.fault("F77")
@pytest.mark.parametrize(
    ("path", "most"),
    [("sessions", 8 * 1024), ("sessions/me/password", 8 * 1024), ("deliveries/replay", 128 * 1024),
     ("accounts", 128 * 1024), ("submissions", 2 * 1024 * 1024)],
)  # fmt: skip
async def test_a_body_is_no_larger_than_it_need_be(site: Site, path: str, most: int) -> None:
    opal, read = await site.client("opal"), 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b" " * 1024

    answer = await opal.post(f"/api/v1/{path}", content=endless(), headers=TYPED)
    if path != "submissions":  # somebody who files none is told so before
        assert is_problem(answer, 413, "request.too_large")
        assert str(most) in answer.json()["detail"]
    assert read <= most // 1024 + 1
    assert max(MOST_BODY_BYTES.values()) == 20 * 1024 * 1024


@pytest.mark.fault("F102")
@pytest.mark.case("C80")
@pytest.mark.parametrize("path", ["submissions/", "sessions/", "deliveries/", "sessions/me/", "systems/x/resume/"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_a_slash_too_many_sends_nobody_elsewhere(site: Site, method: str, path: str) -> None:
    ada = await site.client("ada")
    answer = await ada.request(method, f"/api/v1/{path}", headers={"Host": "evil.test"} | TYPED, content=b"{}")
    assert is_problem(answer, 404, "not_found")
    assert "evil.test" not in str(answer.headers) + answer.text


@pytest.mark.parametrize(
    "path", ["/%00", "/" + "a" * 5_000, "/" + "a/" * 3_000, "/../../etc/passwd", "/%2e%2e/%2e%2e/x"]
)
async def test_odd_addresses_of_pages_lead_to_the_front_page(site: Site, path: str) -> None:
    answer = await (await site.client()).get(path)
    assert answer.status_code in {200, 404}
    assert len(answer.content) < LARGEST_ANSWER


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer " + "x" * 20_000}, {"Authorization": "Bearer"}, {"Authorization": "\x7f \x7f"},
        {"Cookie": "hub_session=" + "x" * 20_000}, {"Cookie": "; " * 10_000}, {"X-Forwarded-For": "," * 20_000},
        {"Range": "bytes=" + ",".join(f"{n}-{n}" for n in range(5_000))},
    ],
    ids=lambda headers: next(iter(headers)),
)  # fmt: skip
async def test_odd_headers_cost_little(site: Site, headers: dict[str, str]) -> None:
    nobody = await site.client()
    for path in ("/metrics", "/api/v1/sessions/me", "/api/v1/forms", "/index.html"):
        began = time.process_time()
        answer = await nobody.get(path, headers=headers)
        assert answer.status_code in {200, 206, 400, 401, 416}
        assert len(answer.content) < LARGEST_ANSWER
        assert time.process_time() - began < 0.5


HERE = {"lon": 120.1, "lat": 29.2, "crs": "wgs84"}
ODD_VALUES: list[tuple[str, Any]] = [
    ("version", True), ("version", "1"), ("version", 1.5), ("location", HERE | {"lon": True}),
    ("location", HERE | {"lon": "120.1"}), ("location", HERE | {"accuracy_m": True}),
    ("occurred_at", True), ("place", True),
    ("seen", {"/household.phone": {"system": "household-visit", "as_of": "2026-11-20T00:00:00Z", "refused": 1}}),
]  # fmt: skip


@pytest.mark.fault("F102")
@pytest.mark.case("C80")
@pytest.mark.parametrize(("name", "value"), ODD_VALUES, ids=lambda value: str(value)[:30])
async def test_true_is_no_number_and_text_neither(site: Site, clock: Clock, name: str, value: object) -> None:
    ada = await site.client("ada")
    answer = await ada.post("/api/v1/submissions", json=visit(clock) | {name: value})
    assert is_problem(answer, 422, "submission.invalid")
    assert [fault["path"].split("/")[1] for fault in answer.json()["faults"]] == [name]
    answers = visit(clock)["answers"] | {"household.member_count": True}
    answer = await ada.post("/api/v1/submissions", json=visit(clock, answers=answers))
    assert is_problem(answer, 422, "submission.invalid")


@pytest.mark.fault("F102")
@pytest.mark.case("C80")
@pytest.mark.parametrize("value", [1, 0, "true", "no"])
async def test_a_number_is_no_switch(site: Site, value: object) -> None:
    opal = await site.client("opal")
    for name in ("disabled", "reset_password"):
        answer = await opal.patch("/api/v1/accounts/ada", json={name: value})
        assert is_problem(answer, 422, "request.invalid")


async def test_a_whole_number_written_with_a_point_is_one(site: Site, clock: Clock) -> None:
    body = orjson.dumps(visit(clock)).replace(b'"version":1', b'"version":1.0')
    answer = await (await site.client("ada")).post("/api/v1/submissions", content=body, headers=TYPED | OWN_PAGE)
    assert answer.status_code == 201, answer.text
