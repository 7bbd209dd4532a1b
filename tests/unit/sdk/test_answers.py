"""What a complete HTTP answer means by its status, and which bodies are answers at all."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from pydantic import BaseModel

from hub.sdk.answers import check_status, excerpt, read_json, read_object, read_part, retry_after, unreadable
from hub.sdk.errors import DeliveryFailure, Misconfigured, Refused, Unanswered, Unavailable

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def said(
    status: int = 200, body: bytes = b"{}", method: str = "POST", headers: dict[str, str] | None = None
) -> httpx.Response:
    request = httpx.Request(method, "http://system.example/")
    return httpx.Response(status, content=body, headers=headers, request=request)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206])
def test_a_2xx_passes(status: int) -> None:
    check_status(said(status), NOW)


@pytest.mark.parametrize(
    ("status", "for_post", "for_get"),
    [
        *((status, Misconfigured, Misconfigured) for status in (300, 301, 302, 304, 308, 401, 403, 407, 410)),
        *((status, Refused, Refused) for status in (400, 404, 405, 409, 413, 415, 422, 499)),
        *((status, Unavailable, Unavailable) for status in (408, 425, 429, 503)),
        *((status, Unanswered, Unavailable) for status in (500, 501, 502, 504, 520)),
    ],
)
def test_every_other_status_says_what_the_hub_will_do(
    status: int, for_post: type[DeliveryFailure], for_get: type[DeliveryFailure]
) -> None:
    for method, verdict in (("POST", for_post), ("PUT", for_post), ("GET", for_get), ("HEAD", for_get)):
        with pytest.raises(verdict, match=f"HTTP {status} 户不存在") as failure:
            check_status(said(status, "户不存在".encode(), method), NOW)
        assert failure.type is verdict


def test_what_is_unreadable_shows_its_beginning_in_its_own_charset_and_no_token() -> None:
    body = "系统异常 token=0123456789abcdef0123456789abcdef".encode("gbk")
    failure = unreadable(said(200, body), "no XML", "gbk")
    assert type(failure) is Unanswered
    assert failure.reason == "HTTP 200 with an answer that is no XML: 系统异常 …"
    assert type(unreadable(said(200, body, "GET"), "no XML")) is Unavailable


def test_a_refusal_keeps_the_status_as_its_code() -> None:
    with pytest.raises(Refused) as refusal:
        check_status(said(422), NOW)
    assert refusal.value.code == "422"


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", timedelta(seconds=120)),
        ("0", timedelta(seconds=1)),
        ("-1", timedelta(seconds=1)),
        ("9" * 40, timedelta(hours=24)),
        ("Sun, 22 Nov 2026 02:10:00 GMT", timedelta(minutes=10)),
        ("Sun, 22 Nov 2020 02:10:00 GMT", timedelta(seconds=1)),
        ("Sun, 22 Nov 2099 02:10:00 GMT", timedelta(hours=24)),
        ("Sun, 22 Nov 2026 02:10:00 -0000", None),
        ("soon", None),
        ("1e3", None),
        ("", None),
    ],
)
def test_its_wish_for_patience_is_kept_between_a_second_and_a_day(header: str, wait: timedelta | None) -> None:
    response = said(503, headers={"Retry-After": header})
    assert retry_after(response, NOW) == wait
    with pytest.raises(Unavailable) as failure:
        check_status(response, NOW)
    assert failure.value.retry_after == wait


@pytest.mark.parametrize(
    ("body", "charset", "content"),
    [
        (b'{"code": 0}', "utf-8", {"code": 0}),
        ("\ufeff{}".encode(), "utf-8", {}),
        ('{"msg": "成功"}'.encode("gb18030"), "gb18030", {"msg": "成功"}),
        (b"[1, null]", "utf-8", [1, None]),
    ],
)
def test_json_is_read_in_the_charset_the_connector_names(body: bytes, charset: str, content: object) -> None:
    assert read_json(said(body=body), charset) == content


@pytest.mark.parametrize(
    "body",
    [
        b"", b"   ", b"<html>login</html>", b'{"code": 0', b'{"code": NaN}', b"[Infinity]",
        '{"msg": "成功"}'.encode("gbk"),
        b"\xff\xfe{\x00}\x00", b"[" * 100_000, b"OK", b'{"n": ' + b"9" * 5000 + b"}", b'{}{"code": 0}',
    ],
)  # fmt: skip
def test_what_is_not_json_is_no_answer(body: bytes) -> None:
    with pytest.raises(Unanswered, match="not JSON"):
        read_json(said(body=body))
    with pytest.raises(Unavailable, match="not JSON"):
        read_json(said(body=body, method="GET"))


@pytest.mark.parametrize("body", [b"[]", b"null", b"0", b'"OK"'])
def test_an_object_is_insisted_on(body: bytes) -> None:
    with pytest.raises(Unanswered, match="not a JSON object"):
        read_object(said(body=body))
    assert read_object(said(body=b'{"a": 1}')) == {"a": 1}


class Stored(BaseModel):
    """A part as a vendor documents it."""

    number: str


def test_a_part_of_another_shape_is_no_answer_and_its_values_stay_out_of_the_reason() -> None:
    assert read_part(said(), {"number": "1", "more": 2}, Stored).number == "1"
    with pytest.raises(Unanswered, match=r"another shape.*number") as failure:
        read_part(said(), {"number": {"phone": "19900000001"}}, Stored)
    assert "19900000001" not in failure.value.reason


def test_an_excerpt_is_short_and_printable() -> None:
    assert excerpt(said(body="成\n功\x1b[31m".encode())) == "成 功 [31m"
    assert len(excerpt(said(body=("户" * 5000).encode()))) == 500
    assert excerpt(said(body="成功".encode("gb18030")), charset="gb18030") == "成功"


@pytest.mark.fault("F57")
def test_what_cannot_be_read_is_kept_byte_by_byte_but_shows_no_token() -> None:
    body = '{"msg":"操作","access_token":"abcdef0123456789abcdef"}'.encode("gb18030")
    with pytest.raises(Unanswered) as failure:
        read_json(said(body=body))
    assert failure.value.reason.endswith(r'not JSON: {"msg":"\xb2\xd9\xd7\xf7","access_token":"…"}')
