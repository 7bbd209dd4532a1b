"""What people typed is nowhere in the hub's log, not even at the chattiest level, however things go."""

import json
import re
from datetime import date
from urllib.parse import quote

import httpx

from deploy.county.people import id_number
from deploy.county.seed import Door
from tests.journeys import visits
from tests.journeys.world import Person, World, has_ended, sent_to

BORN = date(1990, 1, 1)
MARKERS = {
    "name": "欧阳MARKNAME",
    "phone": "19900000421",
    "id number": id_number(BORN, 421),
    "words": "MARKWORDS 独门秘方",
    "wrong": "MARKWRONG",
    "code": "MARKCODE-42",
    "query": "MARKQUERY",
    "login": "MARKLOGIN",
    "password": "MARKPASSWORD",
    "raw": "MARKRAW",
}


def test_the_log_knows_ids_only(world: World) -> None:
    officer, door = world.person("officer"), world.new_door()
    before = len(world.hub.log())
    view = officer.watch(officer.submit(marked(door)), has_ended)
    # What a System quotes in a refusal may hold what was sent.
    again = officer.watch(officer.submit(visits.body("bin_score", door.bin, visits.score())), has_ended)
    assert sent_to(again, "garbage-scoring")["state"] == "parked"
    misfortunes(world, officer, marked(door))
    log = world.hub.log()[before:]
    assert sent_to(view, "household-visit")["id"] in log, "this log tells nothing, so it proves nothing"
    told = {title for title, marker in MARKERS.items() if any(form in log for form in disguises(marker))}
    assert told == set()
    assert len(re.findall(r"(?<!\d)1\d{10}(?!\d)", log)) == 0


def marked(door: Door) -> dict[str, object]:
    """A visit in which every value can be recognised."""
    words = f"{MARKERS['words']} {MARKERS['id number']}"
    answers = {
        "household.head_name": MARKERS["name"],
        "household.phone": MARKERS["phone"],
        "visit.summary": words,
        "bin": visits.score(),
        "findings": [visits.sewage() | {"finding.description": words}],
    }
    return visits.visit(door.household, answers)


def misfortunes(world: World, officer: Person, body: dict[str, object]) -> None:
    """Everything that goes wrong on the way in."""
    known = officer.submit(body)
    assert officer.ask("POST", "submissions", body | {"occurred_at": visits.now(minutes=-30)}).status_code == 409
    wrong = {"household.phone": f"{MARKERS['phone']} {MARKERS['wrong']}", MARKERS["wrong"]: MARKERS["wrong"]}
    answer = officer.ask("POST", "submissions", visits.visit(known["place"]["id"], wrong))
    assert answer.status_code == 422
    raw = officer.browser.post("submissions", content=b'{"x": "' + MARKERS["raw"].encode(), headers=JSON)
    assert raw.status_code in (400, 422)
    assert officer.ask("GET", f"places/{MARKERS['code']}").status_code == 404
    assert officer.ask("GET", "places", q=MARKERS["query"]).status_code == 200
    credentials = {"login": MARKERS["login"], "password": MARKERS["password"]}
    answer = httpx.post(f"{world.hub.url}/api/v1/sessions", json=credentials, timeout=30, trust_env=False)
    assert answer.status_code == 401


JSON = {"Content-Type": "application/json"}


def disguises(marker: str) -> set[str]:
    """A marker as logs may write it: as it is, JSON, URL and bytes escapes, and its telling ASCII part."""
    escaped = json.dumps(marker)[1:-1]
    parts = set(re.findall(r"MARK[A-Z]+", marker))
    return {marker, escaped, escaped.replace("\\", "\\\\"), quote(marker), repr(marker.encode())[2:-1]} | parts
