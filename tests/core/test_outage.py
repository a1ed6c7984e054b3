"""While Redis hangs or is gone: health at once, every other answer within 3 s, and all is well when it is back."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.core.bare import Answer, BareClient
from tests.live import LiveCore, until

CALLS: list[tuple[str, str, Any]] = [
    ("POST", "/start_task", {"job": "echo", "username": "sato"}),
    ("GET", "/task_status/01234567-89ab-cdef-0123-456789abcdef", None),
    ("DELETE", "/delete_task/01234567-89ab-cdef-0123-456789abcdef", None),
    ("GET", "/tasks", None),
    ("POST", "/files?name=a", {}),
    ("POST", "/add_active_user", {"username": "sato"}),
    ("GET", "/activity", None),
    ("POST", "/drain", {"username": "sato"}),
    ("DELETE", "/drain", None),
]
WITHOUT_REDIS = [("GET", "/jobs", None), ("GET", "/get_active_user", None), ("GET", "/files/x", None)]


@pytest.fixture
def hung(quiet: LiveCore) -> Iterator[LiveCore]:
    """A core whose Redis takes connections and answers nothing."""
    quiet.services()["valkey"].suspend()
    yield quiet
    quiet.services()["valkey"].resume()
    until(quiet.is_ready)


def timed(core: LiveCore, method: str, path: str, body: Any) -> tuple[Answer, float]:
    begin = time.monotonic()
    with BareClient(core) as client:
        return client.call(method, path, body), time.monotonic() - begin


@pytest.mark.alone
def test_every_request_is_answered_within_3_s_while_redis_hangs(hung: LiveCore) -> None:
    with ThreadPoolExecutor(4 * len(CALLS)) as pool:
        answers = list(pool.map(lambda call: timed(hung, *call), CALLS * 4))
        at_once = [timed(hung, *call) for call in WITHOUT_REDIS]
    until(lambda: hung.http.get("/ready").status_code == 503)
    ready = hung.http.get("/ready").json()

    assert {answer.status for answer, _ in answers} == {503}
    assert all(int(answer.headers["retry-after"]) > 0 for answer, _ in answers)
    assert all("try again" in answer.body["detail"].lower() for answer, _ in answers)
    assert max(seconds for _, seconds in answers) < 3
    assert [answer.status for answer, _ in at_once] == [200, 200, 404]
    assert "not available" in ready["redis"]
    assert ready["files"] == "ok"


@pytest.mark.alone
def test_health_answers_at_once_while_redis_hangs_and_others_wait_for_it(hung: LiveCore) -> None:
    with ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(timed, hung, *CALLS[number % len(CALLS)]) for number in range(20)]
        hung.http.get("/health")
        seconds = []
        for _ in range(20):
            begin = time.monotonic()
            assert hung.http.get("/health").json() == {"status": "ok"}
            seconds.append(time.monotonic() - begin)
        still_waiting = sum(not call.done() for call in waiting)

    assert still_waiting > 5
    assert sorted(seconds)[len(seconds) // 2] < 0.05


def test_a_hang_that_ends_leaves_nothing_behind(hung: LiveCore) -> None:
    timed(hung, *CALLS[0])
    hung.services()["valkey"].resume()
    until(hung.is_ready)

    assert hung.wait(hung.submit("echo"))["task_status"] == "SUCCESS"


def test_nobody_gets_the_answer_to_another_question_while_redis_comes_and_goes(quiet: LiveCore) -> None:
    texts = {quiet.submit("echo", text=f"text {number}"): f"text {number}" for number in range(16)}
    over = threading.Event()

    def ask(task_id: str) -> list[int]:
        statuses = []
        with BareClient(quiet) as client:
            while not over.is_set():
                answer = client.call("GET", f"/task_status/{task_id}")
                statuses.append(answer.status)
                if answer.status == 200:
                    assert (answer.body["task_id"], answer.body["params"]) == (task_id, {"text": texts[task_id]})
        return statuses

    with ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(ask, task_id) for task_id in texts]
        valkey = quiet.services()["valkey"]
        for seconds in (1.5, 0.1, 1.3, 1.5):
            valkey.suspend()
            time.sleep(seconds)  # longer than an exchange may take, and shorter
            valkey.resume()
            until(lambda: quiet.http.get("/activity").status_code == 200)
        over.set()
        answers = [status for one in asked for status in one.result()]
    assert set(answers) == {200, 503}


def test_without_redis_a_task_is_refused_within_3_s_and_nobody_is_put_on_the_list(lone_api: TestClient) -> None:
    begin = time.monotonic()
    answer = lone_api.post("/start_task", json={"job": "echo", "username": "sato"})

    assert time.monotonic() - begin < 3
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert lone_api.get("/get_active_user").json() == {}
    assert lone_api.get("/ready").json()["worker"].startswith("Unknown")
