"""stdout and stderr that take whatever is said to them.

In:   the streams that a process was started with: some may be closed, lack characters, or stop taking anything half-way.
Out:  streams that never raise, and remember why not all could be said.
Rule: no run ends because its output is no longer read; and no file that is opened later gets the number of a closed stream, into which
      libraries write.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import Any, TextIO

CLOSED = "it is closed"


class Steady:
    """A text stream that goes on where writing fails.

    Attributes
    ----------
    fault : str
        Why something could not be written, or nothing; that a reader closed its end is no fault.
    """

    def __init__(self, stream: TextIO, fault: str = "") -> None:
        self._stream = stream
        self.fault = fault

    def write(self, text: str) -> int:
        """Write as much as is possible; characters that the stream's encoding lacks are escaped."""
        with self._steadily():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand on what was written."""
        with self._steadily():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextlib.contextmanager
    def _steadily(self) -> Any:
        try:
            yield
        except OSError as error:
            if error.errno != errno.EPIPE:
                self.fault = error.strerror or str(error)
            # What is left in the stream's own buffer goes the same way when the process ends.
            with contextlib.suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)


def steady_streams() -> Steady:
    """Have this process write to steady streams; returns that for stdout."""
    _fill_gaps()
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, Steady):
            continue
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
        nowhere = stream or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (open for as long as the process)
        setattr(sys, name, Steady(nowhere, "" if stream else CLOSED))
    return sys.stdout  # type: ignore[return-value]


def _fill_gaps() -> None:
    """Open the null device under the numbers of closed streams."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
