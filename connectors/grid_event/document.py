"""XML in and out: exact to write, safe to read whatever a stranger wrote. Pure; knows nothing of SOAP or events."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError, SubElement, fromstring, tostring

from hub.sdk import Misconfigured, Refused

READ_AS: Final = {"gbk": "gb18030", "gb18030": "gb18030", "utf-8": "utf-8"}
"""What says GBK may well be GB18030, which reads both."""
MOST_MARKS: Final = 50_000
"""Tags and attributes of a document: a page of 500 events has a tenth of it."""
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_xml(text: str) -> Element:
    """Parse a whole document; ValueError says why it is none that is read here.

    Entities, and references to other files, can only be declared in a DTD, and one is refused before a parser sees it.
    """
    text = text.removeprefix("\ufeff").strip()
    if "<!DOCTYPE" in text:
        raise ValueError("it has a DTD (<!DOCTYPE), which is never read")
    if text.count("<") + text.count("=") > MOST_MARKS:
        raise ValueError(f"it has more than {MOST_MARKS} tags and attributes")
    try:
        return fromstring(text)  # noqa: S314 - no DTD comes this far, and so no entity
    except ParseError as failure:
        raise ValueError(f"it is no XML ({failure})") from failure


def child(parent: Element, name: str) -> Element:
    """Return the one child of this name; ValueError when there is none, or a choice."""
    found = parent.findall(name)
    if len(found) != 1:
        raise ValueError(f"<{parent.tag}> has {len(found)} <{name}> instead of one")
    return found[0]


def only(parent: Element, name: str) -> str:
    """Return the text of the one child of this name; ValueError also when there is more than text in it."""
    found = child(parent, name)
    if len(found):
        raise ValueError(f"<{name}> has elements in it instead of text")
    return (found.text or "").strip()


def written(name: str, content: Mapping[str, Any], charset: str) -> str:
    """Return a document that declares a charset; Refused names the first character it cannot hold."""
    root = Element(name)
    _fill(root, content, "", charset)
    return f'<?xml version="1.0" encoding="{charset.upper()}"?>' + tostring(root, encoding="unicode")


def _fill(parent: Element, content: Mapping[str, Any], where: str, charset: str) -> None:
    for name, value in content.items():
        if not _NAME.fullmatch(name):
            raise Misconfigured(f"field {where}{name!r} cannot be the name of an XML element; mend the flow's `fields`")
        element, path = SubElement(parent, name), f"{where}{name}"
        if isinstance(value, Mapping):
            _fill(element, value, f"{path}.", charset)
        elif isinstance(value, list):
            for item in value:
                _fill(element, {"item": item}, f"{path}.", charset)
        elif value is not None:
            element.text = _held(value if isinstance(value, str) else json.dumps(value), path, charset)


def _held(text: str, path: str, charset: str) -> str:
    """Return a text that will arrive as it is: left to itself, the System would keep `?` for what it cannot hold."""
    wrong = _NOT_XML.search(text)
    if wrong:
        raise Refused(f"{path}: U+{ord(wrong[0]):04X} cannot be written in XML; remove it", "CHARACTER")
    try:
        text.encode(charset)
    except UnicodeEncodeError as failure:
        lost = text[failure.start]
        named = f"{lost} (U+{ord(lost):04X})"
        raise Refused(
            f"{path}: {named} is not in {charset.upper()}, all it can store; replace it", "CHARACTER"
        ) from None
    return text
