"""What is kept of passwords and tokens: only hashes and digests. Knows nobody and stores nothing."""

import hashlib
import secrets
from functools import cache

from pwdlib import PasswordHash

TOKEN_MARK = "fo_"  # noqa: S105 - the public mark of our tokens, so that scanners find leaked ones
LEAST_PASSWORD = 12
_ARGON2 = PasswordHash.recommended()


def hash_password(password: str) -> str:
    """Return the argon2 hash of a password; costs tens of milliseconds on purpose."""
    return _ARGON2.hash(password)


def is_password(password: str, password_hash: str | None) -> bool:
    """Say whether the password is the one hashed; for nobody's (None) the same work is done and the answer is no."""
    matches = _ARGON2.verify(password, password_hash or _nobodys())
    return matches and password_hash is not None


@cache
def _nobodys() -> str:
    """Return a hash no password opens, as costly to try as a real one."""
    return _ARGON2.hash(secrets.token_urlsafe())


def new_token() -> str:
    """Return a fresh API token: the mark and 43 random characters."""
    return TOKEN_MARK + secrets.token_urlsafe(32)


def new_password() -> str:
    """Return a one-time password a person can type from a screen."""
    return secrets.token_urlsafe(12)


def digest(token: str) -> str:
    """Return what is kept of a token: random enough already, so one SHA-256 does."""
    return hashlib.sha256(token.encode()).hexdigest()
