"""State, start and stop of the machine that the core runs on; the only user of boto3."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from front.errors import InstanceError
from front.machine import log_file
from front.machine.aws_errors import PASSING, about_credentials, explain, why_stopped
from front.machine.stages import GONE
from front.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_ec2 import EC2Client

T = TypeVar("T")

ROOT = Path(__file__).resolve().parent.parent.parent
LOOK_SECONDS = 10.0  # between two searches for credentials, each of which may take seconds


@dataclass(frozen=True)
class InstanceState:
    """`name`: EC2's own (pending, running, stopping, stopped, shutting-down, terminated), `unmanaged` or `unknown`.

    `reason` says why it stopped by itself, and `passes` whether it may well start later.
    """

    name: str
    reason: str = ""
    passes: bool = False


class Instance(Protocol):
    """Each may take seconds and may raise InstanceError. `start` and `stop` do not wait until it is done."""

    def state(self) -> InstanceState: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


class Unmanaged:
    """The core is run by others."""

    def state(self) -> InstanceState:
        return InstanceState("unmanaged")

    def start(self) -> None:
        raise InstanceError("The core is run by others (CORE_INSTANCE_ID is empty). Ask them to start it.")

    def stop(self) -> None:
        raise InstanceError("The core is run by others (CORE_INSTANCE_ID is empty). Ask them to stop it.")


@dataclass
class Ec2Instance:
    """An EC2 instance, for use by one thread."""

    instance_id: str
    region: str | None = None
    endpoint_url: str | None = None
    _client: "EC2Client | None" = field(default=None, init=False, repr=False)
    _look_at: float = field(default=0.0, init=False, repr=False, compare=False)  # when to look for credentials again

    def state(self) -> InstanceState:
        answer = self._ask(lambda ec2: ec2.describe_instances(InstanceIds=[self.instance_id]))
        found = [machine for reservation in answer["Reservations"] for machine in reservation["Instances"]]
        if not found:
            raise explain(["InvalidInstanceID.NotFound"], "DescribeInstances found none.")
        name, why = found[0]["State"]["Name"], found[0].get("StateReason", {})
        if name not in GONE and name != "stopped":
            return InstanceState(name)
        code = why.get("Code", "")
        return InstanceState(name, why_stopped(code, why.get("Message", "")), code in PASSING)

    def start(self) -> None:
        self._ask(lambda ec2: ec2.start_instances(InstanceIds=[self.instance_id]))

    def stop(self) -> None:
        self._ask(lambda ec2: ec2.stop_instances(InstanceIds=[self.instance_id]))

    def _ask(self, what: "Callable[[EC2Client], T]") -> T:
        try:
            self._client = self._client or self._connect()
            return what(self._client)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "Unknown")  # the page of a proxy has none
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            raise self._explained([code], error, status) from error
        except (BotoCoreError, ResponseParserError) as error:
            raise self._explained([kind.__name__ for kind in type(error).__mro__], error) from error

    def _explained(self, names: list[str], error: Exception, status: int = 0) -> InstanceError:
        explained = explain(names, str(error), status)
        if about_credentials(explained) and time.monotonic() > self._look_at:
            # This client would never look for others, also if an admin has long renewed them.
            self._client, self._look_at = None, time.monotonic() + LOOK_SECONDS
        return explained

    def _connect(self) -> "EC2Client":
        # A new session, because the default one remembers that it found no credentials.
        config = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
        session = boto3.Session(region_name=self.region)
        return session.client("ec2", endpoint_url=self.endpoint_url, config=config)


@dataclass
class LocalInstance:
    """The stand-in for a machine: `core.local` as a child process, which ends whenever this process ends."""

    core_url: str
    key: str = field(repr=False)
    data_dir: Path
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False, repr=False)
    _told_to_end: bool = field(default=False, init=False, repr=False)

    def state(self) -> InstanceState:
        if self._process is None:
            return InstanceState("stopped")
        if self._process.poll() is None:
            log_file.keep_small(self._log)
            return InstanceState("stopping" if self._told_to_end else "running")
        return InstanceState("stopped", "" if self._told_to_end else self._end(self._process.returncode))

    def start(self) -> None:
        name = self.state().name
        if name == "stopping":
            raise explain(["IncorrectInstanceState"], "core.local has not ended yet.")
        if name == "running":
            return
        try:
            self._process, self._told_to_end = self._spawn(), False
        except OSError as error:
            raise InstanceError(f"The core could not be started here: {error}.") from error

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._told_to_end = True
            self._process.send_signal(signal.SIGTERM)

    def _spawn(self) -> "subprocess.Popen[bytes]":
        ours = {
            "CORE_API_KEY": self.key,
            "DATA_DIR": str(self.data_dir.absolute()),
            "CORE_PORT": str(urlsplit(self.core_url).port or 80),
            # The core ends when this process is gone. PR_SET_PDEATHSIG would end it with the thread that started it.
            "OKOSU_PARENT_PID": str(os.getpid()),
        }
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with log_file.begin(self._log) as log:
            return subprocess.Popen(
                [sys.executable, "-m", "core.local"],
                env={**os.environ, **ours},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def _log(self) -> Path:
        return self.data_dir / "core.log"

    def _end(self, status: int) -> str:
        """Why it ended without an order: the last line of its log, unless it was killed."""
        if status < 0:
            return f"The core was killed ({signal.Signals(-status).name}). Start it again."
        lines = self._log.read_text(errors="replace").split("\n")
        said = next((line for line in reversed(lines) if line.strip()), f"Its log is empty ({self._log.name}).")
        return f"The core ended by itself. {said}"


def make(settings: Settings) -> Instance:
    """The instance that CORE_INSTANCE_ID names."""
    if settings.core_instance_id == "":
        return Unmanaged()
    if settings.core_instance_id == "local":
        return LocalInstance(settings.core_url, settings.core_api_key.get_secret_value(), settings.data_dir)
    return Ec2Instance(settings.core_instance_id, settings.aws_region, settings.aws_endpoint_url)
