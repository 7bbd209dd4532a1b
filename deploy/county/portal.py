"""One signed-in person and what they ask of the hub, through its public API and nothing else."""

from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import httpx
import yaml

ACCOUNTS = Path(__file__).with_name("accounts.yaml")
ANSWER_WITHIN_S = 60.0
"""A pull asked for by hand answers when it is done."""


class Declined(Exception):
    """The hub answered with a problem; the text is the problem's own."""

    def __init__(self, response: httpx.Response) -> None:
        request = response.request
        super().__init__(f"{request.method} {request.url.path} -> {response.status_code} {response.text}")
        self.status = response.status_code


def accounts() -> list[dict[str, str]]:
    """Return the demo accounts as they are printed for people."""
    listed: list[dict[str, str]] = yaml.safe_load(ACCOUNTS.read_text(encoding="utf-8"))["accounts"]
    return listed


class Person:
    """Somebody with an account, signed in."""

    def __init__(self, address: str, login: str) -> None:
        # A session cookie counts only from the hub's own pages, so this says where it comes from as a browser would.
        origin = {"Origin": address}
        self._client = httpx.Client(
            base_url=f"{address}/api/v1", headers=origin, timeout=ANSWER_WITHIN_S, trust_env=False
        )
        password = next(account["password"] for account in accounts() if account["login"] == login)
        self.account = self.post("sessions", {"login": login, "password": password})["account"]

    def __enter__(self) -> Self:
        """Stay signed in for a block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        self._client.close()

    @property
    def cookies(self) -> dict[str, str]:
        """Return the session, for a browser that goes on where this left off."""
        return dict(self._client.cookies)

    def get(self, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON is any shape
        """Read something."""
        return _answer(self._client.get(path, params=query))

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON is any shape
        """Ask for something to be done."""
        return _answer(self._client.post(path, json=body or {}))

    def place(self, code: str) -> Any:  # noqa: ANN401 - JSON is any shape
        """Look behind a code: whatever is printed on the door, a web address included."""
        return self.get(f"places/{quote(code, safe='')}")


def _answer(response: httpx.Response) -> Any:  # noqa: ANN401 - JSON is any shape
    if response.is_success:
        return response.json() if response.content else None
    raise Declined(response)
