"""What a job file may contain (types, defaults, files), and the sentence about one that defines no job."""

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from core.errors import InvalidFields
from core.job_files.problem import JobFileError
from core.job_files.reading import load, names_in
from core.registry import Job, UploadedFile

ENDING = '@job(title="T")\ndef made() -> int:\n    """Made."""\n    return 1\n'


class Package:
    """A package of jobs written by a test."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, folder.name
        folder.mkdir()
        self.add("__init__", "")

    def add(self, name: str, content: str) -> None:
        (self.folder / f"{name}.py").write_text(dedent(content))

    def job(self, signature: str, body: str = "return locals()", imports: str = "") -> Job:
        """Write a file with this one function, and return its job."""
        head = f"from core.registry import job, Progress, UploadedFile\n{dedent(imports)}\n"
        self.add("made", f'{head}@job(title="T")\ndef made({signature}):\n    """Made."""\n    {body}\n')
        return load(self.name, "made")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Package]:
    monkeypatch.syspath_prepend(str(tmp_path))
    made = Package(tmp_path / f"jobs_of_{abs(hash(request.node.nodeid))}")
    yield made
    for name in [name for name in sys.modules if name.split(".")[0] == made.name]:
        del sys.modules[name]


def no_file(_: str) -> UploadedFile | None:
    return None


def call(job: Job, **params: Any) -> Any:
    return job.run(job.validate(params, no_file), lambda *_: None)


def refused(job: Job, **params: Any) -> dict[str, str]:
    with pytest.raises(InvalidFields) as error:
        job.validate(params, no_file)
    return error.value.fields


TYPES = [
    ("x: int", 7, 7),
    ("x: float", 2, 2.0),
    ("x: bool", True, True),
    ("x: str", "起こす", "起こす"),
    ("x: list[int]", [1, 2], [1, 2]),
    ("x: dict[str, float]", {"a": 1}, {"a": 1.0}),
    ("x: Optional[int]", None, None),
    ("x: int | None = None", 3, 3),
    ("x: Literal['day', 'week']", "week", "week"),
    ("x: Annotated[int, Field(ge=1, le=9)]", 9, 9),
    ("x: int = Field(3, ge=1)", 1, 1),
    ("*, x: int", 1, 1),
]
IMPORTS = """
    from datetime import date, datetime
    from decimal import Decimal
    from enum import Enum
    from typing import Annotated, Any, Literal, Optional
    from pydantic import BaseModel, Field

    class Size(Enum):
        SMALL = "s"
        LARGE = "l"

    class Address(BaseModel):
        city: str
"""


@pytest.mark.parametrize(("signature", "given", "received"), TYPES, ids=[signature for signature, *_ in TYPES])
def test_a_parameter_arrives_with_its_type(package: Package, signature: str, given: Any, received: Any) -> None:
    job = package.job(signature, imports=IMPORTS)

    assert call(job, x=given) == {"x": received}
    assert type(call(job, x=given)["x"]) is type(received)
    assert list(job.schema["properties"]) == ["x"]


def test_dates_enums_and_models_are_sent_as_json(package: Package) -> None:
    job = package.job(
        "day: date, size: Size, price: Decimal, to: Address", "return repr((day, size, price, to.city))", IMPORTS
    )

    told = call(job, day="2026-11-24", size="l", price="1.10", to={"city": "京都"})
    assert told == "(datetime.date(2026, 11, 24), <Size.LARGE: 'l'>, Decimal('1.10'), '京都')"
    assert job.schema["properties"]["day"] == {"format": "date", "title": "Day", "type": "string"}
    assert job.schema["$defs"]["Size"]["enum"] == ["s", "l"]


def test_defaults_are_in_the_form_and_need_not_be_sent(package: Package) -> None:
    job = package.job("a: int, b: float = 0.95, c: list[int] = [], d: date | None = None", imports=IMPORTS)

    assert call(job, a=1) == {"a": 1, "b": 0.95, "c": [], "d": None}
    assert job.schema["required"] == ["a"]
    assert [job.schema["properties"][name]["default"] for name in "bcd"] == [0.95, [], None]


@pytest.mark.parametrize(
    "name", ["copy", "json", "schema", "model_config", "model_fields", "_x", "class_", "self", "数量"]
)
def test_a_parameter_may_have_any_name(package: Package, name: str) -> None:
    job = package.job(f"{name}: int = 1")

    assert call(job, **{name: 2}) == {name: 2}
    assert list(job.schema["properties"]) == [name]
    assert list(refused(job, **{name: "many"})) == [name]


def test_every_wrong_parameter_has_a_sentence(package: Package) -> None:
    job = package.job("a: int, b: Annotated[float, Field(ge=0.5)], c: list[int], d: str = ''", imports=IMPORTS)

    assert refused(job, b=0.1, c=[1, "x"], e=1) == {
        "a": "is missing",
        "b": "Input should be greater than or equal to 0.5",
        "c": "1: Input should be a valid integer, unable to parse string as an integer",
        "e": "is not a known field; check the spelling",
    }


CHECKS = {
    "ZeroDivisionError": "def check(value): return value / 0",
    "KeyError": "def check(value): return {}[value]",
    "SystemExit": "import sys\ndef check(value): sys.exit('no')",
    "KeyboardInterrupt": "def check(value): raise KeyboardInterrupt",
    "RecursionError": "def check(value): return check(value)",
}


@pytest.mark.parametrize("kind", CHECKS)
def test_a_validator_that_fails_in_its_own_way_is_told_without_the_value(
    package: Package, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    imports = f"from pydantic import AfterValidator\n{CHECKS[kind]}"
    job = package.job("x: Annotated[int, AfterValidator(check)]", imports=f"from typing import Annotated\n{imports}")

    sentence = f"could not be checked: the job's own check failed ({kind}). Please tell its author"
    assert refused(job, x=271828) == {"params": sentence}
    assert "made.py" in caplog.text
    assert "271828" not in caplog.text


ODD = """
from typing import Annotated
from pydantic import AfterValidator
class Odd(ValueError):
    def __str__(self): return 1 / 0
