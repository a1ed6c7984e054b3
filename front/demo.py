"""The sample job from end to end without a browser: wake a local core, upload, run, print, put the core to sleep."""

import os
import socket
import sys
import time
import uuid
from pathlib import Path
from tempfile import TemporaryDirectory

from dotenv import load_dotenv

from front import local, settings
from front.core_client import CoreClient
from front.errors import FrontError
from front.machine import instance
from front.records import FINISHED, Progress, Result

SAMPLE = Path(__file__).parent / "samples" / "daily_sales.csv"
USER = "demo"
READY_SECONDS = 60


def main() -> None:
    os.umask(0o077)  # as in front.local
    load_dotenv(".env")
    local.prepare()
    with socket.socket() as probe:  # a free port, so that the demo can run beside `make run` and beside another demo
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    with TemporaryDirectory(prefix="okosu-demo-") as data:
        os.environ.update(CORE_PORT=port, CORE_URL=f"http://127.0.0.1:{port}", DATA_DIR=data, FLOWER_PORT="")
        wake_and_run(settings.load())


def wake_and_run(config: settings.Settings) -> None:
    machine, client = instance.make(config), CoreClient(config.core_url, config.key)
    print("Waking a core ...", flush=True)
    machine.start()
    try:
        _until_ready(machine, client)
        show(run(client))
    finally:
        print("Putting the core to sleep ...", flush=True)
        machine.stop()
        while machine.state().name != "stopped":
            time.sleep(0.1)


def run(client: CoreClient) -> Result:
    """The result of `reorder_points` on the sample file; FrontError if the task does not succeed."""
    with SAMPLE.open("rb") as file:
        stored = client.upload(SAMPLE.name, file)
    print(f"Uploaded {SAMPLE.name}, {stored['size']:,} bytes.", flush=True)
    task_id = client.start_task("reorder_points", {"sales": stored["file_id"]}, USER, str(uuid.uuid4()))
    while True:
        status = client.task_status(task_id)
        _draw(status["progress"])
        if status["task_status"] in FINISHED:
            break
        time.sleep(0.2)
    print()
    if status["task_status"] != "SUCCESS":
        reason = status["error"]["message"] if status["error"] else ""
        raise FrontError(f"The task ended with {status['task_status']}: {reason}")
    result: Result = status["result"]
    return result


def show(result: Result) -> None:
    """Print the result."""
    for name, value in result["metrics"].items():
        print(f"  {name}: {value}")
    for table in result["tables"]:
        rows = [[str(cell) for cell in row] for row in (table["columns"], *table["rows"])]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        print(f"\n{table['title']}")
        for row in rows:
            print("  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
    for file in result["files"]:
        print(f"\nTo download: {file['name']}, {file['size']:,} bytes")


def _until_ready(machine: instance.Instance, client: CoreClient) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        state = machine.state()
        if state.name == "stopped":
            raise FrontError(f"The core did not start. {state.reason}")
        try:
            if client.readiness()[0]:
                return
        except FrontError:
            pass  # it is still starting
        time.sleep(0.1)
    raise FrontError(f"The core is not ready after {READY_SECONDS} s.")


def _draw(progress: Progress) -> None:
    full = round(progress["done"] * 30)
    print(
        f"\r  [{'#' * full}{'.' * (30 - full)}] {progress['done']:4.0%} {progress['message']:<40}", end="", flush=True
    )


if __name__ == "__main__":
    try:
        main()
    except FrontError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
