"""The contestants: okosu, what a team might choose instead, and a bare route as the upper limit."""

import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

WORKERS = "2"  # worker processes of each contestant
APPS = "tests.benchmarks.contestants"


@dataclass(frozen=True)
class Contestant:
    name: str
    api: tuple[str, ...]  # arguments for the Python interpreter
    worker: tuple[str, ...] = ()
    package: str = "fastapi"

    @property
    def module(self) -> str:
        """The name in a form that suits a folder."""
        return self.name.lower().replace(" ", "-")

    def missing(self) -> str:
        """Return why it cannot take part, or an empty string."""
        try:
            version(self.package)
        except PackageNotFoundError:
            return f"{self.package} is not installed (group `bench`)"
        return ""


def _other(name: str, module: str, worker: tuple[str, ...] = (), package: str = "fastapi") -> Contestant:
    """Make a contestant whose API runs with the same uvicorn options as okosu's."""
    api = ("-m", "uvicorn", f"{APPS}.{module}:app", "--no-access-log", "--timeout-keep-alive", "65")
    return Contestant(name, api, worker, package)


def _celery(module: str) -> tuple[str, ...]:
    return ("-m", "celery", "-A", f"{APPS}.{module}:celery", "worker", "-c", WORKERS)


OURS = Contestant("okosu", ("-m", "core.api"), ("-m", "core.worker"))
NAIVE = _other("naive", "naive", _celery("naive"), "celery")
CELERY = _other("Celery", "plain_celery", _celery("plain_celery"), "celery")
RQ = _other("RQ", "plain_rq", ("-m", "rq.cli", "worker-pool", "-n", WORKERS), "rq")
HUEY = _other(
    "Huey",
    "plain_huey",
    ("-m", "huey.bin.huey_consumer", f"{APPS}.plain_huey.huey", "-k", "process", "-w", WORKERS),
    "huey",
)
DRAMATIQ = _other("Dramatiq", "plain_dramatiq", ("-m", "dramatiq", f"{APPS}.plain_dramatiq", "-p", WORKERS), "dramatiq")
TASKIQ = _other(
    "taskiq", "plain_taskiq", ("-m", "taskiq", "worker", f"{APPS}.plain_taskiq:broker", "-w", WORKERS), "taskiq-redis"
)
BARE = _other("bare route", "bare")

QUEUES = (OURS, NAIVE, CELERY, RQ, HUEY, DRAMATIQ, TASKIQ)
PYTHON = sys.executable
