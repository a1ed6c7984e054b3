"""The fields of a form, read from the JSON Schema of a job's parameters."""

import math
from dataclasses import dataclass
from typing import Any, Literal

from front.records import Schema

Kind = Literal["text", "integer", "number", "boolean", "choice", "date", "datetime", "choices", "list", "file", "json"]

SIMPLE: dict[str, Kind] = {"integer": "integer", "number": "number", "boolean": "boolean"}
STRINGS: dict[str, Kind] = {"date": "date", "date-time": "datetime", "okosu-file": "file"}
LISTS: dict[Kind, Kind] = {"choice": "choices", "text": "list", "integer": "list", "number": "list"}


@dataclass(frozen=True)
class Field:
    """One parameter. `rules` is the schema of its value, with references resolved and null moved to `nullable`."""

    name: str
    kind: Kind
    label: str
    help: str
    required: bool
    nullable: bool
    default: Any
    rules: Schema

    @property
    def options(self) -> list[Any]:
        """The choices, in the order of the schema."""
        return _options(self.rules["items"] if self.kind == "choices" else self.rules)

    @property
    def step(self) -> float:
        """A power of ten that suits the bounds or, if there are none, the default."""
        if self.kind == "integer":
            return int(self.rules.get("multipleOf", 1))
        low = self.rules.get("minimum", self.rules.get("exclusiveMinimum"))
        high = self.rules.get("maximum", self.rules.get("exclusiveMaximum"))
        reach = abs(self.default or 1) / 10 if low is None or high is None else (high - low) / 20
        return float(self.rules.get("multipleOf") or 10 ** math.floor(math.log10(reach or 0.01)))


def fields_of(schema: Schema) -> list[Field]:
    """The fields, in the order of the job's signature."""
    required, defs = schema.get("required", ()), schema.get("$defs", {})
    return [_field(name, part, name in required, defs) for name, part in schema.get("properties", {}).items()]


def _field(name: str, part: Schema, required: bool, defs: Schema) -> Field:  # noqa: FBT001  # private, and the four describe one field
    rules, nullable = _rules(part, defs)
    if "items" in rules:
        rules = {**rules, "items": _rules(rules["items"], defs)[0]}
    if rules.get("type") == "boolean" and nullable:
        rules = {**rules, "enum": [True, False]}  # a checkbox cannot show "no value"
    words, title = name.replace("_", " ").strip(), part.get("title", "")
    label = title if title and title != words.title() else words.capitalize()
    text = part.get("description") or rules.get("description", "")
    return Field(name, _kind(rules), label, text, required, nullable, part.get("default"), rules)


def _rules(part: Schema, defs: Schema) -> tuple[Schema, bool]:
    """The schema of the value itself, and whether null is allowed as well."""
    part = _followed(part, defs)
    options = [_followed(option, defs) for option in part.get("anyOf", [part])]
    values = [option for option in options if option.get("type") != "null"]
    # int | float and Decimal: a number covers them all.
    chosen = next((v for v in values if v.get("type") == "number"), values[0] if len(values) == 1 else {})
    nullable = len(values) < len(options)
    if None in chosen.get("enum", ()):
        chosen, nullable = {**chosen, "enum": [v for v in chosen["enum"] if v is not None]}, True
    return {key: value for key, value in {**part, **chosen}.items() if key != "anyOf"}, nullable


def _followed(part: Schema, defs: Schema) -> Schema:
    while "$ref" in part:
        name = part["$ref"].rsplit("/", 1)[-1]
        part = {**defs.get(name, {}), **{key: value for key, value in part.items() if key != "$ref"}}
        defs = {key: value for key, value in defs.items() if key != name}  # a definition may refer to itself
    return part


def _kind(rules: Schema) -> Kind:
    kind = str(rules.get("type"))
    if _options(rules):
        return "choice"
    if kind == "string":
        return STRINGS.get(rules.get("format", ""), "text")
    if kind == "array" and "items" in rules and "prefixItems" not in rules:
        return LISTS.get(_kind(rules["items"]), "json")
    return SIMPLE.get(kind, "json")


def _options(rules: Schema) -> list[Any]:
    options = [rules["const"]] if "const" in rules else rules.get("enum", [])
    return options if all(isinstance(option, str | int | float) for option in options) else []
