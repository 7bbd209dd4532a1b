"""How a list says that it goes on: the total and the address of the next page, in headers (RFC 8288)."""

from typing import Any

from fastapi import Request, Response

TOTAL = "X-Total-Count"
PAGED: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {
            TOTAL: {"description": "how many there are in all", "schema": {"type": "integer"}},
            "Link": {
                "description": '`rel="next"`: the next page, where there is one (RFC 8288)',
                "schema": {"type": "string"},
            },
        }
    }
}
"""What OpenAPI says of such a list."""


def say_more(request: Request, response: Response, total: int, after: str) -> None:
    """Say how many there are, and where the list goes on after the last one given; empty where it ends."""
    response.headers[TOTAL] = str(total)
    if after:
        next_page = request.url.include_query_params(after=after)
        response.headers["Link"] = f'<{next_page.path}?{next_page.query}>; rel="next"'
