"""POST /files and GET /files/{id} over a real connection: large, interrupted, malformed, and on a full disk."""

import hashlib
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

from tests.live import LiveCore, until

MIB = 1 << 20


def request(core: LiveCore, head: str) -> bytes:
    return f"POST /files?name=raw HTTP/1.1\r\nHost: core\r\nX-API-Key: {core.key}\r\n{head}\r\n\r\n".encode()


def send(core: LiveCore, head: str, body: bytes) -> bytes:
    """Send a request that may be malformed, and return everything until the core hangs up."""
    with socket.create_connection(("127.0.0.1", core.port), timeout=20) as connection:
        connection.sendall(request(core, head) + body)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def stored(core: LiveCore) -> set[str]:
    return {entry.name for entry in (core.data_dir / "files").iterdir()}


def parts(core: LiveCore) -> list[str]:
    """Return the uploads in progress."""
    return [name for name in stored(core) if name.startswith(".part-")]


def memory(core: LiveCore) -> int:
    rss: int = core.services()["api"].memory_info().rss
    return rss


def test_a_file_comes_back_byte_for_byte(core: LiveCore) -> None:
    content = os.urandom(3 * MIB + 7)
    answer = core.http.post("/files", params={"name": "売上.csv"}, content=content)
    file = answer.json()

    assert answer.status_code == 201
    assert re.fullmatch("[0-9a-f]{32}", file["file_id"])
    assert (file["name"], file["size"]) == ("売上.csv", len(content))
    back = core.http.get(f"/files/{file['file_id']}")
    assert back.content == content
    assert back.headers["Content-Type"] == "application/octet-stream"
    assert back.headers["X-Content-Type-Options"] == "nosniff"
    assert back.headers["Content-Disposition"] == f"attachment; filename*=utf-8''{quote('売上.csv')}"


@pytest.mark.parametrize("wanted", ["bytes=0-3", "bytes=9-2", "bytes=99-", "lines=1"])
def test_a_download_is_always_the_whole_file(core: LiveCore, wanted: str) -> None:
    answer = core.http.get(f"/files/{core.upload(b'0123456789')}", headers={"Range": wanted})

    assert (answer.status_code, answer.content) == (200, b"0123456789")


@pytest.mark.parametrize("file_id", ["x", "0" * 32, "..", "%2e%2e%2fworker-beat", "..%2F..%2Fetc%2Fpasswd"])
def test_an_unknown_file_is_a_404_in_json(core: LiveCore, file_id: str) -> None:
    answer = core.http.get(f"/files/{file_id}")

    assert answer.status_code == 404
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    "query", ["", "?name=", "?name=%00", "?name=a%2Fb", "?name=..", "?name=" + "x" * 201, "?nam=a"]
)
def test_an_unusable_name_is_refused_before_anything_is_stored(core: LiveCore, query: str) -> None:
    before = stored(core)
    answer = core.http.post(f"/files{query}", content=b"x")

    assert answer.status_code == 422
    assert list(answer.json()["fields"]) == ["name"]
    assert stored(core) == before


def test_memory_does_not_grow_with_the_size_of_the_file(core: LiveCore) -> None:
    core.upload(b"x" * (20 * MIB))
    before, peak, block, sums = memory(core), 0, os.urandom(MIB), [hashlib.sha256(), hashlib.sha256()]

    def blocks() -> Iterator[bytes]:
        nonlocal peak
        for _ in range(190):
            peak = max(peak, memory(core))
            sums[0].update(block)
            yield block

    answer = core.http.post("/files", params={"name": "big"}, content=blocks())
    assert answer.status_code == 201, answer.text
    with core.http.stream("GET", f"/files/{answer.json()['file_id']}") as back:
        for part in back.iter_bytes():
            sums[1].update(part)
    peak = max(peak, memory(core))

    assert answer.json()["size"] == 190 * MIB
    assert sums[0].digest() == sums[1].digest()
    assert peak - before < 24 * MIB


def test_a_file_over_the_limit_is_a_413_whether_its_length_is_declared_or_not(core: LiveCore) -> None:
    before, block = stored(core), b"x" * MIB
    declared = core.http.post(
        "/files?name=a", headers={"Content-Length": str(201 * MIB)}, content=(block for _ in range(201))
    )
    undeclared = core.http.post("/files?name=a", content=(block for _ in range(201)))

    assert [declared.status_code, undeclared.status_code] == [413, 413]
    assert "200 MB" in declared.json()["detail"]
    assert declared.json() == undeclared.json()
    assert stored(core) == before


