"""The answers of 走村入户 as its documentation describes them, and what they mean. Pure."""

import re
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any, Final

import httpx
from pydantic import AfterValidator, BaseModel, Field

from hub.sdk import Misconfigured, Receipt, Refused, Unavailable
from hub.sdk.answers import Code, Number, excerpt, read_object, read_part

# The vendor's rule, 接口说明 §2: "HTTP 状态恒为 200；code 为 0 表示成功，其余均为失败，未做任何保存，msg 为原因".
SUCCESS: Final = 0
NOT_FOUND: Final = 40401
TOKEN_EXPIRED: Final = 40101
NOT_ALLOWED: Final = (40001, 40102, 40301)
BUSY: Final = 50300
_TIME: Final = re.compile("(19[7-9]|2[0-9][0-9])[0-9]-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
"""Some software writes 0001 or 9999 for "never"; reading it by `strptime` takes ten times as long."""
BEIJING: Final = timezone(timedelta(hours=8))


class Answer(BaseModel):
    """The envelope of everything it says."""

    code: Code
    msg: str = ""
    data: Any = None


class Grant(BaseModel):
    """An access token."""

    accessToken: str  # noqa: N815 - their names
    expiresIn: float  # noqa: N815 - their names


class Stored(BaseModel):
    """What it says about a visit it keeps."""

    number: Number
    repeated: bool = False


class Households(BaseModel):
    """One page of households, in the order of their change; each row is judged by itself."""

    rows: list[Any]
    total: int = Field(ge=0)
    pages: int = Field(ge=0)
    serverTime: Annotated[datetime, AfterValidator(lambda at: at.replace(tzinfo=BEIJING))]  # noqa: N815 - their names


def written_time(at: datetime) -> str:
    """Return a time as it writes them."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def read_time(text: object) -> datetime:
    """Return a time it wrote; ValueError for anything else, and for the years some software means "never" by."""
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise ValueError("not yyyy-MM-dd HH:mm:ss of a year in which something can have changed")
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


def read_answer(response: httpx.Response) -> Answer:
    """Decode the envelope."""
    return read_part(response, read_object(response), Answer)


def accept(answer: Answer) -> Any:  # noqa: ANN401 - each call has its own data
    """Return the data of a success and raise what a failure means."""
    if answer.code == SUCCESS:
        return answer.data
    if answer.code == BUSY:
        raise Unavailable(answer.msg)
    if answer.code in NOT_ALLOWED:
        raise Misconfigured(f"{answer.code} {answer.msg}")
    words = answer.msg or f"code {answer.code} without words"
    raise Refused(words, code=str(answer.code), missing=answer.code == NOT_FOUND)


def receipt_of(response: httpx.Response, answer: Answer) -> Receipt:
    """Return the receipt of a stored visit; a success without a number is no answer."""
    stored = read_part(response, accept(answer), Stored)
    return Receipt(stored.number, message=answer.msg, answer=excerpt(response), repeated=stored.repeated)
