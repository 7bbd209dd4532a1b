"""The story of the demo: one visit, filled once, reaches every System that needs it. Public API only.

Each step checks what it was promised; `tell` returns the promises that were not kept.
"""

import time
import uuid
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.county import receipt
from deploy.county.portal import Declined, Person
from deploy.county.seed import MODEL_HOUSEHOLDS, VILLAGES, Door, segments
from deploy.county.systems import PORTS, County

View = dict[str, Any]

DOWN = "garbage-scoring"
LATE = "poverty-alleviation"
CORRECTED = {"household-visit"}
"""The only System that is told the date of the next visit, so the only one the correction may reach."""
EXPECTED = {
    ("household-visit", "visit"),
    ("poverty-alleviation", "visit"),
    ("garbage-scoring", "bin_score"),
    ("river-patrol", "finding"),
    ("poverty-alleviation", "finding"),
}
"""System and kind of record of every delivery the visit owes; the dispute owes none."""
OTHERS_WITHIN_S, ALL_WITHIN_S = 90.0, 240.0
BUSY = 409


class NothingLeft(Exception):
    """The day has no more doors for the story."""


@dataclass
class Telling:
    """Who tells, where, and which promises were broken so far."""

    address: str
    county: County
    officer: Person
    broken: list[str] = field(default_factory=list)

    def check(self, kept: bool, promise: str) -> None:
        """Print a promise with its outcome and remember it when broken."""
        receipt.promise(promise, kept=kept)
        if not kept:
            self.broken.append(promise)


def tell(address: str, county: County) -> list[str]:
    """Tell the whole story; return the promises that were broken."""
    with Person(address, "operator") as operator, Person(address, "officer") as officer:
        telling = Telling(address, county, officer)
        read_systems(telling, operator)
        door = choose_door(officer)
        place = open_door(telling, door)
        visit = submit(telling, door, place)
        finished = carry(telling, visit)
        amended = correct(telling, finished)
        receipt.deliveries(amended)
        receipt.skipped(amended)
        return telling.broken


def read_systems(telling: Telling, operator: Person) -> None:
    """Let the hub read all four Systems now instead of at the next full hour."""
    receipt.chapter(1, "四个部门系统的底数先读进来，各自注明来源和日期")
    for name in PORTS:
        for report in read_system(operator, name):
            receipt.pulled(report)
            telling.check(report["outcome"] == "done", f"{name} 已读入")


def read_system(operator: Person, name: str) -> list[View]:
    """Have one System read; the hub's own first reading may be under way, then this one waits for its turn."""
    deadline = time.monotonic() + OTHERS_WITHIN_S
    while True:
        try:
            reports: list[View] = operator.post(f"systems/{name}/pull")
        except Declined as declined:
            if declined.status != BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return reports


def choose_door(officer: Person) -> Door:
    """Return a model household nobody has visited today: a bin takes one score a day."""
    since = datetime.now(UTC) - timedelta(days=1)
    filled = officer.get("submissions", mine="true", limit="200")
    recent = [view for view in filled if datetime.fromisoformat(view["received_at"]) > since and view["place"]]
    visited = {view["place"]["id"] for view in recent}
    for house in range(1, MODEL_HOUSEHOLDS + 1):
        door = Door(VILLAGES[0], house)
        if officer.place(door.household)["id"] not in visited:
            return door
    raise NothingLeft("every model household was visited today; remove var/county to begin anew, or use --once")


def open_door(telling: Telling, door: Door) -> View:
    """Scan each of the four codes on the door and look at what the form already knows."""
    receipt.chapter(2, "门上四种旧码，扫哪一种都是同一户")
    codes = {"走村入户": door.household, "考垃桶码": door.bin, "扶贫档案": door.file, "公安旧门牌": door.old_plate}
    places = {title: telling.officer.place(code) for title, code in codes.items()}
    receipt.codes(codes, places)
    telling.check(len({place["id"] for place in places.values()}) == 1, "四码归一户")
    opened: View = places["走村入户"]
    return opened


