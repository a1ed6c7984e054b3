"""`python -m core.api`: the API on one port, in as many processes as the settings say."""

import argparse
import sys

from core import data_id, private, processes, settings
from core.api.app import create_app
from core.api.server import Server
from core.errors import CoreError, OtherFolder, QueueUnavailable
from core.queue import neighbours
from core.queue.store import Store


def main(host: str) -> None:
    private.begin()
    config = settings.load()
    private.close(config.data_dir)
    _check_folder(config)  # what is wrong is reported once, here, and not by each process
    processes.share_heap()
    processes.open_many_files()
    Server(create_app, host, config.core_port, config.core_api_processes).run()


def _check_folder(config: settings.Settings) -> None:
    store = Store(config.broker_url)
    try:
        if not store.run(neighbours.share(data_id.of(config.data_dir))):
            raise OtherFolder
    except QueueUnavailable:
        pass  # /ready tells this, and later that
    finally:
        store.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The core's HTTP API.")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    try:
        main(parser.parse_args().host)
    except CoreError as problem:
        sys.exit(str(problem))
