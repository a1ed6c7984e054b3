"""The input of a task, and the button that opens its form again."""

import json
from typing import Any

import streamlit as st

from front import session
from front.form import widgets
from front.form.fields import Field
from front.panels import results
from front.plain import bold, plain
from front.records import Task


def show(task: Task) -> None:
    """In the order and with the labels of the form, if it is known."""
    params, fields = task["params"], {field.name: field for field in session.fields(task["job"])}
    with st.expander("Input", icon=":material/input:"), st.container(gap="xxsmall"):
        if not params:
            st.caption("None.")
        for name in sorted(params, key=[*fields, *params].index):
            field, value = fields.get(name), params[name]
            label = field.label if field else name
            if field and field.kind == "file" and isinstance(value, str):
                results.download(f"input-{name}", value, label, f"{label}: the uploaded file")
            else:
                st.markdown(f"{plain(label)}: {bold(said(value))}")


def said(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def again(task: Task) -> None:
    fields = session.fields(task["job"])
    if fields and st.button("Run again", key="again", icon=":material/replay:", help="Opens the form with this input."):
        refill(task, fields)
        st.switch_page("views/submit.py", query_params=session.address())


def refill(task: Task, fields: list[Field]) -> None:
    st.session_state["job"] = task["job"]
    for field in fields:
        widgets.fill(task["job"], field, task["params"].get(field.name, field.default))
