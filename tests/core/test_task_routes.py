"""What is told about tasks: their status, their cancelling, their list."""

import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.live import LiveCore, until

KEYS = {
    *("task_id", "job", "username", "params", "task_status", "progress", "error", "queue_position"),
    *("submitted_at", "started_at", "finished_at"),
}


@pytest.fixture
def busy(quiet: LiveCore) -> str:
    """The id of a task that keeps the only process busy, so that others wait."""
    task_id = quiet.submit("sleeper", seconds=100)
    quiet.wait(task_id, "STARTED")
    return task_id


def cancel(core: LiveCore, task_id: str) -> tuple[int, Any]:
    answer = core.http.delete(f"/delete_task/{task_id}")
    return answer.status_code, answer.json()


def listed(core: LiveCore, **query: Any) -> list[dict[str, Any]]:
    answer = core.http.get("/tasks", params=query)
    assert answer.status_code == 200, answer.text
    tasks: list[dict[str, Any]] = answer.json()
    return tasks


def moment(text: str) -> datetime:
    assert text.endswith("Z")
    return datetime.fromisoformat(text)


def test_a_task_tells_its_life(core: LiveCore) -> None:
    begin = datetime.now(UTC)
    task_id = core.submit("sleeper", username="sato", seconds=0.2)
    status = core.wait(task_id)
    times = [moment(status[name]) for name in ("submitted_at", "started_at", "finished_at")]

    assert set(status) == KEYS | {"result", "cancelled_by"}
    assert {name: status[name] for name in ("task_id", "job", "username", "params", "task_status", "result")} == {
        "task_id": task_id,
        "job": "sleeper",
        "username": "sato",
        "params": {"seconds": 0.2},
        "task_status": "SUCCESS",
        "result": {"metrics": {"seconds": 0.2}},
    }
    assert status["progress"] == {"done": 1, "message": "awake"}
    assert (status["error"], status["queue_position"], status["cancelled_by"]) == (None, None, None)
    assert begin - timedelta(seconds=1) < times[0] <= times[1] < times[2] < datetime.now(UTC) + timedelta(seconds=1)


def test_a_failure_tells_its_type_and_message(core: LiveCore) -> None:
    status = core.wait(core.submit("fails", message="The column 'qty' is missing."))

    assert status["task_status"] == "FAILURE"
    assert status["error"] == {"type": "ValueError", "message": "The column 'qty' is missing."}
    assert status["result"] is None


@pytest.mark.parametrize("task_id", [str(uuid.UUID(int=7, version=4)), "x", "%00", "x" * 5000, "celery"])
def test_an_id_that_nobody_submitted_is_404_and_not_pending(core: LiveCore, task_id: str) -> None:
    status, cancelled = core.http.get(f"/task_status/{task_id}"), core.http.delete(f"/delete_task/{task_id}")

    assert [status.status_code, cancelled.status_code] == [404, 404]
    assert "never submitted" in status.json()["detail"]
    assert len(status.json()["detail"]) < 300


def test_an_id_may_be_written_as_uuids_are(core: LiveCore) -> None:
    task_id = core.submit("echo")

    assert core.status(task_id.upper())["task_id"] == task_id


def test_waiting_tasks_know_their_place(quiet: LiveCore, busy: str) -> None:
    waiting = [quiet.submit("echo") for _ in range(3)]

    assert [quiet.status(task_id)["queue_position"] for task_id in waiting] == [1, 2, 3]
    assert {quiet.status(task_id)["task_status"] for task_id in waiting} == {"PENDING"}
    assert quiet.status(waiting[0])["started_at"] is None
    assert quiet.status(busy)["queue_position"] is None
    cancel(quiet, waiting[0])
    assert [quiet.status(task_id)["queue_position"] for task_id in waiting] == [None, 1, 2]


def test_a_running_task_tells_how_far_it_is(quiet: LiveCore, busy: str) -> None:
    status = until(lambda: (now := quiet.status(busy))["progress"]["done"] > 0 and now)

    assert status
    assert 0 < status["progress"]["done"] < 0.5
    assert status["progress"]["message"].startswith("slept ")


def test_a_running_task_is_cancelled_at_once_and_its_process_is_free(quiet: LiveCore, busy: str) -> None:
    assert cancel(quiet, busy) == (200, {"status": "task revoked"})
    status = quiet.status(busy)

    assert status["task_status"] == "REVOKED"
    assert status["finished_at"]
    assert quiet.wait(quiet.submit("echo"))["task_status"] == "SUCCESS"


def test_a_waiting_task_is_cancelled_and_never_runs(quiet: LiveCore, busy: str) -> None:
    waiting = quiet.submit("echo")

    assert [cancel(quiet, waiting) for _ in range(2)] == [(200, {"status": "task revoked"})] * 2
    cancel(quiet, busy)
    quiet.wait(quiet.submit("echo"))
    assert quiet.status(waiting)["task_status"] == "REVOKED"
    assert quiet.status(waiting)["started_at"] is None


