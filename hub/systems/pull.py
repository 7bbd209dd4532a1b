"""Compiles what is pulled from a System: which of a row's own fields say what of a Place. Reads no row."""

from collections.abc import Iterator, Mapping
from typing import Any

from hub.mapping import FieldMap
from hub.mapping.site import escaped, names
from hub.systems.duration import duration
from hub.systems.known import Wiring
from hub.systems.system import PullFlow

Line = Mapping[str, Any]
WHOLE_EVERY = "1d"
"""Once a night is what most departments' exports are made for, and a day is how long a lost row stays unnoticed."""
QUIET_SLOTS = 30
"""A week of slots of six hours: what a county's registers change in, holidays aside."""
MOST_ROWS = 2_000_000
"""Twice the people of a large county; more is a list that never ends."""


def compile_pull(system: str, line: Line, where: str, wiring: Wiring) -> PullFlow:
    """Return the flow of one `pull` line, after noting what is wrong with it."""
    around, fields = wiring.around, line.get("fields", {})
    if line["into"] not in around.place_kinds:
        wiring.fault(f"{where}/into", "unknown_place_kind", kind=line["into"], known=names(around.place_kinds))
    for element in fields:
        if element not in around.elements:
            wiring.fault(f"{where}/fields/{escaped(element)}", "unknown_element", element=element)
    key = wiring.compile({"key": _text(line["key"])}, where)
    about = {part: _place_part(rule) for part, rule in line.get("place", {}).items()}
    place = _compiled(about, f"{where}/place", wiring)
    named = {issuer: _alias(rule) for issuer, rule in line.get("aliases", {}).items()}
    codes = _compiled(named, f"{where}/aliases", wiring)
    values = _compiled(fields, f"{where}/fields", wiring)
    return PullFlow(
        system=system,
        name=pull_name(line),
        source=line["source"],
        into=line["into"],
        every=duration(line["every"]),
        whole_every=duration(line.get("whole_every", WHOLE_EVERY)),
        quiet_slots=line.get("quiet_slots", QUIET_SLOTS),
        most_rows=line.get("most_rows", MOST_ROWS),
        key=key,
        place=place,
        codes=codes,
        values=values,
        heads=tuple(dict.fromkeys(_heads(key, place, codes, values))),
        version=wiring.version_of({part: line.get(part) for part in ("into", "key", "place", "aliases", "fields")}),
    )


def pull_name(line: Line) -> str:
    """Return the pull's name: as written, else what is pulled."""
    return str(line.get("name", line["source"]))


def _compiled(rules: Line, where: str, wiring: Wiring) -> FieldMap:
    return wiring.compile(rules, where) if rules else FieldMap((), ())


def _text(path: str) -> dict[str, object]:
    return {"from": path, "as": "text"}


def _place_part(rule: str | Line) -> Line:
    return {**_text(rule), "optional": True} if isinstance(rule, str) else rule


def _alias(rule: Line) -> Line:
    if "each" not in rule:
        return rule
    fields = {"issuer": _text(rule["issuer"]), "code": _text(rule["code"])}
    return {"each": rule["each"], "optional": True, "fields": fields}


def _heads(*maps: FieldMap) -> Iterator[str]:
    """Yield every field at the top of a row in which a path of these maps may be found: the whole path, then less."""
    for link in (link for fields in maps for link in fields.lineage):
        steps = link.source_path.split(".")
        yield from (".".join(steps[:length]) for length in range(len(steps), 0, -1))
