"""The whole way of a task through a real core."""

from tests.live import LiveCore


def test_a_task_runs_on_the_worker_and_its_result_comes_back(quiet: LiveCore) -> None:
    status = quiet.wait(quiet.submit("echo", text="ab", times=2))

    assert status["task_status"] == "SUCCESS"
    assert status["result"] == {"value": {"text": "abab"}}
