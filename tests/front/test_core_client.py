import io
import threading
import time
import tracemalloc
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from front import core_client
from front.core_client import CoreClient
from front.errors import CoreRefused, CoreUnreachable, FrontError, Held
from front.records import TaskStatus
from tests.front.answering import Answering, Behaviour, answer, promise_too_much, say_nothing
from tests.live import FINISHED, LiveCore, free_port, until

KEY = "the-key-of-the-tests"


@pytest.fixture
def client(core: LiveCore) -> CoreClient:
    return CoreClient(core.url, core.key)


@pytest.fixture
def bad() -> Iterator[Answering]:
    with Answering(say_nothing) as server:
        yield server


def new_id() -> str:
    return str(uuid.uuid4())


def finished(client: CoreClient, task_id: str) -> TaskStatus:
    def arrived() -> TaskStatus | None:
        status = client.task_status(task_id)
        return status if status["task_status"] in FINISHED else None

    return until(arrived)


class TestAgainstARealCore:
    def test_a_task_goes_from_start_to_result(self, client: CoreClient) -> None:
        task_id = new_id()

        assert client.start_task("echo", {"text": "起", "times": 2}, "sato", task_id) == task_id

        assert finished(client, task_id)["result"] == {"value": {"text": "起起"}}
        assert [task["task_id"] for task in client.tasks("sato", "SUCCESS")].count(task_id) == 1

    def test_the_same_start_again_starts_nothing_twice(self, client: CoreClient) -> None:
        task_id, user = new_id(), new_id()

        for _ in range(2):
            client.start_task("echo", {"text": "a", "times": 1}, user, task_id)

        assert len(client.tasks(user)) == 1

    def test_jobs_describe_their_parameters(self, client: CoreClient) -> None:
        echo = next(job for job in client.jobs() if job["name"] == "echo")

        assert "text" in echo["params"]["properties"]

    def test_older_tasks_are_found_by_the_time_of_the_last_one(self, client: CoreClient) -> None:
        user = new_id()
        ids = [client.start_task("echo", {"text": "a", "times": 1}, user, new_id()) for _ in range(3)]

        newest = client.tasks(user, limit=1)
        older = client.tasks(user, before=newest[0]["submitted_at"])

        assert [task["task_id"] for task in newest + older] == ids[::-1]

    def test_a_waiting_or_running_task_can_be_cancelled(self, client: CoreClient) -> None:
        task_id = client.start_task("sleeper", {"seconds": 60}, "sato", new_id())

        client.delete_task(task_id)

        assert client.task_status(task_id)["task_status"] == "REVOKED"

    def test_a_file_comes_back_as_it_was_sent(self, client: CoreClient) -> None:
        content = bytes(range(256)) * 5000

        stored = client.upload("売上 2026.csv", io.BytesIO(content))

        assert (stored["name"], stored["size"]) == ("売上 2026.csv", len(content))
        assert client.download(stored["file_id"]) == content

    def test_a_file_that_was_already_read_is_sent_from_its_beginning(self, client: CoreClient) -> None:
        file = io.BytesIO(b"abc")
        file.read()

        assert client.upload("a.csv", file)["size"] == 3

    def test_an_empty_file_can_be_uploaded(self, client: CoreClient) -> None:
        assert client.upload("empty.csv", io.BytesIO())["size"] == 0

    def test_an_upload_is_not_copied_in_memory(self, client: CoreClient, tmp_path: Path) -> None:
        (tmp_path / "big.bin").write_bytes(bytes(20 << 20))
        tracemalloc.start()

        with (tmp_path / "big.bin").open("rb") as file:
            client.upload("big.bin", file)

        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 4 << 20

    def test_users_come_and_go(self, client: CoreClient) -> None:
        user = f"鈴木 {new_id()}"

        assert user in client.add_active_user(user)
        assert user in client.active_users()
        assert user not in client.delete_active_user(user)

    def test_nobody_who_has_just_joined_is_stale(self, client: CoreClient) -> None:
        user = new_id()
        client.add_active_user(user)

        assert user not in client.stale_users()

    def test_a_name_has_the_one_spelling_that_the_core_uses(self, client: CoreClient) -> None:
        assert client.canonical_name(" か\u3099 ") == "が"

        with pytest.raises(CoreRefused) as refused:
            client.canonical_name("x" * 101)

        assert (refused.value.status, list(refused.value.fields)) == (422, ["name"])

    def test_activity_and_readiness_are_reported(self, client: CoreClient) -> None:
        assert client.activity()["draining"] is False
        assert client.readiness()[0]
        assert client.ready()["worker"] == "ok"

    def test_each_invalid_field_is_named(self, client: CoreClient) -> None:
        with pytest.raises(CoreRefused) as refused:
            client.start_task("echo", {"text": "a", "times": "many"}, "sato", new_id())

        assert (refused.value.status, list(refused.value.fields)) == (422, ["times"])

    @pytest.mark.parametrize("task_id", [str(uuid.UUID(int=7)), "..", "a/b", "", "../jobs", "?"])
    def test_an_unknown_task_is_reported_whatever_its_id_looks_like(self, client: CoreClient, task_id: str) -> None:
        with pytest.raises(CoreRefused, match="There is no task") as refused:
            client.task_status(task_id)

        assert refused.value.status == 404

    def test_an_unknown_file_is_reported(self, client: CoreClient) -> None:
        with pytest.raises(CoreRefused, match="There is no file"):
            client.download(uuid.uuid4().hex)

    def test_a_wrong_key_is_explained_to_the_admin(self, core: LiveCore) -> None:
        with pytest.raises(CoreRefused, match="CORE_API_KEY") as refused:
            CoreClient(core.url, "another-key-than-the-core").jobs()

        assert refused.value.status == 401

    def test_twenty_threads_share_one_client(self, client: CoreClient) -> None:
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: client.activity()["draining"], range(100)))

        assert answers == [False] * 100


