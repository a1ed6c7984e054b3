"""Every setting of the front, its meaning and its default."""

import re
from functools import cache
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from front.errors import SettingsError


def _url(value: str) -> str:
    if not re.match(r"https?://[^/\s]+", value):
        raise ValueError("must begin with http:// or https:// and name a host")
    if urlsplit(value).port == 0:  # a port out of range raises by itself
        raise ValueError("must have a port from 1 to 65535")
    return value.rstrip("/")


def _keys(value: SecretStr) -> SecretStr:
    if not all(re.fullmatch(r"[!-~]{16,}", key.strip()) for key in value.get_secret_value().split(",")):
        raise ValueError("each key must have at least 16 ASCII characters and no spaces")
    return value


def _instance_id(value: str) -> str:
    if value not in ("", "local") and not re.fullmatch(r"i-[0-9a-f]+", value):
        raise ValueError("must be an EC2 id (i-...), 'local' or empty")
    return value


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("must be a time zone such as Asia/Tokyo")
    return value


class Settings(BaseSettings):
    """Read from the environment, then from `.env`. An empty variable counts as unset."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    core_url: Annotated[str, AfterValidator(_url)] = "http://127.0.0.1:8502"
    core_api_key: Annotated[SecretStr, AfterValidator(_keys)]
    core_instance_id: Annotated[str, AfterValidator(_instance_id)] = ""
    aws_region: str | None = None
    aws_endpoint_url: Annotated[str, AfterValidator(_url)] | None = None
    max_upload_mb: int = Field(200, ge=1)
    timezone: Annotated[str, AfterValidator(_zone)] = "Asia/Tokyo"
    data_dir: Path = Path(".local/data")

    @property
    def key(self) -> str:
        """The key to send: the first one, while keys are rotated."""
        return self.core_api_key.get_secret_value().split(",")[0].strip()


@cache
def load() -> Settings:
    """The settings of this process; SettingsError names each variable that is missing or invalid."""
    try:
        return Settings()
    except ValidationError as error:
        problems = [f"{str(e['loc'][0]).upper()}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()]
        raise SettingsError("Set these variables (see .env.example): " + "; ".join(problems)) from None
