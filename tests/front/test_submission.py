import io
from pathlib import Path
from typing import Any

from front.form import submission
from front.form.fields import fields_of
from tests.front.fakes import FORM, FakeClient

FIELDS = fields_of(FORM)


class Upload(io.BytesIO):
    """As Streamlit passes it on."""

    file_id, name, size = "u1", "sales.csv", 3


def test_valid_and_invalid_input_are_separated() -> None:
    params, problems = submission.params_of(FIELDS, {"sales": None, "level": None, "note": ""}, 1)
    assert params == {"note": None}
    assert problems == {"sales": "Please fill this in."}


def test_a_file_may_be_as_large_as_the_limit() -> None:
    upload = Upload()
    upload.size = 1 << 20
    assert submission.params_of(FIELDS, {"sales": upload, "level": 0.9, "note": ""}, 1)[1] == {}


def test_a_file_is_sent_once_however_often_it_is_retried() -> None:
    client, sent = FakeClient(), dict[str, str]()
    params = {"sales": Upload(b"a,b"), "level": 0.9}
    first = submission.send_files(client, FIELDS, params, sent)
    assert submission.send_files(client, FIELDS, params, sent) == first
    assert client.files == {first["sales"]: ("sales.csv", b"a,b")}
    assert first["level"] == 0.9


def test_a_file_that_the_core_already_has_is_not_sent_again() -> None:
    client = FakeClient()
    assert submission.send_files(client, FIELDS, {"sales": "f1"}, {}) == {"sales": "f1"}
    assert client.files == {}


def test_a_sample_is_sent_again_when_it_has_changed(tmp_path: Path) -> None:
    client, sent, sample = FakeClient(), dict[str, str](), tmp_path / "sample.csv"
    ids = []
    for content in ("old", "new and longer"):
        sample.write_text(content)
        ids.append(submission.send_files(client, FIELDS, {"sales": sample}, sent)["sales"])
    assert [client.files[file_id][1] for file_id in ids] == [b"old", b"new and longer"]


def test_the_same_content_keeps_its_id_until_its_task_was_seen() -> None:
    state: dict[Any, Any] = {}
    first = submission.task_id_for(state, "count", {"a": 1, "b": 2})
    assert submission.task_id_for(state, "count", {"b": 2, "a": 1}) == first
    submission.arrived(state, "another")
    assert submission.task_id_for(state, "count", {"a": 1, "b": 2}) == first
    submission.arrived(state, first)
    assert submission.task_id_for(state, "count", {"a": 1, "b": 2}) != first


def test_different_content_has_a_different_id() -> None:
    state: dict[Any, Any] = {}
    ids = [submission.task_id_for(state, job, params) for job, params in (("a", {}), ("a", {"x": 1}), ("b", {"x": 1}))]
    assert len(set(ids)) == 3
