"""Which entries are alike: the similarity of every pair, and the tree of groups that follows from it.

The similarity of a pair is rapidfuzz's normalised indel similarity of the two names, or of names and addresses combined
if both entries have an address. Groups form by average linkage (Sokal and Michener 1958), so that a chain of entries,
each similar to the next, does not become one group. The whole tree is kept because it answers for every threshold.
It needs all n(n-1)/2 distances at once, and scipy takes 17 bytes for each: the distance in double precision (the only
precision it accepts), its own copy, and a check. So 5,000 entries take 0.2 GB, 10,000 take 0.8 GB, 20,000 take 3.4 GB.
"""

import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.jobs._lib.errors import UnusableTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BYTES_PER_PAIR = 17
LIBRARIES = 256 << 20  # bytes that pandas and scipy occupy before the first pair is compared
BLOCK = 256  # entries compared with all the others at a time
NAME_SHARE = 0.6
ROUNDING = 1e-6  # similarities have single precision, and yet one of 0.9 must reach a threshold of 0.9


def check_memory(entries: int) -> None:
    """Raise UnusableTable if the distances of this many entries do not fit into the memory of a task."""
    limit = resource.getrlimit(resource.RLIMIT_DATA)[0]
    free = limit - int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    needed = LIBRARIES + BYTES_PER_PAIR * entries * (entries - 1) // 2
    if limit != resource.RLIM_INFINITY and needed > free:
        fitting = int((2 * max(free - LIBRARIES, 0) / BYTES_PER_PAIR) ** 0.5) // 100 * 100
        comparison = f"Comparing {entries:,} entries needs {needed >> 20:,} MB of memory"
        allowed = f"this task may use only {free >> 20:,} MB (TASK_MEMORY_MB)"
        advice = f"Send at most {fitting:,} at a time, for example one region."
        raise UnusableTable(f"{comparison}, but {allowed}. {advice}")


def distances(names: Sequence[str], addresses: Sequence[str], step: Callable[[float], None]) -> "NDArray[np.float64]":
    """Return 1 - similarity of every pair as a condensed matrix of scipy; call `step` with the share done, 0 to 1."""
    import numpy as np

    condensed = np.empty(len(names) * (len(names) - 1) // 2)
    filled = 0
    for start in range(0, len(names), BLOCK):
        block = _similarities(names, addresses, start)
        for i, row in enumerate(block):
            others = row[i + 1 :]
            np.subtract(1, others, out=condensed[filled : filled + len(others)])
            filled += len(others)
        step(filled / len(condensed))
    return condensed


def _similarities(names: Sequence[str], addresses: Sequence[str], start: int) -> "NDArray[np.floating]":
    """Compare each entry of the block that begins at `start` with every entry from `start` on."""
    import numpy as np
    from rapidfuzz import fuzz, process

    end = start + BLOCK
    alike = process.cdist(names[start:end], names[start:], scorer=fuzz.ratio, dtype=np.float32)
    places = process.cdist(addresses[start:end], addresses[start:], scorer=fuzz.ratio, dtype=np.float32)
    known = np.array([bool(address) for address in addresses[start:]])
    both = np.outer(known[:BLOCK], known)
    return np.where(both, NAME_SHARE * alike + (1 - NAME_SHARE) * places, alike) / 100


@dataclass(frozen=True)
class Tree:
    """How entries join into groups, from the most similar pair to one group of all: scipy's linkage matrix."""

    joins: "NDArray[np.float64]"

    @classmethod
    def of(cls, condensed: "NDArray[np.float64]") -> "Tree":
        from scipy.cluster.hierarchy import linkage

        return cls(linkage(condensed, "average"))

    def surplus(self, similarity: float) -> int:
        """Count the entries that would go if every group at this threshold became one entry."""
        return int((self.joins[:, 2] <= _cut(similarity)).sum())

    def groups(self, similarity: float) -> list[tuple[float, list[int]]]:
        """Return each group of two or more: the similarity at which it forms, and its positions; surest first."""
        from scipy.cluster.hierarchy import fcluster, leaders

        labels = fcluster(self.joins, _cut(similarity), "distance")
        entries = len(labels)
        found = []
        for node, label in zip(*leaders(self.joins, labels), strict=True):
            if node >= entries:
                found.append((1 - float(self.joins[node - entries, 2]), (labels == label).nonzero()[0].tolist()))
        return sorted(found, key=lambda group: (-group[0], group[1]))


def _cut(similarity: float) -> float:
    return 1 - similarity + ROUNDING
