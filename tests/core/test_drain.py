"""Stopping: what holds the core, what draining refuses, and how it ends."""

import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import redis

from tests.live import LiveCore, until
from tests.names import wide

TOKYO = ZoneInfo("Asia/Tokyo")


def write_list(core: LiveCore, users: dict[str, str]) -> None:
    (core.data_dir / "active_users" / "active_user_list.json").write_text(json.dumps(users))


def hours_ago(hours: float) -> str:
    return (datetime.now(TOKYO) - timedelta(hours=hours)).strftime("%Y/%m/%d %H:%M")


def drain(core: LiveCore, username: str = "sato", **more: Any) -> tuple[int, Any]:
    answer = core.http.post("/drain", json={"username": username, **more})
    return answer.status_code, answer.json()


def activity(core: LiveCore) -> dict[str, Any]:
    told: dict[str, Any] = core.http.get("/activity").json()
    return told


def queue(core: LiveCore) -> redis.Redis:
    environment = core.services()["api"].environ()
    return redis.Redis.from_url(environment["REDIS_URL"], password=environment["REDIS_PASSWORD"])


def test_an_idle_core_drains_and_says_so(quiet: LiveCore) -> None:
    assert drain(quiet) == (200, {"draining": True})
    assert activity(quiet)["draining"] is True
    assert drain(quiet) == (200, {"draining": True})


def test_a_waiting_and_a_running_task_hold_the_core_even_ones_own(quiet: LiveCore) -> None:
    running = quiet.submit("sleeper", username="sato", seconds=100)
    quiet.wait(running, "STARTED")
    waiting = quiet.submit("echo", username="tanaka")

    status, problem = drain(quiet, "sato")

    assert status == 409
    assert "in use" in problem["detail"]
    assert {"kind": "task", "username": "sato", "task_id": running, "job": "sleeper"} in problem["holds"]
    assert {"kind": "task", "username": "tanaka", "task_id": waiting, "job": "echo"} in problem["holds"]
    assert activity(quiet)["draining"] is False


def test_another_user_holds_the_core_and_oneself_does_not(quiet: LiveCore) -> None:
    write_list(quiet, {"sato": hours_ago(0), "tanaka": hours_ago(23.9)})

    status, problem = drain(quiet, "sato")

    assert (status, problem["holds"]) == (409, [{"kind": "user", "username": "tanaka"}])
    quiet.http.request("DELETE", "/delete_active_user", json={"username": "tanaka"})
    assert drain(quiet, "sato")[0] == 200


def test_oneself_in_another_spelling_does_not_hold_the_core_and_others_are_accepted_in_any(quiet: LiveCore) -> None:
    write_list(quiet, {"Sato Jun": hours_ago(0), wide("Tanaka"): hours_ago(0)})

    assert quiet.http.get("/username", params={"name": wide("sato jun")}).json() == {"username": "Sato Jun"}
    status, problem = drain(quiet, wide("SATO JUN"))

    assert (status, problem["holds"]) == (409, [{"kind": "user", "username": wide("Tanaka")}])
    assert drain(quiet, "sato jun", accept=[{"kind": "user", "username": "tanaka"}])[0] == 200


def test_a_user_who_forgot_to_leave_holds_nothing(quiet: LiveCore) -> None:
    write_list(quiet, {"tanaka": hours_ago(24.1), "suzuki": "long ago"})

    assert drain(quiet, "sato")[0] == 200


def test_what_the_caller_has_seen_and_accepts_holds_no_more(quiet: LiveCore) -> None:
    quiet.submit("sleeper", username="sato", seconds=100)
    write_list(quiet, {"tanaka": hours_ago(0)})
    seen = drain(quiet, "sato")[1]["holds"]

    assert {hold["kind"] for hold in seen} == {"task", "user"}
    assert drain(quiet, "sato", accept=seen) == (200, {"draining": True})


def test_a_hold_that_appears_after_the_first_refusal_is_refused_again_and_named_alone(quiet: LiveCore) -> None:
    first = quiet.submit("sleeper", username="sato", seconds=100)
    seen = drain(quiet, "sato")[1]["holds"]
    second = quiet.submit("sleeper", username="tanaka", seconds=100)

    status, problem = drain(quiet, "sato", accept=seen)

    assert [hold["task_id"] for hold in seen] == [first]
    assert (status, problem["more"]) == (409, 0)
    assert problem["holds"] == [
        {"kind": "task", "username": "tanaka", "task_id": second, "job": "sleeper"},
        {"kind": "user", "username": "tanaka"},
    ]
    assert activity(quiet)["draining"] is False
    assert drain(quiet, "sato", accept=[*seen, *problem["holds"]])[0] == 200


