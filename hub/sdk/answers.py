"""Reading a complete HTTP answer: its status, its JSON, its words. Pure; what success means is the connector's."""

import json
import re
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, Final, NoReturn, TypeVar

import httpx
from pydantic import BaseModel, BeforeValidator, StringConstraints, ValidationError

from hub.sdk.errors import Misconfigured, Refused, Unanswered, Unavailable
from hub.sdk.http import changes_nothing, inconclusive

Shape = TypeVar("Shape", bound=BaseModel)
EXCERPT_CHARS: Final = 500
MOST_NUMBER_CHARS: Final = 200


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a boolean is no number")  # noqa: TRY004 - pydantic tells of ValueErrors only
    return value


Number = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MOST_NUMBER_CHARS)]
"""What a System calls something it keeps, where its documentation says that it is text."""
Code = Annotated[int, BeforeValidator(_no_boolean)]
"""A whole number that means something: `false` is not 0."""
_OPAQUE: Final = re.compile(r"[\w+/=.-]{16,}", re.ASCII)
_PATIENCE_LEAST, _PATIENCE_MOST = timedelta(seconds=1), timedelta(hours=24)


def check_status(response: httpx.Response, now: datetime, *, declared: bool = False) -> None:
    """Pass a 2xx and raise what any other status means.

    408, 425, 429, 503: come again, Unavailable. Other 5xx, and what is no status at all: it failed at some point nobody
    can see, so inconclusive (Unanswered for what changes things). 401, 403, 407, 410 and every redirect: Misconfigured.
    Other 4xx: Refused with its words.

    Anything on the way may answer with any status after the System has done what it was asked. So to a request that
    changes things none of these is certain, unless it is `declared`: known by more than its status to be an answer this
    System gives before it does anything.
    """
    status = response.status_code
    words = f"HTTP {status} {excerpt(response, 200)}".strip()
    certain = declared or changes_nothing(response.request)
    if response.is_success:
        return
    if status in (408, 425, 429, 503):
        raise Unavailable(words, retry_after(response, now), certain=certain)
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise inconclusive(response.request, words)
    if not response.is_client_error or status in (401, 403, 407, 410):
        raise Misconfigured(words, certain=certain)
    raise Refused(words, code=str(status), certain=certain)


def retry_after(response: httpx.Response, now: datetime) -> timedelta | None:
    """Return how long it asks us to wait, kept between one second and a day; None when it does not say readably."""
    said = response.headers.get("retry-after", "").strip()
    try:
        wait = (
            timedelta(seconds=min(int(said), 10**6))
            if said.lstrip("-").isdigit()
            else parsedate_to_datetime(said) - now
        )
    except (ValueError, TypeError):  # TypeError: a date without a zone
        return None
    return min(max(wait, _PATIENCE_LEAST), _PATIENCE_MOST)


def read_json(response: httpx.Response, charset: str = "utf-8") -> Any:  # noqa: ANN401 - JSON is any shape
    """Decode the body; an HTML page, a wrong charset, half a document or NaN is no answer (see `inconclusive`)."""
    try:
        return json.loads(response.content.decode(charset).removeprefix("\ufeff"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as failure:
        raise unreadable(response, "not JSON") from failure


def unreadable(response: httpx.Response, what: str, charset: str = "utf-8") -> Unanswered | Unavailable:
    """Return what an answer that is something else than it should be means (see `inconclusive`), with its beginning."""
    # What cannot be read may still hold an access token, which no reason may show.
    said = _OPAQUE.sub("…", excerpt(response, 200, charset))
    return inconclusive(response.request, f"HTTP {response.status_code} with an answer that is {what}: {said}")


def read_object(response: httpx.Response, charset: str = "utf-8") -> dict[str, Any]:
    """Decode the body as `read_json` does and insist on an object."""
    answer = read_json(response, charset)
    if not isinstance(answer, dict):
        raise inconclusive(response.request, f"HTTP {response.status_code} with an answer that is not a JSON object")
    return answer


def read_part(response: httpx.Response, part: object, shape: type[Shape]) -> Shape:
    """Check a part of an answer against the shape the vendor documents; another shape is no answer."""
    try:
        return shape.model_validate(part)
    except ValidationError as failure:
        where = failure.errors(include_url=False, include_input=False)[0]
        reason = f"HTTP {response.status_code} with an answer of another shape: {where['loc']} {where['msg']}"
        raise inconclusive(response.request, reason) from failure


def number_of(value: object) -> str:
    """Return what a System calls something it keeps, text or a whole number; empty for anything else."""
    is_plain = isinstance(value, str | int) and not isinstance(value, bool)
    written = str(value).strip() if is_plain else ""
    return written if len(written) <= MOST_NUMBER_CHARS and written.isprintable() else ""


def excerpt(response: httpx.Response, most: int = EXCERPT_CHARS, charset: str = "utf-8") -> str:
    """Return the beginning of the body as printable text, to keep as evidence; bytes of another charset in hex."""
    text = response.content[: most * 4].decode(charset, "backslashreplace")[:most]
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
