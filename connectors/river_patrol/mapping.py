"""The answers of 河长制巡河 as its documentation describes them, and what they mean. Pure."""

from typing import Annotated, Any, Final

import httpx
from pydantic import BaseModel, BeforeValidator, Field

from hub.sdk import Misconfigured, Receipt, Refused, Unavailable
from hub.sdk.answers import Number, excerpt, read_object, read_part

# The vendor's rule, 返回码说明: "result 为 OK 表示请求成功并已入库；其他返回码均未入库". Codes come as text or number.
SUCCESS: Final = "OK"
NO_SESSION: Final = "4011"
DATA_NOEXIST: Final = "4021"
WRONG_APP: Final = "4012"
BUSY: Final = "5031"


class Answer(BaseModel):
    """The envelope of everything it says."""

    result: Annotated[str, BeforeValidator(str)]
    message: str = ""
    data: Any = None


class Grant(BaseModel):
    """An access token."""

    access_token: str
    expires_in: float


class Stored(BaseModel):
    """What it says about a patrol or a matter it keeps."""

    id: Number
    repeated: bool = False


class Segments(BaseModel):
    """One page of segments in the order of their ids, each judged by itself; any change makes another `version`."""

    version: str = Field(pattern=r"^[^/\x00-\x1f]+$", max_length=200)
    rows: list[Any]
    more: bool
    total: int = Field(ge=0)
    """Segments in the whole list."""


def read_answer(response: httpx.Response) -> Answer:
    """Decode the envelope."""
    return read_part(response, read_object(response), Answer)


def accept(answer: Answer) -> Any:  # noqa: ANN401 - each call has its own data
    """Return the data of a success and raise what a failure means."""
    if answer.result == SUCCESS:
        return answer.data
    if answer.result == BUSY:
        raise Unavailable(answer.message)
    if answer.result == WRONG_APP:
        raise Misconfigured(answer.message)
    raise Refused(answer.message or f"code {answer.result} without words", code=answer.result)


def receipt_of(response: httpx.Response, answer: Answer) -> Receipt:
    """Return the receipt of what was stored; a success without an id is no answer."""
    stored = read_part(response, accept(answer), Stored)
    return Receipt(stored.id, message=answer.message, answer=excerpt(response), repeated=stored.repeated)
