"""Whom the HTTP door trusts: TLS as the hub speaks it, the peer it was led to, certificates about to end."""

import functools
import ssl
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import httpx

from hub.clock import Clock
from hub.logs import get_logger
from hub.sdk.egress import read_literal
from hub.sdk.errors import Misconfigured

log = get_logger(__name__)
NOTICE: Final = timedelta(days=30)


@functools.cache
def trusted_tls() -> ssl.SSLContext:
    """Return the one way the hub speaks TLS: verified against the public authorities, 1.2 at least."""
    context = httpx.create_ssl_context(trust_env=False)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return checked(context)


def checked(tls: ssl.SSLContext) -> ssl.SSLContext:
    """Refuse a way to speak TLS that would talk to anybody; there is no switch for that."""
    if tls.verify_mode is not ssl.CERT_REQUIRED or not tls.check_hostname:
        raise Misconfigured("certificates and the names in them are always verified")
    if tls.minimum_version < ssl.TLSVersion.TLSv1_2:
        raise Misconfigured("TLS below 1.2 is never spoken")
    return tls


def check_peer(judged: str, peer: tuple[object, ...] | None, place: str) -> None:
    """Refuse a connection whose other end is not the address that was judged."""
    if peer is None:
        raise ConnectionResetError(f"{place} closed at once")
    if read_literal(str(peer[0])) != read_literal(judged):
        raise Misconfigured(f"{place}: connected to {peer[0]} instead of {judged}, which was judged")


class Expiry:
    """Warns, once a day and place, of a certificate that ends within a month: on that day its System stops."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._noted: dict[str, date] = {}

    def note(self, place: str, certificate: Mapping[str, Any] | None) -> None:
        """Look at the certificate of a new connection; there is none without TLS."""
        if not certificate:
            return
        now = self._clock.now()
        ends_at = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
        if ends_at - now < NOTICE and self._noted.get(place) != now.date():
            self._noted[place] = now.date()
            log.warning("certificate.ends_soon", place=place, days=(ends_at - now).days, ends_at=ends_at.isoformat())
