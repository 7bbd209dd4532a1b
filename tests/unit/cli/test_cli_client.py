"""submit, deliveries, replay, pull: against a small hub on loopback that answers as told."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run, flat

ROW = {"id": "d-1", "title": {"zh": "门牌", "en": "Doors"}, "state": "delivered", "number": "N[/]7",
       "says": {"zh": "已送达", "en": "Delivered [b]"}}  # fmt: skip
PROBLEM = {
    "code": "submission.invalid", "title": "需要改正", "detail": "请[/b]改", "status": 422,
    "en": {"title": "Needs correcting", "detail": "Change [/b] it"},
    "faults": [
        {"path": "/answers/a[/x]", "message": {"zh": "缺", "en": "Missing"}, "remedy": {"zh": "补", "en": "Add"}},
    ],
}  # fmt: skip


@dataclass
class Fake:
    """What it answers, and what it was asked."""

    url: str = ""
    status: int = 200
    body: bytes = b"{}"
    asked: list[tuple[str, str, str, bytes]] = field(default_factory=list)

    def answer(self, body: object, status: int = 200) -> None:
        self.body, self.status = body if isinstance(body, bytes) else json.dumps(body).encode(), status


@pytest.fixture
def hub() -> Iterator[Fake]:
    fake = Fake()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fake.asked.append((self.command, self.path, self.headers["Authorization"], sent))
            self.send_response(fake.status)
            self.end_headers()
            self.wfile.write(fake.body)

        do_GET = do_POST  # noqa: N815 - the interface of BaseHTTPRequestHandler

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield fake
    server.shutdown()
    thread.join()
    server.server_close()


def ask(run: Run, hub: Fake, *words: str, stdin: str | None = None) -> tuple[int, str, str]:
    result = run(*words, "--url", f"{hub.url}/", "--token", "fo_x", stdin=stdin)
    return result.exit_code, flat(result.stdout), flat(result.stderr)


@pytest.mark.parametrize("way", ["file", "-"])
def test_submit_sends_the_file_and_shows_receipts(run: Run, hub: Fake, tmp_path: Path, way: str) -> None:
    file = tmp_path / "body.json"
    file.write_text('{"a": 1}', encoding="utf-8")
    hub.answer({"number": "ABC", "id": "s-1", "records": [{"deliveries": [ROW]}, {"deliveries": []}]}, 201)
    code, out, err = ask(run, hub, "submit", str(file) if way == "file" else "-", stdin='{"a": 1}')
    assert (code, err) == (0, "")
    assert hub.asked == [("POST", "/api/v1/submissions", "Bearer fo_x", b'{"a": 1}')]
    for part in ("ABC s-1", "Doors delivered N[/]7 Delivered [b] d-1"):
        assert part in out


def test_submit_without_a_file(run: Run, hub: Fake, tmp_path: Path) -> None:
    code, _, err = ask(run, hub, "submit", str(tmp_path / "none.json"))
    assert (code, "No such file" in err, hub.asked) == (2, True, [])


def test_deliveries_are_listed_and_narrowed(run: Run, hub: Fake) -> None:
    hub.answer([ROW])
    assert "N[/]7" in ask(run, hub, "deliveries")[1]
    hub.answer({"items": [ROW | {"number": None}]})
    assert "d-1" in ask(run, hub, "deliveries", "--state", "parked", "--system", "a b")[1]
    assert [path for _, path, _, _ in hub.asked] == [
        "/api/v1/deliveries?",
        "/api/v1/deliveries?state=parked&system=a+b",
    ]


def test_replay_gives_its_reason(run: Run, hub: Fake) -> None:
    hub.answer({"moved": ["d-1"]})
    assert ask(run, hub, "replay", "d-1", "d-2", "--why", "they lost it")[0] == 0
    ((method, path, _, sent),) = hub.asked
    assert (method, path) == ("POST", "/api/v1/deliveries/replay")
    assert json.loads(sent) == {"ids": ["d-1", "d-2"], "why": "they lost it"}


def test_pull_tells_how_each_run_ended(run: Run, hub: Fake) -> None:
    report = {"name": "homes", "outcome": "doubted", "rows": 3, "changed": 1, "ended": 0, "left_out": 0, "noted": 2}
    hub.answer([report | {"reason": "fewer [/b] rows"}])
    code, out, _ = ask(run, hub, "pull", "a/b")
    said = "homes: doubted, 3 行 / rows, 1 变化 / changed, 0 消失 / ended, 2 待解决 / open items fewer [/b] rows"
    assert (code, " ".join(out.split())) == (0, said)
    assert "%2F" in hub.asked[0][1] or hub.asked[0][1].startswith("/api/v1/systems/a/b/pull")


@pytest.mark.parametrize(
    ("option", "how"), [((), "on"), (("--from-start",), "from_start"), (("--believe",), "believe")]
)
def test_pull_may_begin_from_the_start(run: Run, hub: Fake, option: tuple[str, ...], how: str) -> None:
    hub.answer([])
    assert ask(run, hub, "pull", "doors", *option)[0] == 0
    assert hub.asked[0][1] == f"/api/v1/systems/doors/pull?how={how}"


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en_GB.UTF-8", "submission.invalid: Needs correcting Change [/b] it /answers/a[/x]: Missing Add"),
        ("zh_CN.UTF-8", "submission.invalid: 需要改正 请[/b]改 /answers/a[/x]: 缺 补"),
    ],
)
def test_a_problem_is_told_in_ones_language(
    run: Run, hub: Fake, monkeypatch: pytest.MonkeyPatch, locale: str, words: str
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    hub.answer(PROBLEM, 422)
    code, out, err = ask(run, hub, "deliveries")
    assert (code, out, err) == (1, "", words)


@pytest.mark.parametrize("body", [b"<html>bad gateway</html>", b"[]", b'{"code": "x"}', b""])
def test_an_error_page_is_told_by_its_status(run: Run, hub: Fake, body: bytes) -> None:
    hub.answer(body, 502)
    assert ask(run, hub, "deliveries") == (1, "", "HTTP 502")


def test_an_answer_that_is_no_json(run: Run, hub: Fake) -> None:
    hub.answer(b"<html>welcome</html>")
    code, out, err = ask(run, hub, "deliveries")
    assert (code, out, err.startswith(hub.url)) == (1, "", True)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "127.0.0.1:8000", "nonsense", "http://[::1]:1"])
def test_nobody_there(run: Run, url: str) -> None:
    result = run("deliveries", "--url", url)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"{url}: ")
