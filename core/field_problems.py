"""Pydantic's complaints about fields, as sentences for a person."""

from collections.abc import Iterable, Mapping
from typing import Any

# What we say in place of pydantic's messages that only a programmer would understand.
PLAIN = {
    "missing": "is missing",
    "extra_forbidden": "is not a known field; check the spelling",
    "json_invalid": "is not valid JSON",
    "model_attributes_type": "must be a JSON object, sent with the header Content-Type: application/json",
    "recursion_depth_exceeded": "is nested too deeply",
    "string_unicode": "must be Unicode text",
}
MAX_FIELDS = 50  # the caller makes up the field names and may send thousands


def sentences(problems: Iterable[Mapping[str, Any]], inside: int = 0) -> dict[str, str]:
    """A sentence for each wrong field: the name at depth `inside`, or "body" if the whole body is wrong."""
    fields: dict[str, str] = {}
    for problem in problems:
        at = () if problem["type"] == "json_invalid" else problem["loc"][inside:]
        name, *inner = [str(part)[:100] for part in at[:6]] or ["body"]
        sentence = PLAIN.get(problem["type"], problem["msg"].removeprefix("Value error, "))
        if len(fields) < MAX_FIELDS:
            fields.setdefault(name, ".".join(inner) + ": " + sentence if inner else sentence)
    return fields
