"""`ser-bench demo` says where its page is, opens it unless it is told not to, and ends as it is asked to."""

import signal
import threading
import urllib.request
import webbrowser

import pytest

from ser_bench.bundle import bundle
from ser_bench.bundle.demo.server import DemoServer
from ser_bench.utils.processes import Stopped
from tests.bundle.demo.test_page import bundle as made_up
from tests.calling import call


@pytest.fixture
def opened(monkeypatch):
    """Addresses that a browser was asked to show; a bundle that is read from anywhere."""
    addresses: list[str] = []
    monkeypatch.setattr(webbrowser, "open", addresses.append)
    tried = made_up()
    tried.check_extractors = lambda: ["numpy is another"]
    monkeypatch.setattr(bundle, "load_bundle", lambda path: tried)
    return addresses


def ending_with(error: BaseException, monkeypatch) -> list[str]:
    """A server that answers one request, and is then asked to end; what it answered."""
    pages: list[str] = []

    def serve(server: DemoServer) -> None:
        asking = threading.Thread(target=lambda: pages.append(urllib.request.urlopen(server.address).read().decode()))
        asking.start()
        server.handle_request()
        asking.join()
        raise error

    monkeypatch.setattr(DemoServer, "serve_forever", serve)
    return pages


def test_it_says_where_the_page_is_and_ctrl_c_is_its_end(opened, monkeypatch):
    pages = ending_with(KeyboardInterrupt(), monkeypatch)
    done = call("demo", "model.serb", "--no-browser")
    assert (done.returncode, done.stderr) == (0, "warning: numpy is another\n")
    assert done.stdout.startswith("http://127.0.0.1:")
    assert done.stdout.count("\n") == 1
    assert "svm" in pages[0]
    assert opened == []


def test_it_opens_the_page_in_a_browser(opened, monkeypatch):
    ending_with(KeyboardInterrupt(), monkeypatch)
    done = call("demo", "model.serb")
    assert opened == [done.stdout.strip()]
    assert "Ctrl-C" in done.stderr


def test_a_signal_ends_it_with_the_signal_s_code(opened, monkeypatch):
    ending_with(Stopped(signal.SIGTERM), monkeypatch)
    assert call("demo", "model.serb", "--no-browser").returncode == 128 + signal.SIGTERM


def test_its_port_is_the_one_that_is_named(opened, monkeypatch):
    ending_with(KeyboardInterrupt(), monkeypatch)
    with DemoServer(lambda token, nonce: "", lambda data: iter(())) as other:
        done = call("demo", "model.serb", "--no-browser", "--port", other.server_port)
        free = other.server_port
    assert (done.returncode, done.stdout) == (1, "")
    assert f"--port {free}" in done.stderr
    assert call("demo", "model.serb", "--no-browser", "--port", free).stdout.strip() == f"http://127.0.0.1:{free}/"
    assert call("demo", "model.serb", "--port", 80).returncode == 2
