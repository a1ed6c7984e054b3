"""What nginx does with flower/nginx.conf: the real nginx with real DNS look-ups, in front of small upstreams."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flower.nginx import NGINX, Names, Nginx, Upstream, running
from tests.live import until

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed on this machine")


@pytest.fixture
def names() -> Iterator[Names]:
    with Names(("127.0.0.1", 0), Names.Handler) as server, running(server):
        server.addresses = {"flower": "127.0.0.2", "flower-healthchecker": "127.0.0.2"}
        yield server


@pytest.fixture
def nginx(tmp_path: Path, names: Names) -> Iterator[Nginx]:
    server = Nginx(tmp_path, names.server_address[1])
    yield server
    server.close()


@pytest.fixture
def flower(nginx: Nginx) -> Iterator[Upstream]:
    server = Upstream("127.0.0.2", nginx.flower_port)
    with running(server):
        yield server


@pytest.fixture
def health(nginx: Nginx) -> Iterator[Upstream]:
    server = Upstream("127.0.0.2", nginx.checker_port)
    with running(server):
        yield server


@pytest.mark.parametrize("path", ["/", "/flower"])
def test_the_root_redirects_to_flower_on_any_published_port(nginx: Nginx, path: str) -> None:
    answer = nginx.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/flower/")


def test_it_is_flower_that_asks_for_the_password(nginx: Nginx, flower: Upstream) -> None:
    refused = nginx.get("/flower/", password=False)
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, 'Basic realm="flower"')
    assert nginx.get("/flower/").status_code == 200


def test_flower_receives_the_whole_path_and_the_host_with_its_port(nginx: Nginx, flower: Upstream) -> None:
    nginx.get("/flower/tasks?state=FAILURE&x=%2F")
    assert flower.asked == [("/flower/tasks?state=FAILURE&x=%2F", f"127.0.0.1:{nginx.port}")]


@pytest.mark.parametrize(
    "path",
    ["/flower/metrics", "/flower/metrics/", "/flower/%6detrics", "/flower//metrics", "/flower/x/../metrics"],
)
def test_the_metrics_are_closed_in_every_spelling_of_their_path(nginx: Nginx, flower: Upstream, path: str) -> None:
    with socket.create_connection(("127.0.0.1", nginx.port), timeout=5) as raw:
        raw.sendall(f"GET {path} HTTP/1.0\r\nAuthorization: Basic YWRtaW46c2VjcmV0\r\n\r\n".encode())
        assert raw.recv(4096).startswith(b"HTTP/1.1 404")
    assert not flower.asked


def test_nothing_but_flower_is_served(nginx: Nginx, flower: Upstream) -> None:
    assert nginx.get("/metrics").status_code == nginx.get("/flowers").status_code == 404
    assert not flower.asked


@pytest.mark.parametrize("status", [200, 503])
def test_the_health_check_needs_no_password(nginx: Nginx, health: Upstream, status: int) -> None:
    health.status = status
    assert nginx.get("/healthcheck", password=False).status_code == status


def test_guessing_passwords_is_slowed_down(nginx: Nginx, flower: Upstream) -> None:
    answers = [nginx.http.get("/flower/", auth=("admin", str(guess))).status_code for guess in range(60)]
    assert set(answers) == {200, 429}
    assert 30 <= len(flower.asked) < 45


def test_styles_and_health_checks_are_not_limited(nginx: Nginx, flower: Upstream, health: Upstream) -> None:
    paths = ["/flower/static/css/flower.css", "/healthcheck"] * 50
    assert {nginx.get(path, password=False).status_code for path in paths} == {200}


def test_nginx_starts_before_flower_and_finds_it_later(nginx: Nginx) -> None:
    assert nginx.get("/flower/").status_code == 502
    with running(Upstream("127.0.0.2", nginx.flower_port)):
        assert nginx.get("/flower/").text == "from 127.0.0.2"


def test_a_flower_that_restarts_at_a_different_address_is_found_again(
    nginx: Nginx, flower: Upstream, names: Names
) -> None:
    assert nginx.get("/flower/").text == "from 127.0.0.2"
    flower.shutdown()
    flower.server_close()
    names.addresses["flower"] = "127.0.0.3"
    with running(Upstream("127.0.0.3", nginx.flower_port)):
        until(lambda: nginx.get("/flower/").text == "from 127.0.0.3", 8, 0.5)


@pytest.mark.parametrize("path", ["/flower/", "/flower/metrics", "/nowhere"])
def test_every_answer_has_the_security_headers(nginx: Nginx, flower: Upstream, path: str) -> None:
    headers = nginx.get(path, password=False).headers
    assert headers.get_list("X-Content-Type-Options") == ["nosniff"]
    assert headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert (
        headers["Referrer-Policy"] == "same-origin"
    )  # with a stricter value Flower would refuse the actions of its own pages
    assert headers["Server"] == "nginx"
