"""What surrounds every answer: problems, caps, headers, pages, health."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from sqlmodel import Session, select
from starlette.types import Message

from hub.catalog import Catalog, Messages
from hub.clock import Clock
from hub.errors import FieldFault, Phrase, Problem
from hub.model import Attempt, Delivery, SystemState
from hub.model.delivery import State
from hub.model.issue import IssueState
from hub.model.system import Breaker
from hub.store.query import retention
from hub.systems import Registry
from hub.web.context import Parts
from hub.web.edge import MOST_BODY_BYTES
from hub.web.problems import problem_body
from hub.web.site import description, make_app
from tests.web.conftest import Site

ROOT = Path(__file__).parents[2]
SURROGATE = b'{"login": "\\ud800", "password": "x"}'
CODE = re.compile(r'(?<!class )Problem\(\s*"([a-z_.]+)"')
FAULT = re.compile(r'(?:FieldFault\([^,]+, |_malformed\()"([a-z_]+)"')


def is_problem(answer: httpx.Response, status: int, code: str) -> bool:
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "code", "title", "status", "detail", "en", "faults"} <= set(body)
    assert body["title"]
    assert body["en"]["title"]
    assert body["type"] == f"https://fillonce.dev/problems/{code}"
    return bool((answer.status_code, body["status"], body["code"]) == (status, status, code))


async def test_every_failure_is_a_problem(site: Site) -> None:
    ada, nobody = await site.client("ada"), await site.client()
    url, typed = "/api/v1/sessions", {"Content-Type": "application/json"}
    assert is_problem(await nobody.get("/api/v1/nothing"), 404, "not_found")
    assert is_problem(await nobody.get("/api/v1/nothing", headers={"Accept": "text/html"}), 404, "not_found")
    assert is_problem(await nobody.patch(url), 405, "request.method")
    assert is_problem(await nobody.post("/"), 404, "not_found")
    assert is_problem(await nobody.post(url, content=b"{", headers=typed), 400, "request.malformed")
    assert is_problem(await nobody.post(url, content=b"[" * 8_000, headers=typed), 400, "request.malformed")
    assert is_problem(await nobody.post(url, content=SURROGATE, headers=typed), 422, "request.invalid")
    assert is_problem(await nobody.get("/api/v1/forms"), 401, "auth.required")
    assert is_problem(await ada.get("/api/v1/places/%00"), 422, "request.invalid")
    assert is_problem(await ada.get("/api/v1/submissions/not-an-id"), 422, "request.invalid")
    assert is_problem(await ada.post("/api/v1/submissions", content=b"[]", headers=typed), 422, "submission.invalid")


async def test_faults_of_a_request_name_place_reason_and_remedy(site: Site) -> None:
    body = {"login": "x" * 81, "role": "operator"}
    answer = await (await site.client()).post("/api/v1/sessions", json=body)
    faults = {fault["path"]: fault for fault in answer.json()["faults"]}
    assert {path: fault["code"] for path, fault in faults.items()} == {
        "/login": "too_long", "/password": "required", "/role": "unknown_field",
    }  # fmt: skip
    assert "80" in faults["/login"]["message"]["zh"]
    assert "role" in faults["/role"]["message"]["en"]
    assert all(fault["remedy"]["zh"] and fault["remedy"]["en"] for fault in faults.values())
    assert "x" * 81 not in answer.text
    limit = await (await site.client("ada")).get("/api/v1/deliveries", params={"limit": 0})
    assert limit.json()["faults"][0]["path"] == "/limit"


@pytest.mark.fault("F77")
async def test_a_body_is_capped_whatever_its_headers_say(site: Site) -> None:
    client, read = await site.client("ada"), 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b" " * 65_536

    typed = {"Content-Type": "application/json"}
    for url in ("/api/v1/sessions", "/api/v1/submissions"):
        read = 0
        assert is_problem(await client.post(url, content=endless(), headers=typed), 413, "request.too_large")
        assert read <= MOST_BODY_BYTES[url] // 65_536 + 1
        read, announced = 0, typed | {"Content-Length": str(MOST_BODY_BYTES[url] + 1)}
        assert is_problem(await client.post(url, content=endless(), headers=announced), 413, "request.too_large")
        assert read == 0
    for length in ("-5", "x"):
        answer = await client.post("/api/v1/sessions", content=endless(), headers=typed | {"Content-Length": length})
        assert answer.status_code == 413


async def test_a_failure_gives_a_number_and_no_word_of_the_exception(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    @site.app.get("/api/v1/boom")
    async def boom(_request: Request) -> None:
        raise RuntimeError("陈大山 330799199001010014")

    answer = await (await site.client()).get("/api/v1/boom")
    assert is_problem(answer, 500, "hub.failed")
    assert answer.json()["id"] in answer.json()["detail"]
    assert "330799199001010014" not in answer.text
    printed = capsys.readouterr()
    assert "330799199001010014" not in printed.out + printed.err


async def test_an_answer_that_has_begun_is_broken_off_not_mended(site: Site) -> None:
    @site.app.get("/api/v1/half")
    async def half() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"half"
            raise RuntimeError("gone")

        return StreamingResponse(chunks())

    transport = httpx.ASGITransport(site.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub.test") as client:
        with pytest.raises(RuntimeError, match="gone"):
            await client.get("/api/v1/half")


async def test_every_answer_wears_our_headers(site: Site) -> None:
    client = await site.client("ada")
    for url in ("/", "/healthz", "/api/v1/forms", "/api/v1/nothing"):
        headers = (await client.get(url)).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe-eval'" not in headers["content-security-policy"].replace("wasm-unsafe-eval'", "")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == ("no-store" if url.startswith("/api/") else "no-cache")
        assert "strict-transport-security" not in headers
    secure = make_app(with_settings(site, public_url="https://hub.test"))
    site.app = secure
    assert "strict-transport-security" in (await (await site.client()).get("/healthz")).headers


def with_settings(site: Site, **changed: object) -> Parts:
    return replace(site.parts, settings=site.parts.settings.model_copy(update=changed))


async def test_pages_are_served_and_unknown_addresses_open_the_app(site: Site, tmp_path: Path) -> None:
    dist = tmp_path / "hub/ui/dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<p>portal")
    (dist / "sw.js").write_text("1")
    (dist / "assets/app-1.js").write_text("1")
    (tmp_path / "secret.txt").write_text("secret")
    site.app = make_app(with_settings(site, home=tmp_path))
    client = await site.client()
    for url in ("/", "/receipts/17"):
        page = await client.get(url)
        assert (page.status_code, page.text, page.headers["cache-control"]) == (200, "<p>portal", "no-cache")
    assert (await client.head("/")).status_code == 200
    assert (await client.get("/sw.js")).headers["cache-control"] == "no-cache"
    assert "immutable" in (await client.get("/assets/app-1.js")).headers["cache-control"]
    assert (await client.get("/assets/app-2.js")).status_code == 404
    assert "secret" not in (await client.get("/..%2f..%2f..%2fsecret.txt")).text


async def test_without_pages_it_says_how_to_make_them(site: Site, tmp_path: Path) -> None:
    (tmp_path / "hub/ui/dist").mkdir(parents=True)
    site.app = make_app(with_settings(site, home=tmp_path))
    answer = await (await site.client()).get("/")
    assert answer.status_code == 503
    assert "make setup" in answer.text


async def test_health_and_readiness(site: Site) -> None:
    client = await site.client()
    assert (await client.get("/healthz")).json() == {"alive": True, "durability": "full"}
    assert (await client.get("/readyz")).status_code == 200
    site.checks["database"] = False
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"database": False})


@pytest.mark.case("C64")
@pytest.mark.fault("F86")
@pytest.mark.parametrize("term", [None, timedelta(days=1095)])
async def test_that_nothing_is_erased_by_term_is_told_where_it_should_be(
    site: Site, clock: Clock, term: timedelta | None
) -> None:
    hub = replace(site.parts, settings=site.parts.settings.model_copy(update={"retention": term}))
    site.app.state.parts = hub
    client, local = await site.client(), await site.client("", "127.0.0.1")
    await site.store.write(lambda session: retention.hold(session, "share", clock.now()))
    told = (await client.get("/readyz")).json()
    assert told == {"database": True} | ({"retention_held": "share"} if term else {})
    counted = (await local.get("/metrics")).text
    assert ('hub_retention_held{why="share"} 1.0' in counted) == bool(term)
    await site.store.write(lambda session: retention.hold(session, "", clock.now()))
    assert (await client.get("/readyz")).json() == {"database": True}
    assert 'hub_retention_held{why=""} 0.0' in (await local.get("/metrics")).text


@pytest.mark.usefixtures("submitted")
async def test_counts_are_for_this_machine_and_operators(site: Site, clock: Clock) -> None:
    def fail_once(session: Session) -> None:
        row = session.exec(select(Delivery).limit(1)).one()
        session.add(SystemState(system="river-patrol", breaker=Breaker.OPEN))
        session.add(Attempt(delivery_id=row.id, kind="push", number=1, started_at=clock.now(), outcome="refused"))

    await site.store.write(fail_once)
    local = await (await site.client("", "127.0.0.1")).get("/metrics")
    assert local.status_code == 200
    assert "hub_submissions 1.0" in local.text
    assert 'hub_deliveries{state="waiting",system="river-patrol"} 1.0' in local.text
    assert 'hub_attempts{outcome="refused"} 1.0' in local.text
    assert 'hub_system_held{system="river-patrol",why="breaker"} 1.0' in local.text
    assert (await (await site.program("opal")).get("/metrics")).status_code == 200
    assert (await (await site.program("ada")).get("/metrics")).status_code == 403
    assert (await (await site.client()).get("/metrics")).status_code == 401
    assert (
        await (await site.client("", "127.0.0.1", **{"X-Forwarded-For": "203.0.113.1"})).get("/metrics")
    ).status_code == 401
    assert (await (await site.client("", "unix")).get("/metrics")).status_code == 401


async def test_the_description_is_for_people_signed_in_and_names_every_failure(site: Site) -> None:
    assert (await (await site.client()).get("/api/v1/openapi.json")).status_code == 401
    told = (await (await site.client("ada")).get("/api/v1/openapi.json")).json()
    assert told == description(site.app)
    operations = [(path, verb, spec) for path, verbs in told["paths"].items() for verb, spec in verbs.items()]
    assert len(operations) >= 20
    for path, _, spec in operations:
        assert {"401", "403", "422", "500"} <= set(spec["responses"])
        assert "{" not in path or {"404", "422"} & set(spec["responses"])
        assert spec["description"]
        for status, answer in spec["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"]
    assert "ProblemView" in told["components"]["schemas"]
    references = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(told)))
    assert references <= set(told["components"]["schemas"])
    for url in ("/docs", "/redoc", "/openapi.json"):
        assert "swagger" not in (await (await site.client("ada")).get(url)).text.lower()


def test_every_problem_and_fault_in_the_code_has_its_words(words: Messages) -> None:
    """A code without words would leave a person with nothing to read."""
    sources = [path.read_text() for path in (ROOT / "hub").rglob("*.py")]
    codes = {code for source in sources for code in CODE.findall(source)}
    faults = {code for source in sources for code in FAULT.findall(source)}
    assert len(codes) > 20
    assert len(faults) > 10
    keys = {f"problem.{code}{end}" for code in codes for end in ("", ".detail")}
    keys |= {f"fault.{code}{end}" for code in faults for end in ("", ".remedy")}
    assert sorted(key for key in keys if key not in words) == []


@pytest.fixture(scope="session")
def words(files: tuple[Catalog, Registry]) -> Messages:
    return files[0].messages


def test_a_problem_without_words_is_still_told(words: Messages) -> None:
    body = problem_body(Problem("quite.unheard_of", 418, [FieldFault("/x", "unheard_of")]), words)
    assert (body["code"], body["title"], body["faults"][0]["message"]) == ("quite.unheard_of", "", {"zh": "", "en": ""})


def test_what_is_still_open_is_said_in_either_language(words: Messages) -> None:
    said = {"system": "north", "state": State.UNKNOWN.words, "count": 2}
    parts = tuple(Phrase(f"open.{kind}", said) for kind in ("delivery", "behind", "issue", "unheard_of"))
    body = problem_body(Problem("submission.open", 409, open=parts), words)
    zh = "north 有 2 份“核实中”；north 有 2 份“核实中”排在它后面；有 2 个问题“核实中”；open.unheard_of"
    en = "north: 2 “checking”; north: 2 “checking” behind it; 2 issue(s) “checking”; open.unheard_of"
    assert zh in body["detail"]
    assert en in body["en"]["detail"]


@pytest.mark.parametrize("state", [*State, *IssueState])
def test_a_refusal_names_every_state_as_the_pages_do(words: Messages, state: State | IssueState) -> None:
    code = "delivery.not_its_turn" if isinstance(state, State) else "issue.not_now"
    body = problem_body(Problem(code, 409, state=state.words), words)
    said = body["detail"] if isinstance(state, State) else body["title"]
    (named,) = re.findall("“(.+?)”", said)
    assert not named.isascii()


async def test_the_lifespan_is_the_roots(site: Site) -> None:
    begun: list[FastAPI] = []

    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        begun.append(app)
        yield

    app = make_app(site.parts, asynccontextmanager(lifespan))
    said: list[str] = []
    told = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Message:
        return next(told)

    async def send(message: Message) -> None:
        said.append(message["type"])

    await app({"type": "lifespan", "app": app}, receive, send)
    assert begun == [app]
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
