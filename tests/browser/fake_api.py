"""A small hub for the portal's own checks: the API's shapes over http.server, deliveries that move by the clock.

It knows nothing of records, flows or Systems; the journeys against the real hub live elsewhere.
"""

import hashlib
import json
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.browser.fake_county import ACCOUNT, HOUSE, SEGMENT, SYSTEMS, TITLES, prefill, records
from tests.browser.fake_forms import FORMS, Json, words

DIST = Path(__file__).parents[2] / "hub" / "ui" / "dist"
CSP = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' blob: data:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
MEDIA = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}


class World:
    """What the fake hub remembers: `is_down` answers 503, `faults` refuses once, `loses_answer` breaks off once.

    Upgraded, it no longer has the parts of a page that was loaded before, until that is loaded anew.
    """

    def __init__(self) -> None:
        self.submissions: dict[str, Json] = {}
        self.bodies: dict[str, Json] = {}
        self.photos: dict[str, bytes] = {}
        self.faults: list[Json] = []
        self.is_signed_in = False
        self.password = "demo"
        self.must_change = False
        self.role = "staff"
        self.entries: dict[str, Json] = {}
        self.is_down = False
        self.loses_answer = False
        self.offers: list[Json] = prefill()["values"]
        self.forms: dict[str, dict[str, Json]] = {name: {form["version"]: form} for name, form in FORMS.items()}
        self.segments: list[Json] = [SEGMENT]
        self.account_id = ACCOUNT["id"]
        self.is_upgraded = False


def view(world: World, key: str) -> Json:
    body = world.bodies[key]
    row = world.submissions[key]
    place = HOUSE if body.get("place") else None
    wrong = [
        p
        for p in prefill()["values"]
        if p["element"] in body["answers"] and body["answers"][p["element"]] != p["value"]
    ]
    return {
        "id": key,
        "client_id": body["id"],
        "number": row["number"],
        "form": body["form"],
        "version": body["version"],
        "title": FORMS[body["form"]]["title"],
        "revision": row["revision"],
        "place": place and {"id": place["id"], "name": place["name"], "kind": place["kind"]},
        "occurred_at": body["occurred_at"],
        "reported_at": body["reported_at"],
        "received_at": body["reported_at"],
        "by": {"name": ACCOUNT["name"]},
        "answers": body["answers"],
        "location": body["location"],
        "records": records(body, row["revision"], time.monotonic() - row["at"]),
        "discrepancies": [
            {
                "element": p["element"],
                "title": TITLES[p["element"]],
                "system": SYSTEMS["household-visit"],
                "theirs": p["value"],
                "ours": body["answers"][p["element"]],
            }
            for p in wrong
        ],
    }


class Refusal(Exception):
    """An answer that is a problem."""

    def __init__(self, status: int, code: str, title: str, faults: list[Json] | None = None, **members: object) -> None:
        super().__init__(code)
        self.status = status
        self.content = {"code": code, "title": title, "status": status, "detail": "", "faults": faults or []} | members


def accept(world: World, body: Json, revises: str | None = None) -> tuple[int, Json]:
    if world.is_down:
        raise Refusal(503, "unavailable", "busy")
    if world.faults:
        faults, world.faults = world.faults, []
        raise Refusal(422, "submission.invalid", "invalid", faults)
    for key, other in world.bodies.items():
        if other["id"] == body["id"]:
            if other != body:
                raise Refusal(409, "submission.conflict", "conflict", submission=key)
            return 200, view(world, key)
    key = revises or f"s{len(world.submissions) + 1}"
    revision = world.submissions[revises]["revision"] + 1 if revises else 1
    world.bodies[key] = {"form": world.bodies[revises]["form"]} | body if revises else body
    world.submissions[key] = {
        "number": f"2026-{len(world.submissions) + 1:04}",
        "revision": revision,
        "at": time.monotonic(),
    }
    return 201, view(world, key)


def preview(world: World, body: Json) -> tuple[int, Json]:
    """Who would get what; a hub that is down has no advice either."""
    if world.is_down:
        raise Refusal(503, "unavailable", "busy")
    if world.faults:
        faults, world.faults = world.faults, []
        raise Refusal(422, "submission.invalid", "invalid", faults)
    made = records(body, 1, 0.0)
    return 200, {
        "records": [
            {
                "title": one["title"],
                "summary": one["summary"],
                "systems": [delivery["title"] for delivery in one["deliveries"]],
                "skipped": one["skipped"],
            }
            for one in made
        ]
    }


