"""The web edge of tests/web, for photos."""

from tests.web.conftest import files, password_hash, settings, site

__all__ = ["files", "password_hash", "settings", "site"]
