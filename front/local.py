"""The whole app on this machine: make its secrets, check its ports, then turn into Streamlit."""

import os
import secrets
import socket
import sys
from pathlib import Path

from dotenv import dotenv_values, load_dotenv

from front.errors import FrontError, SettingsError

ROOT = Path(__file__).parent.parent
OWN = Path(".local/secrets.env")


def main() -> None:
    os.umask(0o077)  # what this process and the core write is nobody else's business
    load_dotenv(".env")
    prepare()
    port, core, flower = _port("FRONT_PORT", "8501"), _port("CORE_PORT", "8502"), _port("FLOWER_PORT", "5555")
    os.environ.update(CORE_URL=f"http://127.0.0.1:{core}")
    print(f"okosu: http://localhost:{port}   Press Ctrl-C to stop everything.")
    print(f"Flower, while the core is awake: http://localhost:{flower}/flower/")
    print(f"Its user and password are FLOWER_BASIC_AUTH in {OWN}.", flush=True)
    # Streamlit replaces this process, so that ending it ends Streamlit and the local core.
    options = {
        "server.address": "127.0.0.1",
        "server.port": port,
        "server.headless": "true",
        "server.maxUploadSize": os.environ.get("MAX_UPLOAD_MB") or "200",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "front" / "server.py"), *flags]
    os.execv(command[0], command)  # noqa: S606  # no shell may stand in between


def prepare() -> None:
    """Set up the environment for a local core. Missing secrets are generated once and kept."""
    os.environ.update(CORE_INSTANCE_ID="local", PYTHONPATH=str(ROOT))
    kept = dotenv_values(OWN)
    made = {
        "CORE_API_KEY": secrets.token_urlsafe(32),
        "FLOWER_BASIC_AUTH": f"admin:{secrets.token_urlsafe(16)}",
        **kept,
    }
    if made != kept:
        OWN.parent.mkdir(parents=True, exist_ok=True)
        OWN.touch(mode=0o600)
        OWN.write_text("".join(f"{name}={value}\n" for name, value in made.items()), encoding="utf-8")
    OWN.chmod(0o600)
    OWN.parent.chmod(0o700)
    for name, value in made.items():
        if value and not os.environ.get(name):
            os.environ[name] = value


def _port(variable: str, default: str) -> str:
    """The port that this variable names; SettingsError if it is not a free port."""
    value = os.environ.get(variable) or default
    os.environ[variable] = value
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise SettingsError(f"{variable}={value} is not a port. Set it to a number from 1 to 65535.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(value)))
        except OSError:
            raise SettingsError(
                f"Port {value} is in use. Stop what uses it, or set {variable} to another port."
            ) from None
    return value


if __name__ == "__main__":
    try:
        main()
    except FrontError as error:
        sys.exit(str(error))
