"""The last answers of the core, shared by all sessions, so that no page waits long for a slow core."""

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from front.errors import CoreRefused, FrontError

T = TypeVar("T")

RETRY = 1.0  # seconds until a question that failed is asked again, whatever its `max_age`


@dataclass(frozen=True)
class Answer(Generic[T]):
    """`value`: the last one known. `problem`: why the last question failed. Neither: the answer is on its way."""

    value: T | None = None
    problem: FrontError | None = None


@dataclass
class _Entry:
    answer: Answer[Any] = field(default_factory=Answer)
    at: float = float("-inf")
    question: Future[Any] | None = None
    asked_at: float = 0.0
    used_at: float = 0.0


class Lookups:
    """The same question is asked once at a time. A page waits for it for at most `patience` seconds."""

    def __init__(self, patience: float = 0.7, keep: float = 60.0) -> None:
        self._patience, self._keep = patience, keep
        self._entries: dict[Hashable, _Entry] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(8, thread_name_prefix="lookup")

    def ask(self, key: Hashable, question: Callable[[], T], max_age: float = 1.0) -> Answer[T]:
        """The core's answer, or its last one if the core is slow."""
        with self._lock:
            self._forget_unused()
            entry = self._entries.setdefault(key, _Entry())
            now = entry.used_at = time.monotonic()
            due = max_age if entry.answer.problem is None else min(max_age, RETRY)
            if entry.question is None and now - entry.at >= due:
                entry.question, entry.asked_at = self._pool.submit(question), now
            under_way = entry.question
        if under_way:
            wait([under_way], max(0.0, entry.asked_at + self._patience - now))
            self._take(entry, under_way)
        return entry.answer

    def last(self, key: Hashable) -> Answer[Any]:
        """The last answer, without asking."""
        with self._lock:
            entry = self._entries.get(key)
            return entry.answer if entry else Answer()

    def forget(self) -> None:
        """After a change, ask everything again."""
        with self._lock:
            for entry in self._entries.values():
                entry.at, entry.question = float("-inf"), None

    def _take(self, entry: _Entry, question: Future[T]) -> None:
        if not question.done():
            return
        with self._lock:
            if entry.question is not question:
                return
            entry.question, entry.at = None, time.monotonic()
            error = question.exception()
            if error is None:
                entry.answer = Answer(question.result())
            elif isinstance(error, FrontError):
                gone = isinstance(error, CoreRefused) and error.status == 404
                entry.answer = Answer(None if gone else entry.answer.value, error)
            else:
                raise error

    def _forget_unused(self) -> None:
        limit = time.monotonic() - self._keep
        self._entries = {k: e for k, e in self._entries.items() if e.used_at > limit}
