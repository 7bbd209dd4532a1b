"""One answer as it comes in: bytes in, a complete answer or a fault out. Touches no socket, reads no meaning."""

from collections.abc import Iterable
from typing import Final

import httptools

ANSWER_BYTES: Final = 1024 * 1024
ANSWER_HEADERS: Final = 64
HEAD_BYTES: Final = 16 * 1024
"""Of the head, with all interim heads before it."""
WIRE_BYTES: Final = 2 * ANSWER_BYTES
"""Of everything, so that chunk sizes and trailers cannot fill the memory either."""

Header = tuple[bytes, bytes]
_TELLING: Final = frozenset((b"content-encoding", b"content-length", b"transfer-encoding", b"connection"))


class Broken(Exception):
    """What came is no complete answer; the text says why."""


def fault_of(method: str, status: int, headers: list[Header]) -> str:
    """Say why an answer with this head cannot be read to its end; empty when it can."""
    said = _telling(headers)
    coding = said.get(b"transfer-encoding", b"chunked").lower()
    packing = said.get(b"content-encoding", b"identity").lower()
    if len(headers) > ANSWER_HEADERS:
        return f"the answer has more than {ANSWER_HEADERS} headers"
    if packing != b"identity":
        return f"the answer is packed as {packing.decode('latin-1')!r}, which was not asked for"
    if coding != b"chunked":
        return f"the answer is coded as {coding.decode('latin-1')!r}, which was not asked for"
    if status < 200:  # noqa: PLR2004 - where final statuses begin
        return f"the answer is an interim status {status}"
    if _ends_by_closing(method, status, said) and said.get(b"connection", b"").lower() != b"close":
        return "the answer does not say where it ends"
    return ""


def _ends_by_closing(method: str, status: int, said: dict[bytes, bytes]) -> bool:
    framed = b"content-length" in said or b"transfer-encoding" in said
    return not framed and method != "HEAD" and status not in (204, 304)


def _telling(headers: Iterable[Header]) -> dict[bytes, bytes]:
    said: dict[bytes, bytes] = {}
    for name, value in headers:
        key = name.lower()
        if key in _TELLING:
            said[key] = said[key] + b", " + value if key in said else value
    return said


class Answer:
    """What has come of the answer to one request; `on_…` are the parser's calls."""

    __slots__ = ("_body", "_extra", "_head_bytes", "_in_body", "_interim", "_keeps", "_method", "_parser",
                 "_until_close", "_wire_bytes", "complete", "fault", "headers", "status")  # fmt: skip

    def __init__(self, method: str) -> None:
        self.status = 0
        self.headers: list[Header] = []
        self.complete = False
        self.fault = ""
        self._method = method
        self._body = bytearray()
        self._head_bytes = self._wire_bytes = 0
        self._in_body = self._interim = self._until_close = self._keeps = self._extra = False
        self._parser = httptools.HttpResponseParser(self)
        # What browsers and aiohttp forgive, old machines send: folded headers, bare line feeds, spaced chunk sizes.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )

    @property
    def body(self) -> bytes:
        """What it says, once it is complete."""
        return bytes(self._body)

    @property
    def leaves_open(self) -> bool:
        """Say whether the connection is at rest after it and may carry another request."""
        return self.complete and self._keeps and not self._extra

    def feed(self, data: bytes) -> None:
        """Take in what came; afterwards it may be complete or have a fault."""
        self._wire_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as failure:
            self._extra = True
            self._blame(f"the answer is not HTTP ({failure})")
        if not self._in_body and self._wire_bytes > HEAD_BYTES:
            self._blame(f"the head of the answer is larger than {HEAD_BYTES} bytes")
        if self._wire_bytes > WIRE_BYTES:
            self._blame(f"the answer takes more than {WIRE_BYTES} bytes to say")

    def release(self) -> None:
        """Let go of the parser, which holds this answer as this answer holds it: no garbage to be collected."""
        del self._parser

    def end(self) -> None:
        """Take in that the System has said, in an orderly way, that no more will come."""
        self.complete = self.complete or (self._until_close and not self.fault)

    def on_message_begin(self) -> None:
        """Notice what comes after the end."""
        self._extra = self._extra or self.complete

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, or pass over a trailer."""
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > HEAD_BYTES:
            self._blame(f"the head of the answer is larger than {HEAD_BYTES} bytes")
        elif not self._in_body:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Judge the head."""
        if self.complete:
            return
        status = self._parser.get_status_code()
        self._interim = 100 <= status < 200 and status != 101  # noqa: PLR2004 - 101 ends HTTP, the others precede
        if self._interim:
            return
        self.status, self._in_body = status, True
        self._blame(fault_of(self._method, status, self.headers))
        self._until_close = _ends_by_closing(self._method, status, _telling(self.headers))
        if self._method == "HEAD":
            self._finish()

    def on_body(self, data: bytes) -> None:
        """Keep a part of the body."""
        if self.complete:
            self._extra = True
        elif len(self._body) + len(data) > ANSWER_BYTES:
            self._blame(f"the answer is larger than {ANSWER_BYTES} bytes")
        else:
            self._body += data

    def on_message_complete(self) -> None:
        """Be complete, unless it was an interim answer."""
        if self._interim:
            self.headers.clear()
        elif not self.complete:
            self._finish()

    def _finish(self) -> None:
        self._keeps = self._parser.should_keep_alive()
        self.complete = not self.fault

    def _blame(self, fault: str) -> None:
        if not self.complete and not self.fault:
            self.fault = fault
