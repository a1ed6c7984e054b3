"""Every setting of the core, its meaning and its default."""

import os
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import quote
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import SettingsError

S = TypeVar("S", bound="QueueSettings")


def _keys(value: SecretStr) -> SecretStr:
    if not all(re.fullmatch(r"[!-~]{16,}", key.strip()) for key in value.get_secret_value().split(",")):
        raise ValueError("each key needs at least 16 characters, ASCII and without spaces")
    return value


def _redis_url(value: str) -> str:
    if value and not re.match(r"(rediss?|unix)://", value):
        raise ValueError("must begin with redis://, rediss:// or unix://")
    return value


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("must be a time zone such as Asia/Tokyo")
    return value


def _package(value: str) -> str:
    try:
        found = find_spec(value)
    except (ImportError, ValueError):
        found = None
    if found is None or found.submodule_search_locations is None:
        raise ValueError(f"there is no package '{value}' to import")
    return value


def _folder(value: Path) -> Path:
    path = value.absolute()
    nearest = next(folder for folder in (path, *path.parents) if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise ValueError(f"{nearest} is not a folder that can be written")
    return path


def _file(value: Path) -> Path:
    if value.is_dir():
        raise ValueError(f"{value} is a folder, and must be a file")
    return _folder(value.parent) / value.name


class QueueSettings(BaseSettings):
    """Where the queue is: all that Flower has to know. The environment and, below it, `.env`."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    redis_url: Annotated[str, AfterValidator(_redis_url)] = ""
    redis_password: SecretStr | None = None

    @property
    def broker_url(self) -> str:
        """`redis_url` with the password in it, for those who take a URL only."""
        if not self.redis_url:
            raise SettingsError("REDIS_URL is not set: say where Redis is, such as redis://redis:6379/0.")
        if self.redis_password is None or "@" in self.redis_url:
            return self.redis_url
        scheme, rest = self.redis_url.split("://", 1)
        return f"{scheme}://:{quote(self.redis_password.get_secret_value(), safe='')}@{rest}"


class WorkerSettings(QueueSettings):
    """What the worker needs: it speaks to nobody who has a key."""

    worker_processes: int = Field(2, ge=1, le=256)
    task_memory_mb: int = Field(2048, ge=256)
    retention_days: float = Field(30, gt=0, allow_inf_nan=False)
    jobs_package: Annotated[str, AfterValidator(_package)] = "core.jobs"
    data_dir: Annotated[Path, AfterValidator(_folder)] = Field(Path(".local/data"), validate_default=True)


class Settings(WorkerSettings):
    """What the API needs, and whoever runs the whole core."""

    core_api_key: Annotated[SecretStr, AfterValidator(_keys)]
    core_port: int = Field(8502, ge=1, le=65535)
    core_api_processes: int = Field(4, ge=1, le=64)
    max_upload_mb: int = Field(200, ge=1)
    active_users_file: Annotated[Path, AfterValidator(_file)] | None = None
    active_user_stale_hours: float = Field(24, gt=0, allow_inf_nan=False)
    timezone: Annotated[str, AfterValidator(_zone)] = "Asia/Tokyo"

    @property
    def keys(self) -> list[bytes]:
        """Every key that is accepted: two or more while keys are rotated."""
        return [key.strip().encode() for key in self.core_api_key.get_secret_value().split(",")]

    @property
    def active_users_path(self) -> Path:
        return self.active_users_file or self.data_dir / "active_users" / "active_user_list.json"


@cache
def load() -> Settings:
    """The settings of this process; SettingsError names each variable that is missing or senseless."""
    return _read(Settings)


@cache
def load_worker() -> WorkerSettings:
    """As `load`, for a worker."""
    return _read(WorkerSettings)


@cache
def load_queue() -> QueueSettings:
    """As `load`, for a process that knows the queue only."""
    return _read(QueueSettings)


def _read(kind: type[S]) -> S:
    try:
        return kind()
    except ValidationError as error:
        problems = [f"{str(e['loc'][0]).upper()}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()]
        raise SettingsError("Set these variables (see .env.example): " + "; ".join(problems)) from None