def test_a_refusal_names_200_tasks_at_most_and_counts_the_others(quiet: LiveCore) -> None:
    tasks = [quiet.submit("sleeper", username="sato", seconds=100) for _ in range(203)]

    status, problem = drain(quiet, "sato")

    assert (status, len(problem["holds"]), problem["more"]) == (409, 200, 3)
    last = drain(quiet, "sato", accept=problem["holds"])[1]["holds"]
    assert {hold["task_id"] for hold in [*problem["holds"], *last]} == set(tasks)
    assert drain(quiet, "sato", accept=[*problem["holds"], *last])[0] == 200


def test_force_drains_whoever_is_there(quiet: LiveCore) -> None:
    write_list(quiet, {"tanaka": hours_ago(0)})
    task_id = quiet.submit("sleeper", seconds=100)

    assert drain(quiet, "sato", force=True, idle_for=1000)[0] == 200
    assert quiet.status(task_id)["task_status"] in ("PENDING", "STARTED")


def test_a_core_that_has_not_been_idle_for_long_enough_is_not_drained(quiet: LiveCore) -> None:
    quiet.upload(b"an act")

    status, problem = drain(quiet, "sato", idle_for=60)

    assert (status, problem["holds"]) == (409, [])
    assert "60 s" in problem["detail"]
    until(lambda: activity(quiet)["idle_seconds"] > 0.3)
    assert drain(quiet, "sato", idle_for=0.2)[0] == 200


@pytest.mark.parametrize(
    "wrong", [{"idle_for": -1}, {"idle_for": "inf"}, {"force": "please"}, {"username": ""}, {"idle": 1}]
)
def test_a_drain_that_makes_no_sense_is_422(quiet: LiveCore, wrong: dict[str, Any]) -> None:
    status, problem = drain(quiet, **wrong)

    assert (status, list(problem["fields"])) == (422, list(wrong))
    assert activity(quiet)["draining"] is False


def test_a_draining_core_takes_no_task_no_user_and_no_file(quiet: LiveCore) -> None:
    drain(quiet)
    refused = [
        quiet.http.post("/start_task", json={"job": "echo", "username": "sato"}),
        quiet.http.post("/add_active_user", json={"username": "sato"}),
        quiet.http.post("/files?name=a", content=b"x"),
    ]

    assert [answer.status_code for answer in refused] == [503] * 3
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
    assert all("about to stop" in answer.json()["detail"] for answer in refused)
    assert quiet.http.get("/get_active_user").json() == {}


def test_who_was_there_before_the_drain_is_still_there_after_trying_again(quiet: LiveCore) -> None:
    before = {"sato": hours_ago(1)}
    write_list(quiet, before)
    drain(quiet, "sato")

    assert quiet.http.post("/add_active_user", json={"username": "sato"}).status_code == 503
    assert quiet.http.get("/get_active_user").json() == before


def test_nobody_slips_in_between_the_look_at_the_users_and_the_drain(quiet: LiveCore) -> None:
    def join(number: int) -> tuple[str, int]:
        name = f"user{number}"
        return name, quiet.http.post("/add_active_user", json={"username": name}).status_code

    for _ in range(10):
        write_list(quiet, {})
        with ThreadPoolExecutor(6) as pool:
            joining = [pool.submit(join, number) for number in range(5)]
            drained, _ = drain(quiet, "sato")
        joined = {name for name, status in (each.result() for each in joining) if status == 200}

        assert set(quiet.http.get("/get_active_user").json()) == joined
        assert drained == (409 if joined else 200)
        quiet.http.delete("/drain")


def test_a_draining_core_still_answers_for_a_task_it_knows(quiet: LiveCore) -> None:
    task_id = str(uuid.uuid4())
    quiet.submit("echo", task_id=task_id)
    done = quiet.wait(task_id)
    drain(quiet, force=True)

    assert quiet.submit("echo", task_id=task_id) == task_id
    assert quiet.status(task_id) == done
    assert (
        quiet.http.post("/start_task", json={"job": "fails", "username": "sato", "task_id": task_id}).status_code == 409
    )


def test_a_draining_core_lets_people_leave_and_cancel(quiet: LiveCore) -> None:
    task_id = quiet.submit("sleeper", seconds=100)
    drain(quiet, force=True)

    assert quiet.http.delete(f"/delete_task/{task_id}").status_code == 200
    assert quiet.http.request("DELETE", "/delete_active_user", json={"username": "sato"}).status_code == 200


