"""From JSON to what a widget shows, and from what a widget holds to JSON."""

import json
import math
import operator
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from front.form.fields import Field, Kind

ABSENT = object()  # leave the parameter out, so that the job uses its default
SAFE_INTEGER = 2**53 - 1  # the largest integer that a browser represents exactly
EMPTY: dict[Kind, Any] = {"text": "", "list": "", "json": "", "choices": [], "boolean": False}
LIMITS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "minimum": (operator.ge, "at least"),
    "exclusiveMinimum": (operator.gt, "more than"),
    "maximum": (operator.le, "at most"),
    "exclusiveMaximum": (operator.lt, "less than"),
}
CLEARED: dict[Kind, Any] = {"text": "", "list": [], "choices": []}  # for these, empty is a value too


def raw_of(field: Field, value: Any) -> Any:
    """What the widget shows for a JSON value. A value that is not valid (any more) is shown as empty."""
    empty = EMPTY.get(field.kind)
    try:
        return empty if value is None else SHOW[field.kind](field, value)
    except (ValueError, TypeError):
        return empty


def value_of(field: Field, raw: Any) -> Any:
    """The JSON value for what the widget holds, or ABSENT. The text of a ValueError is for the user."""
    if raw is not None and raw != [] and (not isinstance(raw, str) or raw.strip()):
        return READ.get(field.kind, _same)(field, raw)
    if field.nullable:
        return None
    if field.required:
        raise ValueError("Please fill this in.")
    return CLEARED.get(field.kind, ABSENT)


def problem_with(field: Field, raw: Any) -> str:
    """What is wrong with a number, also before anybody has pressed Submit; empty if nothing is."""
    if raw is None or field.kind not in ("integer", "number"):
        return ""
    try:
        _read_number(field, raw)
    except ValueError as error:
        return str(error)
    return ""


def _same(_: Field, value: Any) -> Any:
    return value


def _show_number(field: Field, value: Any) -> float | None:
    """A browser has no exact form of a larger integer."""
    return None if field.kind == "integer" and abs(int(value)) > SAFE_INTEGER else float(value)


def _read_number(field: Field, raw: float) -> float:
    """The widget has no bounds: it would keep the old number without a word when the new one is out of them."""
    known = {rule: field.rules[rule] for rule in LIMITS if field.rules.get(rule) is not None}
    if not all(LIMITS[rule][0](raw, limit) for rule, limit in known.items()):
        raise ValueError(f"Must be {' and '.join(f'{LIMITS[rule][1]} {limit}' for rule, limit in known.items())}.")
    if field.kind == "number":
        return raw
    if raw != int(raw):
        raise ValueError("Must be a whole number.")
    if abs(raw) > SAFE_INTEGER:
        raise ValueError("This number has too many digits. Use at most 15.")
    return int(raw)


def _show_option(field: Field, value: Any) -> Any:
    return value if value in field.options else None


def _show_options(field: Field, value: Any) -> Any:
    return [option for option in field.options if option in value]


def _show_list(_: Field, value: Any) -> str:
    if not isinstance(value, list):
        raise TypeError
    return "\n".join(str(item) for item in value)


def _read_list(field: Field, raw: str) -> list[Any]:
    readers: dict[str, Callable[[str], Any]] = {"integer": int, "number": _number}
    read = readers.get(field.rules["items"].get("type", ""), str)
    values = []
    for number, line in enumerate(raw.splitlines(), 1):
        if not line.strip():
            continue
        try:
            values.append(read(line.strip()))
        except ValueError:
            what = "whole number" if read is int else "number"
            raise ValueError(f"Line {number}: '{line.strip()}' is not a {what}.") from None
    return values


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _read_datetime(field: Field, raw: datetime) -> str:
    """The time as typed, in the time zone of the job's default if that has one."""
    try:
        zone = datetime.fromisoformat(field.default).tzinfo
    except (ValueError, TypeError):
        zone = None
    return raw.replace(tzinfo=zone).isoformat()


def _read_json(_: Field, raw: str) -> Any:
    try:
        return json.loads(raw, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"This is not JSON: line {error.lineno}, column {error.colno}: {error.msg}.") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"JSON has no {name}.")


SHOW: dict[Kind, Callable[[Field, Any], Any]] = {
    "text": lambda _, value: str(value),
    "integer": _show_number,
    "number": _show_number,
    "boolean": lambda _, value: bool(value),
    "choice": _show_option,
    "choices": _show_options,
    "date": lambda _, value: date.fromisoformat(value),
    "datetime": lambda _, value: datetime.fromisoformat(value).replace(tzinfo=None),
    "list": _show_list,
    "file": _same,
    "json": lambda _, value: json.dumps(value, ensure_ascii=False, indent=2),
}
READ: dict[Kind, Callable[[Field, Any], Any]] = {
    "integer": _read_number,
    "number": _read_number,
    "list": _read_list,
    "date": lambda _, raw: raw.isoformat(),
    "datetime": _read_datetime,
    "json": _read_json,
}
