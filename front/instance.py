"""State, start and stop of the machine that the core runs on; the only user of boto3."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from front.aws_errors import explain
from front.errors import InstanceError
from front.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class InstanceState:
    """`name` is EC2's: pending, running, stopping, stopped, shutting-down, terminated; or unmanaged, unknown."""

    name: str
    reason: str = ""


class Instance(Protocol):
    """Each may take some seconds and may raise InstanceError; `start` and `stop` do not wait for the end."""

    def state(self) -> InstanceState: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


class Unmanaged:
    """The core is run by others."""

    def state(self) -> InstanceState:
        return InstanceState("unmanaged")

    def start(self) -> None:
        raise InstanceError("The core is run by others: CORE_INSTANCE_ID is empty, so it cannot be started from here.")

    def stop(self) -> None:
        raise InstanceError("The core is run by others: CORE_INSTANCE_ID is empty, so it cannot be stopped from here.")


@dataclass
class Ec2Instance:
    instance_id: str
    region: str | None = None
    endpoint_url: str | None = None
    _client: "EC2Client | None" = None

    def state(self) -> InstanceState:
        try:
            answer = self._ec2().describe_instances(InstanceIds=[self.instance_id])
        except (BotoCoreError, ClientError) as error:
            raise self._explained(error) from error
        machine = answer["Reservations"][0]["Instances"][0]
        return InstanceState(machine["State"]["Name"], machine.get("StateReason", {}).get("Message", ""))

    def start(self) -> None:
        try:
            self._ec2().start_instances(InstanceIds=[self.instance_id])
        except (BotoCoreError, ClientError) as error:
            raise self._explained(error) from error

    def stop(self) -> None:
        try:
            self._ec2().stop_instances(InstanceIds=[self.instance_id])
        except (BotoCoreError, ClientError) as error:
            raise self._explained(error) from error

    def _ec2(self) -> "EC2Client":
        if self._client is None:
            retries = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
            self._client = boto3.Session().client(
                "ec2", region_name=self.region, endpoint_url=self.endpoint_url, config=retries
            )
        return self._client

    def _explained(self, error: BotoCoreError | ClientError) -> InstanceError:
        if isinstance(error, NoCredentialsError):
            self._client = None  # it would never look for credentials again
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        return explain(code, str(error))


@dataclass
class LocalInstance:
    """The stand-in for a machine: `core.local` as a child. It ends with this process, however that ends."""

    core_url: str
    key: str
    data_dir: Path
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    _told: bool = False

    def state(self) -> InstanceState:
        if self._process is None:
            return InstanceState("stopped")
        if self._process.poll() is None:
            return InstanceState("stopping" if self._told else "running")
        return InstanceState("stopped", "" if self._told else f"The core ended by itself: {self._last_line()}")

    def start(self) -> None:
        name = self.state().name
        if name == "stopping":
            raise explain("IncorrectInstanceState", "")
        if name == "running":
            return
        self.data_dir.mkdir(parents=True, exist_ok=True)
        env = {
            "CORE_API_KEY": self.key,
            "DATA_DIR": str(self.data_dir.absolute()),
            "CORE_PORT": str(urlsplit(self.core_url).port or 80),
            "OKOSU_PARENT_PID": str(os.getpid()),
        }
        self._told = False
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "core.local"],
                env={**os.environ, **env},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._told = True
            self._process.send_signal(signal.SIGTERM)

    @property
    def _log(self) -> Path:
        return self.data_dir / "core.log"

    def _last_line(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing."


def make(settings: Settings) -> Instance:
    """The instance that CORE_INSTANCE_ID names."""
    if not settings.core_instance_id:
        return Unmanaged()
    if settings.core_instance_id == "local":
        return LocalInstance(settings.core_url, settings.core_api_key.get_secret_value(), settings.data_dir)
    return Ec2Instance(settings.core_instance_id, settings.aws_region, settings.aws_endpoint_url)
