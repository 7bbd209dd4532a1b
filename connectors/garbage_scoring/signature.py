"""The gateway's request signature. Pure: who sends it and when is the connector's."""

import base64
import hashlib
import hmac
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import quote

import httpx

ALGORITHM = "hmac-sha256"


def signed_headers(request: httpx.Request, access_key: str, secret_key: str, now: datetime) -> dict[str, str]:
    """Return the four headers that prove who asks; the gateway never looks at the body."""
    date = format_datetime(now, usegmt=True)
    text = canonical_text(request, access_key, date)
    digest = hmac.new(secret_key.encode(), text.encode(), hashlib.sha256).digest()
    return {
        "X-BG-HMAC-ACCESS-KEY": access_key,
        "X-BG-HMAC-ALGORITHM": ALGORITHM,
        "X-BG-DATE-TIME": date,
        "X-BG-HMAC-SIGNATURE": base64.b64encode(digest).decode(),
    }


def canonical_text(request: httpx.Request, access_key: str, date: str) -> str:
    """Return what is signed: five lines, each ended, the last one too.

    Path and query are written anew from their decoded form, since HTTP libraries differ in what they leave unescaped.
    """
    pairs = (f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in request.url.params.multi_items())
    return "\n".join([request.method, quote(request.url.path), "&".join(sorted(pairs)), access_key, date, ""])
