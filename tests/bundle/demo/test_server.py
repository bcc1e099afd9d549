"""The demo's server answers its own page alone, refuses all else in a sentence, and keeps nothing."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse

import pytest

from ser_bench.audio.clip import Unusable
from ser_bench.bundle.demo.server import LARGEST, TOKEN, DemoServer
from ser_bench.errors import WorkFailed


def echo(data: bytes) -> Iterator[dict]:
    yield {"size": len(data)}


@contextmanager
def started(answer=echo, page=lambda token, nonce: f"<p>{nonce}") -> Iterator[DemoServer]:
    with DemoServer(page, answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def server():
    with started() as server:
        yield server


def ask(server: DemoServer, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[HTTPResponse, bytes]:
    """A request with these headers and no other."""
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders(body or None)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


def host(server: DemoServer) -> dict[str, str]:
    return {"Host": f"127.0.0.1:{server.server_port}"}


def own(server: DemoServer, size: int = 0) -> dict[str, str]:
    """What the page itself sends with a recording."""
    return {**host(server), "Origin": server.address.rstrip("/"), TOKEN: server.token, "Content-Length": str(size)}


def sentence(content: bytes) -> str:
    said = json.loads(content)["error"]
    assert said.endswith(".")
    assert "\n" not in said
    assert "Traceback" not in said
    return said


def test_it_listens_to_this_computer_alone(server):
    assert server.socket.getsockname()[0] == "127.0.0.1"
    assert server.address == f"http://127.0.0.1:{server.server_port}/"


def test_the_page_may_run_its_own_script_and_load_nothing(server):
    response, content = ask(server, "GET", "/", host(server))
    policy = response.headers["Content-Security-Policy"]
    nonce = content.decode().removeprefix("<p>")
    assert response.status == 200
    assert "default-src 'none'" in policy
    assert f"script-src 'nonce-{nonce}'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in response.headers
    assert nonce != ask(server, "GET", "/", host(server))[1].decode().removeprefix("<p>")


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_both_names_of_this_computer_are_its_own(server, name):
    headers = own(server, 3) | {"Host": f"{name}:{server.server_port}", "Origin": f"http://{name}:{server.server_port}"}
    assert json.loads(ask(server, "POST", "/predict", headers, b"abc")[1].splitlines()[0]) == {"size": 3}


def test_an_answer_ends_by_saying_that_it_is_whole(server):
    response, content = ask(server, "POST", "/predict", own(server, 3), b"abc")
    assert response.status == 200
    assert [json.loads(line) for line in content.splitlines()] == [{"size": 3}, {"done": True}]
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "changed",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:{port}"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:1"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://localhost:{port}"},
        {"Origin": "null"},
    ],
)
def test_another_host_or_origin_is_refused(server, method, changed):
    headers = own(server) | {name: value.format(port=server.server_port) for name, value in changed.items()}
    response, content = ask(server, method, "/" if method == "GET" else "/predict", headers)
    assert response.status == 403
    assert "alone" in sentence(content)
    assert server.token.encode() not in content


def test_two_hosts_and_none_are_refused(server):
    for lines in (b"", b"Host: 127.0.0.1:%d\r\nHost: evil.example\r\n" % server.server_port):
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as raw:
            raw.sendall(b"GET / HTTP/1.1\r\n" + lines + b"\r\n")
            assert raw.makefile("rb").readline().split()[1] == b"403"


@pytest.mark.parametrize("token", [None, "", "x" * 32, "\xe9"])
def test_a_recording_without_the_token_of_this_start_is_refused(server, token):
    headers = own(server, 3)
    del headers[TOKEN]
    response, content = ask(server, "POST", "/predict", headers | ({} if token is None else {TOKEN: token}), b"abc")
    assert response.status == 403
    assert "reload" in sentence(content)


def test_each_start_has_a_token_of_its_own(server):
    with DemoServer(lambda token, nonce: "", echo) as other:
        assert other.token != server.token


def test_a_recording_without_an_origin_is_refused(server):
    headers = own(server, 3)
    del headers["Origin"]
    assert ask(server, "POST", "/predict", headers, b"abc")[0].status == 403


@pytest.mark.parametrize("length", [LARGEST + 1, 10**30])
def test_more_than_50_mb_is_refused_before_any_of_it_is_read(server, length):
    response, content = ask(server, "POST", "/predict", own(server, length))
    assert response.status == 413
    assert "50 MB" in sentence(content)


@pytest.mark.parametrize(
    "changed", [{"Content-Length": ""}, {"Content-Length": "-1"}, {"Content-Length": "0x10"}, {"Transfer-Encoding": "chunked"}]
)
def test_a_recording_of_unknown_length_is_refused(server, changed):
    response, content = ask(server, "POST", "/predict", own(server) | changed)
    assert response.status == 411
    sentence(content)


def test_a_recording_that_breaks_off_is_not_answered_as_if_it_were_whole(server):
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as raw:
        lines = "".join(f"{name}: {value}\r\n" for name, value in own(server, 100).items())
        raw.sendall(f"POST /predict HTTP/1.1\r\n{lines}\r\nabc".encode())
        raw.shutdown(socket.SHUT_WR)
        assert b"ended before" in raw.makefile("rb").read()


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/predict", 404),
        ("GET", "/favicon.ico", 404),
        ("GET", "/../../etc/passwd", 404),
        ("GET", "/?a", 404),
        ("POST", "/", 404),
        ("PUT", "/predict", 501),
        ("OPTIONS", "/predict", 501),
        ("DELETE", "/", 501),
    ],
)
def test_there_is_nothing_but_the_page_and_its_answers(server, method, path, code):
    response, content = ask(server, method, path, own(server))
    assert response.status == code
    sentence(content)


def test_what_is_not_http_gets_a_sentence(server, capfd):
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as raw:
        raw.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
        assert b"cannot answer" in raw.makefile("rb").read()
    assert capfd.readouterr() == ("", "")


def failing(error: BaseException, after: int = 0):
    def answer(data: bytes) -> Iterator[dict]:
        yield from ({"number": number} for number in range(after))
        raise error

    return answer


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Unusable("constant"), "constant"),
        (MemoryError(), "memory"),
        (ValueError("a\nb"), "ValueError: a b"),
        (WorkFailed("no room"), "no room"),
    ],
)
def test_what_fails_is_said_in_one_sentence(error, said):
    with started(failing(error)) as server:
        response, content = ask(server, "POST", "/predict", own(server, 1), b"x")
    assert response.status == 422
    assert said in sentence(content)


def test_what_fails_half_way_is_no_whole_answer():
    with started(failing(ValueError("late"), after=1)) as server:
        response, content = ask(server, "POST", "/predict", own(server, 1), b"x")
    lines = [json.loads(line) for line in content.splitlines()]
    assert response.status == 200
    assert lines[0] == {"number": 0}
    assert "late" in lines[1]["error"]
    assert len(lines) == 2


def test_a_listener_who_leaves_ends_the_work_and_the_next_is_answered(capfd):
    given_up, goes_on = threading.Event(), threading.Event()

    def answer(data: bytes) -> Iterator[dict]:
        if data == b"short":
            yield {"number": 0}
            return
        try:
            while not given_up.is_set():
                yield {"number": 0, "filler": "x" * 100_000}
                goes_on.set()
        finally:
            given_up.set()

    with started(answer) as server:
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as raw:
            lines = "".join(f"{name}: {value}\r\n" for name, value in own(server, 4).items())
            raw.sendall(f"POST /predict HTTP/1.1\r\n{lines}\r\nlong".encode())
            assert goes_on.wait(10)
        assert given_up.wait(10)
        assert ask(server, "POST", "/predict", own(server, 5), b"short")[0].status == 200
    assert capfd.readouterr() == ("", "")


def test_a_port_that_is_taken_is_named(server):
    with pytest.raises(WorkFailed, match=f"--port {server.server_port}: .* choose another"):
        DemoServer(lambda token, nonce: "", echo, server.server_port)
