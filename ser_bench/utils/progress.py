"""What long work tells the person who waits: a bar on a terminal, a line now and then elsewhere. Always on stderr."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Protocol

from ser_bench.errors import printable

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

SECONDS_BETWEEN_LINES = 15


class Progress(Protocol):
    """Something that can be told how far the work is."""

    def start(self, what: str, total: int) -> None:
        """A stage of `total` steps begins."""

    def advance(self, note: str = "", share: float | None = None) -> None:
        """One more is done, which was that share of all the work: one in `total` where nothing else is known."""

    def stop(self) -> None:
        """The stage has ended."""


class Silent:
    """Says nothing: the default of the Python interface."""

    def start(self, what: str, total: int) -> None:
        """Begin."""

    def advance(self, note: str = "", share: float | None = None) -> None:
        """Go on."""

    def stop(self) -> None:
        """End."""


class Lines:
    """A line at the start, one every so often, one at the end: for logs."""

    def start(self, what: str, total: int) -> None:
        """Say what begins."""
        self.what, self.total, self.done, self.share, self.begun = what, total, 0, 0.0, time.monotonic()
        self.said = self.begun
        self._say(f"{what}: {total} to do")

    def advance(self, note: str = "", share: float | None = None) -> None:
        """Count on; speak when it is time to."""
        self.done += 1
        self.share += 1 / self.total if share is None else share
        now = time.monotonic()
        if now - self.said >= SECONDS_BETWEEN_LINES:
            self.said = now
            left = (now - self.begun) / self.share * max(0.0, 1 - self.share)
            self._say(f"{self.what}: {self.done} of {self.total}, about {_clock(left)} left{f' ({note})' if note else ''}")

    def stop(self) -> None:
        """Say how long it took."""
        self._say(f"{self.what}: {self.done} of {self.total} in {_clock(time.monotonic() - self.begun)}")

    def _say(self, line: str) -> None:
        print(printable(line), file=sys.stderr, flush=True)


class Bar:
    """A bar with what is being done and the time left: for terminals."""

    def __init__(self) -> None:
        self.bar: RichProgress | None = None

    def start(self, what: str, total: int) -> None:
        """Show the bar."""
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        # Narrow enough that nothing is cut off at 80 columns.
        done = TextColumn("{task.fields[done]}/{task.fields[of]}")
        columns = (TextColumn("{task.description}", markup=False), BarColumn(16), done, TimeRemainingColumn(), TextColumn("left"))
        note = TextColumn("{task.fields[note]}", style="dim", markup=False)
        self.bar = RichProgress(*columns, note, console=Console(stderr=True))
        self.done, self.total = 0, total
        self.task = self.bar.add_task(printable(what), total=1.0, note="", done=0, of=total)
        self.bar.start()

    def advance(self, note: str = "", share: float | None = None) -> None:
        """Move it."""
        self.done += 1
        if self.bar:
            self.bar.update(self.task, advance=1 / self.total if share is None else share, note=printable(note), done=self.done)

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
