"""Every setting of the hub, read once from `HUB_*` environment variables; docs/settings.md explains each."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

LEAST_RETENTION = timedelta(days=185)
"""Logs are kept for six months by law (网络安全法), and departments' complaints come late."""
MOST_SHARE = 0.02
"""Of all Submissions, in one go: with a term of three years, three weeks' worth."""
_CHECKOUT = Path(__file__).resolve().parents[1]


def _default_home() -> Path:
    """Return the folder that holds forms/ and schemas/: a checkout's root, else the working directory."""
    return _CHECKOUT if (_CHECKOUT / "forms").is_dir() else Path.cwd()


class Settings(BaseSettings):
    """How this installation runs. Field names are the environment variables without `HUB_`, in lower case."""

    model_config = SettingsConfigDict(env_prefix="HUB_", frozen=True, extra="ignore")

    profile: Literal["production", "demo", "test"] = "production"
    home: Path = _default_home()
    data_dir: Path = Path("var")
    database_url: str = ""
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""
    connectors_file: Path = Path("connectors.yaml")
    connector_packages: tuple[str, ...] = ("connectors",)
    seed_accounts: Path | None = None
    seed_divisions: Path | None = None
    policy: str = "cn-2026-12"
    durability: Literal["full", "relaxed"] = "full"
    session_lifetime: timedelta = timedelta(hours=12)
    worker: bool = True
    poll_interval: timedelta = timedelta(seconds=1)
    trusted_proxies: tuple[str, ...] = ()
    retention: timedelta | None = None
    retention_share: float = Field(default=MOST_SHARE, gt=0, le=1)
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @model_validator(mode="after")
    def _seeds_are_for_play(self) -> "Settings":
        """Refuse well-known accounts where real people work."""
        if self.profile == "production" and self.seed_accounts is not None:
            raise ValueError("HUB_SEED_ACCOUNTS is for the demo and test profiles: its passwords are public; unset it")
        return self

    @field_validator("retention")
    @classmethod
    def _nothing_goes_too_soon(cls, term: timedelta | None) -> timedelta | None:
        """Refuse a term within which the law or a department may still ask."""
        if term is not None and term < LEAST_RETENTION:
            least = LEAST_RETENTION.days
            raise ValueError(f"submissions are kept for at least {least} days: give P{least}D or more, or unset it")
        return term

    @property
    def database(self) -> str:
        """Return the database URL; one SQLite file in the data directory unless told otherwise."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'hub.db'}"

    @property
    def wiring(self) -> Path:
        """Return the path of connectors.yaml."""
        return self.home / self.connectors_file

    @property
    def address(self) -> str:
        """Return the address people open, without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def allow_loopback(self) -> bool:
        """Say whether a System may live on this very machine: only in play, never in production."""
        return self.profile != "production"


def read_secret(name: str) -> str | None:
    """Return the secret `HUB_SECRET_<name>`, or the content of the file `HUB_SECRET_<name>_FILE` names."""
    value = os.environ.get(f"HUB_SECRET_{name}")
    if value is not None:
        return value
    file = os.environ.get(f"HUB_SECRET_{name}_FILE")
    return Path(file).read_text(encoding="utf-8").strip() if file else None
