"""The fake hub's county: invented people and places, and how the deliveries of a record move with its age."""

from tests.browser.fake_forms import FORMS, Json, words

ACCOUNT = {
    "id": "a1",
    "login": "lihua",
    "name": "李华",
    "staff_number": "DY0421",
    "unit": {"division": "330783104204", "title": words("东阳江镇 王村", "Wang village")},
}
DIVISION = {"code": "330783104204", "name": "东阳江镇 王村"}
HOUSE = {
    "id": "pl-7f3a",
    "kind": "household",
    "name": "王村 12 号",
    "division": DIVISION,
    "aliases": [
        {"issuer": "household-visit", "code": "HV-330783-000412"},
        {"issuer": "garbage-scoring", "code": "GB0091277"},
        {"issuer": "poverty-alleviation", "code": "PF-2026-0088"},
        {"issuer": "public-safety", "code": "DY/王村/12"},
    ],
    "forms": [{"form": "visit", "version": "v1", "title": FORMS["visit"]["title"]}],
}
SEGMENT = {
    "id": "pl-r001",
    "kind": "river_segment",
    "name": "东阳江王村段",
    "division": DIVISION,
    "aliases": [{"issuer": "river-patrol", "code": "R-104-07"}],
    "forms": [{"form": "patrol", "version": "v1", "title": FORMS["patrol"]["title"]}],
}
SYSTEMS = {
    "household-visit": words("走村入户", "Household visits"),
    "garbage-scoring": words("东阳考垃", "Garbage scoring"),
    "river-patrol": words("河长通", "River patrol"),
    "poverty-alleviation": words("防返贫监测", "Poverty alleviation"),
}
NAMES = {"visit/v1": "走访记录", "bin_score/v1": "垃圾分类评分", "finding/v1": "发现的问题"}
TITLES = {"household.head_name": "户主姓名", "household.phone": "联系电话", "household.member_count": "家庭人口"}
DONE_S = 3.0


def known(path: str, value: object, system: str, as_of: str, **more: object) -> Json:
    source = {"system": system, "title": SYSTEMS[system]}
    return {
        "path": path,
        "element": path[1:],
        "value": value,
        "shown": value,
        "source": source,
        "as_of": as_of,
        "authority": True,
        "others": [],
        **more,
    }


def prefill() -> Json:
    other = {
        "value": 5,
        "source": {"system": "poverty-alleviation", "title": SYSTEMS["poverty-alleviation"]},
        "as_of": "2026-10-03T08:00:00Z",
    }
    values = [
        known("/household.head_name", "王德福", "household-visit", "2026-11-20T02:00:00Z"),
        known("/household.phone", "19900000123", "household-visit", "2026-11-20T02:00:00Z"),
        known("/household.member_count", 4, "household-visit", "2026-11-20T02:00:00Z", others=[other]),
    ]
    return {"place": HOUSE, "values": values}


def delivery(system: str, age_s: float, revision: int, **more: object) -> Json:
    state = "delivered" if age_s > DONE_S else "waiting"
    return {
        "id": f"{system}-{revision}",
        "system": system,
        "title": SYSTEMS[system],
        "simulated": True,
        "flow": system,
        "intent": "create" if revision == 1 else "amend",
        "state": state,
        "says": None,
        "number": f"{system[:2].upper()}{1000 + revision}" if state == "delivered" else None,
        "reason": None,
        "attempts": 1,
        "due_at": None,
        "transported_at": None,
        "delivered_at": "2026-11-22T02:12:00Z" if state == "delivered" else None,
        "waits_for": None,
        "repeat": False,
        "revision": revision,
        **more,
    }


def moved(kind: str, content: Json, revision: int, age_s: float) -> Json:
    """The deliveries, skips and taker of one record at this age."""
    if kind == "visit/v1":
        late = (
            {"state": "transported", "number": "批次 0088"}
            if age_s < 2 * DONE_S
            else {"state": "delivered", "number": "PA-77120"}
        )
        return {
            "deliveries": [
                delivery("household-visit", age_s, revision),
                delivery("poverty-alleviation", age_s, revision, **late),
            ]
        }
    if kind == "bin_score/v1":
        wait = {} if age_s > DONE_S else {"state": "retry", "attempts": 2, "due_at": "2026-11-22T02:15:00Z"}
        return {"deliveries": [delivery("garbage-scoring", age_s, revision, **wait)]}
    category = content.get("finding.category")
    if category == "river":
        refusal = {"state": "parked", "reason": "4022 该河段不在您的责任范围", "number": None}
        return {"deliveries": [delivery("river-patrol", age_s, revision, **refusal)]}
    reason = words("该问题类别不由此系统受理", "not this system's kind of issue")
    return {"taker": False, "skipped": [{"system": "river-patrol", "title": SYSTEMS["river-patrol"], "reason": reason}]}


def records(body: Json, revision: int, age_s: float) -> list[Json]:
    answers = body["answers"]
    found = [("visit/v1", answers)] + ([("bin_score/v1", answers["bin"])] if "bin" in answers else [])
    found += [("finding/v1", item) for item in answers.get("findings", [])]
    if body["form"] != "visit":
        return [
            {
                "key": "1",
                "record": body["form"],
                "title": FORMS[body["form"]]["title"],
                "summary": "",
                "deliveries": [],
                "skipped": [],
                "taker": False,
                "issue": None,
            }
        ]
    made = []
    for index, (kind, content) in enumerate(found):
        told = revision if kind == "visit/v1" else 1  # corrections in these checks touch the visit only
        issue = {"id": f"i{index}", "state": "reported"} if kind == "finding/v1" else None
        base = {
            "key": str(index),
            "record": kind,
            "title": NAMES[kind],
            "summary": content.get("finding.description", ""),
            "issue": issue,
        }
        made.append(base | {"deliveries": [], "skipped": [], "taker": True} | moved(kind, content, told, age_s))
    return made
