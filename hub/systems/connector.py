"""Finds the code for a kind of software by name, and checks a System's settings against it. Connects to nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any, get_args

from pydantic import BaseModel, SecretStr, ValidationError

from hub.mapping.site import escaped, names
from hub.sdk import Capabilities
from hub.systems.known import Wiring

MEMBERS = ("capabilities", "check", "push", "probe", "pull")


@dataclass(frozen=True)
class Kind:
    """One connector folder: what makes a connector, what it can do, and the settings it wants."""

    make: Any
    capabilities: Capabilities
    settings: type[BaseModel]


def find_kind(kind: str, where: str, wiring: Wiring) -> Kind | None:
    """Return the connector of this kind from the first package that has it; None after noting why not."""
    for package in wiring.around.packages:
        try:
            code, settings = (_module(package, kind, part) for part in ("connector", "settings"))
        except ModuleNotFoundError as error:
            if f"{package}.{kind}.".startswith(f"{error.name}."):
                continue
            wiring.fault(where, "broken_connector", kind=kind, problem=str(error))
            return None
        except ImportError as error:
            wiring.fault(where, "broken_connector", kind=kind, problem=str(error))
            return None
        return _checked(kind, code, settings, where, wiring)
    wiring.fault(where, "unknown_connector", kind=kind, packages=names(wiring.around.packages))
    return None


def _module(package: str, kind: str, part: str) -> ModuleType:
    return import_module(f"{package}.{kind}.{part}")


def _checked(kind: str, code: ModuleType, settings: ModuleType, where: str, wiring: Wiring) -> Kind | None:
    make, wanted = getattr(code, "Connector", None), getattr(settings, "Settings", None)
    missing = [name for name in MEMBERS if not hasattr(make, name)]
    if not (isinstance(wanted, type) and issubclass(wanted, BaseModel)):
        missing.append("Settings")
    if missing or wanted is None or make is None:
        wiring.fault(where, "incomplete_connector", kind=kind, missing=names(missing))
        return None
    return Kind(make, make.capabilities, wanted)


def read_settings(written: Mapping[str, Any], wanted: type[BaseModel], where: str, wiring: Wiring) -> BaseModel | None:
    """Return the settings with their secrets filled in; None after noting every one that is wrong."""
    faulty = {
        *_note_unknown(written, wanted, where, wiring),
        *_note_plain_secrets(written, wanted, where, wiring),
    }
    secrets_before = len(wiring.faults)
    filled = _filled(written, where, wiring)
    faulty.update(fault.where for fault in wiring.faults[secrets_before:])
    try:
        settings = wanted.model_validate(filled)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False, include_context=False):
            pointer = "/".join((where, *(escaped(str(step)) for step in detail["loc"])))
            if pointer not in faulty:
                wiring.fault(pointer, "bad_setting", problem=detail["msg"])
        return None
    return None if faulty else settings


def _note_unknown(written: Mapping[str, Any], wanted: type[BaseModel], where: str, wiring: Wiring) -> Iterator[str]:
    for name in written.keys() - wanted.model_fields.keys():
        wiring.fault(f"{where}/{escaped(name)}", "unknown_setting", setting=name, known=names(wanted.model_fields))
        yield f"{where}/{escaped(name)}"


def _note_plain_secrets(
    written: Mapping[str, Any], wanted: type[BaseModel], where: str, wiring: Wiring
) -> Iterator[str]:
    for name, field in wanted.model_fields.items():
        is_secret = SecretStr in (field.annotation, *get_args(field.annotation))
        if is_secret and isinstance(written.get(name), str):
            wiring.fault(f"{where}/{escaped(name)}", "plain_secret", setting=name)
            yield f"{where}/{escaped(name)}"


def _filled(part: object, where: str, wiring: Wiring) -> object:
    """Return the settings with every `{secret: NAME}` replaced by its value."""
    if isinstance(part, list):
        return [_filled(item, f"{where}/{index}", wiring) for index, item in enumerate(part)]
    if not isinstance(part, Mapping):
        return part
    if part.keys() != {"secret"}:
        return {name: _filled(below, f"{where}/{escaped(name)}", wiring) for name, below in part.items()}
    secret = wiring.around.secrets(part["secret"])
    if secret is None:
        wiring.fault(where, "missing_secret", secret=part["secret"])
    return secret
