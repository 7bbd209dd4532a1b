"""Somebody who asks anything the API describes, and much it does not; every answer is held against the description."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import requests
from schemathesis import Case
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.fuzz.conftest import Stage

CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
    allow_header_conformance,
]
PROOFS = {"authorization", "cookie"}
BY_CODE = "/api/v1/places/"
"""`GET /places/{code}` takes all that follows: a code may hold a slash, so `GET /places/0/part` asks for a Place."""


def checks_of(request: httpx.Request, *, as_made: bool) -> list[CheckFunction]:
    """Return what the answer to a request is held against."""
    is_place = request.method == "GET" and request.url.path.startswith(BY_CODE)
    checks = [check for check in CHECKS if not (is_place and check is unsupported_method)]
    return [*checks, negative_data_rejection] if as_made else checks


@dataclass
class Visitor:
    """One role's client; every request is one step of the loop the hub lives on."""

    stage: Stage
    client: httpx.AsyncClient
    seen: Counter[tuple[str, int]] = field(default_factory=Counter)
    """(operation, status) -> how often."""
    findings: dict[tuple[str, str], str] = field(default_factory=dict)
    """(operation, what is wrong) -> the first request and answer that show it."""

    def ask(self, case: Case, *, as_made: bool = True) -> None:
        """Send a case as this person and keep what is wrong with the answer; `as_made` by schemathesis or changed."""
        response = self.send(case.as_transport_kwargs(base_url=self.stage.site.parts.settings.address))
        self.seen[case.operation.label, response.status_code] += 1
        try:
            case.validate_response(response, checks=checks_of(response.request, as_made=as_made))
        except FailureGroup as group:
            for failure in group.exceptions:
                self._keep(case.operation.label, failure, response)
        except Failure as failure:
            self._keep(case.operation.label, failure, response)

    def send(self, sent: Mapping[str, Any]) -> httpx.Response:
        """Send what `requests` would have sent, without a socket and with this person's own proof."""
        plain = {name: sent.get(name) for name in ("method", "url", "headers", "params", "data", "json", "files")}
        ready = requests.Request(**plain).prepare()
        headers = {name: value for name, value in ready.headers.items() if name.lower() not in PROOFS}
        request = self.client.build_request(ready.method, ready.url, content=ready.body or b"", headers=headers)
        return self.stage.loop.run_until_complete(self.client.send(request))

    def _keep(self, label: str, failure: BaseException, response: httpx.Response) -> None:
        title = getattr(failure, "title", type(failure).__name__)
        request = response.request
        shown = f"{failure}\n{request.method} {request.url}\n{request.content[:600]!r}\n-> {response.text[:600]}"
        self.findings.setdefault((label, f"{title} {response.status_code}"), shown)
