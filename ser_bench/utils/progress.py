"""What long work tells the person who waits: a bar on a terminal, a line now and then elsewhere.

In:   how many steps there are, and each as it is done, with the share of time that it takes.
Out:  progress and the time left, on stderr, or below a cell of a notebook.
Rule: nothing on stdout, and nothing that a result depends on.
"""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

from ser_bench.errors import printable

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

SECONDS_BETWEEN_LINES = 15
SECONDS_BETWEEN_CHANGES = 0.2
ALMOST = 0.99
LEAST_SHARE = 0.02
"""How much has to be done before the rest is estimated from it: the first step starts workers and compiles."""


_epoch_heard: ContextVar[Callable[[int, int, float], object] | None] = ContextVar("_epoch_heard", default=None)


@contextmanager
def watching_epochs(listener: Callable[[int, int, float], object]) -> Iterator[None]:
    """Have `tell_epoch` call `listener`, until it is left."""
    token = _epoch_heard.set(listener)
    try:
        yield
    finally:
        _epoch_heard.reset(token)


def tell_epoch(number: int, of: int, loss: float) -> None:
    """Say that a training has come to the end of an epoch, of so many at most, to whoever listens."""
    if listener := _epoch_heard.get():
        listener(number, of, loss)


class Progress(Protocol):
    """Something that can be told how far the work is."""

    def start(self, what: str, total: int) -> None:
        """A stage of `total` steps begins."""

    def advance(self, note: str = "", share: float | None = None) -> None:
        """One more is done, which was that share of all the work: one in `total` where nothing else is known."""

    def note(self, text: str) -> None:
        """How far one that is not done yet is, by its own measure."""

    def stop(self) -> None:
        """The stage has ended."""


class Silent:
    """Says nothing: for scripts, and where it is asked for."""

    def start(self, what: str, total: int) -> None:
        """Begin."""

    def advance(self, note: str = "", share: float | None = None) -> None:
        """Go on."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def stop(self) -> None:
        """End."""


class Paced:
    """How far a stage is, for what shows that no more often than every `between` seconds."""

    between: float

    def _begin(self, what: str, total: int) -> None:
        self.what, self.total, self.done, self.share, self.begun = what, total, 0, 0.0, time.monotonic()
        self.said = self.begun

    def _count(self, share: float | None) -> None:
        self.done += 1
        self.share += 1 / self.total if share is None else share

    def _due(self) -> bool:
        """Whether it is time to show it again, which then counts as shown."""
        now = time.monotonic()
        due = now - self.said >= self.between
        if due:
            self.said = now
        return due

    def _left(self) -> str:
        """How long the rest takes, if it goes on as it did; empty while too little is done to say."""
        if self.share < LEAST_SHARE:
            return ""
        return f"about {clock((self.said - self.begun) / self.share * max(0.0, 1 - self.share))} left"


class Lines(Paced):
    """A line at the start, one every so often, one at the end: for logs."""

    between = SECONDS_BETWEEN_LINES

    def start(self, what: str, total: int) -> None:
        """Say what begins."""
        self._begin(what, total)
        self._say(f"{what}: {total} to do")

    def advance(self, note: str = "", share: float | None = None) -> None:
        """Count on; speak when it is time to."""
        self._count(share)
        if self._due():
            done = ", ".join(filter(None, (f"{self.what}: {self.done} of {self.total}", self._left())))
            self._say(f"{done}{f' ({note})' if note else ''}")

    def note(self, text: str) -> None:
        """Speak when it is time to."""
        if self._due():
            self._say(f"{self.what}: {self.done} of {self.total}, {text}")

    def stop(self) -> None:
        """Say how long it took."""
        self._say(f"{self.what}: {self.done} of {self.total} in {clock(time.monotonic() - self.begun)}")

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
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(16),
            done,
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[time]}"),
        )
        note = TextColumn("{task.fields[note]}", style="dim", markup=False)
        self.bar = RichProgress(*columns, note, console=Console(stderr=True))
        self.done, self.total, self.share = 0, total, 0.0
        self.task = self.bar.add_task(printable(what), total=1.0, note="", done=0, of=total, time="left")
        self.bar.start()

    def advance(self, note: str = "", share: float | None = None) -> None:
        """Move it; by shares, which are estimates, not to its end before all is done."""
        self.done += 1
        self.share += 1 / self.total if share is None else share
        if self.bar:
            completed = min(self.share, 1.0 if self.done >= self.total else ALMOST)
            self.bar.update(self.task, completed=completed, note=printable(note), done=self.done)

    def note(self, text: str) -> None:
        """Write it beside the bar."""
        if self.bar:
            self.bar.update(self.task, note=printable(text))

    def stop(self) -> None:
        """Leave it standing at its end, filled where all is done: shares were estimates."""
        if self.bar:
            if self.done >= self.total:
                self.bar.update(self.task, completed=1.0, time="in all", note="")
            self.bar.stop()
            self.bar = None


class Notebook(Paced):
    """A bar below the cell that runs, changed in place: for notebooks."""

    between = SECONDS_BETWEEN_CHANGES

    def __init__(self, display: Callable[..., Any]) -> None:
        self.display = display

    def start(self, what: str, total: int) -> None:
        """Show the bar."""
        self._begin(what, total)
        self.handle = self.display(
            {"text/plain": f"{printable(what)}: {total} to do", "text/html": self._html("")}, raw=True, display_id=True
        )

    def advance(self, note: str = "", share: float | None = None) -> None:
        """Move it, when it is time to."""
        self._count(share)
        if self._due():
            self._change(" ".join(filter(None, (self._left(), note))))

    def note(self, text: str) -> None:
        """Write it beside the bar, when it is time to."""
        if self._due():
            self._change(text)

    def stop(self) -> None:
        """Leave it standing at its end."""
        self._change(f"in {clock(time.monotonic() - self.begun)}")

    def _change(self, told: str) -> None:
        line = f"{printable(self.what)}: {self.done} of {self.total} {printable(told)}".rstrip()
        self.handle.update({"text/plain": line, "text/html": self._html(told)}, raw=True)

    def _html(self, told: str) -> str:
        said = html.escape(printable(f"{self.what}: {self.done}/{self.total} {told}"))
        return f"<label>{said} <progress max='1' value='{min(self.share, 1):.3f}'></progress></label>"


def progress_of(wanted: Progress | bool | None) -> Progress:
    """What a call from Python shows.

    Parameters
    ----------
    wanted : Progress, bool or None
        None is a bar in a notebook and on a terminal, and nothing elsewhere. True is lines where there is no bar, False nothing anywhere.
    """
    if wanted is False:
        return Silent()
    if wanted is None or wanted is True:
        if display := _notebook_display():
            return Notebook(display)
        return for_terminal() if wanted or sys.stderr.isatty() else Silent()
    return wanted


def _notebook_display() -> Callable[..., Any] | None:
    """How to show something in the notebook that this runs in, if it does."""
    shell = sys.modules.get("IPython")
    kernel = shell and shell.get_ipython()
    if kernel is None or not hasattr(kernel, "kernel"):
        return None
    from IPython.display import display

    shown: Callable[..., Any] = display
    return shown


def for_terminal() -> Progress:
    """The kind that suits where stderr goes."""
    return Bar() if sys.stderr.isatty() else Lines()


def clock(seconds: float) -> str:
    """Seconds in words.

    >>> clock(7), clock(723)
    ('7 s', '12 min 03 s')
    """
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"
