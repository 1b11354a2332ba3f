"""The environment's settings."""

import certifi
import pytest

from tasks.settings import Settings, SettingsError, settings, table
from tests import ROOT
from tidings_cli import probe

README = ROOT / "README.md"


@pytest.fixture(autouse=True)
def read_anew() -> None:
    settings.cache_clear()


def test_the_readme_shows_every_setting_as_it_is() -> None:
    assert table() in README.read_text(), f"put this into README.md:\n\n{table()}"


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_everything_wrong_is_named_at_once_by_its_variable_and_without_its_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TIDINGS_READ_SECONDS", "soon-7391")
    monkeypatch.setenv("TIDINGS_MAX_DELIVERIES", "0")
    monkeypatch.setenv("TIDINGS_REDIS_URL", "postgres://:pw-7391@h/0")
    with pytest.raises(SettingsError) as refused:
        settings()
    lines = str(refused.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "TIDINGS_REDIS_URL",
        "TIDINGS_MAX_DELIVERIES",
        "TIDINGS_READ_SECONDS",
    ]
    assert "7391" not in str(refused.value)
    settings.cache_clear()


def test_a_home_folder_is_meant_by_its_sign_as_in_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/li")
    for name in ("HOME", "ACCOUNTS", "HEALTH_DIR"):
        monkeypatch.setenv(f"TIDINGS_{name}", "~/shop")
    here = settings()
    assert {str(here.home), here.accounts, str(here.health_dir)} == {"/home/li/shop"}
    assert probe.folder() == here.health_dir
    settings.cache_clear()
    monkeypatch.setenv("TIDINGS_HOME", "~nobody-of-this-name/shop")
    with pytest.raises(SettingsError, match="TIDINGS_HOME: there is no home folder that its ~ could be"):
        settings()


@pytest.mark.parametrize("name", ["ssl_ca_certs", "ssl_certfile", "ssl_ciphers"])
@pytest.mark.parametrize(
    ("variable", "url"), [("REDIS_URL", "rediss://:pw-7391@h/0"), ("BROKER_URL", "amqps://me:pw-7391@h/v")]
)
def test_what_openssl_refuses_is_told_by_its_name_and_not_as_a_server_that_is_away(
    variable: str, url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"TIDINGS_{variable}", f"{url}?{name}={__file__}")
    with pytest.raises(
        SettingsError, match=f"TIDINGS_{variable}: {name} cannot be used for TLS: correct it"
    ) as refused:
        settings()
    assert "7391" not in str(refused.value)
    monkeypatch.setenv(f"TIDINGS_{variable}", f"{url}?ssl_ca_certs={certifi.where()}&ssl_ciphers=HIGH")
    settings()
    settings.cache_clear()


def test_passwords_in_addresses_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDINGS_REDIS_URL", "redis://:pw-7391@h/0")
    assert "7391" not in repr(settings())
    settings.cache_clear()
