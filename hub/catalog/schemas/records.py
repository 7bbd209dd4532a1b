"""Record types: schemas/records/<record>/v<n>.yaml. Flows subscribe to these, never to forms."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hub.catalog.contents import Element, RecordField, RecordType
from hub.catalog.documents import Fault, pointer, read_yaml, validate


def read_records(root: Path, elements: Mapping[str, Element]) -> tuple[dict[str, RecordType], list[Fault]]:
    """Return every record type by name with version, e.g. `visit/v1`."""
    records: dict[str, RecordType] = {}
    faults: list[Fault] = []
    for path in sorted((root / "schemas/records").glob("*/v*.yaml")):
        file = path.relative_to(root).as_posix()
        document, problems = read_yaml(path, file)
        problems += [] if problems else validate(document, root / "schemas/record.json", file)
        if not problems:
            record = _record(f"{path.parent.name}/{path.stem}", document)
            problems += _record_faults(record, file, elements)
            records[record.record] = record
        faults += problems
    return records, faults


def _record(name: str, document: dict[str, Any]) -> RecordType:
    pairs = [next(iter(field.items())) if isinstance(field, dict) else (field, {}) for field in document["fields"]]
    fields = tuple(RecordField(element, options.get("optional", False)) for element, options in pairs)
    return RecordType(name, document["title"], fields, tuple(document["summary"]), document["issue"])


def _record_faults(record: RecordType, file: str, elements: Mapping[str, Element]) -> Iterator[Fault]:
    names = [field.element for field in record.fields]
    for index, name in enumerate(names):
        if name not in elements:
            yield Fault(file, pointer(["fields", index]), "catalog.element_unknown", {"element": name})
        if name in names[:index]:
            yield Fault(file, pointer(["fields", index]), "catalog.field_repeated", {"element": name})
    for index, name in enumerate(record.summary):
        if name not in names:
            yield Fault(file, pointer(["summary", index]), "catalog.summary_unknown", {"element": name})