def test_who_cancelled_a_task_is_told_to_whoever_asks_for_it(quiet: LiveCore, busy: str) -> None:
    anonymous = quiet.submit("echo")
    for name in (" 佐藤 ", "tanaka"):  # the second finds it cancelled already
        quiet.http.delete(f"/delete_task/{busy}", params={"username": name})
    cancel(quiet, anonymous)

    assert [quiet.status(task_id)["cancelled_by"] for task_id in (busy, anonymous)] == ["佐藤", None]
    assert quiet.http.delete(f"/delete_task/{busy}", params={"username": ""}).status_code == 422


@pytest.mark.parametrize("job", ["echo", "fails"])
def test_a_finished_task_cannot_be_cancelled(core: LiveCore, job: str) -> None:
    task_id = core.submit(job)
    before = core.wait(task_id)

    assert cancel(core, task_id)[0] == 409
    assert core.status(task_id) == before


def test_the_list_is_newest_first_and_without_results(core: LiveCore) -> None:
    mine = [core.submit("echo", username="lister", text=str(number)) for number in range(3)]
    tasks = listed(core, username="lister")

    assert [task["task_id"] for task in tasks] == mine[::-1]
    assert set(tasks[0]) == KEYS


def test_the_list_can_be_of_one_user_and_one_state(quiet: LiveCore, busy: str) -> None:
    waiting = [quiet.submit("echo", username=name) for name in ("aoki", "abe")]

    assert [task["task_id"] for task in listed(quiet, username="aoki", task_status="PENDING")] == waiting[:1]
    assert {task["task_id"] for task in listed(quiet, task_status="PENDING")} == set(waiting)
    assert [task["task_id"] for task in listed(quiet, task_status="STARTED")] == [busy]
    assert listed(quiet, username="nobody") == []
    assert [task["queue_position"] for task in listed(quiet, task_status="PENDING")] == [2, 1]


def test_a_user_is_found_in_any_spelling(core: LiveCore) -> None:
    core.submit("echo", username="ガク")

    assert listed(core, username=" カ\u3099ク ")


def test_pages_of_the_list_miss_nothing_and_repeat_nothing(core: LiveCore) -> None:
    with ThreadPoolExecutor(8) as pool:
        mine = set(pool.map(lambda _: core.submit("echo", username="pager"), range(25)))
    pages: list[list[str]] = []
    before: dict[str, str] = {}
    while page := listed(core, username="pager", limit=4, **before):
        pages.append([task["task_id"] for task in page])
        before = {"before": page[-1]["submitted_at"]}

    assert [len(page) for page in pages] == [4] * 6 + [1]
    assert Counter(task_id for page in pages for task_id in page) == Counter(mine)


def test_a_page_may_be_asked_for_by_hand_without_escaping(core: LiveCore) -> None:
    first, second = core.submit("echo", username="hand"), core.submit("echo", username="hand")
    at = core.status(second)["submitted_at"]

    answer = core.http.get(f"/tasks?username=hand&before={at}")

    assert [task["task_id"] for task in answer.json()] == [first]


@pytest.mark.parametrize("before", ["0001-01-01T00:00:00+14:00", "1969-12-31", "9999-12-31T23:59:59.999999-14:00"])
def test_any_moment_may_be_asked_for(core: LiveCore, before: str) -> None:
    core.submit("echo")

    assert bool(listed(core, before=before)) == before.startswith("9999")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=many", "limit"),
        ("before=yesterday", "before"),
        ("task_status=DONE", "task_status"),
        ("username=" + "x" * 101, "username"),
    ],
)
def test_a_question_that_makes_no_sense_is_422(core: LiveCore, query: str, field: str) -> None:
    answer = core.http.get(f"/tasks?{query}")

    assert answer.status_code == 422
    assert list(answer.json()["fields"]) == [field]


def test_the_jobs_are_told_with_what_a_form_needs(core: LiveCore) -> None:
    jobs = {job["name"]: job for job in core.http.get("/jobs").json()}

    assert {"echo", "measure", "sleeper"} <= set(jobs)
    assert jobs["sleeper"]["title"] == "Sleeper"
    assert jobs["sleeper"]["description"] == "Sleep, in small steps."
    assert jobs["sleeper"]["params"]["properties"] == {
        "seconds": {"default": 1, "maximum": 600, "minimum": 0, "title": "Seconds", "type": "number"}
    }
    assert jobs["measure"]["params"]["properties"]["file"]["format"] == "okosu-file"
    assert jobs["measure"]["params"]["required"] == ["file"]
