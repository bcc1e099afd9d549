"""What long work tells the person who waits: a bar on a terminal, a line now and then elsewhere. Always on stderr."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

SECONDS_BETWEEN_LINES = 15


class Progress(Protocol):
    """Something that can be told how far the work is."""

    def start(self, what: str, total: int) -> None: ...
    def advance(self, n: int = 1, note: str = "") -> None: ...
    def stop(self) -> None: ...


class Silent:
    """Says nothing: the default of the Python interface."""

    def start(self, what: str, total: int) -> None:
        """Begin."""

    def advance(self, n: int = 1, note: str = "") -> None:
        """Go on."""

    def stop(self) -> None:
        """End."""


class Lines:
    """A line at the start, one every so often, one at the end: for logs."""

    def start(self, what: str, total: int) -> None:
        """Say what begins."""
        self.what, self.total, self.done, self.begun = what, total, 0, time.monotonic()
        self.said = self.begun
        self._say(f"{what}: {total} to do")

    def advance(self, n: int = 1, note: str = "") -> None:
        """Count on; speak when it is time to."""
        self.done += n
        now = time.monotonic()
        if now - self.said >= SECONDS_BETWEEN_LINES:
            self.said = now
            left = (now - self.begun) / self.done * (self.total - self.done) if self.done else 0
            self._say(f"{self.what}: {self.done} of {self.total}, about {_clock(left)} left{f' ({note})' if note else ''}")

    def stop(self) -> None:
        """Say how long it took."""
        self._say(f"{self.what}: {self.done} of {self.total} in {_clock(time.monotonic() - self.begun)}")

    def _say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)


class Bar:
    """A bar with what is being done and the time left: for terminals."""

    def __init__(self) -> None:
        self.bar: RichProgress | None = None

    def start(self, what: str, total: int) -> None:
        """Show the bar."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        # Narrow enough that nothing is cut off at 80 columns.
        columns = (TextColumn("{task.description}"), BarColumn(16), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("left"))
        self.bar = RichProgress(*columns, TextColumn("[dim]{task.fields[note]}"), console=Console(stderr=True))
        self.task = self.bar.add_task(what, total=total, note="")
        self.bar.start()

    def advance(self, n: int = 1, note: str = "") -> None:
        """Move it."""
        if self.bar:
            self.bar.update(self.task, advance=n, note=note)

    def stop(self) -> None:
        """Leave it standing at its end."""
        if self.bar:
            self.bar.stop()
            self.bar = None


def for_terminal() -> Progress:
    """The kind that suits where stderr goes."""
    return Bar() if sys.stderr.isatty() else Lines()


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"