def form_of(world: World, name: str, query: Json) -> Json:
    """The version asked for, else the newest."""
    versions = world.forms[name]
    [version] = query.get("version", [max(versions)])
    if version not in versions:
        raise Refusal(404, "not_found", "no such version")
    return versions[version]


def sign(world: World, method: str, body: Json) -> tuple[int, Any]:
    if method == "POST":
        if body["password"] != world.password:
            raise Refusal(401, "session.refused", "wrong")
        world.is_signed_in = True
    elif method == "DELETE":
        world.is_signed_in = False
        return 204, None
    if not world.is_signed_in:
        raise Refusal(401, "session.missing", "sign in")
    mine = {"id": world.account_id, "must_change_password": world.must_change, "role": world.role}
    return 200, {"account": ACCOUNT | mine}


def change_password(world: World, body: Json) -> tuple[int, None]:
    if body["old"] != world.password:
        raise Refusal(401, "auth.wrong", "wrong")
    world.password, world.must_change = body["new"], False
    return 204, None


def work(world: World, late_only: bool) -> list[Json]:
    return [one for one in world.entries.values() if one["state"] == "manual" and (one["late"] or not late_only)]


def step(world: World, key: str, act: str, body: Json) -> tuple[int, Json]:
    """What one person does about an entry by hand; another's take or a correction is in the way."""
    one = world.entries[key]
    if one["state"] == "cancelled":
        raise Refusal(409, "delivery.outdated", "填报人已更正，这一份不用再录入")
    if one["taken"] and not one["taken"]["mine"]:
        raise Refusal(409, "delivery.taken", f"{one['taken']['name']}正在录入这一份")
    if act == "take":
        one["takes"] += 1
        one["taken"] = {"mine": True, "name": ACCOUNT["name"], "until": one["until"]}
    elif act == "give back":
        one["taken"] = None
    elif act == "cancel":
        one |= {"state": "cancelled", "reason": body["why"], "taken": None, "withdrawn": False}
        one["says"] = words(f"不再发给河长通：{body['why']}。", "No longer.")
    else:
        one |= {"state": "delivered", "number": body["number"], "taken": None, "late": False}
        one["says"] = words(f"河长通已接收，编号 {body['number']}。", "Accepted.")
    return 200, one


def place_of(world: World, code: str) -> Json:
    for place in (HOUSE, *world.segments):
        if code == place["id"] or code in [alias["code"] for alias in place["aliases"]]:
            return place
    raise Refusal(404, "place.unknown", "no such place")


def places(world: World, query: Json) -> list[Json]:
    """What is found, a page of it, after the last one seen."""
    words_, after, limit = (query.get(name, [usual])[0] for name, usual in (("q", ""), ("after", ""), ("limit", "50")))
    found = [
        place
        for place in (HOUSE, *world.segments)
        if place["kind"] in query.get("kind", [place["kind"]]) and words_ in place["name"]
    ]
    return page_of(found, after, int(limit))


def page_of(rows: list[Json], after: str, limit: int) -> list[Json]:
    ids = [row["id"] for row in rows]
    begin = ids.index(after) + 1 if after else 0
    return rows[begin : begin + limit]


def keep_photo(world: World, sha: str, raw: bytes) -> tuple[int, Json]:
    if hashlib.sha256(raw).hexdigest() != sha:
        raise Refusal(422, "attachment.digest", "digest differs")
    world.photos[sha] = raw
    return 201, {"sha256": sha, "size_bytes": len(raw), "media_type": "image/jpeg"}


def listed(world: World, query: Json) -> list[Json]:
    found = [view(world, key) for key in reversed(world.submissions)]
    return page_of(found, query.get("after", [""])[0], int(query.get("limit", ["50"])[0]))


def systems() -> list[Json]:
    return [{"system": name, "title": title} for name, title in SYSTEMS.items()]


