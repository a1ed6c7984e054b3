"""The result of a task: figures, charts, tables and files."""

import json
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from front import session
from front.panels import spreadsheet
from front.plain import bold, plain, seen, visible
from front.records import StoredFile, Table

PARTS = {"metrics", "tables", "charts", "files"}
METRICS_A_ROW = 4


def show(result: Any) -> None:
    """Show whatever a job returned. A part that does not have the agreed shape is shown as JSON."""
    result = tidy(result)
    if not isinstance(result, dict) or not result or not set(result) <= PARTS:
        _value(result["value"] if isinstance(result, dict) and set(result) == {"value"} else result)
        return
    for name, draw in (("metrics", _metrics), ("files", _files), ("charts", _charts), ("tables", _tables)):
        if part := result.get(name):
            try:
                draw(part)
            except (TypeError, ValueError, KeyError, AttributeError):
                st.caption(f"The job's {name} cannot be displayed properly. This is what the job returned:")
                st.json(part)


def frame(table: Table) -> pd.DataFrame:
    """The table as a data frame. Columns of the same name get numbers, because the page cannot show them otherwise."""
    columns: list[str] = []
    for column in map(visible, table["columns"]):
        again = sum(known == column or known.startswith(f"{column} (") for known in columns)
        columns.append(f"{column} ({again + 1})" if column in columns else column)
    return pd.DataFrame(table["rows"], columns=columns)


def tidy(value: Any) -> Any:
    """A JSON value without the characters that hide or reverse text."""
    return json.loads(seen(json.dumps(value, ensure_ascii=False)))


def _value(value: Any) -> None:
    if isinstance(value, dict | list):
        st.json(value)
    elif value is None:
        st.caption("The job is done. It returned no result.")
    else:
        st.code(str(value), language=None, wrap_lines=True)


def _metrics(metrics: dict[str, Any]) -> None:
    with st.grid(min(len(metrics), METRICS_A_ROW)):
        for label, value in metrics.items():
            text = figure(value)
            st.metric(plain(label), text and plain(text), border=True, height="stretch")


def figure(value: Any) -> str | None:
    """A number with separators and without needless digits; anything else as it is."""
    if value is None or isinstance(value, bool) or not isinstance(value, int | float):
        return None if value is None else str(value)
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.10g}" if abs(value) < 1e10 else f"{value:,.0f}"
    return f"{value:.4g}"


def _files(files: list[StoredFile]) -> None:
    with st.container(horizontal=True):
        for number, file in enumerate(files):
            download(f"file-{number}", file["file_id"], file["name"], f"{file['name']} ({size(file['size'])})")


def download(key: str, file_id: str, name: str, label: str) -> None:
    """The file is fetched from the core only when somebody clicks."""
    st.download_button(
        plain(label),
        lambda: session.client().download(file_id),
        file_name=visible(name),
        key=key,
        on_click="ignore",
        icon=":material/download:",
    )


def _charts(charts: list[dict[str, Any]]) -> None:
    for number, chart in enumerate(charts):
        st.vega_lite_chart(spec=chart, key=f"chart-{number}")


def _tables(tables: list[Table]) -> None:
    for number, table in enumerate(tables):
        data = frame(table)
        if title := table.get("title"):
            st.markdown(bold(title))
        numbers = data.select_dtypes("number").abs().max()
        # "localized" shows three decimal places, which would leave nothing of small numbers.
        large = numbers[(numbers == 0) | (numbers >= 1)].index
        config = {column: st.column_config.NumberColumn(format="localized") for column in large}
        st.dataframe(data, hide_index=True, column_config=config, key=f"table-{number}")
        # A spreadsheet would run the formulas in Streamlit's own download, so .streamlit/config.toml switches it off.
        st.download_button(
            "Download as CSV",
            partial(spreadsheet.csv_of, data),
            file_name=f"{visible(title or 'table')}.csv",
            key=f"csv-{number}",
            on_click="ignore",
            icon=":material/download:",
            type="tertiary",
        )


def size(count: float) -> str:
    for unit in ("bytes", "KB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
