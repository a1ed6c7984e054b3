"""What crosses the border of core/queue is typed: no caller meets bytes, a script's name or `Any`."""

import inspect
import typing
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from core.queue import aside, messages, neighbours, persistence, records, steps, store

# How a step reads Redis's answer is its own business, and a row is what it reads.
INSIDE = {"record_of", "full_record_of", "activity_of", "drain_of"}


def public(module: ModuleType) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", "") != module.__name__ or name in INSIDE:
            continue
        if inspect.isfunction(value):
            yield name, value
        elif inspect.isclass(value) and name not in ("Call", "Step"):
            yield from ((f"{name}.{n}", f) for n, f in vars(value).items() if inspect.isfunction(f) and n[0] != "_")


def parts(hint: Any) -> Iterator[Any]:
    yield hint
    for inner in typing.get_args(hint):
        yield from parts(inner)


STEPS = (aside, steps, neighbours, persistence)
MODULES = (messages, records, store, *STEPS)
FACE = [pytest.param(f, id=f"{m.__name__}.{n}") for m in MODULES for n, f in public(m)]


@pytest.mark.parametrize("function", FACE)
def test_no_public_function_of_the_queue_takes_or_returns_any(function: Callable[..., Any]) -> None:
    hints = typing.get_type_hints(function)

    assert "return" in hints
    assert [name for name, hint in hints.items() if Any in list(parts(hint))] == []


@pytest.mark.parametrize("record", [records.FullRecord, records.TaskRecord, records.TaskError, records.TaskProgress])
def test_no_record_has_a_field_of_any_type(record: type) -> None:
    assert [name for name, hint in typing.get_type_hints(record).items() if Any in list(parts(hint))] == []


def test_every_script_has_a_step_and_every_step_its_script() -> None:
    scripts = {path.stem for path in store.LUA.glob("*.lua")} - {"prelude"}
    constants = {word for m in STEPS for _, f in public(m) for word in f.__code__.co_consts}

    assert constants & scripts == scripts