@pytest.fixture(scope="module")
def small_core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCore]:
    """A core that takes only small files. A test that disturbs it waits until it is ready again."""
    with LiveCore(tmp_path_factory.mktemp("small"), MAX_UPLOAD_MB="1") as live:
        yield live


class TestAgainstACoreThatIsDisturbed:
    def test_drain_names_who_holds_the_core_until_each_hold_is_accepted(self, small_core: LiveCore) -> None:
        client = CoreClient(small_core.url, small_core.key)
        task_id = client.start_task("sleeper", {"seconds": 60}, "suzuki", new_id())

        with pytest.raises(Held) as held:
            client.drain("sato")
        *most, last = held.value.holds
        with pytest.raises(Held) as still_held:
            client.drain("sato", accept=most)
        client.drain("sato", accept=held.value.holds)

        assert still_held.value.holds == [last]
        assert {"kind": "task", "username": "suzuki", "task_id": task_id, "job": "sleeper"} in held.value.holds
        assert {"kind": "user", "username": "suzuki"} in held.value.holds
        with pytest.raises(CoreRefused) as refused:
            client.add_active_user("tanaka")
        assert refused.value.status == 503

        client.undrain()
        assert "tanaka" in client.add_active_user("tanaka")
        client.delete_task(task_id)

    def test_a_core_without_a_worker_is_not_ready_and_says_so(self, small_core: LiveCore) -> None:
        client = CoreClient(small_core.url, small_core.key)
        small_core.kill("valkey", "worker")

        until(lambda: not client.readiness()[0])

        assert client.ready()["worker"] != "ok"
        until(lambda: client.readiness()[0])

    def test_a_file_above_the_limit_is_refused_with_a_sentence(self, small_core: LiveCore) -> None:
        with pytest.raises(CoreRefused, match="1 MB") as refused:
            CoreClient(small_core.url, small_core.key).upload("big.bin", io.BytesIO(bytes(5 << 20)))

        assert refused.value.status == 413


HTML = answer(404, "<html><title>404 Not Found</title></html>", "text/html")
STRANGERS: dict[str, Behaviour] = {
    "a web page": HTML,
    "a web page with status 200": answer(200, "<html>hello</html>", "text/html"),
    "a proxy without a core": answer(502, "<html>Bad Gateway</html>", "text/html"),
    "another API's 404": answer(404, '{"detail":"Not Found"}'),
    "another API's error": answer(404, '{"error":"no such thing"}'),
    "another API's answer": answer(200, '"hello"'),
    "a redirect": answer(302, ""),
    "truncated JSON": answer(200, '{"waiting": 1, "runn'),
    "not text": answer(200, "\x00"),
    "a core that fails": answer(500, "Internal Server Error", "text/plain"),
    "silence": say_nothing,
    "less than promised": promise_too_much,
}
CALLS: dict[str, Callable[[CoreClient], object]] = {
    "jobs": lambda client: client.jobs(),
    "start_task": lambda client: client.start_task("echo", {}, "sato", str(uuid.UUID(int=1))),
    "task_status": lambda client: client.task_status(str(uuid.UUID(int=1))),
    "delete_task": lambda client: client.delete_task(str(uuid.UUID(int=1))),
    "tasks": lambda client: client.tasks(),
    "upload": lambda client: client.upload("a", io.BytesIO(b"a")),
    "active_users": lambda client: client.active_users(),
    "add_active_user": lambda client: client.add_active_user("sato"),
    "delete_active_user": lambda client: client.delete_active_user("sato"),
    "stale_users": lambda client: client.stale_users(),
    "canonical_name": lambda client: client.canonical_name("sato"),
    "activity": lambda client: client.activity(),
    "drain": lambda client: client.drain("sato"),
    "undrain": lambda client: client.undrain(),
    "ready": lambda client: client.ready(),
}


