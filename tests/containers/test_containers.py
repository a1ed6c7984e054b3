"""Both tiers in their containers, seen from outside: what works, and what survives."""

import json
import time

import httpx2
import pytest

from tests.compose import has_engine
from tests.containers.project import SERVICES, Project, docker
from tests.live import until

pytestmark = [
    pytest.mark.containers,
    pytest.mark.skipif(not has_engine(), reason="there is no Docker engine with compose on this machine"),
    pytest.mark.timeout(1800),
]

FROM_THE_FRONT = """
import json, sys, time
from front import settings
from front.core_client import CoreClient
config = settings.load()
core = CoreClient(config.core_url, config.key)
task_id = core.start_task("sleeper", {"seconds": 0.2}, "sato", sys.argv[1])
while (status := core.task_status(task_id))["task_status"] not in ("SUCCESS", "FAILURE", "REVOKED"):
    time.sleep(0.1)
print(json.dumps(status))
"""


def is_well(project: Project) -> bool:
    try:
        return project.stranger.get("/healthcheck").status_code == 200
    except httpx2.HTTPError:
        return False


def test_a_task_submitted_by_the_front_runs_on_the_worker(project: Project) -> None:
    task_id = "5b0f9a52-6b2a-4a3e-9a53-0d8f6f3a1c11"
    status = json.loads(project.run_in("front", "python", "-c", FROM_THE_FRONT, task_id))
    assert (status["task_status"], status["result"]["metrics"]) == ("SUCCESS", {"seconds": 0.2})
    assert project.wait(task_id)["username"] == "sato"


def test_the_front_serves_its_page(project: Project) -> None:
    assert "<title>" in project.front.get("/").text


def test_the_list_of_active_users_survives_a_restart_of_the_core(project: Project) -> None:
    before = project.api.post("/add_active_user", json={"username": "suzuki"}).json()
    assert "suzuki" in before
    project.compose("restart", "core")
    project.wait_until_healthy()
    assert project.api.get("/get_active_user").json() == before


@pytest.mark.parametrize("service", SERVICES)
def test_restarting_a_service_loses_nothing(project: Project, service: str) -> None:
    finished, running = project.submit("sleeper", seconds=0), project.submit("sleeper", seconds=4)
    waiting = [project.submit("sleeper", seconds=0.1) for _ in range(5)]
    project.wait(finished)
    project.wait(running, "STARTED")
    project.compose("restart", service)
    for task_id in (finished, running, *waiting):
        assert project.wait(task_id)["task_status"] == "SUCCESS"
    project.wait_until_healthy()
    until(lambda: is_well(project), 15, 0.5)
    assert project.flower.get("/flower/").status_code == 200
    assert project.front.get("/_stcore/health").status_code == 200


def test_flower_lets_in_only_those_who_know_the_password(project: Project) -> None:
    for path in ("/flower/", "/flower/tasks", "/flower/broker", "/flower/api/workers"):
        assert project.stranger.get(path).status_code == 401
        assert project.flower.get(path).status_code == 200
    assert project.flower.get("/flower/metrics").status_code == 404


def test_an_admin_can_stop_a_task_from_a_page_of_flower(project: Project) -> None:
    task_id = project.submit("sleeper", seconds=300)
    project.wait(task_id, "STARTED")
    page = f"http://127.0.0.1:{project.ports['FLOWER_PORT']}"
    revoke = f"/flower/api/task/revoke/{task_id}?terminate=true"
    assert project.flower.post(revoke, headers={"Origin": "http://elsewhere.example"}).status_code == 403
    answer = project.flower.post(revoke, headers={"Origin": page})
    assert answer.status_code == 200, answer.text
    assert project.wait(task_id)["task_status"] == "REVOKED"
    until(project.worker_is_idle, 10, 0.5)


def test_flower_remembers_tasks_across_a_restart_and_shows_no_parameters(project: Project) -> None:
    task_id = project.submit("echo", text="a-secret-of-the-company")
    project.wait(task_id)
    until(lambda: project.flower.get(f"/flower/api/task/info/{task_id}").status_code == 200, 20, 0.5)
    project.compose("restart", "flower")
    project.wait_until_healthy()
    remembered = until(lambda: project.flower.get(f"/flower/task/{task_id}"), 20, 0.5)
    assert remembered.status_code == 200
    assert "echo" in remembered.text
    assert "a-secret-of-the-company" not in remembered.text


def test_the_health_check_fails_while_the_worker_is_stopped(project: Project) -> None:
    begin = time.monotonic()
    project.compose("stop", "worker")
    assert time.monotonic() - begin < 10
    parts = until(lambda: project.checker.get("/healthcheck").json()["worker"] != "ok", 20, 0.5)
    assert parts
    failing = project.checker.get("/healthcheck")
    assert (failing.status_code, failing.json()["flower"]) == (503, "ok")
    assert project.stranger.get("/healthcheck").status_code == 503
    project.compose("start", "worker")
    until(lambda: is_well(project), 20, 0.5)
    project.wait_until_healthy()


def test_a_core_that_is_stopped_during_a_task_stops_in_time_and_the_task_finishes_after_the_next_start(
    project: Project,
) -> None:
    running = project.submit("sleeper", seconds=5)
    project.wait(running, "STARTED")
    begin = time.monotonic()
    project.compose("stop")
    assert time.monotonic() - begin < 20
    codes = {name: container["State"]["ExitCode"] for name, container in project.containers().items()}
    assert 137 not in codes.values(), f"killed: {codes}"
    project.up()
    assert project.wait(running)["task_status"] == "SUCCESS"


def test_after_a_reboot_containers_may_start_in_any_order(project: Project) -> None:
    project.compose("stop")
    ids = {name: container["Id"] for name, container in project.containers().items()}
    for name in ("nginx", "front", "flower-healthchecker", "flower", "worker", "core"):
        docker("start", ids[name])
    until(lambda: "Unknown" in project.checker.get("/healthcheck").json()["worker"], 30, 0.5)
    docker("start", ids["redis"])
    project.wait_until_healthy(90)
    assert project.wait(project.submit("sleeper", seconds=0))["task_status"] == "SUCCESS"


def test_when_everything_is_killed_at_once_everything_comes_back_and_nothing_is_lost(project: Project) -> None:
    finished, running = project.submit("sleeper", seconds=0), project.submit("sleeper", seconds=5)
    waiting = [project.submit("sleeper", seconds=0.1) for _ in range(20)]
    project.wait(finished)
    project.wait(running, "STARTED")
    for service in SERVICES:
        project.run_in(service, "sh", "-c", "kill -9 $(cat /proc/1/task/1/children)")
    for task_id in (finished, running, *waiting):
        assert project.wait(task_id)["task_status"] == "SUCCESS"
    project.wait_until_healthy(90)
    assert {container["RestartCount"] for container in project.containers().values()} == {1}
