"""Both tiers in their containers: what is closed, and what the images do not contain."""

import json
import socket
import subprocess

import pytest

from tests.compose import SECRETS, has_engine
from tests.containers.project import SERVICES, Project

pytestmark = [
    pytest.mark.containers,
    pytest.mark.skipif(not has_engine(), reason="there is no Docker engine with compose on this machine"),
    pytest.mark.timeout(1800),
]


def test_only_the_services_that_need_redis_can_reach_it(project: Project) -> None:
    containers = project.containers()
    assert not any(containers["redis"]["NetworkSettings"]["Ports"].values())
    for service in ("front", "flower-healthchecker"):
        look_up = "import socket; print(socket.gethostbyname('redis'))"
        with pytest.raises(subprocess.CalledProcessError) as failed:
            project.run_in(service, "python", "-c", look_up)
        assert "gaierror" in failed.value.stderr
    with pytest.raises(subprocess.CalledProcessError) as failed:
        project.run_in("nginx", "wget", "-q", "-T", "2", "-O", "/dev/null", "http://redis:6379/")
    assert "refused" not in failed.value.stderr
    assert "NOAUTH" in project.run_in("redis", "env", "-u", "REDISCLI_AUTH", "redis-cli", "dbsize")


def test_ports_are_published_only_on_the_configured_addresses(project: Project) -> None:
    for container in project.containers().values():
        for bindings in (container["NetworkSettings"]["Ports"] or {}).values():
            assert {binding["HostIp"] for binding in bindings or []} <= {"127.0.0.1"}
    for port in project.ports.values():
        with socket.create_connection(("127.0.0.1", int(port)), timeout=5):
            pass


def test_no_process_runs_as_root_or_shows_a_secret(project: Project) -> None:
    processes = project.processes()
    assert {name for name, _, _ in processes} == set(SERVICES)
    assert [process for process in processes if process[1] == "0"] == []
    everything = json.dumps(processes)
    assert [secret for secret in SECRETS.values() if secret in everything] == []


def test_each_image_contains_only_what_its_tier_needs(project: Project) -> None:
    for service in ("core", "flower", "flower-healthchecker", "front"):
        left = "command -v gcc cc make; ls -d /venv/lib/*/site-packages/pip; find / -xdev -name '.env*' -type f"
        assert project.run_in(service, "sh", "-c", f"({left}) 2>/dev/null || true") == "", service
    assert project.run_in("front", "ls", "-A", "/app").split() == ["front"]
    for service, foreign in {"front": "core", "core": "streamlit", "flower": "core.jobs"}.items():
        with pytest.raises(subprocess.CalledProcessError) as failed:
            project.run_in(service, "python", "-c", f"import {foreign}")
        assert "No module named" in failed.value.stderr