ROUTES = [
    ("GET", r"forms", lambda w, m, q, b: (200, [form_of(w, name, {}) for name in w.forms])),
    (
        "GET",
        r"forms/(\w+)/prefill",
        lambda w, m, q, b: (
            200,
            {"place": HOUSE, "values": w.offers} if m[1] == "visit" else {"place": SEGMENT, "values": []},
        ),
    ),
    ("POST", r"forms/(\w+)/preview", lambda w, m, q, b: preview(w, b)),
    ("GET", r"forms/(\w+)", lambda w, m, q, b: (200, form_of(w, m[1], q))),
    ("GET", r"places", lambda w, m, q, b: (200, places(w, q))),
    ("GET", r"places/(.+)", lambda w, m, q, b: (200, place_of(w, unquote(m[1])))),
    ("GET", r"systems", lambda w, m, q, b: (200, systems())),
    ("GET", r"submissions", lambda w, m, q, b: (200, listed(w, q))),
    ("POST", r"submissions", lambda w, m, q, b: accept(w, b)),
    ("GET", r"submissions/(\w+)", lambda w, m, q, b: (200, view(w, m[1]))),
    ("POST", r"submissions/(\w+)/revisions", lambda w, m, q, b: accept(w, b, m[1])),
    (
        "GET",
        r"deliveries/by-hand",
        lambda w, m, q, b: (
            200,
            page_of(work(w, q.get("late") == ["true"]), q.get("after", [""])[0], int(q.get("limit", ["50"])[0])),
        ),
    ),
    ("GET", r"deliveries/(\w+)", lambda w, m, q, b: (200, w.entries[m[1]])),
    ("POST", r"deliveries/(\w+)/(take|confirm|cancel)", lambda w, m, q, b: step(w, m[1], m[2], b)),
    ("DELETE", r"deliveries/(\w+)/take", lambda w, m, q, b: step(w, m[1], "give back", b)),
    ("PUT", r"attachments/(\w+)", lambda w, m, q, b: keep_photo(w, m[1], b)),
]


def answer(world: World, method: str, address: str, body: Json) -> tuple[int, Any]:
    parts = urlsplit(address)
    path = parts.path.removeprefix("/api/v1/")
    if path == "sessions/me/password":
        return change_password(world, body)
    if path.startswith("sessions"):
        return sign(world, method, body)
    if not world.is_signed_in:
        raise Refusal(401, "session.missing", "sign in")
    for verb, pattern, act in ROUTES:
        if verb == method and (match := re.fullmatch(pattern, path)):
            return act(world, match, parse_qs(parts.query), body)
    raise Refusal(404, "missing", "no such thing")


class FakeHub(ThreadingHTTPServer):
    """The server, with the world it answers from."""

    def __init__(self, world: World, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.world = world


class Handler(BaseHTTPRequestHandler):
    """One connection: the API under /api, the built portal everywhere else."""

    protocol_version = "HTTP/1.1"
    server: FakeHub

    def log_message(self, *args: object) -> None:
        """Says nothing."""

    def do(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/api/"):
            self.send_answer(raw)
        else:
            self.send_file()

    def send_answer(self, raw: bytes) -> None:
        world = self.server.world
        body = json.loads(raw) if raw and "json" in self.headers.get("Content-Type", "") else raw
        try:
            status, content = answer(world, self.command, self.path, body)
        except Refusal as refusal:
            self.reply(refusal.status, json.dumps(refusal.content).encode(), "application/problem+json")
            return
        if world.loses_answer and self.command == "POST" and "submissions" in self.path:
            world.loses_answer = False
            self.break_off(status)
            return
        self.reply(status, b"" if content is None else json.dumps(content).encode(), "application/json")

    def break_off(self, status: int) -> None:
        """Stops in the middle: closing before the first byte would only make the browser ask again."""
        self.send_response(status)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"id":')
        self.close_connection = True

    def send_file(self) -> None:
        name = urlsplit(self.path).path.lstrip("/")
        path, world = DIST / name, self.server.world
        if name == "healthz":
            self.reply(200, b"{}", "application/json")
            return
        if world.is_upgraded and name.startswith("assets/"):
            self.reply(404, b"", "text/plain")
            return
        file = path if path.is_file() else DIST / "index.html"
        # A page that begins anew gets the new parts, which here are the old ones.
        world.is_upgraded = world.is_upgraded and file.name != "index.html"
        self.reply(200, file.read_bytes(), MEDIA.get(file.suffix, "application/octet-stream"))

    def reply(self, status: int, content: bytes, media: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", CSP)
        self.send_header("Cache-Control", "no-store" if "json" in media else "no-cache")
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = do  # noqa: N815 - the name http.server asks for


def serve(world: World, port: int = 0) -> FakeHub:
    """Starts the fake hub on a loopback port of its own."""
    server = FakeHub(world, port)
    # The pause of its loop is what a shutdown waits for.
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


if __name__ == "__main__":
    by_hand = FakeHub(World(), int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    sys.stdout.write(f"http://127.0.0.1:{by_hand.server_port}  (any account, password: demo)\n")
    by_hand.serve_forever()
