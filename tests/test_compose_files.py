"""What holds of the compose files before any container starts."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.compose import FILES, SECRETS, compose, config, has_client, write_env
from tests.live import ROOT

SERVICES = {"core", "worker", "redis", "flower", "flower-healthchecker", "nginx", "front"}
NEEDS = {
    "core": {"CORE_API_KEY", "REDIS_PASSWORD"},
    "worker": {"REDIS_PASSWORD"},
    "redis": {"REDIS_PASSWORD"},
    "flower": {"FLOWER_BASIC_AUTH", "REDIS_PASSWORD"},
    "front": {"CORE_API_KEY"},
}

client = pytest.mark.skipif(not has_client(), reason="there is no `docker compose` on this machine")


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return write_env(tmp_path / ".env", **SECRETS)


@pytest.fixture
def services(env_file: Path) -> dict[str, Any]:
    found: dict[str, Any] = config(env_file)["services"]
    return found


def test_every_variable_of_the_compose_files_is_in_the_example() -> None:
    text = "".join((ROOT / file).read_text() for file in FILES)
    used = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", text)) | set(re.findall(r"(?m)^\s+([A-Z_]+):$", text))
    known = set(re.findall(r"(?m)^([A-Z_]+)=", (ROOT / ".env.example").read_text()))
    assert {"CORE_API_KEY", "WORKER_PROCESSES"} <= used <= known


@client
@pytest.mark.parametrize("files", [FILES[:1], FILES[1:], FILES])
def test_each_tier_stands_alone_and_both_are_one_project(env_file: Path, files: tuple[str, ...]) -> None:
    parsed = config(env_file, files)
    assert parsed["name"] == "okosu"
    assert ("core" in parsed["services"], "front" in parsed["services"]) == (FILES[0] in files, FILES[1] in files)


@client
@pytest.mark.parametrize("secret", SECRETS)
def test_a_missing_secret_stops_the_start_with_its_name(tmp_path: Path, secret: str) -> None:
    env_file = write_env(tmp_path / ".env", **{**SECRETS, secret: ""})
    with pytest.raises(subprocess.CalledProcessError) as stopped:
        compose("config", env_file=env_file)
    assert f"required variable {secret} is missing" in stopped.value.stderr


@client
def test_every_service_comes_back_is_watched_and_cannot_do_more_than_it_must(services: dict[str, Any]) -> None:
    assert set(services) == SERVICES
    for name, service in services.items():
        assert service["restart"] == ("unless-stopped" if name == "core" else "always"), name
        assert service["healthcheck"]["test"], name
        assert service["read_only"], name
        assert service["init"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}, name
        assert not service.get("privileged"), name
        assert "env_file" not in service, name


@client
def test_no_service_knows_a_secret_that_it_does_not_need(services: dict[str, Any]) -> None:
    for name, service in services.items():
        text = " ".join(map(str, (service.get("environment") or {}).values()))
        assert {secret for secret, value in SECRETS.items() if value in text} == NEEDS.get(name, set()), name
        arguments = str([service.get("command"), service["healthcheck"]])
        assert not any(value in arguments for value in SECRETS.values()), name


@client
def test_four_services_are_published_each_on_an_address_of_its_own(services: dict[str, Any]) -> None:
    published = {
        name: [(port["host_ip"], port["published"], port["target"]) for port in service["ports"]]
        for name, service in services.items()
        if service.get("ports")
    }
    assert published == {
        "core": [("127.0.0.1", "8502", 8502)],
        "front": [("127.0.0.1", "8501", 8501)],
        "nginx": [("127.0.0.1", "5555", 5555)],
        "flower-healthchecker": [("127.0.0.1", "5556", 5556)],
    }


@client
def test_other_ports_are_other_ports_outside_only(tmp_path: Path) -> None:
    changed = {"CORE_PORT": "1111", "FLOWER_PORT": "2222", "FRONT_PORT": "3333", "CORE_BIND": "127.0.0.9"}
    services = config(write_env(tmp_path / ".env", **SECRETS, **changed))["services"]
    assert services["flower"]["environment"]["FLOWER_PORT"] == "5555"
    assert "CORE_PORT" not in services["core"]["environment"]
    assert services["core"]["ports"][0]["host_ip"] == "127.0.0.9"
    assert [services[name]["ports"][0]["target"] for name in ("core", "nginx", "front")] == [8502, 5555, 8501]


@client
def test_nginx_and_the_front_do_not_see_redis(services: dict[str, Any], env_file: Path) -> None:
    networks = {name: set(service["networks"]) for name, service in services.items()}
    beside_redis = {name for name in networks if networks[name] & networks["redis"]}
    assert beside_redis == {"redis", "core", "worker", "flower"}
    assert config(env_file)["networks"]["queue"]["internal"]


@client
def test_the_memory_of_the_worker_is_set_in_the_example(tmp_path: Path) -> None:
    env_file = write_env(tmp_path / ".env", **SECRETS, WORKER_MEMORY_MB="700")
    assert int(config(env_file)["services"]["worker"]["mem_limit"]) == 700 << 20


def test_redis_does_not_begin_an_empty_queue_while_there_are_logs(tmp_path: Path) -> None:
    script = (ROOT / FILES[0]).read_text().split("      - |\n")[1].split("    environment:")[0]
    script = re.sub("(?m)^        ", "", script).replace("$$", "$").replace("/data", str(tmp_path))
    (tmp_path / "redis-server").write_text("#!/bin/sh\necho started; cat")
    (tmp_path / "redis-server").chmod(0o755)
    logs = tmp_path / "appendonlydir"

    def start() -> subprocess.CompletedProcess[str]:
        env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "REDISCLI_AUTH": "secret"}
        return subprocess.run(["sh", "-c", script], env=env, capture_output=True, text=True, check=False)

    assert 'requirepass "secret"\n' in start().stdout
    logs.mkdir()
    (logs / "appendonly.aof.1.incr.aof").touch()
    assert "started" in start().stdout
    (logs / "appendonly.aof.1.incr.aof").write_bytes(bytes(1000))
    damaged = start()
    assert damaged.returncode == 1
    assert "The queue is damaged" in damaged.stdout
    (logs / "appendonly.aof.manifest").touch()
    assert "started" in start().stdout


def test_the_builder_sees_no_secret_and_no_test() -> None:
    first, *rest = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert first == "*"
    assert {line for line in rest if line.startswith("!")} == {"!core", "!front", "!flower"}
    assert "**/.env*" in rest


@pytest.mark.parametrize("tier", ["core", "front", "flower"])
def test_an_image_is_made_from_the_hashed_lock_of_its_own_tier_alone(tier: str) -> None:
    text = (ROOT / tier / "Dockerfile").read_text()
    assert set(re.findall(r"\S*requirements\.txt", text)) == {f"{tier}/requirements.txt", "requirements.txt"}
    assert [line for line in text.splitlines() if line.startswith(" && pip ") and "--require-hashes" not in line] == []
    assert not text.startswith("# syntax=")
    for stage in re.split(r"(?m)^FROM ", text)[1:]:
        if not stage.startswith("python:3.13-slim AS build"):
            assert "\nUSER okosu\nCMD [" in re.sub(r"(?m)^#.*\n", "", stage)


def test_flowers_image_has_every_module_of_the_core_that_the_celery_settings_need() -> None:
    names = "import sys; import core.queue.celery_app; print(*[n for n in sys.modules if n.split('.')[0] == 'core'])"
    env = {"REDIS_URL": "redis://nowhere", "PYTHONPATH": str(ROOT)}
    loaded = subprocess.run([sys.executable, "-c", names], env=env, capture_output=True, text=True, check=True)
    dockerfile = (ROOT / "flower" / "Dockerfile").read_text()
    assert "\nCOPY core/queue core/queue\n" in dockerfile
    copied = set(re.findall(r"core/(\w+)\.py", dockerfile))
    needed = {name for name in loaded.stdout.split() if not name.startswith("core.queue")}
    assert {name.removeprefix("core.").replace("core", "__init__") for name in needed} == copied
