"""A company's own core: a job is one more file, a broken one stops no other, the list lies where they want it."""

import json
from collections.abc import Iterator

import pytest

from tests.live import ROOT, LiveCore

JOB = '''"""Our own job."""
from core.registry import job

@job(title="見積もり")
def estimate(price: int, tax: float = 0.1) -> float:
    """What it costs."""
    return round(price * (1 + tax), 2)
'''

ODD = '''"""Reads a file whose name is no Unicode, and does not know how far it is."""
from core.registry import Progress, job

@job(title="Odd")
def odd(progress: Progress) -> None:
    """Fails."""
    progress(float("nan"), "\\udc80")
    raise FileNotFoundError("there is no \\udc80.csv")
'''


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCore]:
    folder = tmp_path_factory.mktemp("company")
    package = folder / "our_jobs"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "estimate.py").write_text(JOB)
    (package / "odd.py").write_text(ODD)
    (package / "half_done.py").write_text("def half_done(")
    places = {
        "JOBS_PACKAGE": "our_jobs",
        "PYTHONPATH": f"{ROOT}:{folder}",
        "ACTIVE_USERS_FILE": str(folder / "on site" / "who.txt"),
    }
    with LiveCore(folder / "data", **places) as live:
        yield live


def test_a_job_is_one_more_file(company: LiveCore) -> None:
    job = company.http.get("/jobs").json()[0]

    assert (job["name"], job["title"], job["description"]) == ("estimate", "見積もり", "What it costs.")
    assert list(job["params"]["properties"]) == ["price", "tax"]
    assert company.wait(company.submit("estimate", price=100))["result"] == {"value": 110.0}


def test_a_broken_file_is_told_where_people_look_and_stops_nobody(company: LiveCore) -> None:
    ready = company.http.get("/ready")
    answer = company.http.post("/start_task", json={"job": "half_done", "username": "sato"})

    assert ready.status_code == 200
    assert "our_jobs.half_done: cannot be imported: SyntaxError" in ready.json()["jobs"]
    assert "our_jobs.half_done" in company.log
    assert answer.status_code == 404
    assert "jobs: estimate, odd." in answer.json()["detail"]


def test_the_list_of_users_lies_where_the_setting_says(company: LiveCore) -> None:
    company.http.post("/add_active_user", json={"username": "sato"})

    assert "sato" in json.loads((company.data_dir.parent / "on site" / "who.txt").read_text())
    assert not (company.data_dir / "active_users").exists()


def test_what_is_no_unicode_and_no_number_is_told_all_the_same(company: LiveCore) -> None:
    status = company.wait(company.submit("odd"))

    assert status["error"] == {"type": "FileNotFoundError", "message": "there is no ?.csv"}
    assert status["progress"] == {"done": 0, "message": "?"}
    assert company.http.get("/tasks").json()[0]["error"] == status["error"]
