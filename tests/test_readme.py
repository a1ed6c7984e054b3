"""README, changelog and Makefile tell the truth: the examples run, the tree is complete, the commands exist."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import core
from core.job_files import reading
from core.registry import UploadedFile
from core.worker import results
from tests.live import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
LINE = re.compile(r"^(?P<indent> *)(?P<name>\S+) {2,}\S")


@pytest.fixture
def example_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The README's job in a package, and beside it the README's test of this job."""
    job, test = [block.split("```")[0] for block in README.split("```python\n")[1:]]
    package = tmp_path / "readme_jobs"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "late_orders.py").write_text(job)
    (tmp_path / "readme_test.py").write_text(test.replace("core.jobs.", "readme_jobs."))
    monkeypatch.syspath_prepend(tmp_path)
    yield package.name
    for name in [name for name in sys.modules if name.startswith("readme_")]:
        del sys.modules[name]


def test_the_example_is_a_whole_job(example_package: str, tmp_path: Path) -> None:
    orders = tmp_path / "orders.csv"
    orders.write_text("order,ordered\n1,2020-01-01\n2,2999-01-01\n")

    job = reading.load(example_package, "late_orders")
    answer = job.run({"orders": UploadedFile("", orders.name, 1, orders), "days": 14}, lambda _done, _message="": None)

    assert answer["metrics"] == {"late": 1}
    assert '"2020-01-01T00:00:00"' in results.pack(answer, tmp_path).text


@pytest.mark.usefixtures("example_package")
def test_the_example_of_a_test_passes(tmp_path: Path) -> None:
    import_module("readme_test").test_an_old_order_is_late(tmp_path)


def test_a_result_may_have_as_many_megabytes_as_the_readme_says() -> None:
    assert f"**A result may have {results.LIMIT >> 20} MB.**" in README


def tree() -> set[Path]:
    """Every path that the README's tree names."""
    folders: list[str] = []
    named = set()
    for line in README.split("## The tree\n")[1].split("```")[1].strip().splitlines():
        found = LINE.match(line)
        assert found, f"this line of the tree has no path and no description: {line}"
        folders[len(found["indent"]) // 2 :] = [found["name"]]
        named.add(Path(*folders))
    return named


def test_every_path_of_the_tree_exists() -> None:
    assert {path for path in tree() if not (ROOT / path).exists()} == set()


def test_every_module_is_in_the_tree() -> None:
    modules = {path.relative_to(ROOT) for tier in ("core", "front") for path in (ROOT / tier).rglob("*.py")}
    own_line = {path for path in modules if path.name != "__init__.py" and path.parent != Path("core/jobs/_lib")}

    assert own_line - tree() == set()


def test_every_link_of_the_readme_leads_to_a_file() -> None:
    links = {link.split("#")[0] for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link}

    assert len(links) >= 6
    assert {link for link in links if not (ROOT / link).exists()} == set()


def test_every_command_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    contributing = (ROOT / ".github" / "CONTRIBUTING.md").read_text()

    assert set(re.findall(r"make ([a-z-]+) +#", README)) == targets - {"help"}
    assert set(re.findall(r"`make ([a-z-]+)`", README + contributing)) <= targets


def test_make_says_in_one_sentence_that_it_needs_linux(tmp_path: Path) -> None:
    uname = tmp_path / "uname"
    uname.write_text("#!/bin/sh\necho Darwin\n")
    uname.chmod(0o755)
    done = subprocess.run(
        ["make", "--no-print-directory", f"VENV={tmp_path}/venv", f"{tmp_path}/venv/bin/python"],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert done.stderr.splitlines()[0] == "okosu runs on Linux only, and this is Darwin."
    assert not (tmp_path / "venv").exists()


def test_the_newest_version_of_the_changelog_is_the_version_of_the_core() -> None:
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert versions[0] == core.__version__
    assert versions == sorted(versions, key=lambda version: [int(part) for part in version.split(".")], reverse=True)