def check(value): raise ValueError("\\ud800") if value else Odd
"""


def test_a_validator_with_an_unusable_message_refuses_the_value_all_the_same(package: Package) -> None:
    job = package.job("x: Annotated[int, AfterValidator(check)]", imports=ODD)

    assert list(refused(job, x=1)) == ["params"]
    assert list(refused(job, x=0)) in (["x"], ["params"])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "nan", "-inf", 10**400])
def test_a_number_must_be_finite(package: Package, value: Any) -> None:
    assert list(refused(package.job("x: float"), x=value)) == ["x"]


def test_files_are_found_by_their_ids_alone_or_in_a_list(package: Package, tmp_path: Path) -> None:
    file = UploadedFile("a" * 32, "data.csv", 3, tmp_path / "data.csv")
    job = package.job("one: UploadedFile, many: list[UploadedFile], none: UploadedFile | None = None")

    params = {"one": "a" * 32, "many": ["a" * 32] * 2}
    assert job.validate(params, {"a" * 32: file}.get) == {"one": file, "many": [file] * 2, "none": None}
    assert job.schema["properties"]["one"] == {"format": "okosu-file", "title": "One", "type": "string"}
    assert set(refused(job, one="b", many=["b"])) == {"one", "many"}


def test_progress_is_passed_to_a_job_that_asks_for_it_and_is_not_a_form_field(package: Package) -> None:
    job = package.job("*, progress: Progress", "progress(0.5, 'half')")
    told: list[tuple[float, str]] = []

    job.run({}, lambda done, message="": told.append((done, message)))

    assert told == [(0.5, "half")]
    assert job.schema["properties"] == {}


def test_an_existing_function_becomes_a_job_with_a_decorator_and_a_docstring(package: Package) -> None:
    package.add(
        "monthly_report",
        '''
        from __future__ import annotations
        import functools
        from core.registry import job

        def logged(function):
            @functools.wraps(function)
            def call(*args, **kwargs):
                return function(*args, **kwargs)
            return call

        @job(title="Monthly report", retry=False)
        @logged
        def report_as_it_has_always_been(month: int = 1, *, factor: float = 1.5) -> float:
            """What we sell.

            And how much of it.
            """
            return month * factor
        ''',
    )
    job = load(package.name, "monthly_report")

    assert call(job, month=2) == 3.0
    assert (job.title, job.retry) == ("Monthly report", False)
    assert job.description == "What we sell.\n\nAnd how much of it."


def test_a_file_with_a_leading_underscore_is_not_a_job_but_a_folder_may_be_one(package: Package) -> None:
    package.add("_shared", "raise RuntimeError")
    package.add("made", f"from core.registry import job\n{ENDING}")
    (package.folder / "large").mkdir()
    (package.folder / "large" / "__init__.py").write_text(f"from core.registry import job\n{ENDING}")

    assert names_in(package.name) == ["large", "made"]
    assert load(package.name, "large").name == "large"


BROKEN = {
    "no job": ("", "exactly one function with @job, but has 0"),
    "two jobs": (f"from core.registry import job\n{ENDING}{ENDING.replace('made', 'other')}", "has 2"),
    "imported": ("from core.registry import job\nfrom os.path import join", "has 0"),
    "syntax": ("def made(:", "SyntaxError"),
    "import": ("import no_such_module", "no_such_module"),
    "exit": ("raise SystemExit(3)", "SystemExit: 3"),
    "async": (f"from core.registry import job\n{ENDING.replace('def', 'async def')}", "is async"),
    "no hint": (f"from core.registry import job\n{ENDING.replace('made()', 'made(x)')}", "'x' needs a type hint"),
    "args": (f"from core.registry import job\n{ENDING.replace('made()', 'made(*x: int)')}", "cannot be passed by name"),
    "kwargs": (
        f"from core.registry import job\n{ENDING.replace('made()', 'made(**x: int)')}",
        "cannot be passed by name",
    ),
    "positional": (
        f"from core.registry import job\n{ENDING.replace('made()', 'made(x: int, /)')}",
        "cannot be passed by name",
    ),
    "unknown type": (f"from core.registry import job\n{ENDING.replace('made()', 'made(x: Nothing)')}", "Nothing"),
    "no form": (
        f"import socket\nfrom core.registry import job\n{ENDING.replace('()', '(x: socket.socket)')}",
        "cannot make a form",
    ),
    "callable": (
        f"from typing import Callable\nfrom core.registry import job\n{ENDING.replace('()', '(x: Callable[[], int])')}",
        "cannot make a form",
    ),
}


@pytest.mark.parametrize(("content", "sentence"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_defines_no_job_has_a_sentence_that_says_why(package: Package, content: str, sentence: str) -> None:
    package.add("broken", content)

    with pytest.raises(JobFileError) as error:
        load(package.name, "broken")

    assert str(error.value).startswith(f"{package.name}.broken: ")
    assert sentence in str(error.value)