def test_undraining_opens_the_core_again(quiet: LiveCore) -> None:
    drain(quiet)

    assert quiet.http.delete("/drain").json() == {"draining": False}
    assert quiet.wait(quiet.submit("echo"))["task_status"] == "SUCCESS"


def test_a_draining_core_tells_for_how_long_and_for_whom_and_others_do_not_prolong_it(quiet: LiveCore) -> None:
    drain(quiet, "佐藤")
    drain(quiet, "tanaka")
    told = activity(quiet)

    assert told["draining_by"] == "佐藤"
    assert 590 < told["draining_seconds"] <= 600
    quiet.http.delete("/drain")
    assert {"draining_by", "draining_seconds"} & set(activity(quiet)) == set()


def test_who_stops_a_core_that_drains_already_is_told_what_holds_it_all_the_same(quiet: LiveCore) -> None:
    task_id = quiet.submit("sleeper", username="tanaka", seconds=100)
    assert drain(quiet, "suzuki", force=True)[0] == 200

    status, problem = drain(quiet, "sato")

    assert (status, problem["holds"][0]["task_id"]) == (409, task_id)
    assert drain(quiet, "sato", accept=problem["holds"])[0] == 200
    assert activity(quiet)["draining_by"] == "suzuki"


def test_draining_ends_by_itself_after_10_minutes(quiet: LiveCore) -> None:
    drain(quiet)
    with queue(quiet) as store:
        begin, end = (float(store.hget(*field) or 0) for field in (("okosu:minutes", "at"), ("okosu:draining", "ends")))
        assert 590 < (end - begin) / 1e6 <= 601
        store.hset("okosu:draining", "ends", int(begin))

    until(lambda: not activity(quiet)["draining"])
    assert quiet.submit("echo")


def test_a_new_api_process_keeps_drain_and_users_and_a_new_start_of_the_core_forgets_both(quiet: LiveCore) -> None:
    quiet.http.post("/add_active_user", json={"username": "sato"})
    drain(quiet)
    api = quiet.services()["api"].pid
    quiet.kill("api", with_children=True)
    until(lambda: "api" in (now := quiet.services()) and now["api"].pid != api)
    until(quiet.is_ready)

    assert activity(quiet)["draining"] is True
    assert list(quiet.http.get("/get_active_user").json()) == ["sato"]

    quiet.stop()
    quiet.start()

    assert activity(quiet)["draining"] is False
    assert quiet.http.get("/get_active_user").json() == {}


def test_activity_counts_what_is_there(quiet: LiveCore) -> None:
    quiet.wait(quiet.submit("sleeper", seconds=100), "STARTED")
    quiet.submit("echo", username="tanaka")
    told = activity(quiet)

    assert told == {"waiting": 1, "running": 1, "active_users": 2, "idle_seconds": 0, "draining": False}


def test_whose_entry_is_stale_is_told(quiet: LiveCore) -> None:
    write_list(quiet, {"sato": hours_ago(1), "tanaka": hours_ago(25)})

    assert quiet.http.get("/stale_users").json() == ["tanaka"]


def test_asking_is_no_act(quiet: LiveCore) -> None:
    quiet.upload(b"an act")
    begin = time.monotonic()
    until(lambda: activity(quiet)["idle_seconds"] > 0.2)
    for path in ("/activity", "/tasks", "/jobs", "/get_active_user", "/stale_users", "/ready"):
        quiet.http.get(path)

    assert activity(quiet)["idle_seconds"] > 0.2
    assert activity(quiet)["idle_seconds"] < time.monotonic() - begin + 1


@pytest.mark.parametrize("act", ["start_task", "delete_task", "files", "add_active_user"])
def test_each_act_ends_the_idle_time(quiet: LiveCore, act: str) -> None:
    running = quiet.submit("sleeper", seconds=100) if act == "delete_task" else ""
    acts: dict[str, Any] = {
        "start_task": lambda: quiet.wait(quiet.submit("echo")),
        "delete_task": lambda: quiet.http.delete(f"/delete_task/{running}"),
        "files": lambda: quiet.upload(b"x"),
        "add_active_user": lambda: quiet.http.post("/add_active_user", json={"username": "sato"}),
    }
    if act != "delete_task":
        until(lambda: activity(quiet)["idle_seconds"] > 0.5)
    acts[act]()

    assert activity(quiet)["idle_seconds"] < 0.5
