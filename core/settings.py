"""Every setting of the core, with its type, its limits and its default."""

import os
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import parse_qs, quote, urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import SettingsError

S = TypeVar("S", bound="QueueSettings")


def _keys(value: SecretStr) -> SecretStr:
    if not all(re.fullmatch(r"[!-~]{16,}", key.strip()) for key in value.get_secret_value().split(",")):
        raise ValueError("each key must have at least 16 ASCII characters and no spaces")
    return value


def _redis_url(value: str) -> str:
    if value and not re.match(r"(rediss?|unix)://", value):
        raise ValueError("must start with redis://, rediss:// or unix://")
    if value.startswith("rediss:"):
        _check_tls(parse_qs(urlsplit(value).query))
    return value


def _check_tls(query: dict[str, list[str]]) -> None:
    """Celery would connect without a look at the certificate if the address did not name those who may sign it."""
    (authorities,) = query.get("ssl_ca_certs", [""])[-1:]
    if not authorities:
        raise ValueError("rediss:// must name a file of certificate authorities: ?ssl_ca_certs=/path/to/ca.pem")
    if not os.access(authorities, os.R_OK) or not Path(authorities).is_file():
        raise ValueError(f"the file of certificate authorities, {authorities}, cannot be read")
    if query.get("ssl_cert_reqs", ["required"]) != ["required"]:
        raise ValueError("ssl_cert_reqs must be 'required', or be left out, which means the same")


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("must be the name of a time zone, such as Asia/Tokyo")
    return value


def _package(value: str) -> str:
    try:
        found = find_spec(value)
    except (ImportError, ValueError):
        found = None
    if found is None or found.submodule_search_locations is None:
        raise ValueError(f"there is no package called '{value}'")
    return value


def _folder(value: Path) -> Path:
    path = value.absolute()
    nearest = next(folder for folder in (path, *path.parents) if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise ValueError(f"{nearest} is not a folder that the core can write to")
    return path


def _file(value: Path) -> Path:
    if value.is_dir():
        raise ValueError(f"{value} must be a file, but it is a folder")
    return _folder(value.parent) / value.name


class QueueSettings(BaseSettings):
    """Where the queue is, which is all that Flower needs. Read from the environment first, then from `.env`."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    redis_url: Annotated[str, AfterValidator(_redis_url)] = ""
    redis_password: SecretStr | None = None

    @property
    def broker_url(self) -> str:
        """`redis_url` with the password in it, for clients that take nothing but a URL."""
        if not self.redis_url:
            raise SettingsError("REDIS_URL is not set. Set it to the address of Redis, such as redis://redis:6379/0.")
        if self.redis_password is None or "@" in self.redis_url:
            return self.redis_url
        scheme, rest = self.redis_url.split("://", 1)
        return f"{scheme}://:{quote(self.redis_password.get_secret_value(), safe='')}@{rest}"


class WorkerSettings(QueueSettings):
    """What the worker needs. It serves no requests, so it gets no API key."""

    worker_processes: int = Field(2, ge=1, le=256)
    task_memory_mb: int = Field(2048, ge=256)
    task_max_minutes: float = Field(720, gt=0, allow_inf_nan=False)
    disk_reserve_mb: int = Field(1024, ge=0)
    retention_days: float = Field(30, gt=0, allow_inf_nan=False)
    jobs_package: Annotated[str, AfterValidator(_package)] = "core.jobs"
    data_dir: Annotated[Path, AfterValidator(_folder)] = Field(Path(".local/data"), validate_default=True)


class Settings(WorkerSettings):
    """What the API needs. Whatever runs the whole core needs the same."""

    core_api_key: Annotated[SecretStr, AfterValidator(_keys)]
    core_port: int = Field(8502, ge=1, le=65535)
    core_api_processes: int = Field(4, ge=1, le=64)
    max_upload_mb: int = Field(200, ge=1)
    active_users_file: Annotated[Path, AfterValidator(_file)] | None = None
    active_user_stale_hours: float = Field(24, gt=0, allow_inf_nan=False)
    timezone: Annotated[str, AfterValidator(_zone)] = "Asia/Tokyo"

    @property
    def keys(self) -> list[bytes]:
        """Every accepted key; there are several while a key is being changed."""
        return [key.strip().encode() for key in self.core_api_key.get_secret_value().split(",")]

    @property
    def active_users_path(self) -> Path:
        return self.active_users_file or self.data_dir / "active_users" / "active_user_list.json"


@cache
def load() -> Settings:
    """Return the settings of this process; SettingsError names each variable that is missing or invalid."""
    return _read(Settings)


@cache
def load_worker() -> WorkerSettings:
    """Do the same for a worker."""
    return _read(WorkerSettings)


@cache
def load_queue() -> QueueSettings:
    """Do the same for a process that needs only the queue."""
    return _read(QueueSettings)


def _read(kind: type[S]) -> S:
    try:
        return kind()
    except ValidationError as error:
        problems = [f"{str(e['loc'][0]).upper()}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()]
        raise SettingsError("Set these variables (see .env.example): " + "; ".join(problems)) from None
