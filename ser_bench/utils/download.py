"""Files from the web, whole and as published, or not at all.

In:   an address, a place, and what its owners publish of the file: size, checksum.
Out:  the file at that place.
Rule: a download that breaks off resumes where it was, also at the next call; where the server refuses that, it starts again. A file
      whose size or checksum is not the published one is not kept. Without a checksum the SHA-256 of what came is given, for the record.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from ser_bench.errors import WorkFailed, quoted
from ser_bench.utils.progress import Progress

TRIES = 5
"""After so many breaks in succession without a byte more than before, a download is given up."""
PAUSE, PATIENCE = 1.0, 60.0
"""Seconds before the first retry, doubled before each further one; and until a silent server is given up."""
BLOCK, MEGABYTE = 1 << 16, 1_000_000


def fetch(url: str, place: Path, *, size: int = 0, checksum: str = "", progress: Progress) -> str:
    """Fetch a file, unless it is there already.

    Parameters
    ----------
    url : str
        Of a web server.
    place : Path
        Where the file goes; what has come so far lies beside it, as ``.<name>.part``.
    size : int
        Bytes, as published; 0 where not known.
    checksum : str
        As published: ``md5:...`` or ``sha256:...``; empty where not known.

    Returns
    -------
    str
        Its SHA-256.

    Raises
    ------
    WorkFailed
        Where it cannot be had, or is not what is published; nothing wrong is kept.
    """
    import pooch

    pooch.get_logger().setLevel("ERROR")
    place.parent.mkdir(parents=True, exist_ok=True)
    transfer = Transfer(url, place.with_name(f".{place.name}.part"), size, progress)
    try:
        pooch.retrieve(url, checksum or None, fname=place.name, path=place.parent, downloader=transfer)
    except ValueError as error:
        came = re.search(r"doesn't match|does not match", str(error))
        why = f"{url}: what came has not the checksum that is published ({checksum}), and was not kept; try again, or see the owner's page"
        raise WorkFailed(why if came else f"{url}: {quoted(error)}") from None
    with open(place, "rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


class Transfer:
    """The bytes of one file, as pooch asks for them: `part` grows until it becomes the file."""

    def __init__(self, url: str, part: Path, size: int, progress: Progress) -> None:
        if not url.startswith(("http://", "https://")):
            raise WorkFailed(f"{url} is no address of a web server")
        self.url, self.part, self.size, self.progress = url, part, size, progress
        self.shown = self.steps = 0

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        """Write the file to the place that pooch names."""
        try:
            self._complete()
            self._show(self.steps * MEGABYTE)
        finally:
            if self.steps:
                self.progress.stop()
        os.replace(self.part, output_file)

    def _complete(self) -> None:
        """Go on until all is there, as long as every few tries bring something new."""
        most, fruitless = 0, 0
        while True:
            try:
                if self._receive():
                    return
                why = "the connection broke off"
            except urllib.error.HTTPError as error:
                if error.code not in (408, 425, 429) and error.code < 500:
                    raise WorkFailed(f"{self.url}: the server answers {error.code} ({error.reason}); see the owner's page") from None
                why = f"the server answers {error.code} ({error.reason})"
            except (OSError, http.client.HTTPException) as error:
                why = quoted(getattr(error, "reason", error) or type(error).__name__)
            here = self._here()
            fruitless = 0 if here > most else fruitless + 1
            most = max(most, here)
            if fruitless >= TRIES:
                raise WorkFailed(f"{self.url}: {why}, {TRIES} times in a row; {here:,} bytes are kept, the same command goes on there")
            time.sleep(PAUSE * 2**fruitless)

    def _here(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _receive(self) -> bool:
        """One answer of the server, written behind what is there; whether that is all."""
        here = self._here()
        if self.size and here == self.size:
            return True
        asked = urllib.request.Request(self.url, headers={"User-Agent": "ser-bench", "Accept-Encoding": "identity"})
        if here:
            asked.add_header("Range", f"bytes={here}-")
        try:
            with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
                begins, total = _extent(answer, here)
                self._check(total)
                if begins not in (0, here):
                    self.part.unlink()
                    return False
                return self._write(answer, begins, total)
        except urllib.error.HTTPError as error:
            if error.code != 416:
                raise
            self.part.unlink()  # more is there than the server has: it is another file
            return False

    def _check(self, total: int) -> None:
        if self.size and total and total != self.size:
            self.part.unlink(missing_ok=True)
            raise WorkFailed(
                f"{self.url}: {total:,} bytes are offered, {self.size:,} are published: it is another file; see the owner's page"
            )

    def _write(self, answer: http.client.HTTPResponse, begins: int, total: int) -> bool:
        if not self.steps:
            self.steps = max(1, -(-total // MEGABYTE))
            self.progress.start(f"downloading {self.part.name[1:-5]} (MB)", self.steps)
        bound = total or self.size
        with open(self.part, "r+b" if begins else "wb") as file:
            file.seek(begins)
            while block := answer.read(BLOCK):
                file.write(block)
                if bound and file.tell() > bound:
                    break
                self._show(file.tell())
            here = file.tell()
        if bound and here > bound:
            self.part.unlink()
            raise WorkFailed(f"{self.url}: more came than the {bound:,} bytes that were announced, and was not kept")
        return here == bound if bound else True

    def _show(self, here: int) -> None:
        while self.shown < here // MEGABYTE:
            self.shown += 1
            self.progress.advance()


def _extent(answer: Any, here: int) -> tuple[int, int]:
    """Where an answer begins within the file, and how long the file is (0 where the server does not say)."""
    length = int(answer.headers.get("Content-Length") or 0)
    if answer.status != 206:
        return 0, length
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
    if not found:
        return here, here + length if length else 0
    return int(found[1]), int(found[2]) if found[2] != "*" else 0
