"""Logs: one JSON object a line, ids only; what looks like a person's data never gets out."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import structlog

from hub.logs import configure_logs, get_logger

NAME, ID_NUMBER, PHONE = "陈大山", "330799199001011239", "19900000101"
MARKERS = (
    NAME,
    ID_NUMBER,
    PHONE,
    "199-0000-0101",
    "199 0000 0101",
    "330799 1990 0101 1239",
    "1\uff19900000101",
    "0579-86000000",
    "19900000101.0",
    "\\u9648",
    "%E9%99%88",
    "\\xe9\\x99\\x88",
    "chen\u00e9",
)


@dataclass
class Person:
    name: str


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """What was written, each line one object, and nowhere any marker."""
    out, err = capsys.readouterr()
    assert out == ""
    for marker in MARKERS:
        assert marker not in err
        assert json.dumps(marker)[1:-1] not in err
    return [json.loads(line) for line in err.splitlines()]


VALUES = {
    "name": NAME, "id": ID_NUMBER, "id-x": "33079919900101123x", "phone": PHONE, "number": int(PHONE),
    "whole": int(ID_NUMBER), "country": f"+86{PHONE}", "dashes": "199-0000-0101", "float": 19900000101.0,
    "id-spaces": "330799 1990 0101 1239", "half-wide": "1\uff19900000101", "landline": "0579-86000000",
    "spaces": "199 0000 0101",
    "json": json.dumps({"a": NAME}), "url": "/q?name=%E9%99%88%E5%A4%A7", "bytes": NAME.encode(),
    "list": [NAME, [PHONE]],
    "mapping": {NAME: {"phone": PHONE, "n": int(PHONE)}}, "set": {ID_NUMBER}, "object": Person(NAME),
    "error": ValueError(f"{NAME} {PHONE}"), "latin": "chen\u00e9",
}  # fmt: skip


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_personal_data_never_gets_out(capsys: pytest.CaptureFixture[str], value: object) -> None:
    configure_logs("info")
    get_logger("hub.test").info("thing.done", delivery_id="D-1", value=value)
    structlog.contextvars.bind_contextvars(bound=value)
    logging.getLogger("some.library").warning("got %s", value)
    first, second = said(capsys)
    assert (first["event"], first["delivery_id"], first["level"], first["logger"]) == (
        "thing.done", "D-1", "info", "hub.test",
    )  # fmt: skip
    assert first["value"]
    assert str(second["event"]).startswith("got ")


def test_an_exception_is_told_without_its_values(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info")
    try:
        int(f"bad {NAME} {ID_NUMBER}")
    except ValueError:
        get_logger("hub.test").exception("thing.failed", pull_id="p")
        logging.getLogger("lib").exception("broke")
    first, second = said(capsys)
    assert "'bad ??? [id-number]'" in str(first["exception"])
    assert "[id-number]" in str(second["exception"])


def test_harmless_values_stay_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info")
    kept = {"n": 7, "big": 1700000000000, "x": 1.5, "yes": True, "none": None, "list": [1, "a"],
            "id": "0198c1de-7c1e-7a01-9d3f-5f1d3a1f0c11", "code": "330783005004"}  # fmt: skip
    get_logger("hub.test").info("thing.done", **kept)
    (line,) = said(capsys)
    assert {key: line[key] for key in kept} == kept
    assert str(line["timestamp"]).endswith("Z")


def test_one_line_an_event_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    """A45: no forged line, no terminal escape."""
    configure_logs("info")
    get_logger("hub.test").info('x\n{"event": "forged"}\r\x1b[31m', value="a\nb")
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_levels_and_noisy_libraries(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("warning")
    get_logger("hub.test").info("thing.hidden")
    get_logger("hub.other").warning("thing.shown")
    configure_logs("debug")
    for name in ("uvicorn.access", "apscheduler", "asyncssh", "httpx"):
        logging.getLogger(name).info("chatter")
    logging.getLogger("uvicorn.error").info("started")
    assert [line["event"] for line in said(capsys)] == ["thing.shown", "started"]
