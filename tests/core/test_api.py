"""What holds for every request: a key, JSON answers, a size limit, and an OpenAPI description."""

import re
import subprocess
import sys
from collections.abc import Iterator

import httpx2
import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from core import errors
from core.api.app import STATUS
from core.api.health import public
from core.api.middleware import OPEN
from core.api.routes import routes
from tests.core.conftest import KEYS
from tests.live import ROOT, LiveCore

ROUTES = [route for router in (public, routes) for route in router.routes if isinstance(route, APIRoute)]
ADDRESSES = [(method, route.path) for route in ROUTES for method in sorted(route.methods or ())]
CONTRACT = {
    ("POST", "/start_task"),
    ("GET", "/task_status/{task_id}"),
    ("DELETE", "/delete_task/{task_id}"),
    ("GET", "/tasks"),
    ("GET", "/jobs"),
    ("POST", "/files"),
    ("GET", "/files/{file_id}"),
    ("GET", "/get_active_user"),
    ("GET", "/stale_users"),
    ("GET", "/username"),
    ("POST", "/add_active_user"),
    ("DELETE", "/delete_active_user"),
    ("GET", "/activity"),
    ("POST", "/drain"),
    ("DELETE", "/drain"),
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/docs"),
}


@pytest.fixture(scope="module")
def stranger(core: LiveCore) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=core.url, trust_env=False) as client:
        yield client


def test_the_routes_match_the_contract() -> None:
    assert set(ADDRESSES) == CONTRACT


@pytest.mark.parametrize(("method", "path"), [address for address in ADDRESSES if address not in OPEN])
@pytest.mark.parametrize("key", [None, "", "wrong", "wrong" * 1000, "\u9375"])
def test_every_route_but_the_open_ones_answers_401_without_a_key(
    core: LiveCore, stranger: httpx2.Client, method: str, path: str, key: str | None
) -> None:
    headers = {} if key is None else {b"X-API-Key": key.encode()}
    answer = stranger.request(method, path.format(task_id="x", file_id="x"), headers=headers, content=b"{not json")

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "APIKey")
    assert "X-API-Key" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nowhere"), ("GET", "/docs/"), ("POST", "/health"), ("HEAD", "/tasks")]
)
def test_without_a_key_nobody_learns_which_routes_exist(stranger: httpx2.Client, method: str, path: str) -> None:
    assert stranger.request(method, path).status_code == 401


@pytest.mark.parametrize("path", [path for _, path in sorted(OPEN)])
def test_the_open_routes_need_no_key(core: LiveCore, stranger: httpx2.Client, path: str) -> None:
    assert stranger.get(path).status_code == 200


@pytest.mark.parametrize("key", KEYS)
def test_each_of_several_keys_is_accepted_so_that_a_key_can_be_changed(lone_api: TestClient, key: str) -> None:
    assert lone_api.get("/jobs", headers={"X-API-Key": key}).status_code == 200


@pytest.mark.parametrize("key", [KEYS[0][:-1], KEYS[0] + "x", KEYS[0][:-1] + "x", KEYS[0].upper(), ", ".join(KEYS)])
def test_a_key_that_is_almost_right_is_refused(lone_api: TestClient, key: str) -> None:
    assert lone_api.get("/jobs", headers={"X-API-Key": key}).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/tasks/", 404), ("PUT", "/tasks", 405), ("GET", "/tasks?limit=many", 422)],
)
def test_errors_of_the_framework_are_sentences_too(core: LiveCore, method: str, path: str, status: int) -> None:
    answer = core.http.request(method, path)

    assert answer.status_code == status
    assert len(answer.json()["detail"].split()) > 1
    assert answer.json()["detail"] != "Not Found"


def test_every_error_of_the_core_has_an_http_status() -> None:
    def all_below(kind: type[errors.CoreError]) -> set[type[errors.CoreError]]:
        return {kind}.union(*(all_below(below) for below in kind.__subclasses__()))

    at_start = {errors.SettingsError, errors.QueueDamaged, errors.OtherFolder, errors.CoreError}

    ours = {kind for kind in all_below(errors.CoreError) if kind.__module__ == "core.errors"}
    assert ours - at_start - {errors.RunFilledDisk} == set(STATUS)


@pytest.mark.parametrize("declared", [True, False])
def test_a_json_body_of_more_than_1_mb_is_a_413(core: LiveCore, declared: bool) -> None:
    body = b'"' + b"x" * (2 << 20) + b'"'
    content = body if declared else iter([body[: 1 << 19], body[1 << 19 :]])

    answer = core.http.post("/start_task", content=content, headers={"Content-Type": "application/json"})

    assert answer.status_code == 413
    assert "POST /files" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"[]", 422),
        (b"null", 422),
        (b"\xff", 400),
        (b"[" * 100_000, 400),
        (b'{"username": 1' + b"0" * 5000 + b"}", 400),
    ],
)
def test_a_body_that_is_not_a_json_object_is_refused_with_a_sentence(core: LiveCore, body: bytes, status: int) -> None:
    answer = core.http.post("/add_active_user", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == status
    assert "body" in answer.json()["detail"]


def test_the_error_about_a_form_instead_of_json_names_the_missing_header(core: LiveCore) -> None:
    answer = core.http.post("/add_active_user", data={"username": "sato"})

    assert answer.status_code == 422
    assert "Content-Type: application/json" in answer.json()["fields"]["body"]


def test_a_bug_in_the_core_is_answered_in_json_without_a_stack_trace(
    lone_api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.files.Files.find", lambda *_: 1 / 0)

    answer = lone_api.get("/files/x")

    assert answer.status_code == 500
    assert "log" in answer.json()["detail"]
    assert "ZeroDivision" not in answer.text


def test_the_openapi_description_lists_every_status_of_each_route(core: LiveCore) -> None:
    described = core.http.get("/openapi.json").json()["paths"]
    answers = {
        (method.upper(), path): set(operation["responses"])
        for path, of in described.items()
        for method, operation in of.items()
    }
    everywhere = {"400", "401", "413", "422", "503"}

    assert set(answers) == CONTRACT - {("GET", "/docs")}
    assert answers["GET", "/health"] == {"200"}
    assert answers["GET", "/ready"] == {"200", "503"}
    assert answers["POST", "/start_task"] == everywhere | {"200", "404", "409"}
    assert answers["POST", "/files"] == everywhere | {"201", "507"}
    assert all(everywhere < answers[address] for address in set(answers) - OPEN)


def test_the_openapi_description_declares_the_key_and_describes_every_route(core: LiveCore) -> None:
    description = core.http.get("/openapi.json").json()
    operations = {path: of for path, by in description["paths"].items() for of in by.values()}
    (scheme,) = description["components"]["securitySchemes"].values()

    assert scheme == {"type": "apiKey", "in": "header", "name": "X-API-Key"}
    assert all(operation["description"] for operation in operations.values())
    assert all("security" in operation for path, operation in operations.items() if ("GET", path) not in OPEN)
    assert re.match(r"[a-z_]+$", operations["/tasks"]["operationId"])


def test_the_api_imports_neither_pandas_nor_numpy_nor_celery() -> None:
    code = "import sys, core.api.__main__; print(sorted({'pandas', 'numpy', 'celery', 'kombu'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
