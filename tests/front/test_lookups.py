import threading
import time
from collections.abc import Iterator
from itertools import count

import pytest

from front.errors import CoreRefused, CoreUnreachable
from front.lookups import Lookups
from tests.live import until


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Questions that wait for it are let through at the end of the test."""
    gate = threading.Event()
    yield gate
    gate.set()


def raising(error: Exception) -> None:
    raise error


def test_an_answer_is_shared_until_it_is_too_old() -> None:
    lookups, numbers = Lookups(), count()
    assert [lookups.ask("k", lambda: next(numbers), max_age).value for max_age in (60, 60, 0)] == [0, 0, 1]


def test_different_keys_are_different_questions() -> None:
    lookups = Lookups()
    assert [lookups.ask(key, lambda key=key: key * 2).value for key in "ab"] == ["aa", "bb"]  # type: ignore[misc]  # bound


def test_a_slow_core_is_waited_for_once_and_briefly(gate: threading.Event) -> None:
    lookups = Lookups(patience=0.1)
    begun = time.monotonic()
    answers = [lookups.ask("k", gate.wait) for _ in range(20)]
    assert time.monotonic() - begun < 1
    assert {(answer.value, answer.problem) for answer in answers} == {(None, None)}
    gate.set()
    until(lambda: lookups.ask("k", gate.wait).value)


def test_a_question_is_asked_once_at_a_time(gate: threading.Event) -> None:
    lookups, asked = Lookups(patience=0.05), []

    def question() -> int:
        asked.append(1)
        gate.wait()
        return len(asked)

    threads = [threading.Thread(target=lookups.ask, args=("k", question)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 1


@pytest.mark.parametrize("problem", [CoreUnreachable("silent"), CoreRefused(503, "busy"), CoreRefused(401, "no key")])
def test_while_the_core_gives_no_answer_the_last_one_stays_with_the_problem(problem: Exception) -> None:
    lookups = Lookups()
    lookups.ask("k", lambda: 7)
    answer = lookups.ask("k", lambda: raising(problem), max_age=0)
    assert answer.value == 7
    assert answer.problem == problem


def test_a_question_that_failed_is_soon_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("front.lookups.RETRY", 0)
    lookups = Lookups()
    lookups.ask("k", lambda: raising(CoreUnreachable("gone")), max_age=60)
    assert lookups.ask("k", lambda: 7, max_age=60).value == 7


def test_what_the_core_no_longer_knows_is_forgotten() -> None:
    lookups = Lookups()
    lookups.ask("k", lambda: 7)
    answer = lookups.ask("k", lambda: raising(CoreRefused(404, "expired")), max_age=0)
    assert (answer.value, str(answer.problem)) == (None, "expired")


def test_a_bug_in_the_front_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        Lookups().ask("k", lambda: 1 / 0)


def test_after_a_change_everything_is_asked_again_and_late_answers_are_dropped(gate: threading.Event) -> None:
    lookups = Lookups(patience=0.05)
    lookups.ask("k", gate.wait)
    lookups.forget()
    assert lookups.ask("k", lambda: "new").value == "new"
    gate.set()
    assert lookups.ask("k", lambda: "newer").value == "new"


def test_an_unused_answer_is_dropped() -> None:
    lookups = Lookups(keep=0)
    lookups.ask("k", lambda: 7)
    lookups.ask("other", lambda: 8)
    assert lookups.last("k").value is None
