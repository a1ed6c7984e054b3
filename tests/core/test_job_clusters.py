"""The tree of groups: every pair counts, chains do not join, and it takes as much memory as documented."""

import re
import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz

from core.jobs._lib import clusters
from core.jobs._lib.clusters import Tree
from tests.core.job_files import ignore
from tests.live import ROOT


def test_every_pair_is_compared_across_blocks() -> None:
    size = 2 * clusters.BLOCK + 3
    names = [f"{number * 7919 % 1009:04}" for number in range(size)]
    addresses = [name[::-1] if int(name) % 3 else "" for name in names]
    found = clusters.distances(names, addresses, ignore)
    assert len(found) == size * (size - 1) // 2
    pairs = list(combinations(range(size), 2))
    for position in [*range(0, len(pairs), 997), len(pairs) - 1]:
        a, b = pairs[position]
        expected = fuzz.ratio(names[a], names[b]) / 100
        if addresses[a] and addresses[b]:
            expected = 0.6 * expected + 0.4 * fuzz.ratio(addresses[a], addresses[b]) / 100
        assert found[position] == pytest.approx(1 - expected, abs=1e-6)


def test_a_chain_of_similar_entries_is_not_one_customer() -> None:
    """A resembles B and B resembles C, but A does not resemble C: single linkage would join all three."""
    ((at, members),) = Tree.of(np.array([0.08, 0.5, 0.09])).groups(0.9)
    assert at == pytest.approx(0.92)
    assert members == [0, 1]


def test_a_similarity_equal_to_the_threshold_counts() -> None:
    """In single precision, 0.9 is slightly less than 0.9."""
    assert Tree.of(np.array([1 - np.float32(0.9)], dtype=float)).surplus(0.9) == 1


LETTERS = st.text("あいうえ", min_size=1, max_size=5)


@settings(max_examples=60)
@given(st.lists(LETTERS, min_size=2, max_size=25), st.floats(0.5, 1))
def test_groups_are_disjoint_and_similar_enough_and_identical_names_share_one(
    names: list[str], similarity: float
) -> None:
    tree = Tree.of(clusters.distances(names, [""] * len(names), ignore))
    groups = tree.groups(similarity)
    members = [member for _, group in groups for member in group]
    assert len(members) == len(set(members))
    assert tree.surplus(similarity) == sum(len(group) - 1 for _, group in groups)
    assert tree.surplus(similarity) <= tree.surplus(0.5)
    for at, group in groups:
        assert len(group) >= 2
        assert at >= similarity - 2e-6
    group_of = {member: number for number, (_, group) in enumerate(groups) for member in group}
    for a, b in combinations(range(len(names)), 2):
        if names[a] == names[b]:
            assert group_of[a] == group_of[b]


def limited(megabytes: int, code: str) -> str:
    """Run the code in a process that may take this much more memory, and return what it prints."""
    prelude = (
        "import resource, pathlib, numpy, scipy.cluster.hierarchy\n"
        "from core.jobs._lib import clusters\n"
        "taken = int(pathlib.Path('/proc/self/statm').read_text().split()[5]) * resource.getpagesize()\n"
        f"limit = taken + ({megabytes} << 20)\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))\n"
    )
    command = [sys.executable, "-c", prelude + code]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout


LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can limit memory this way")


@LINUX
def test_the_tree_takes_no_more_memory_than_documented() -> None:
    """If this fails, scipy has changed: correct BYTES_PER_PAIR and the module's docstring."""
    pairs = 4_000 * 3_999 // 2
    code = f"clusters.Tree.of(numpy.ones({pairs})); print('fits')"
    assert limited(clusters.BYTES_PER_PAIR * pairs // 2**20 + 4, code) == "fits\n"


@LINUX
def test_a_list_that_does_not_fit_is_refused_at_once_with_the_size_that_would_fit() -> None:
    printed = limited(1_000, "try: clusters.check_memory(50_000)\nexcept ValueError as error: print(error)")
    assert re.match(
        r"Comparing 50,000 entries needs 20,521 MB of memory, but this task may use only [\d,]+ MB", printed
    )
    fitting = re.findall(r"at most ([\d,]+) at a time", printed)[0].replace(",", "")
    assert 9_000 < int(fitting) < 12_000
    assert limited(1_000, f"clusters.check_memory({fitting}); print('fits')") == "fits\n"


def test_a_small_list_is_not_refused() -> None:
    clusters.check_memory(1_000)
