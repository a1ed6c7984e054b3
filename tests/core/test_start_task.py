"""POST /start_task: what it takes, what it refuses, and that the same order starts nothing twice."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.live import LiveCore, until


def order(**parts: str) -> str:
    """An order as JSON text, so that it can hold what no dict of Python can."""
    return (
        "{"
        + ", ".join(f'"{name}": {text}' for name, text in {"job": '"echo"', "username": '"sato"', **parts}.items())
        + "}"
    )


def nested(depth: int) -> str:
    return '{"text": ' + "[" * depth + "]" * depth + "}"


def refuse(core: LiveCore, body: str, status: int = 422) -> dict[str, Any]:
    answer = core.http.post("/start_task", content=body.encode(), headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    problem: dict[str, Any] = answer.json()
    return problem


def test_an_unknown_job_is_404_and_names_the_jobs_there_are(core: LiveCore) -> None:
    problem = refuse(core, '{"job": "reorder", "username": "sato"}', 404)

    assert "'reorder'" in problem["detail"]
    assert "echo" in problem["detail"]
    assert "sleeper" in problem["detail"]


@pytest.mark.parametrize(
    ("params", "fields"),
    [
        ('{"seconds": "long"}', {"seconds"}),
        ('{"seconds": -1}', {"seconds"}),
        ('{"seconds": null}', {"seconds"}),
        ('{"minutes": 1}', {"minutes"}),
        ('{"minutes": 1, "seconds": 601}', {"minutes", "seconds"}),
        ('{"seconds": 1e999}', {"params"}),
        ('{"seconds": "inf"}', {"seconds"}),
    ],
)
def test_parameters_that_do_not_fit_have_a_sentence_each(core: LiveCore, params: str, fields: set[str]) -> None:
    problem = refuse(core, f'{{"job": "sleeper", "username": "sato", "params": {params}}}')

    assert set(problem["fields"]) == fields
    assert all(len(sentence.split()) >= 2 for sentence in problem["fields"].values())
    assert all(field in problem["detail"] for field in fields)


def test_a_missing_parameter_and_a_file_that_is_not_there_are_told(core: LiveCore) -> None:
    missing = refuse(core, '{"job": "measure", "username": "sato"}')
    not_there = refuse(core, f'{{"job": "measure", "username": "sato", "params": {{"file": "{"0" * 32}"}}}}')
    not_an_id = refuse(core, '{"job": "measure", "username": "sato", "params": {"file": 7}}')

    assert missing["fields"] == {"file": "is missing"}
    assert "upload it again" in not_there["fields"]["file"]
    assert "file_id" in not_an_id["fields"]["file"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"username": "sato"}', "job"),
        ('{"job": "echo"}', "username"),
        ('{"job": "echo", "user": "sato", "username": "sato"}', "user"),
        (order(job="7"), "job"),
        (order(job='"\\ud800"'), "job"),
        (order(task_id='"7"'), "task_id"),
        (order(params="[]"), "params"),
        (order(params='{"times": NaN}'), "params"),
        (order(params='{"text": "\\ud800"}'), "params"),
        (order(params='{"\\ud800": ""}'), "params"),
        (order(params=nested(250)), "text"),
        (order(params=nested(400)), "params"),
        (order(params=f'{{"text": "{"あ" * 34_000}"}}'), "params"),
        (order(params=f'{{"times": "{"9" * 5000}"}}'), "times"),
        (order(username='""'), "username"),
        (order(username='"  "'), "username"),
        (order(username=f'"{"x" * 10_000}"'), "username"),
        (order(username='"sa\\u0000to"'), "username"),
        (order(username='"sato\\u200b"'), "username"),
        (order(username='"\\ud800"'), "username"),
        (order(**{"\\ud800": "1"}), "body"),
    ],
)
def test_an_order_that_cannot_be_meant_is_refused_by_the_name_of_the_field(
    core: LiveCore, body: str, field: str
) -> None:
    assert list(refuse(core, body)["fields"]) == [field]


def test_so_many_wrong_names_make_no_endless_answer(core: LiveCore) -> None:
    names = ", ".join(f'"{number}{"x" * 90}": 1' for number in range(900))

    assert len(str(refuse(core, order(params=f"{{{names}}}")))) < 15_000


@pytest.mark.parametrize("text", ["", "起こす", "a\u0000b", "\U0001f600", "x" * 90_000, "-9" * 400])
def test_any_text_reaches_the_job_and_comes_back_as_it_was(core: LiveCore, text: str) -> None:
    status = core.wait(core.submit("echo", text=text))

    assert status["params"] == {"text": text}
    assert status["result"] == {"value": {"text": text}}


def test_a_name_has_one_spelling(core: LiveCore) -> None:
    task_id = core.submit("echo", username="  か\u3099く  ")

    assert core.status(task_id)["username"] == "がく"
    assert "がく" in core.http.get("/get_active_user").json()


def test_the_same_order_again_gives_the_same_task_and_starts_nothing(core: LiveCore) -> None:
    task_id = str(uuid.uuid4())
    first = core.submit("echo", task_id=task_id, text="a", times=2)
    done = core.wait(first)
    again = core.submit("echo", task_id=task_id.upper(), times=2, text="a")

    assert first == again == task_id
    assert core.status(task_id) == done
    assert len([task for task in core.http.get("/tasks?limit=500").json() if task["task_id"] == task_id]) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"job": "fails", "params": {}, "username": "sato"},
        {"job": "echo", "params": {"text": "b"}, "username": "sato"},
        {"job": "echo", "params": {}, "username": "tanaka"},
    ],
)
def test_another_order_under_the_same_id_is_409(core: LiveCore, other: dict[str, Any]) -> None:
    task_id = core.submit("echo", task_id=str(uuid.uuid4()))

    answer = core.http.post("/start_task", json={**other, "task_id": task_id})

    assert answer.status_code == 409
    assert "new task_id" in answer.json()["detail"]


def test_a_thousand_equal_orders_at_once_are_one_task(core: LiveCore, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, task_id = tmp_path_factory.mktemp("trace"), str(uuid.uuid4())
    with ThreadPoolExecutor(16) as pool:
        ids = set(
            pool.map(lambda _: core.submit("counter", task_id=task_id, folder=str(folder), name="t"), range(1000))
        )
    core.wait(task_id)

    assert ids == {task_id}
    assert (folder / "t").read_text() == "run\n"


def test_the_user_is_put_on_the_active_list(core: LiveCore) -> None:
    core.submit("echo", username="suzuki")

    assert "suzuki" in core.http.get("/get_active_user").json()


def test_the_list_is_written_only_if_the_user_is_absent_or_the_minute_has_changed(core: LiveCore) -> None:
    path = core.data_dir / "active_users" / "active_user_list.json"

    def unchanged() -> bool:
        core.submit("echo", username="yamada")
        before = path.stat()
        minute = core.http.get("/get_active_user").json()["yamada"]
        core.submit("echo", username="yamada")
        same_minute = core.http.get("/get_active_user").json()["yamada"] == minute
        return same_minute and (before.st_ino, before.st_mtime_ns) == (path.stat().st_ino, path.stat().st_mtime_ns)

    assert until(unchanged, 5)


def test_a_task_id_that_is_known_puts_nobody_on_the_list_again(core: LiveCore) -> None:
    task_id = core.submit("echo", username="kato")
    core.http.request("DELETE", "/delete_active_user", json={"username": "kato"})

    core.submit("echo", username="kato", task_id=task_id)

    assert "kato" not in core.http.get("/get_active_user").json()
