"""The job that finds entries in a customer list that are probably the same customer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from core.jobs._lib import charts, clusters, columns, results, tables
from core.jobs._lib.errors import UnusableTable
from core.jobs._lib.names import address_key, name_key
from core.registry import Progress, UploadedFile, job

if TYPE_CHECKING:
    import pandas as pd

NAME = (
    "会社名",
    "顧客名",
    "得意先名",
    "取引先名",
    "氏名",
    "名前",
    "名称",
    "company",
    "customer name",
    "customer",
    "name",
)
ADDRESS = ("住所", "所在地", "住所1", "address", "street address", "address 1", "street")
FILE = "duplicate_customers.csv"
BINS = 20


@job(title="Duplicate customers")
def duplicate_customers(
    customers: UploadedFile,
    similarity: Annotated[
        float, Field(ge=0.5, le=1, description="How similar two entries must be to count as one; 1 means identical.")
    ] = 0.9,
    *,
    name_column: Annotated[
        str, Field(max_length=100, description="Leave empty to find the column by its usual headings.")
    ] = "",
    address_column: Annotated[
        str, Field(max_length=100, description="Leave empty to use an address column if the file has one.")
    ] = "",
    progress: Progress,
) -> dict[str, Any]:
    """Find the entries in a customer list that are probably the same customer.

    The file is CSV or Excel, with a row per customer: a name (会社名, 氏名, ...) and perhaps an address (住所).
    Spelling variants count as the same: 株式会社 or ㈱, wide or narrow letters, spaces, 髙 or 高, 1丁目2番3号 or 1-2-3.
    The download is the whole list, with a group number next to each probable duplicate. Nothing is removed.
    """
    progress(0, f"Reading {customers.name}")
    table = tables.read(customers)
    named = _compared(table, name_column, address_column)
    if len(named) < 2:
        raise UnusableTable(f"{customers.name} has fewer than two entries with a name, so there is nothing to compare.")
    tree, alike = _clustered(named, progress)
    groups = tree.groups(similarity)
    found = _listed(named, groups)
    curve = {percent / 100: tree.surplus(percent / 100) for percent in range(50, 101)}
    progress(1, f"{len(groups):,} groups")
    return {
        "metrics": {
            "Entries": len(named),
            "Groups": len(groups),
            "Probably surplus": tree.surplus(similarity),
            "Without a name, left out": len(table) - len(named),
        },
        "tables": [results.shown("Probably the same customer, surest groups first", found, FILE)],
        "charts": [
            charts.curve("Duplicates at other similarities", curve, similarity, "Similarity", "Probable duplicates"),
            charts.histogram("How similar all pairs of entries are", alike, "Similarity", "Pairs"),
        ],
        "files": [results.write_csv(_marked(table, found), FILE)],
    }


def _compared(table: "pd.DataFrame", name_column: str, address_column: str) -> "pd.DataFrame":
    """Return name and address of every entry that has a name; the index is still the row number in the file."""
    import pandas as pd

    (name,) = columns.need(table, name=[name_column] if name_column else NAME)
    address = columns.find(table, ADDRESS)
    if address_column:
        (address,) = columns.need(table, address=[address_column])
    named = pd.DataFrame({"Name": name, "Address": "" if address is None else address})
    return named[named["Name"] != ""]


def _clustered(named: "pd.DataFrame", progress: Progress) -> tuple[clusters.Tree, list[int]]:
    """Return the tree of groups, and how many pairs fall into each of BINS equal steps of similarity from 0 to 1."""
    import numpy as np

    clusters.check_memory(len(named))
    names, addresses = [name_key(text) for text in named["Name"]], [address_key(text) for text in named["Address"]]
    message = f"Comparing {len(named):,} entries"
    distances = clusters.distances(names, addresses, lambda done: progress(0.05 + 0.6 * done, message))
    alike = np.histogram(distances, BINS, (0, 1))[0][::-1].tolist()
    progress(0.65, f"Grouping {len(named):,} entries")
    return clusters.Tree.of(distances), alike


def _listed(named: "pd.DataFrame", groups: Sequence[tuple[float, Sequence[int]]]) -> "pd.DataFrame":
    """List the entries of all groups, each with its group's number (from 1) and similarity."""
    import pandas as pd

    entries = list(named.itertuples(name=None))
    rows = [
        (number, round(similarity, 3), *entries[member])
        for number, (similarity, members) in enumerate(groups, 1)
        for member in members
    ]
    return pd.DataFrame(rows, columns=["Group", "Similarity", "Row", "Name", "Address"])


def _marked(table: "pd.DataFrame", found: "pd.DataFrame") -> "pd.DataFrame":
    """Return the whole list in its original order, with columns for group and similarity in front."""
    import pandas as pd

    marks = found.set_index("Row")[["Group", "Similarity"]].reindex(table.index).astype({"Group": "Int64"})
    return pd.concat([marks, table], axis=1)
