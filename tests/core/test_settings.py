"""The settings of the core: a wrong one prevents the start and is named, and the environment overrides .env."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core import settings
from core.errors import SettingsError
from core.settings import QueueSettings, Settings
from tests.live import ROOT, free_port

KEY = "0123456789abcdef"
FILE = str(ROOT / "LICENSE")
Load = Callable[..., Settings]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Load:
    """Load the settings as a process with this environment would, in a folder of its own."""

    def with_environment(**environment: str) -> Settings:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return settings._read(Settings)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CORE_API_KEY", KEY)
    return with_environment


def test_the_key_is_the_only_required_setting(load: Load, tmp_path: Path) -> None:
    config = load()

    assert config.keys == [KEY.encode()]
    assert (config.core_port, config.core_api_processes, config.worker_processes) == (8502, 4, 2)
    assert (config.task_memory_mb, config.max_upload_mb, config.retention_days) == (2048, 200, 30)
    assert (config.timezone, config.active_user_stale_hours, config.jobs_package) == ("Asia/Tokyo", 24, "core.jobs")
    assert config.data_dir == tmp_path / ".local" / "data"
    assert config.active_users_path == tmp_path / ".local" / "data" / "active_users" / "active_user_list.json"


WRONG = {
    "CORE_API_KEY": ["", "short", f"{KEY},", f"{KEY},short", f"{KEY} {KEY}", "鍵" * 16],
    "CORE_PORT": ["0", "65536", "http", "85.5"],
    "CORE_API_PROCESSES": ["0", "-1", "many"],
    "WORKER_PROCESSES": ["0", "257"],
    "TASK_MEMORY_MB": ["100", "2 GB"],
    "MAX_UPLOAD_MB": ["0", "unlimited"],
    "RETENTION_DAYS": ["0", "-1", "inf", "nan"],
    "ACTIVE_USER_STALE_HOURS": ["0", "inf"],
    "TIMEZONE": ["Tokyo", "JST", "UTC+9"],
    "REDIS_URL": [
        *("redis.example:6379", "http://redis:6379"),
        *("rediss://redis.example:6379/0", "rediss://redis.example?ssl_ca_certs="),
        *("rediss://redis.example?ssl_ca_certs=/no/such/file", "rediss://redis.example?ssl_ca_certs=/etc"),
        *(f"rediss://redis.example?ssl_ca_certs={FILE}&ssl_cert_reqs={check}" for check in ("none", "CERT_NONE")),
    ],
    "JOBS_PACKAGE": ["no_such_package", "core.registry", "core.api.jobs", "./jobs", "core..jobs"],
    "DATA_DIR": ["/dev/null", "/dev/null/data"],
    "ACTIVE_USERS_FILE": ["/", "/dev/null/users.json"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_an_invalid_value_is_refused_with_the_name_of_its_variable(load: Load, name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(**{name: value})

    assert f"{name}: " in str(refused.value)
    assert ".env.example" in str(refused.value)


def test_the_error_about_a_bad_key_does_not_show_the_key(load: Load) -> None:
    with pytest.raises(SettingsError) as refused:
        load(CORE_API_KEY="my secret")

    assert "my secret" not in str(refused.value)
    assert KEY not in repr(load(CORE_API_KEY=KEY))


def test_all_wrong_values_are_reported_at_once(load: Load) -> None:
    with pytest.raises(SettingsError) as refused:
        load(CORE_PORT="x", TIMEZONE="y")

    assert "CORE_PORT: " in str(refused.value)
    assert "TIMEZONE: " in str(refused.value)


def test_an_empty_variable_counts_as_unset(load: Load) -> None:
    assert load(CORE_PORT="", ACTIVE_USERS_FILE="", REDIS_PASSWORD="").core_port == 8502


def test_dotenv_is_read_and_the_environment_overrides_it(load: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CORE_PORT=1111\nMAX_UPLOAD_MB=7\nTIMEZONE=UTC\nFRONT_PORT=1\nUNKNOWN=x\n")
    config = load(CORE_PORT="2222")

    assert (config.core_port, config.max_upload_mb, config.timezone) == (2222, 7, "UTC")


def test_keys_are_separated_by_commas(load: Load) -> None:
    assert load(CORE_API_KEY=f"{KEY}, {KEY}new").keys == [KEY.encode(), f"{KEY}new".encode()]


@pytest.mark.parametrize(
    ("url", "password", "whole"),
    [
        ("redis://redis:6379/0", "", "redis://redis:6379/0"),
        ("redis://redis:6379/0", "a/b:c@d", "redis://:a%2Fb%3Ac%40d@redis:6379/0"),
        (f"rediss://:own@r.example?ssl_ca_certs={FILE}", "other", f"rediss://:own@r.example?ssl_ca_certs={FILE}"),
    ],
)
def test_the_redis_password_becomes_part_of_the_redis_url(load: Load, url: str, password: str, whole: str) -> None:
    config = load(REDIS_URL=url, REDIS_PASSWORD=password)

    assert config.broker_url == whole
    assert "a/b" not in repr(config)


def test_a_missing_redis_url_is_reported_by_its_name() -> None:
    with pytest.raises(SettingsError, match="REDIS_URL"):
        _ = QueueSettings().broker_url


@pytest.mark.parametrize("module", ["core.api", "core.local"])
@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({}, "CORE_API_KEY: Field required"),
        ({"CORE_API_KEY": KEY, "CORE_PORT": "http"}, "CORE_PORT: "),
        ({"CORE_API_KEY": KEY, "JOBS_PACKAGE": "no_such_package"}, "JOBS_PACKAGE: there is no package"),
        ({"CORE_API_KEY": KEY, "DATA_DIR": "/dev/null"}, "DATA_DIR: /dev/null is not a folder"),
    ],
)
def test_a_start_with_a_wrong_setting_ends_with_one_sentence(
    module: str, environment: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    done = start(module, tmp_path, **environment)

    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("module", ["core.api", "core.worker"])
def test_a_part_that_is_started_without_redis_says_so(module: str, tmp_path: Path) -> None:
    done = start(module, tmp_path, CORE_API_KEY=KEY, CORE_PORT=str(free_port()))

    assert done.returncode == 1
    assert "REDIS_URL is not set" in done.stderr
    assert "Traceback" not in done.stderr


def start(module: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        [sys.executable, "-m", module],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
