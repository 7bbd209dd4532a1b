"""Compiled forms and invented people for the fake API: the shapes of the brief, not the county's real data."""

from typing import Any

Json = dict[str, Any]


def words(zh: str, en: str) -> Json:
    return {"zh": zh, "en": en}


def codes(*rows: tuple[str, str, str]) -> list[Json]:
    return [{"code": code, "zh": zh, "en": en} for code, zh, en in rows]


def control(element: str, zh: str, en: str, **more: object) -> Json:
    rule = more.pop("rule", None)
    help_text = more.pop("help", None)
    at = more.pop("at", "#/properties/")
    found: Json = {"type": "Control", "scope": f"{at}{element}", "label": words(zh, en)}
    found["options"] = {"element": element, "optional": False, **more}
    return found | ({"rule": rule} if rule else {}) | ({"help": help_text} if help_text else {})


def shown_when(element: str, *values: str) -> Json:
    schema = {"properties": {element: {"enum": list(values)}}, "required": [element]}
    return {"effect": "SHOW", "condition": {"scope": "#", "schema": schema}}


def choice(element: str, rows: list[Json]) -> Json:
    return {"type": "string", "enum": [row["code"] for row in rows], "x-element": element, "x-type": "choice"}


PURPOSES = codes(
    ("care", "关心慰问", "Care"),
    ("policy", "政策宣传", "Policy"),
    ("mediation", "矛盾调解", "Mediation"),
    ("safety", "安全检查", "Safety"),
    ("follow_up", "回访", "Follow-up"),
)
LEVELS = codes(("good", "好", "Good"), ("medium", "中", "Medium"), ("poor", "差", "Poor"))
CATEGORIES = codes(
    ("dispute", "矛盾纠纷", "Dispute"),
    ("river", "河道问题", "River"),
    ("housing", "房屋安全", "Housing"),
    ("hazard", "安全隐患", "Hazard"),
    ("environment", "环境卫生", "Environment"),
    ("other", "其他", "Other"),
)
SEVERITIES = codes(("ordinary", "一般", "Ordinary"), ("urgent", "较急", "Urgent"), ("critical", "特急", "Critical"))
RIVER_TYPES = codes(
    ("sewage", "污水入河", "Sewage"), ("rubbish", "河面垃圾", "Rubbish"), ("dumping", "倾倒", "Dumping")
)
HOUSING_TYPES = codes(
    ("leak", "漏雨", "Leak"), ("crack", "墙体开裂", "Crack"), ("collapse_risk", "可能倒塌", "May collapse")
)
PHOTOS = {"type": "array", "items": {"type": "string"}, "maxItems": 9}
IN_BIN = "#/properties/bin/properties/"

LICENCE = {
    "number": "东表〔2026〕001号",
    "issuer": "organisation-department",
    "issuer_title": words("组织部", "Organisation department"),
    "basis": words("《整治形式主义为基层减负若干规定》", "Rules against formalism"),
    "valid": ["2026-01-01", "2027-12-31"],
    "cycle": "as_needed",
    "minutes": 2,
}

FINDING_UI = [
    control("finding.category", "问题类别", "Category", widget="select", codes=CATEGORIES),
    control("finding.severity", "紧急程度", "Severity", widget="radio", codes=SEVERITIES),
    control(
        "finding.description",
        "情况描述",
        "Description",
        widget="textarea",
        help=words("说清在哪里、什么情况。", "Where and what."),
    ),
    control(
        "finding.segment",
        "所在河段",
        "Segment",
        widget="place",
        kind="river_segment",
        rule=shown_when("finding.category", "river"),
    ),
    control(
        "finding.river_type",
        "河道问题类型",
        "River problem",
        widget="radio",
        codes=RIVER_TYPES,
        rule=shown_when("finding.category", "river"),
    ),
    control(
        "finding.housing_type",
        "房屋问题类型",
        "Housing problem",
        widget="radio",
        codes=HOUSING_TYPES,
        rule=shown_when("finding.category", "housing"),
    ),
    control(
        "finding.location",
        "问题位置",
        "Where it is",
        widget="location",
        optional=True,
        rule=shown_when("finding.category", "river", "hazard"),
    ),
    control("finding.photos", "照片", "Photos", widget="photos", most=9, optional=True),
]