class TestAgainstWhateverElseAnswers:
    @pytest.mark.parametrize("stranger", STRANGERS)
    @pytest.mark.parametrize("call", CALLS)
    def test_something_else_at_the_address_counts_as_no_core(self, bad: Answering, call: str, stranger: str) -> None:
        bad.behave = STRANGERS[stranger]

        with pytest.raises(CoreUnreachable) as unreachable:
            CALLS[call](CoreClient(bad.url, KEY))

        assert KEY not in repr(unreachable.value)
        assert bad.url.removeprefix("http://") in str(unreachable.value)

    def test_a_download_that_ends_too_early_is_an_error(self, bad: Answering) -> None:
        bad.behave = promise_too_much

        with pytest.raises(CoreUnreachable):
            CoreClient(bad.url, KEY).download(uuid.uuid4().hex)

    def test_an_address_where_nothing_listens_is_reported_at_once(self) -> None:
        began = time.monotonic()

        with pytest.raises(CoreUnreachable, match="asleep"):
            CoreClient(f"http://127.0.0.1:{free_port()}", KEY).jobs()

        assert time.monotonic() - began < 1

    def test_a_core_that_hangs_is_given_up_in_time(self, bad: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(core_client, "QUICK", (0.2, 0.3))
        release = threading.Event()

        def hang(_: object) -> None:
            release.wait(10)

        bad.behave = hang
        began = time.monotonic()

        with pytest.raises(CoreUnreachable, match="in time"):
            CoreClient(bad.url, KEY).activity()

        release.set()
        assert 0.2 < time.monotonic() - began < 2

    def test_no_page_waits_longer_than_a_few_seconds(self) -> None:
        assert sum(core_client.QUICK) < 6

    def test_a_start_whose_connection_breaks_is_sent_once_more(self, bad: Answering) -> None:
        def cut_then_accept(request: Any) -> None:
            if len(bad.requests) > 1:
                answer(200, '{"task_id":"' + bad.requests[0][2]["task_id"] + '"}')(request)

        bad.behave = cut_then_accept
        task_id = new_id()

        assert CoreClient(bad.url, KEY).start_task("echo", {}, "sato", task_id) == task_id

        assert bad.requests[0] == bad.requests[1]

    def test_a_start_is_sent_at_most_twice_and_an_upload_only_once(self, bad: Answering) -> None:
        for call in (CALLS["start_task"], CALLS["upload"]):
            with pytest.raises(CoreUnreachable):
                call(CoreClient(bad.url, KEY))

        assert [request[1].split("?")[0] for request in bad.requests] == ["/start_task", "/start_task", "/files"]

    def test_a_redirect_does_not_leak_the_key(self, bad: Answering) -> None:
        with Answering(answer(200, "[]")) as elsewhere:

            def redirect(request: Any) -> None:
                request.send_response(307)
                request.send_header("Location", elsewhere.url + "/jobs")
                request.end_headers()

            bad.behave = redirect
            with pytest.raises(CoreUnreachable):
                CoreClient(bad.url, KEY).jobs()

            assert elsewhere.requests == []

    def test_a_proxy_from_the_environment_never_sees_the_key(
        self, bad: Answering, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("http_proxy", bad.url)

        with pytest.raises(CoreUnreachable):
            CoreClient(f"http://127.0.0.1:{free_port()}", KEY).jobs()

        assert bad.requests == []

    def test_the_key_is_sent_only_in_the_header(self, bad: Answering) -> None:
        bad.behave = answer(200, "[]")

        CoreClient(bad.url, KEY).jobs()

        assert bad.headers[0]["X-API-Key"] == KEY
        assert bad.requests == [("GET", "/jobs", None)]

    def test_a_name_and_password_in_the_address_are_not_shown(self) -> None:
        with pytest.raises(FrontError) as error:
            CoreClient(f"http://me:secret@127.0.0.1:{free_port()}", KEY).jobs()

        assert "secret" not in str(error.value)