def submit(telling: Telling, door: Door, place: View) -> View:
    """Fill the form once and submit it twice, as a phone does when the first answer was lost."""
    receipt.chapter(3, "走访表已预填；干部核对、补充、提交一次")
    known = telling.officer.get("forms/visit/prefill", place=door.household)["values"]
    asked = telling.officer.get("forms/visit")["schema"]["properties"]
    receipt.prefilled(known, {element: question["title"] for element, question in asked.items()})
    body = visit_body(place, known)
    sourced = [value["source"]["system"] in PORTS and value["as_of"] for value in known]
    telling.check(bool(sourced) and all(sourced), "每个预填值都注明来源和日期")
    receipt.note(f"考垃系统（{DOWN}）此刻停机维护")
    telling.county.stop(DOWN)
    view: View = telling.officer.post("submissions", body)
    again = telling.officer.post("submissions", body)
    telling.check(again["id"] == view["id"], "重复提交得到同一份回执")
    owed = {(delivery["system"], record_kind(record)) for record, delivery in deliveries(view)}
    telling.check(owed == EXPECTED, "该送的都要送，不该送的一件不送")
    idle = [record for record in view["records"] if not record["taker"]]
    telling.check(len(idle) == 1 and not idle[0]["deliveries"], "邻里纠纷暂无部门接收，页面如实说明")
    telling.check(bool(view["discrepancies"]), "人口数与来源不符：记为差异，不悄悄覆盖")
    return view


def visit_body(place: View, known: list[View]) -> View:
    """Build the visit: the known values confirmed, the member count corrected, the findings of the day."""
    confirmed = ("household.head_name", "household.phone", "household.member_count")
    answers: View = {value["element"]: value["value"] for value in known if value["element"] in confirmed}
    answers["household.member_count"] += 1
    return {
        "id": str(uuid.uuid4()),
        "form": "visit",
        "version": 1,
        "place": place["id"],
        "occurred_at": (datetime.now(UTC) - timedelta(minutes=10)).isoformat(timespec="seconds"),
        "reported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "location": {"lon": 120.2346, "lat": 29.3008, "crs": "wgs84", "accuracy_m": 9},
        "answers": answers | todays_answers(),
        "seen": seen_among(known, confirmed),
    }


def seen_among(known: list[View], answered: Container[str]) -> View:
    """Say which known values the officer was shown for the questions answered."""
    return {
        value["path"]: {"system": value["source"]["system"], "as_of": value["as_of"], "value": value["value"]}
        for value in known
        if value["element"] in answered
    }


def todays_answers() -> View:
    """Return what the officer found: a dispute, a dirty bin, sewage in the river, a leaking roof."""
    return {
        "visit.purpose": "care",
        "visit.summary": "家中老人身体尚好，屋顶雨天漏水，盼望修缮。",
        "bin": {"bin.sorting": "poor", "bin.delivery": "medium", "bin.cleanliness": "poor"},
        "findings": [
            finding("dispute", "ordinary", "与东邻为排水沟有争执，双方愿意调解。"),
            finding("river", "urgent", "桥下有污水直排入河。")
            | {
                "finding.segment": segments()[0]["segmentId"],
                "finding.river_type": "outlet",
                "finding.location": {"lon": 120.2389, "lat": 29.3004, "crs": "wgs84", "accuracy_m": 12},
            },
            finding("housing", "urgent", "正屋屋顶漏水，面积约两平方米。") | {"finding.housing_type": "leak"},
        ],
    }


def finding(category: str, severity: str, description: str) -> View:
    """Return one finding with the words every finding has."""
    words = {"category": category, "severity": severity, "description": description}
    return {"id": str(uuid.uuid4())} | {f"finding.{name}": value for name, value in words.items()}


