"""Structured logs: one JSON object a line, ids only. The mask here is the second fence, not the first."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from hub.masks import masked

_ESCAPED = re.compile(r"(?:\\u[0-9a-fA-F]{4}|\\x[89a-fA-F][0-9a-fA-F]|%[89a-fA-F][0-9a-fA-F])+")
"""Non-ASCII text in disguise: JSON, bytes and URL escapes."""


def mask_values(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank what looks like a person's data: numbers of people (hub.masks) and any text that is not plain ASCII."""
    for key, value in event.items():
        if not key.startswith("_"):
            event[key] = _masked(value)
    return event


def _masked(value: Any) -> Any:  # noqa: ANN401 - whatever somebody logs
    """Return the value without numbers of people or non-ASCII words, however deep; objects become their text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        text = str(value)
        return value if _masked_text(text) == text else _masked_text(text)
    if isinstance(value, Mapping):
        return {_masked_text(str(key)): _masked(child) for key, child in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(child) for child in value]
    return _masked_text(str(value))


def _masked_text(text: str) -> str:
    return _ESCAPED.sub("?", masked(text)).encode("ascii", "replace").decode()


def configure_logs(level: str) -> None:
    """Send our events and every library's to stderr as JSON lines."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_values,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        # Below the level a call is nothing at all; the library's own logger would build the line and then drop it.
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.access", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for noisy in ("uvicorn.access", "apscheduler", "asyncssh", "httpx"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of one module; events are `noun.past_tense` with ids beside."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
