"""The county of the measured workload: one form of twelve questions, Systems that take what it makes, one person.

Everything measured gets the same: `TEMPLATE` is the submission; `{{id}}`, `{{n}}` and `{{now}}` differ in each.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
COUNTY = Path(__file__).with_name("county")
PASSWORD = "speed-test-dummy"
SYSTEMS = 3

ANSWERS: dict[str, Any] = {
    "inspection.reference": "{{id}}",
    "inspection.title": "第{{n}}号供水点手压泵基座漏水",
    "inspection.category": "hazard",
    "inspection.severity": "ordinary",
    "inspection.site": "村口小学旁供水点",
    "inspection.households": 400,
    "inspection.flow": 4.5,
    "inspection.inspected_on": "2026-11-21",
    "inspection.urgent": False,
    "inspection.contact": "19900000123",
    "inspection.location": {"lon": 120.239102, "lat": 29.287756, "crs": "wgs84", "accuracy_m": 20},
    "inspection.detail": "手压泵基座漏水已两周，每分钟出水不足五升。拉杆三月已换，密封圈和底阀未换。"
    "约四百户靠它用水，最近的另一处在两公里外。请派技工带泵筒前来并消毒。雨后机耕路积水，来前请先电话联系，钥匙在村委会。",
}
TEMPLATE = json.dumps(
    {
        "id": "{{id}}",
        "form": "inspection",
        "version": 1,
        "place": None,
        "occurred_at": "2026-11-21T10:15:30+08:00",
        "reported_at": "{{now}}",
        "location": {"missing": "not_asked"},
        "seen": {},
        "answers": ANSWERS,
    },
    ensure_ascii=False,
    separators=(",", ":"),
).encode()
FIELDS: dict[str, Any] = {
    "key": {"from": "key"},
    "reference": {"from": "inspection.reference"},
    "title": {"from": "inspection.title"},
    "category": {"from": "inspection.category"},
    "severity": {"from": "inspection.severity"},
    "site": {"from": "inspection.site"},
    "households": {"from": "inspection.households"},
    "detail": {"from": "inspection.detail"},
    "place": {"from": "inspection.location", "as": "lonlat", "crs": "gcj02", "optional": True},
    "happenedAt": {"from": "occurred_at", "as": "local_time"},
}
AMEND = {"never": {"zh": "台账不接受更正", "en": "a ledger takes no corrections"}}


def wiring(ports: Sequence[int], *, in_flight: int = 32, answer_within: str = "10s") -> dict[str, Any]:
    """Return a connectors.yaml in which each port is one System that gets every inspection."""
    systems = {
        f"ledger-{number}": {
            "title": {"zh": f"台账{number}", "en": f"Ledger {number}"},
            "owner": "test-office",
            "connector": "ledger",
            "simulated": True,
            "reaches": [f"127.0.0.1:{port}"],
            "settings": {"base_url": f"http://127.0.0.1:{port}/inspections"},
            "limits": {"in_flight": in_flight, "per_second": 100_000, "answer_within": answer_within},
            "send": [{"record": "inspection/v1", "fields": FIELDS, "amend": AMEND}],
        }
        for number, port in enumerate(ports, 1)
    }
    return {"county": {"division": "330783000000", "title": {"zh": "东阳市", "en": "Dongyang"}}, "systems": systems}


def accounts() -> dict[str, Any]:
    """Return the people: one who fills forms."""
    ada = {"login": "ada", "password": PASSWORD, "name": "试", "role": "staff", "division": "330783005004",
           "staff_number": "T1", "phone": "19900000999"}  # fmt: skip
    return {"accounts": [ada]}


def write_home(
    home: Path, wired: dict[str, Any], *, root: Path = ROOT, people: Sequence[dict[str, Any]] | None = None
) -> None:
    """Write a folder a hub can be pointed at: forms and schemas of the project, the measured form, wiring, people."""
    for folder in ("forms", "schemas"):
        shutil.copytree(root / folder, home / folder, dirs_exist_ok=True)
        shutil.copytree(COUNTY / folder, home / folder, dirs_exist_ok=True)
    for name, document in (("connectors", wired), ("accounts", {"accounts": people} if people else accounts())):
        text = yaml.dump(document, Dumper=_Written, allow_unicode=True, sort_keys=False)
        (home / f"{name}.yaml").write_text(text, encoding="utf-8")


class _Written(yaml.CSafeDumper):
    """Writes YAML the way people do: what comes twice is written twice."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the interface of a dumper
        return True
