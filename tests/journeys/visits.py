"""What officers fill in the stories: bodies as the portal sends them."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.county.seed import segments

View = dict[str, Any]
CONFIRMED = ("household.head_name", "household.phone", "household.member_count")
AT_THE_RIVER = {"lon": 120.2389, "lat": 29.3004, "crs": "wgs84", "accuracy_m": 12}
NEAR, WARDENS_ONLY = (row["segmentId"] for row in segments()[:2])
"""Of the first village: a segment its officers may report on, and one that is its warden's alone."""


def now(**later: float) -> str:
    """A moment as a phone writes it."""
    return (datetime.now(UTC) + timedelta(**later)).isoformat(timespec="seconds")


def body(form: str, place: str | None, answers: View, **changed: object) -> View:
    """A filled form."""
    return {
        "id": str(uuid.uuid4()),
        "form": form,
        "version": 1,
        "place": place,
        "occurred_at": now(minutes=-10),
        "reported_at": now(),
        "location": {"missing": "not_asked"},
        "answers": answers,
        "seen": {},
    } | changed


def visit(place: str, answers: View | None = None, **changed: object) -> View:
    """A plain visit; nobody confirmed anything."""
    plain = {
        "household.head_name": "陈大山",
        "household.phone": "19900000102",
        "household.member_count": 3,
        "visit.purpose": "care",
        "visit.summary": "家中老人身体尚好。",
    }
    return body("visit", place, plain | (answers or {}), **changed)


def finding(category: str, words: str, **more: object) -> View:
    """One finding of a visit."""
    named = {f"finding.{name}": value for name, value in more.items()}
    described = {"finding.category": category, "finding.severity": "ordinary", "finding.description": words}
    return {"id": str(uuid.uuid4())} | described | named


def sewage(segment: str = NEAR, **more: object) -> View:
    """Sewage into a river segment, at a point of the first village's upper one unless told otherwise."""
    return finding(
        "river", "桥下有污水直排入河。", segment=segment, river_type="outlet", **{"location": AT_THE_RIVER} | more
    )


def score(sorting: str = "poor") -> View:
    """A bin's three marks."""
    return {"bin.sorting": sorting, "bin.delivery": "medium", "bin.cleanliness": "poor"}


def report(words: str, category: str = "environment", **answers: object) -> View:
    """A general issue seen along the way."""
    said = {"report.title": words, "report.detail": words, "finding.category": category, "finding.severity": "ordinary"}
    return body("report", None, said | answers)


def patrol(place: str, track: list[View], minutes: int = 20, **answers: object) -> View:
    """A walk along a river segment that ended an hour ago."""
    walked = {
        "patrol.started_at": now(minutes=-60 - minutes),
        "patrol.ended_at": now(minutes=-60),
        "patrol.result": "normal",
        "patrol.track": track,
        "nothing_to_report": True,
    }
    return body("patrol", place, walked | answers)


def correction(view: View, **answers: object) -> View:
    """The same submission with some answers changed; None takes one away."""
    changed = {name: value for name, value in (view["answers"] | answers).items() if value is not None}
    kept = {name: view[name] for name in ("form", "version", "occurred_at", "location")}
    return body(view["form"], view["place"]["id"], changed) | kept
