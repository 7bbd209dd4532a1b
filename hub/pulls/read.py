"""Reads the rows of a page: which row it is, whether it changed, and what it says, field by field. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from hub.catalog import Catalog
from hub.mapping import Unmapped, digest, encode
from hub.pulls.values import NOTHING, Checks, NotUnderstood, masked
from hub.pulls.values.check import plain
from hub.pulls.values.fault import says_nothing
from hub.systems import County, PullFlow
from hub.systems.system import ANY_ISSUER
from hub.text import comparable, narrow

READER = "2"
"""Counts the versions of this reader and its checks: rows are read anew when what is made of them changed."""
DIGEST_BYTES = 12
"""With a million rows, two different ones look alike once in 10^17 tries."""
LONGEST_KEY, LONGEST_ISSUER, LONGEST_NAME = 200, 80, 200
MOST_ISSUERS = 100
DIVISION_DIGITS = (6, 9, 12)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing of a row that is not understood, as an open item shows it."""

    field: str
    reason: str
    params: Mapping[str, object]
    value: str = ""


class RowLeftOut(Exception):
    """A row without a usable key; raised with its Fault."""

    def __init__(self, reason: str, **params: object) -> None:
        super().__init__(reason)
        self.fault = Fault("", reason, params)


@dataclass(frozen=True, slots=True)
class Identity:
    """Which row it is, and the digest that says whether it is the same as before."""

    key: str
    """The System's own id, as it writes it."""
    row_key: str
    """The same as it is compared."""
    digest: str


class ToldCode(NamedTuple):
    """A code a row gives its Place."""

    issuer: str
    code: str
    """As its issuer writes it."""
    key: str
    """As it is compared."""


@dataclass(slots=True)
class ReadRow:
    """What one row of a System says about one Place."""

    identity: Identity
    division: str | None = None
    name: str | None = None
    location: Mapping[str, Any] | None = None
    codes: list[ToldCode] = field(default_factory=list)
    """Codes of the same Place at others."""
    told: frozenset[str] = frozenset()
    """The issuers, or `*`, it says anything about, if only that there is none; earlier codes of others stay."""
    values: dict[str, Any] = field(default_factory=dict)
    """What it says, by element; elements it says nothing about are left out."""
    ended: set[str] = field(default_factory=set)
    """Elements of which it says that there is no value, or says one nobody understands."""
    faults: list[Fault] = field(default_factory=list)