def carry(telling: Telling, visit: View) -> View:
    """Watch the Systems take it: three at once, the late one by its result file, the absent one when it returns."""
    receipt.chapter(4, "各系统陆续接收；停机的恢复后自动补送")
    view = watch(telling, visit, OTHERS_WITHIN_S, lambda now: settled(now) >= {name for name in PORTS if name != DOWN})
    receipt.deliveries(view)
    telling.check(settled(view) == set(PORTS) - {DOWN}, "其他三个系统已办结，不受停机影响")
    late = [delivery for _, delivery in deliveries(view) if delivery["system"] == LATE]
    two_steps = [
        delivery["transported_at"] and delivery["delivered_at"] > delivery["transported_at"] for delivery in late
    ]
    telling.check(bool(late) and all(two_steps), "扶贫系统：先送达，结果文件回来才算接收")
    receipt.note(f"考垃系统（{DOWN}）恢复运行")
    telling.county.start(DOWN)
    view = watch(telling, visit, ALL_WITHIN_S, lambda now: settled(now) == set(PORTS))
    telling.check(settled(view) == set(PORTS), "四个系统全部办结，没有人重填一个字")
    retried = [delivery["attempts"] for _, delivery in deliveries(view) if delivery["system"] == DOWN]
    telling.check(bool(retried) and min(retried) > 1, "停机的系统经重试补送成功")
    numbers = [delivery["number"] for _, delivery in deliveries(view)]
    telling.check(all(numbers) and len(set(numbers)) == len(numbers), "每件都有对方系统自己的编号，无一重复")
    return view


def took_two_steps(delivery: View) -> bool:
    """Say whether it was first carried over and only later accepted."""
    transported, accepted = delivery["transported_at"], delivery["delivered_at"]
    return bool(transported and accepted) and datetime.fromisoformat(transported) < datetime.fromisoformat(accepted)


def correct(telling: Telling, visit: View) -> View:
    """Correct the date of the next visit and see that only who was told it is told again."""
    receipt.chapter(5, "事后更正下次走访日期：只通知用到它的系统")
    known = telling.officer.get("forms/visit/prefill", place=visit["place"]["id"])["values"]
    next_on = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    body = {key: visit[key] for key in ("form", "version", "occurred_at", "location")} | {
        "id": str(uuid.uuid4()),
        "place": visit["place"]["id"],
        "reported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "answers": visit["answers"] | {"visit.next_on": next_on},
        "seen": seen_among(known, visit["answers"]),
    }
    revised = telling.officer.post(f"submissions/{visit['id']}/revisions", body)
    view = watch(telling, revised, OTHERS_WITHIN_S, lambda now: settled(now) == set(PORTS))
    told = {delivery["system"] for _, delivery in deliveries(view) if delivery["revision"] == view["revision"]}
    telling.check(told == CORRECTED, "更正只送走村入户一个系统")
    telling.check(settled(view) == set(PORTS), "更正已被接收")
    return view


def watch(telling: Telling, visit: View, within_s: float, enough: Callable[[View], bool]) -> View:
    """Look at the receipt once a second, as the page does, until it says enough or time is up."""
    deadline = time.monotonic() + within_s
    with receipt.waiting() as show:
        while True:
            view: View = telling.officer.get(f"submissions/{visit['id']}")
            show(view)
            if enough(view) or time.monotonic() > deadline:
                return view
            time.sleep(1)


def deliveries(view: View) -> list[tuple[View, View]]:
    """Return every record's deliveries, each with its record."""
    return [(record, delivery) for record in view["records"] for delivery in record["deliveries"]]


def record_kind(record: View) -> str:
    """Return the record's type without its version."""
    return str(record["record"]).partition("/")[0]


def settled(view: View) -> set[str]:
    """Return the Systems that have accepted all that is owed to them."""
    owing = {delivery["system"] for _, delivery in deliveries(view) if delivery["state"] != "delivered"}
    return {delivery["system"] for _, delivery in deliveries(view)} - owing
