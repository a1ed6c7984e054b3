"""The widgets of a job's form, and the error message under a widget."""

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import streamlit as st

from front import settings
from front.form.fields import Field, Kind
from front.form.values import CLEARED, raw_of
from front.plain import plain

SAMPLES = Path(__file__).parent.parent / "samples"
OWN, EARLIER = "Upload a file", "The same file as before"
FIRST, LAST = date(1900, 1, 1), date(2999, 12, 31)


def key_of(job: str, field: Field) -> str:
    """The widget's key. Its value survives a visit to another page."""
    return f"param-{job}-{field.name}"


def draw(job: str, field: Field) -> Any:
    """Draw the widget and return its value. For a file: an upload, a sample's path or an earlier file's id."""
    key = key_of(job, field)
    if key not in st.session_state and field.kind != "file":
        st.session_state[key] = raw_of(field, field.default)
    return WIDGETS[field.kind](field, key)


def complain(sentence: str) -> None:
    """Show an error message under the widget that was drawn last."""
    st.markdown(f":red[:material/error: {plain(sentence)}]")


def fill(job: str, field: Field, value: Any) -> None:
    """Make the widget show this JSON value when it is next drawn."""
    key = key_of(job, field)
    if field.kind == "file":
        st.session_state[f"{key}-earlier"] = value
        st.session_state[f"{key}-source"] = EARLIER if value else OWN
    else:
        st.session_state[key] = raw_of(field, value)


def _common(field: Field, key: str) -> dict[str, Any]:
    silent = field.nullable and field.kind in ("date", "datetime", "file")  # these widgets show no placeholder
    help_text = " ".join(filter(None, [field.help, "You may leave this empty." if silent else ""]))
    return {"label": plain(field.label), "key": key, "help": plain(help_text) or None}


def _empty(field: Field) -> str:
    """The placeholder of an empty widget."""
    if field.nullable or (not field.required and field.kind in CLEARED):
        return "optional"
    return "" if field.required else f"{json.dumps(field.default, ensure_ascii=False)} if left empty"


def _kept(field: Field, key: str) -> dict[str, Any]:
    return {**_common(field, key), "persist_state": "session"}


def _text(field: Field, key: str) -> Any:
    return st.text_input(max_chars=field.rules.get("maxLength"), placeholder=_empty(field), **_kept(field, key))


def _number(field: Field, key: str) -> Any:
    """For integers too, a widget for fractions: the other one would cut off the digits after the point."""
    shape = "%g"  # Streamlit's default format would round 0.975 to two decimal places
    hint, step = _empty(field), float(field.step)
    return st.number_input(value=None, step=step, format=shape, placeholder=hint, **_kept(field, key))


def _boolean(field: Field, key: str) -> Any:
    return st.checkbox(**_kept(field, key))


def _choice(field: Field, key: str) -> Any:
    # Only a choice that may be empty gets a button to clear it.
    index = None if field.nullable or field.default is None else 0
    say, hint = _say, _empty(field) or "choose"
    return st.selectbox(options=field.options, index=index, format_func=say, placeholder=hint, **_kept(field, key))


def _choices(field: Field, key: str) -> Any:
    return st.multiselect(
        options=field.options, format_func=_say, placeholder=_empty(field) or "choose", **_kept(field, key)
    )


def _say(option: Any) -> str:
    """The text of an option. Streamlit does not read it as Markdown."""
    return {True: "yes", False: "no"}[option] if isinstance(option, bool) else str(option)


def _date(field: Field, key: str) -> Any:
    return st.date_input(value=None, min_value=FIRST, max_value=LAST, **_kept(field, key))


def _datetime(field: Field, key: str) -> Any:
    first, last = (datetime(day.year, day.month, day.day) for day in (FIRST, LAST))  # noqa: DTZ001  # as typed
    return st.datetime_input(value=None, min_value=first, max_value=last, **_kept(field, key))


def _list(field: Field, key: str) -> Any:
    return st.text_area(placeholder=", ".join(filter(None, ["one per line", _empty(field)])), **_kept(field, key))


def _json(field: Field, key: str) -> Any:
    return st.text_area(placeholder=", ".join(filter(None, ["JSON", _empty(field)])), **_kept(field, key))


def _file(field: Field, key: str) -> Any:
    samples = {f"Sample: {path.name}": path for path in sorted(SAMPLES.glob("*.csv"))}
    earlier = st.session_state.get(f"{key}-earlier")
    sources = [OWN, *([EARLIER] if earlier else []), *samples]
    several, common = len(sources) > 1, _common(field, key)
    source = OWN
    if several:
        options = {**common, "key": f"{key}-source", "persist_state": "session"}
        st.session_state.setdefault(options["key"], OWN)
        source = st.pills(options=sources, required=True, **options)
    if source == EARLIER:
        return earlier
    if source in samples:
        return samples[source]
    limit, label = settings.load().max_upload_mb, common.pop("label")
    return st.file_uploader(
        label, max_upload_size=limit, label_visibility="collapsed" if several else "visible", **common
    )


WIDGETS: dict[Kind, Callable[[Field, str], Any]] = {
    "text": _text,
    "integer": _number,
    "number": _number,
    "boolean": _boolean,
    "choice": _choice,
    "choices": _choices,
    "date": _date,
    "datetime": _datetime,
    "list": _list,
    "file": _file,
    "json": _json,
}
