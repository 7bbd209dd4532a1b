"""Reads forms/ and schemas/ as a whole: a Catalog in which everything fits, or every fault of every file at once."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from hub.catalog.contents import MOMENTS, Catalog, Form, Text
from hub.catalog.documents import Fault, fault_at, read_yaml, validate
from hub.catalog.forms.compile import Surroundings, compile_form
from hub.catalog.forms.released import released_faults
from hub.catalog.messages import Messages, load_messages
from hub.catalog.schemas.codes import read_codes
from hub.catalog.schemas.elements import read_elements
from hub.catalog.schemas.policy import PROFILE, read_policy
from hub.catalog.schemas.records import read_records
from hub.catalog.verdicts import Verdict

_VERSION = r"[a-z][a-z0-9_]*/v[1-9][0-9]*\.yaml|released\.sha256"
_NAMES = {
    "forms": _VERSION,
    "schemas/records": _VERSION,
    "schemas/elements": r"[a-z][a-z0-9_]*\.yaml",
    "schemas/codes": r"[a-z][a-z0-9_]*\.csv",
    "schemas/messages": r"[a-z][a-z0-9_]*\.json",
}
"""Folder -> what its files may be called: a misspelt name would otherwise be a file nobody reads."""
_NOTHING = "form.nothing_to_report"

_Forms = dict[tuple[str, int], tuple[Form, Verdict]]


class BadFiles(Exception):
    """The files cannot be used; `faults` are all there are, `sentences` say them to a person."""

    def __init__(self, faults: Sequence[Fault], messages: Messages) -> None:
        super().__init__(
            "\n".join(f"{fault.file}#{fault.path}: {fault.reason} {dict(fault.params)}" for fault in faults)
        )
        self.faults = tuple(faults)
        self.messages = messages

    def sentences(self, lang: str = "zh") -> list[str]:
        """Return one line a fault: file, place, reason, remedy."""
        return [self.messages.sentence(fault, lang) for fault in self.faults]


def load_catalog(root: Path, policy: str = PROFILE) -> Catalog:
    """Return the catalog of the project at `root` under a policy profile; raises BadFiles with every fault.

    It reads no clock: what is valid on which day is asked of the catalog, each time with the day.
    """
    messages, faults = load_messages(root)
    faults += _name_faults(root)
    codes, problems = read_codes(root)
    faults += problems
    elements, problems = read_elements(root, codes)
    faults += problems
    records, problems = read_records(root, elements)
    faults += problems
    sound = not faults
    profile, problems = read_policy(root, policy)
    faults += problems
    given = Surroundings(elements, codes, records, profile, _title(_NOTHING, messages), {}, sound)
    forms, problems = _read_forms(root, given, messages)
    faults += problems
    faults += released_faults(root)
    if faults:
        raise BadFiles(faults, messages)
    return Catalog(
        elements=elements,
        codes=codes,
        records=records,
        forms={key: form for key, (form, _) in forms.items()},
        policy=profile,
        messages=messages,
        verdicts={key: verdict for key, (_, verdict) in forms.items()},
    )


def _title(key: str, messages: Messages) -> Text:
    """Return a text in both languages; its key where the text is what is faulty."""
    return messages.both(key) if key in messages else {"zh": key, "en": key}


def _read_forms(root: Path, given: Surroundings, messages: Messages) -> tuple[_Forms, list[Fault]]:
    forms: _Forms = {}
    faults: list[Fault] = []
    for path in sorted((root / "forms").glob("*/v*.yaml")):
        file = path.relative_to(root).as_posix()
        document, problems = read_yaml(path, file)
        problems += [] if problems else validate(document, root / "schemas/form.json", file)
        if problems:
            faults += problems
            continue
        key = (path.parent.name, int(path.stem[1:]))
        compiled = compile_form(*key, document, replace(given, moments=_moments(key[0], messages)))
        if isinstance(compiled, list):
            faults += [fault_at(file, leaf) for leaf in compiled]
        else:
            forms[key] = compiled
    return forms, faults


def _moments(form: str, messages: Messages) -> dict[str, Text]:
    """Return what people call each moment; when it happened as this form's own page calls it."""
    own = f"occurred.{form}"
    named = {name: _title(f"moment.{name}", messages) for name in MOMENTS}
    return named | ({"occurred_at": messages.both(own)} if own in messages else {})


def _name_faults(root: Path) -> Iterator[Fault]:
    for folder, pattern in _NAMES.items():
        for path in sorted((root / folder).rglob("*")):
            name = path.relative_to(root / folder).as_posix()
            if path.is_file() and not re.fullmatch(pattern, name):
                yield Fault(f"{folder}/{name}", "", "catalog.file_name")