VISIT_UI = [
    control("household.head_name", "户主姓名", "Head of household", widget="text", confirm=True),
    control("household.phone", "联系电话", "Phone", widget="text", confirm=True),
    control("household.member_count", "家庭人口", "Members", widget="number", confirm=True, unit=words("人", "people")),
    control("visit.purpose", "走访目的", "Purpose", widget="radio", codes=PURPOSES),
    control("visit.summary", "走访情况", "Summary", widget="textarea", optional=True),
    control("visit.next_on", "下次走访", "Next visit", widget="date", optional=True),
    {
        "type": "Group",
        "name": "bin",
        "scope": "#/properties/bin",
        "label": words("垃圾分类", "Waste sorting"),
        "optional": True,
        "elements": [
            control("bin.sorting", "分类情况", "Sorting", widget="radio", codes=LEVELS, at=IN_BIN),
            control("bin.delivery", "投放情况", "Delivery", widget="radio", codes=LEVELS, at=IN_BIN),
            control("bin.cleanliness", "桶身清洁", "Cleanliness", widget="radio", codes=LEVELS, at=IN_BIN),
        ],
    },
    control(
        "findings",
        "发现的问题",
        "Finding",
        widget="repeat",
        most=50,
        detail={"type": "VerticalLayout", "elements": FINDING_UI},
    ),
    control("photos", "现场照片", "Photos", widget="photos", most=9, optional=True),
]

FINDING_SCHEMA: Json = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "finding.category": choice("finding.category", CATEGORIES),
        "finding.severity": choice("finding.severity", SEVERITIES),
        "finding.description": {"type": "string", "minLength": 1, "maxLength": 500},
        "finding.segment": {"type": "string"},
        "finding.river_type": choice("finding.river_type", RIVER_TYPES),
        "finding.housing_type": choice("finding.housing_type", HOUSING_TYPES),
        "finding.location": {"type": "object"},
        "finding.photos": PHOTOS,
    },
    "required": ["finding.category", "finding.severity", "finding.description"],
    "additionalProperties": False,
    "allOf": [
        {
            "if": shown_when("finding.category", "river")["condition"]["schema"],
            "then": {"required": ["finding.segment", "finding.river_type"]},
        },
        {
            "if": shown_when("finding.category", "housing")["condition"]["schema"],
            "then": {"required": ["finding.housing_type"]},
        },
    ],
}

VISIT_SCHEMA: Json = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "household.head_name": {"type": "string", "maxLength": 50},
        "household.phone": {"type": "string", "pattern": "^1[0-9]{10}$"},
        "household.member_count": {"type": "integer", "minimum": 1, "maximum": 30},
        "visit.purpose": choice("visit.purpose", PURPOSES),
        "visit.summary": {"type": "string", "maxLength": 500},
        "visit.next_on": {"type": "string", "format": "date"},
        "bin": {
            "type": "object",
            "properties": {name: choice(name, LEVELS) for name in ("bin.sorting", "bin.delivery", "bin.cleanliness")},
            "required": ["bin.sorting", "bin.delivery", "bin.cleanliness"],
            "additionalProperties": False,
        },
        "findings": {"type": "array", "maxItems": 50, "items": FINDING_SCHEMA},
        "photos": PHOTOS,
    },
    "required": ["household.head_name", "household.phone", "household.member_count", "visit.purpose"],
    "additionalProperties": False,
}

PATROL_UI = [
    control("patrol.started_at", "开始时间", "Started", widget="time"),
    control("patrol.ended_at", "结束时间", "Ended", widget="time"),
    control("patrol.track", "巡河轨迹", "Track", widget="track", optional=True),
    control(
        "patrol.result",
        "巡查结果",
        "Result",
        widget="radio",
        codes=codes(("normal", "正常", "Normal"), ("problem", "有问题", "Problem")),
    ),
    control("patrol.summary", "说明", "Summary", widget="textarea", rule=shown_when("patrol.result", "problem")),
]
PATROL_SCHEMA: Json = {
    "type": "object",
    "properties": {
        "patrol.started_at": {"type": "string"},
        "patrol.ended_at": {"type": "string"},
        "patrol.track": {"type": "array"},
        "patrol.result": {"type": "string", "enum": ["normal", "problem"]},
        "patrol.summary": {"type": "string"},
    },
    "required": ["patrol.started_at", "patrol.ended_at", "patrol.result"],
    "additionalProperties": False,
}


def form(name: str, title: Json, at: str | None, schema: Json, elements: list[Json]) -> Json:
    return {
        "form": name,
        "version": "v1",
        "title": title,
        "at": at,
        "licence": LICENCE,
        "schema": schema,
        "ui": {"type": "VerticalLayout", "elements": elements},
        "help": None,
        "examples": [],
        "codes": {},
        "untaken": ["photos", "finding.photos"],
    }


FORMS = {
    "visit": form("visit", words("入户走访", "Household visit"), "household", VISIT_SCHEMA, VISIT_UI),
    "patrol": form("patrol", words("巡河", "River patrol"), "river_segment", PATROL_SCHEMA, PATROL_UI),
    "report": form(
        "report",
        words("情况上报", "General report"),
        None,
        {
            "type": "object",
            "properties": {"report.title": {"type": "string"}, "report.detail": {"type": "string"}},
            "required": ["report.title"],
        },
        [
            control("report.title", "标题", "Title", widget="text"),
            control("report.detail", "详情", "Detail", widget="textarea", optional=True),
        ],
    ),
}
