from pathlib import Path

import pytest

from front import settings
from front.errors import SettingsError

KEYS = "0123456789abcdef, fedcba9876543210"


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a developer's .env, and without a cached answer."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CORE_API_KEY", KEYS)
    monkeypatch.setattr(settings, "load", settings.load.__wrapped__)


def test_a_key_alone_is_enough_and_the_first_of_several_is_sent() -> None:
    assert settings.load().key == "0123456789abcdef"


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "")
    monkeypatch.setenv("CORE_URL", "")

    assert settings.load().aws_endpoint_url is None
    assert settings.load().core_url == "http://127.0.0.1:8502"


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("CORE_INSTANCE_ID=local\nCORE_URL=http://of-the-file\n", encoding="utf-8")
    monkeypatch.setenv("CORE_URL", "http://of-the-environment/")

    assert settings.load().core_instance_id == "local"
    assert settings.load().core_url == "http://of-the-environment"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CORE_API_KEY", "short"),
        ("CORE_API_KEY", ",0123456789abcdef"),
        ("CORE_API_KEY", "0123456789 abcdef"),
        ("CORE_API_KEY", "パスワードパスワードパスワード起こす"),
        ("CORE_URL", "core:8502"),
        ("CORE_URL", "http://core:99999"),
        ("CORE_URL", "http://core:0"),
        ("CORE_INSTANCE_ID", "my-machine"),
        ("AWS_ENDPOINT_URL", "localhost"),
        ("TIMEZONE", "Tokyo"),
        ("MAX_UPLOAD_MB", "0"),
    ],
)
def test_an_invalid_value_is_reported_by_its_name_and_no_secret_is_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=name) as error:
        settings.load()

    assert "0123456789" not in str(error.value)


def test_a_missing_key_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CORE_API_KEY")

    with pytest.raises(SettingsError, match="CORE_API_KEY"):
        settings.load()