class Reader:
    """Reads the rows of one pull."""

    def __init__(self, flow: PullFlow, catalog: Catalog, county: County) -> None:
        self._flow, self._catalog = flow, catalog
        self._county_digits = county.division[:6]
        self._checks = Checks(catalog, county.box)
        self._issuers = {name for name, _ in flow.codes.fields}
        elements = sorted(name for name, _ in flow.values.fields)
        self.version = digest(encode({
            "reader": READER, "flow": flow.version, "box": county.box, "county": county.division,
            "elements": [self._defined(name) for name in elements],
        }))[:16]  # fmt: skip
        self._salt = self.version.encode()

    def _defined(self, name: str) -> object:
        """Return what of an element's definition decides how its values are read."""
        element = self._catalog.elements[name]
        codes = sorted(code.code for code in self._catalog.codes.get(element.codes or "", ()))
        limits = [element.pattern, element.min, element.max, element.most]
        return [name, element.type, element.mask, limits, codes, [self._defined(item) for item in element.items]]

    def identify(self, row: object) -> Identity:
        """Return which row this is; raises RowLeftOut when it is none, or has no usable key."""
        if not isinstance(row, Mapping):
            raise RowLeftOut("open_item.not_an_object")
        try:
            key = plain(self._flow.key.apply(row)["key"])
        except Unmapped as unmapped:
            raise RowLeftOut(f"unmapped.{unmapped.reason}", **unmapped.params) from None
        except NotUnderstood as fault:
            raise RowLeftOut(fault.reason, **fault.params) from None
        row_key = comparable(key)
        if not row_key or len(key) > LONGEST_KEY or says_nothing(key):
            raise RowLeftOut("open_item.bad_key", most=LONGEST_KEY)
        return Identity(key, row_key, self._digest(row))

    def _digest(self, row: Mapping[str, Any]) -> str:
        read = {head: row[head] for head in self._flow.heads if head in row}
        try:
            content = orjson.dumps(read, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
        except orjson.JSONEncodeError:  # half a surrogate, a number of a hundred digits: a field's fault, found later
            content = ascii(read).encode()
        return blake2b(content, digest_size=DIGEST_BYTES, key=self._salt).hexdigest()

    def read(self, row: Mapping[str, Any], identity: Identity) -> ReadRow:
        """Return what a row says; what of it is not understood is among its faults."""
        found = ReadRow(identity)
        self._read_values(row, found)
        self._read_codes(row, found)
        if self._flow.describes:
            self._read_place(row, found)
        return found

    def _read_values(self, row: Mapping[str, Any], found: ReadRow) -> None:
        said = self._flow.values.read(row)
        found.ended.update(said.nothing)
        self._note(said.faults, found)

        def note(part: str, why: NotUnderstood, was: object) -> None:
            self._fault(found, part, why, was)

        for element, raw in said.fields.items():
            try:
                value = self._checks.understood(element, raw, note)
            except NotUnderstood as fault:
                self._fault(found, element, fault, raw)
                continue
            if value is NOTHING:
                found.ended.add(element)
            else:
                found.values[element] = value

    def _fault(self, found: ReadRow, name: str, fault: NotUnderstood, raw: object) -> None:
        element = self._catalog.elements.get(name.rpartition("].")[2])
        found.faults.append(Fault(name, fault.reason, fault.params, masked(raw, element)))
        found.ended.add(name)

    def _note(self, faults: list[Unmapped], found: ReadRow) -> None:
        """Keep what the wiring could not make of the row."""
        for each in faults:
            element = self._catalog.elements.get(each.target.rpartition("].")[2])
            shown = masked(each.value, element)
            params = {**each.params, "code": shown} if "code" in each.params else each.params
            found.faults.append(Fault(each.target, f"unmapped.{each.reason}", params, shown))
            if each.reason != "missing":
                found.ended.add(each.target)

    def _read_codes(self, row: Mapping[str, Any], found: ReadRow) -> None:
        said = self._flow.codes.read(row)
        self._note(said.faults, found)
        found.told = frozenset((*said.fields, *said.nothing))
        for issuer, code in said.fields.items():
            if issuer != ANY_ISSUER:
                self._take_code(found, issuer, code)
            elif isinstance(code, list):
                for item in code:
                    if "issuer" in item and "code" in item:
                        self._take_code(found, item["issuer"], item["code"])

    def _take_code(self, found: ReadRow, issuer: object, code: object) -> None:
        try:
            of, text = self._issuer(issuer), _short(code, LONGEST_KEY)
        except NotUnderstood as fault:
            found.faults.append(Fault("aliases", fault.reason, fault.params, masked(code, None)))
            return
        key = comparable(text)
        # "None" is no code: everything that has none would stand on one Place.
        if of and key and not says_nothing(text) and (of, key) != (self._flow.system, found.identity.row_key):
            found.codes.append(ToldCode(of, text, key))

    def _issuer(self, value: object) -> str:
        if value in self._issuers:  # nearly always one of a few
            return str(value)
        issuer = _short(value, LONGEST_ISSUER)
        if len(self._issuers) < MOST_ISSUERS:
            self._issuers.add(issuer)
        return issuer

    def _read_place(self, row: Mapping[str, Any], found: ReadRow) -> None:
        said = self._flow.place.read(row)
        for each in said.faults:
            self._note([each], found)
        for part, read in (("division", self._division), ("name", _name), ("location", self._checks.position)):
            if part not in said.fields:
                continue
            try:
                setattr(found, part, read(said.fields[part]))
            except NotUnderstood as fault:
                shown = masked(said.fields[part], None)
                found.faults.append(Fault(f"place.{part}", fault.reason, fault.params, shown))

    def _division(self, value: object) -> str:
        """Return the 12-digit code of a unit of this county; its list of villages may be older than the System's."""
        text = narrow(plain(value))
        code = text.ljust(12, "0")
        if len(text) not in DIVISION_DIGITS or not text.isdecimal():
            raise NotUnderstood("not_a_division")
        if not code.startswith(self._county_digits):
            raise NotUnderstood("division_elsewhere", county=self._county_digits)
        return code


def _name(value: object) -> str:
    return _short(value, LONGEST_NAME)


def _short(value: object, most: int) -> str:
    text = plain(value)
    if len(text) > most:
        raise NotUnderstood("too_long", most=most)
    return text