def test_nothing_is_stored_without_a_key(core: LiveCore) -> None:
    before = stored(core)
    with httpx2.Client(base_url=core.url, trust_env=False) as stranger:
        answer = stranger.post("/files?name=a", content=b"x" * (50 * MIB))

    assert answer.status_code == 401
    assert stored(core) == before


@pytest.mark.parametrize("chunked", [False, True])
def test_an_interrupted_upload_leaves_nothing(core: LiveCore, chunked: bool) -> None:
    head, size = ("Transfer-Encoding: chunked", b"200000\r\n") if chunked else ("Content-Length: 5000000", b"")
    before, logged = stored(core), len(core.log)
    with socket.create_connection(("127.0.0.1", core.port)) as connection:
        connection.sendall(request(core, head) + size + b"x" * (2 * MIB))
        until(lambda: parts(core))

    until(lambda: not parts(core))
    assert stored(core) == before
    assert "Traceback" not in core.log[logged:]


@pytest.mark.parametrize("length", ["abc", "-5", "1e3", "9" * 40, "٣"])
def test_a_length_that_is_not_a_number_is_a_400(core: LiveCore, length: str) -> None:
    assert send(core, f"Content-Length: {length}", b"abc").startswith(b"HTTP/1.1 400 ")


def test_the_file_ends_at_its_declared_length(core: LiveCore) -> None:
    answer = send(core, "Content-Length: 3\r\nConnection: close", b"abcdef")

    assert answer.startswith(b"HTTP/1.1 201 ")
    assert b'"size":3}' in answer


def test_a_killed_api_leaves_no_partial_file(quiet: LiveCore) -> None:
    with socket.create_connection(("127.0.0.1", quiet.port)) as connection:
        connection.sendall(request(quiet, "Content-Length: 9000000") + b"x" * (4 * MIB))
        part = until(lambda: parts(quiet))[0]
        quiet.kill("api", with_children=True)

    until(quiet.is_ready)
    assert quiet.http.get(f"/files/{part}").status_code == 404
    assert quiet.upload(b"x")


def test_uploads_fail_with_507_on_a_full_disk_and_work_again_when_there_is_room(
    small_disk: Path, tmp_path: Path
) -> None:
    data, block = tmp_path / "data", b"x" * MIB
    data.mkdir()
    (data / "files").symlink_to(small_disk)
    with LiveCore(data) as live:
        too_much = live.http.post("/files?name=a", content=(block for _ in range(130)))
        left = stored(live)
        enough = live.http.post("/files?name=a", content=(block for _ in range(30)))
        (small_disk / "other").write_bytes(block * 80)
        full = live.http.get("/ready")

    assert too_much.status_code == 507
    assert "the last 12 MB are kept for the queue" in too_much.json()["detail"]
    assert too_much.headers["Retry-After"]
    assert left == set()
    assert enough.status_code == 201
    assert (full.status_code, full.json()["redis"]) == (503, "ok")
    assert "disk is full" in full.json()["files"]


def test_while_the_folder_cannot_be_used_callers_are_told_to_come_back_and_then_all_is_there(quiet: LiveCore) -> None:
    file_id, files = quiet.upload(b"a,b\n"), quiet.data_dir / "files"
    order = {"job": "measure", "params": {"file": file_id}, "username": "sato"}
    files.rename(quiet.data_dir / "away")
    files.write_text("no folder")
    try:
        answers = [
            quiet.http.post("/files?name=a", content=b"x"),
            quiet.http.get(f"/files/{file_id}"),
            quiet.http.post("/start_task", json=order),
        ]
        ready = quiet.http.get("/ready")
    finally:
        files.unlink()
        (quiet.data_dir / "away").rename(files)

    assert [(answer.status_code, answer.headers["Retry-After"]) for answer in answers] == [(503, "5")] * 3
    assert "Nothing has been lost" in answers[0].json()["detail"]
    assert (ready.status_code, "cannot be used" in ready.json()["files"]) == (503, True)
    assert quiet.http.get(f"/files/{file_id}").content == b"a,b\n"
    assert quiet.upload(b"x")
    assert quiet.http.post("/start_task", json=order).status_code == 200
