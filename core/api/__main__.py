"""`python -m core.api`: the API on one port, in as many processes as the settings say."""

import argparse
import sys

from core import processes, settings
from core.api.app import create_app
from core.api.server import Server
from core.errors import CoreError


def main(host: str) -> None:
    config = settings.load()
    _ = config.broker_url  # a wrong setting is reported once, here, and not by each process
    processes.share_heap()
    processes.open_many_files()
    Server(create_app, host, config.core_port, config.core_api_processes).run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The core's HTTP API.")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    try:
        main(parser.parse_args().host)
    except CoreError as problem:
        sys.exit(str(problem))
