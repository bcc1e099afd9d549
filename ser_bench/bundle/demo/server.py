"""A server for one page, for this computer and the page itself alone.

In:   the page, and a function from the bytes of a recording to lines of an answer.
Out:  two routes: `/`, the page; `/predict`, which takes a recording and answers with one JSON object per line, as they are found.
Rule: it listens on the loopback address alone; a request that names another host, comes from a page of another origin, or does not hold
      the token of this start is refused, and so is a recording of more than 50 MB, before any of it is read. Nothing that is sent is
      kept or written anywhere; whatever fails is answered by one plain sentence.
"""

from __future__ import annotations

import hmac
import json
import secrets
import sys
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from ser_bench.audio.clip import Unusable
from ser_bench.errors import WorkFailed, reason

HOST = "127.0.0.1"
LARGEST_MB = 50
LARGEST = LARGEST_MB * 10**6
"""Bytes of a recording."""
TOKEN = "X-Ser-Bench-Token"
TOO_LARGE = f"This recording is larger than {LARGEST_MB} MB: cut it, or use ser-bench predict, which has no such limit."
WAIT = 60
"""Seconds after which a connection that sends nothing is closed."""
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}' blob:; style-src 'nonce-{nonce}'; connect-src 'self'; media-src blob:; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Of the page; what records is a script that the page makes itself (blob:)."""

Line = dict[str, Any]


class Refused(Exception):
    """A request that is answered by a code and a sentence."""

    def __init__(self, code: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.code, self.sentence = code, sentence


class DemoServer(ThreadingHTTPServer):
    """The server, listening from its beginning.

    Parameters
    ----------
    page : function of (str, str) to str
        The page, from the token of this start and the nonce of an answer.
    answer : function of bytes to an iterator of dict
        What is found in a recording, a line at a time; `Unusable` where it is none. One recording is worked on at a time.
    port : int
        0 is any that is free.

    Raises
    ------
    WorkFailed
        Where the port cannot be listened on.
    """

    # Elsewhere it lets a port be used again at once; on Windows, at the same time.
    allow_reuse_address = sys.platform != "win32"

    def __init__(self, page: Callable[[str, str], str], answer: Callable[[bytes], Iterator[Line]], port: int = 0) -> None:
        self.page, self.answer = page, answer
        self.token = secrets.token_urlsafe(24)
        self.busy = threading.Lock()
        try:
            super().__init__((HOST, port), Handler)
        except OSError as error:
            raise WorkFailed(f"--port {port}: {error.strerror or error}: choose another, or none for one that is free") from None

    def server_bind(self) -> None:
        """Listen, without asking a name server what this computer is called."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.server_port}/"

    @property
    def hosts(self) -> tuple[str, str]:
        """What a request may call this server: another name that leads here is somebody else's."""
        return f"{HOST}:{self.server_port}", f"localhost:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that went away."""


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: DemoServer
    timeout = WAIT

    def do_GET(self) -> None:
        """The page."""
        self._answering(self._page)

    def do_POST(self) -> None:
        """What is found in a recording."""
        self._answering(self._predict)

    def _answering(self, respond: Callable[[], None]) -> None:
        try:
            self._check_host()
            respond()
        except Refused as refused:
            self._say(refused.code, refused.sentence)

    def _page(self) -> None:
        if self.path != "/":
            raise Refused(HTTPStatus.NOT_FOUND, f"There is nothing here: the page is at {self.server.address}.")
        nonce = secrets.token_urlsafe(16)
        page = self.server.page(self.server.token, nonce).encode()
        self._head(HTTPStatus.OK, "text/html; charset=utf-8", POLICY.format(nonce=nonce), length=len(page))
        self.wfile.write(page)

    def _predict(self) -> None:
        if self.path != "/predict":
            raise Refused(HTTPStatus.NOT_FOUND, "There is nothing here: recordings are sent to /predict.")
        self._check_page()
        data = self._body()
        with self.server.busy:
            lines = self._lines(data)
            del data
            first = next(lines)
            self._head(HTTPStatus.UNPROCESSABLE_ENTITY if "error" in first else HTTPStatus.OK, "application/x-ndjson")
            self._write(first)
            for line in lines:
                self._write(line)

    def _lines(self, data: bytes) -> Iterator[Line]:
        """An answer, whose last line says that it is whole, or what failed."""
        try:
            yield from self.server.answer(data)
            yield {"done": True}
        except Unusable as error:
            yield {"error": f"This recording cannot be used: {error.reason}."}
        except MemoryError:
            yield {"error": "There is not enough memory for this recording: cut it."}
        except Exception as error:
            yield {"error": f"This recording could not be predicted ({reason(error)})."}

    def _check_host(self) -> None:
        """Refuse what was sent to another name, or by a page from elsewhere."""
        if self.headers.get_all("Host") not in [[host] for host in self.server.hosts]:
            raise Refused(HTTPStatus.FORBIDDEN, f"This server answers to {self.server.address} alone.")
        origin = self.headers.get("Origin")
        if origin is not None and origin != f"http://{self.headers['Host']}":
            raise Refused(HTTPStatus.FORBIDDEN, "This server answers its own page alone.")

    def _check_page(self) -> None:
        """Refuse what the page of this start did not send."""
        if self.headers.get("Origin") is None:
            raise Refused(HTTPStatus.FORBIDDEN, "This server answers its own page alone.")
        if not hmac.compare_digest(self.headers.get(TOKEN, "").encode(), self.server.token.encode()):
            raise Refused(HTTPStatus.FORBIDDEN, "This page is from an earlier start of the demo: reload it.")

    def _body(self) -> bytes:
        """All of what is sent, where it says how long it is and that is not too long."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or "Transfer-Encoding" in self.headers:
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "A request has to say how long the recording is.")
        if len(length) > len(str(LARGEST)) or int(length) > LARGEST:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LARGE)
        data = self.rfile.read(int(length))
        if len(data) < int(length):
            raise Refused(HTTPStatus.BAD_REQUEST, "The recording ended before it was all here: send it again.")
        return data

    def _say(self, code: HTTPStatus, sentence: str) -> None:
        self._head(code, "application/x-ndjson")
        self._write({"error": sentence})

    def _head(
        self, code: HTTPStatus, kind: str, policy: str = "default-src 'none'; frame-ancestors 'none'", length: int | None = None
    ) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Security-Policy", policy)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()

    def _write(self, line: Line) -> None:
        self.wfile.write(json.dumps(line, allow_nan=False).encode() + b"\n")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """A request that is none of HTTP's, or of a method that is not used here, in one sentence."""
        self._say(HTTPStatus(code), f"This server cannot answer that: {HTTPStatus(code).phrase}.")

    def version_string(self) -> str:
        """What the server calls itself."""
        return "ser-bench"

    def log_message(self, format: str, *args: Any) -> None:
        """Keep no record of requests."""
