"""Settings: what an installation may say of itself, and what production refuses."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from hub.settings import Settings, read_secret


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    import os  # noqa: PLC0415 - only to clear it

    for name in [name for name in os.environ if name.startswith("HUB_")]:
        monkeypatch.delenv(name)


def test_nothing_set_is_production_on_this_machine_only() -> None:
    settings = Settings()
    assert (settings.profile, settings.host, settings.durability) == ("production", "127.0.0.1", "full")
    assert settings.allow_loopback is False
    assert settings.database == f"sqlite:///{Path('var').resolve()}/hub.db"
    assert settings.address == "http://127.0.0.1:8000"
    assert settings.wiring == settings.home / "connectors.yaml"
    assert (settings.home / "forms").is_dir()


def test_every_setting_comes_from_its_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = {
        "PROFILE": "demo", "HOME": str(tmp_path), "DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": "postgresql+psycopg://x",
        "HOST": "0.0.0.0", "PORT": "8443", "PUBLIC_URL": "https://hub.example/", "CONNECTORS_FILE": "wiring/c.yaml",
        "CONNECTOR_PACKAGES": '["connectors", "more"]', "SEED_ACCOUNTS": "accounts.yaml", "SEED_DIVISIONS": "d.csv",
        "POLICY": "cn-2026-12", "DURABILITY": "relaxed", "SESSION_LIFETIME": "PT8H", "WORKER": "false",
        "POLL_INTERVAL": "PT0.5S", "TRUSTED_PROXIES": '["10.0.0.1"]', "LOG_LEVEL": "debug", "RETENTION": "P1095D",
        "RETENTION_SHARE": "0.5",
    }  # fmt: skip
    assert {name.lower() for name in given} == set(Settings.model_fields)
    for name, value in given.items():
        monkeypatch.setenv(f"HUB_{name}", value)
    settings = Settings()
    assert settings.database == "postgresql+psycopg://x"
    assert settings.address == "https://hub.example"
    assert settings.wiring == tmp_path / "wiring/c.yaml"
    assert settings.allow_loopback is True
    assert (settings.connector_packages, settings.trusted_proxies) == (("connectors", "more"), ("10.0.0.1",))
    assert (settings.session_lifetime, settings.poll_interval) == (timedelta(hours=8), timedelta(milliseconds=500))
    assert settings.retention == timedelta(days=1095)
    assert (settings.worker, settings.port, settings.seed_accounts) == (False, 8443, Path("accounts.yaml"))
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]  # frozen on purpose


@pytest.mark.fault("F31")
def test_nothing_is_erased_before_the_law_lets_it() -> None:
    assert Settings().retention is None
    assert Settings(retention=timedelta(days=185)).retention == timedelta(days=185)
    for term in (timedelta(days=185) - timedelta(seconds=1), timedelta(0), -timedelta(days=400)):
        with pytest.raises(ValidationError, match="at least 185 days: give P185D or more, or unset it"):
            Settings(retention=term)


@pytest.mark.parametrize("profile", ["demo", "test"])
def test_well_known_accounts_are_for_play_only(profile: str) -> None:
    seeds = Path("accounts.yaml")
    assert Settings(profile=profile, seed_accounts=seeds).seed_accounts == seeds
    with pytest.raises(ValidationError, match="HUB_SEED_ACCOUNTS"):
        Settings(seed_accounts=seeds)


@pytest.mark.parametrize("wrong", [{"profile": "prod"}, {"durability": "none"}, {"log_level": "loud"}, {"port": "x"}])
def test_what_is_no_setting_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Settings(**wrong)


def test_a_secret_is_a_variable_or_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert read_secret("DOOR") is None
    (tmp_path / "secret").write_text("open sesame\n", encoding="utf-8")
    monkeypatch.setenv("HUB_SECRET_DOOR_FILE", str(tmp_path / "secret"))
    assert read_secret("DOOR") == "open sesame"
    monkeypatch.setenv("HUB_SECRET_DOOR", "first")
    assert read_secret("DOOR") == "first"
