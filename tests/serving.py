"""A web server of this machine that behaves as servers do: it drops connections, refuses ranges, sends something else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote


@dataclass
class Served:
    """What lies under an address, and how it is handed out."""

    content: bytes
    drops_after: int = 0
    """Bytes after which each connection breaks; 0 is never."""
    ranges: bool = True
    fails: list[int] = field(default_factory=list)
    """Codes that are answered first, one per request."""
    announced: int | None = None
    asked: list[str] = field(default_factory=list)
    """The `Range` of every request."""


class Handler(BaseHTTPRequestHandler):
    """Answers from the server's `files`."""

    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        served: Served | None = self.server.files.get(unquote(self.path))  # type: ignore[attr-defined]
        if served is None:
            self.send_error(404)
            return
        asked = self.headers.get("Range", "")
        served.asked.append(asked)
        if served.fails:
            self.send_error(served.fails.pop(0))
            return
        begins = int(asked.removeprefix("bytes=").rstrip("-")) if asked and served.ranges else 0
        if begins and begins >= len(served.content):
            self.send_error(416)
            return
        rest = served.content[begins:]
        self.send_response(206 if begins else 200)
        self.send_header("Content-Length", str(served.announced if served.announced is not None else len(rest)))
        if begins:
            self.send_header("Content-Range", f"bytes {begins}-{len(served.content) - 1}/{len(served.content)}")
        self.end_headers()
        self.wfile.write(rest[: served.drops_after] if served.drops_after else rest)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(**files: Served) -> Iterator[tuple[str, dict[str, Served]]]:
    """A server of these files, by name; its address, and the files, to which more may be added by path."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.files = {f"/{name}": served for name, served in files.items()}  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", server.files  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
