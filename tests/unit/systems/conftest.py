"""A wiring document, a connector folder in a package of the test's own, and what surrounds them."""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hub.mapping import MappingFault
from hub.systems import BadSystems, Registry, Surroundings, load_registry

Document = dict[str, Any]
Edit = Callable[[Document], object]

CODE = """
from hub.sdk import Capabilities

class Connector:
    capabilities = Capabilities(honours_key=True, amends={amends}, sources=("doors",))

    def __init__(self, settings, doors):
        self.settings, self.doors = settings, doors

    async def check(self): ...
    async def push(self, outgoing): ...
    async def probe(self, outgoing): ...
    def pull(self, source, cursor): ...
"""
SETTINGS = """
from pydantic import BaseModel, Field, SecretStr

class Settings(BaseModel):
    base_url: str
    password: SecretStr
    token: SecretStr | None = None
    retries: int = Field(default=1, ge=1)
    nested: dict[str, list[str]] = {}
"""

DOCUMENT: Document = {
    "county": {"division": "330783000000", "title": {"zh": "东阳市", "en": "Dongyang"}},
    "systems": {
        "village-doors": {
            "title": {"zh": "门牌", "en": "Doors"},
            "owner": "civil-affairs",
            "connector": "fifth_kind",
            "simulated": True,
            "reaches": ["127.0.0.1:9999"],
            "settings": {"base_url": "http://127.0.0.1:9999", "password": {"secret": "DOORS"}},
            "limits": {"in_flight": 2, "per_second": 5, "answer_within": "30s"},
            "send": [
                {
                    "record": "visit/v1",
                    "when": {"required": ["visit.purpose"]},
                    "otherwise": {"zh": "没有目的", "en": "no purpose"},
                    "fields": {
                        "door": {"from": "place.aliases.village-doors"},
                        "why": {"from": "visit.purpose", "table": "purpose"},
                        "head": {"from": "place.known.household.head_name", "optional": True},
                    },
                    "amend": {"when_changed": True},
                },
                {
                    "flow": "segment",
                    "record": "finding/v1",
                    "fields": {"river": {"from": "finding.segment.aliases.village-doors"}},
                    "amend": {"never": {"zh": "不改", "en": "never"}},
                    "ordered": True,
                },
            ],
            "pull": [
                {
                    "source": "doors",
                    "into": "household",
                    "every": "6h",
                    "key": "door",
                    "place": {
                        "division": "village",
                        "name": {"join": ["street", "number"]},
                        "location": {"from": "point", "as": "lonlat", "crs": "gcj02", "back": True, "optional": True},
                    },
                    "aliases": {
                        "police": {"from": "plate", "optional": True},
                        "*": {"each": "old", "issuer": "by", "code": "text"},
                    },
                    "fields": {"household.head_name": {"from": "head", "optional": True}},
                }
            ],
        }
    },
    "tables": {"purpose": {"care": "A", "policy": "B"}},
}


def needs(schema: Mapping[str, Any]) -> Callable[[Mapping[str, object]], bool]:
    """Compile the one keyword these tests use; the real compiler lives in a sibling of hub.systems."""
    if schema.get("required") == "broken":
        raise ValueError("required is no list")
    return lambda record: all(name in record for name in schema.get("required", ()))


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return an importable folder of connector packages holding `fifth_kind`."""
    root = tmp_path / "more_connectors"
    write_kind(root, "fifth_kind", CODE.format(amends=True), SETTINGS)
    monkeypatch.syspath_prepend(tmp_path)
    yield root
    forget("more_connectors")


def write_kind(root: Path, kind: str, code: str, settings: str) -> None:
    folder = root / kind
    folder.mkdir(parents=True)
    for package in (root, folder):
        (package / "__init__.py").write_text("")
    (folder / "connector.py").write_text(code)
    (folder / "settings.py").write_text(settings)


def forget(package: str) -> None:
    import sys  # noqa: PLC0415 - only to let the next test write its own folder

    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]


@pytest.fixture
def around(packages: Path) -> Surroundings:
    """Return what the rest of the hub tells about records, elements and secrets."""
    elements = ("household.head_name", "household.members", "person.name")
    return Surroundings(
        records={
            "visit/v1": {"visit.purpose": "choice", "household.members": "list", "patrol.track": "track"},
            "finding/v1": {"finding.segment": "place", "finding.location": "location"},
        },
        elements=elements,
        place_kinds=("household",),
        compile_condition=needs,
        secrets={"DOORS": "open sesame"}.get,
        attachment_url=str,
        packages=("connectors", packages.name),
    )


@pytest.fixture
def load(around: Surroundings) -> Callable[..., Registry]:
    """Return a loader of the document above after an edit."""

    def loaded(edit: Edit = id, **changes: Any) -> Registry:  # noqa: ANN401 - any field of Surroundings
        document = deepcopy(DOCUMENT)
        edit(document)
        return load_registry(document, "connectors.yaml", replace(around, **changes))

    return loaded


@pytest.fixture
def faults(load: Callable[..., Registry]) -> Callable[..., list[MappingFault]]:
    """Return what is wrong with the document after an edit."""

    def found(edit: Edit, **changes: Any) -> list[MappingFault]:  # noqa: ANN401 - any field of Surroundings
        with pytest.raises(BadSystems) as bad:
            load(edit, **changes)
        return list(bad.value.faults)

    return found
