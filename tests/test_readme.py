"""The README is true: its example is a job, its tree and its commands exist."""

import re
from pathlib import Path

import pytest

from core import registry
from core.registry import UploadedFile
from core.worker import results
from tests.live import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_is_a_whole_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = README.split("```python\n")[1].split("```")[0]
    package = tmp_path / "readme_jobs"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "late_orders.py").write_text(example)
    orders = tmp_path / "orders.csv"
    orders.write_text("order,ordered\n1,2020-01-01\n2,2999-01-01\n")
    monkeypatch.syspath_prepend(tmp_path)

    job = registry.discover("readme_jobs")["late_orders"]
    answer = job.run({"orders": UploadedFile("", orders.name, 1, orders), "days": 14}, lambda _done, _message="": None)

    assert answer["metrics"] == {"late": 1}
    assert '"2020-01-01T00:00:00"' in results.to_json(answer, lambda path: UploadedFile("", path.name, 1, path))


def test_every_file_of_the_tree_exists() -> None:
    tree = README.split("## The tree\n")[1].split("```")[1]
    folder = Path()
    for line in tree.strip().splitlines():
        names, indented = line[:23].split(), line.startswith("  ")
        folder = folder if indented else ROOT / names[0]
        for name in names if indented else []:
            assert "<" in name or (folder / name).exists(), line
        for name in re.findall(r"\w+\.(?:py|conf)", line[23:]):
            assert (folder / name).exists(), line


def test_every_command_exists() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert set(re.findall(r"make ([a-z-]+) +#", README)) <= set(targets)
    assert (ROOT / ".github" / "task.png").exists()
