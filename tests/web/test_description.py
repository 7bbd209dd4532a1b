"""The API's description is true: what it points at is there, and an address tells all that can be done at it."""

from collections.abc import Iterator
from typing import Any

import pytest

from hub.web.site import description
from tests.web.conftest import Site


def pointers(part: object) -> Iterator[str]:
    """Yield every $ref of a description."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        part = list(part.values())
    for below in part if isinstance(part, list) else ():
        yield from pointers(below)


def aim(told: dict[str, Any], pointer: str) -> object:
    """Return what a $ref of the same document points at; KeyError when there is nothing."""
    start, *steps = pointer.split("/")
    assert start == "#", f"{pointer} leads outside"
    for step in steps:
        told = told[step]
    return told


async def test_whatever_is_pointed_at_is_there(site: Site) -> None:
    told = description(site.app)
    found = set(pointers(told))
    assert "#/components/schemas/Filled" in found, "a Submission's body is described"
    assert all(aim(told, pointer) for pointer in found)
    assert len(found) > 30


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/v1/submissions", {"GET", "POST"}),
        ("PUT", "/api/v1/sessions/me", {"GET", "DELETE"}),
        ("OPTIONS", "/api/v1/accounts", {"GET", "POST"}),
        ("POST", "/api/v1/attachments/" + "0" * 64, {"GET", "PUT"}),
        ("GET", "/api/v1/deliveries/replay", {"POST"}),
        ("PUT", "/api/v1/deliveries/replay", {"POST"}),
        ("PATCH", "/healthz", {"GET"}),
    ],
)
async def test_an_address_tells_all_that_can_be_done_at_it(
    site: Site, method: str, path: str, allowed: set[str]
) -> None:
    answer = await (await site.client("opal")).request(method, path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == allowed
    assert answer.json()["code"] == "request.method"
