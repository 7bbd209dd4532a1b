"""Every failure as application/problem+json (RFC 9457): stable code, words in both languages, no exception's text."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from hub.catalog.messages import Messages
from hub.errors import FieldFault, Problem
from hub.web.whom import forbidden_to_all

MEDIA_TYPE = "application/problem+json"
TYPE = "https://fillonce.dev/problems/"
_BY_STATUS = {
    400: "request.malformed",
    401: "auth.required",
    403: "auth.forbidden",
    404: "not_found",
    405: "request.method",
    413: "request.too_large",
    415: "request.not_json",
}
_BY_KIND = {
    "missing": "required",
    "extra_forbidden": "unknown_field",
    "string_too_long": "too_long",
    "string_too_short": "required",
    "too_long": "too_many",
    "too_short": "required",
    "literal_error": "enum",
    "enum": "enum",
    "greater_than_equal": "too_small",
    "less_than_equal": "too_large",
}
MOST_FAULTS = 100
"""Told at once; more than that nobody mends at once, and a body may be nothing but faults."""
_MEMBERS = ("submission",)
"""Parameters of a problem that programs need too: members of the answer (RFC 9457), not only of its words."""
_NOT_TOLD = frozenset({"body", "query", "path"})


class Cut(HTTPException):
    """The body grew over its cap while it was read; FastAPI lets only its own kind of exception pass there."""

    def __init__(self, most: int) -> None:
        super().__init__(413)
        self.most = most


def refuse(problem: Problem, messages: Messages, **more: object) -> JSONResponse:
    """Return the answer that tells a problem."""
    return JSONResponse(
        problem_body(problem, messages) | more, problem.status, headers=_headers(problem), media_type=MEDIA_TYPE
    )


def problem_body(problem: Problem, messages: Messages) -> dict[str, Any]:
    """Return the RFC 9457 body: Chinese in its own members, English beside them under `en`."""
    title, detail = (_words(messages, f"problem.{problem.code}{end}", problem.params) for end in ("", ".detail"))
    return {
        "type": TYPE + problem.code,
        "code": problem.code,
        "title": title["zh"],
        "status": problem.status,
        "detail": detail["zh"],
        "en": {"title": title["en"], "detail": detail["en"]},
        "faults": [_fault_body(fault, messages) for fault in problem.faults[:MOST_FAULTS]],
        "faults_left_out": max(0, len(problem.faults) - MOST_FAULTS),
        **{name: problem.params[name] for name in _MEMBERS if name in problem.params},
    }


def _fault_body(fault: FieldFault, messages: Messages) -> dict[str, Any]:
    """Return one fault in words; texts may name the field, and the rule it broke."""
    params = {"name": fault.path.rpartition("/")[2], "rule": fault.params.get("most", fault.code), **fault.params}
    message, remedy = (_words(messages, f"fault.{fault.code}{end}", params) for end in ("", ".remedy"))
    return {"path": fault.path, "code": fault.code, "message": message, "remedy": remedy}


def _words(messages: Messages, key: str, params: Mapping[str, object]) -> dict[str, str]:
    """Return the text in both languages; a missing text must not turn a refusal into a crash."""
    return messages.both(key, **params) if key in messages else {"zh": "", "en": ""}


def _headers(problem: Problem) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    if problem.status == 401:  # noqa: PLR2004 - the one status RFC 9110 wants a challenge with
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def problem_of(error: Exception) -> Problem:
    """Return the problem an exception of ours, FastAPI's or Starlette's stands for."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return _invalid(error.errors())
    if isinstance(error, Cut):
        return Problem("request.too_large", 413, most=error.most)
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == HTTPStatus.FORBIDDEN:
        return forbidden_to_all()
    return Problem(_BY_STATUS.get(status, "request.failed"), status)


def _invalid(errors: Sequence[Any]) -> Problem:
    if any(error["type"] == "json_invalid" for error in errors):
        return Problem("request.malformed", 400)
    return Problem("request.invalid", 422, tuple(_faults(errors)))


def _faults(errors: Sequence[Any]) -> Iterator[FieldFault]:
    for error in errors:
        path = "".join(f"/{part}" for part in error["loc"] if part not in _NOT_TOLD)
        yield FieldFault(path, _BY_KIND.get(error["type"], "invalid"), {"rule": _rule(error)})


def _rule(error: Mapping[str, Any]) -> object:
    """Return what the check asks for, never what was sent."""
    context = error.get("ctx") or {}
    return next((context[name] for name in ("max_length", "le", "ge", "expected") if name in context), error["msg"])


def install(app: FastAPI, methods_at: Callable[[str], Sequence[str]]) -> None:
    """Make every failure of this app a problem; `methods_at` a path are those an answer 405 names."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        answered = refuse(problem_of(error), request.app.state.parts.catalog.messages)
        if isinstance(error, HTTPException) and error.headers:
            answered.headers.update(error.headers)
        # The router names the methods of the first route it met, not all there are at the address.
        if answered.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (methods := methods_at(request.url.path)):
            answered.headers["Allow"] = ", ".join(methods)
        return answered

    for kind in (Problem, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, answer)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI entries of the problems an operation may answer with."""
    schema = {"$ref": "#/components/schemas/ProblemView"}
    return {status: {"description": _BY_STATUS.get(status, "problem"), "content": {MEDIA_TYPE: {"schema": schema}}}
            for status in statuses}  # fmt: skip
