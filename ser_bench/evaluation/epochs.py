"""How far long trainings are, told by the processes that do units to the one that waits for them.

In:   epochs of a fit, wherever it runs.
Out:  a line such as ``epoch 132 of 700, loss 1.203, 12 min 03 s left (cnn)`` on the progress.
Rule: what is told reaches no result; it goes through small files in the folder of units, which every backend shares, and is gone with
      its unit.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from ser_bench.models.checkpoints import keeping_in
from ser_bench.utils.progress import Progress, clock, watching_epochs

SUFFIX, KEPT = "-progress", ".epochs"
"""How the names of files about a unit's progress end, and those of folders with its trainings."""
SECONDS_BETWEEN = 2.0
"""Between two writings of a file, and two looks for one."""
DAYS_KEPT = 30
"""So long after its last epoch a training that nobody resumes is kept."""


@contextlib.contextmanager
def telling_epochs(store: Path, unit: str, model: str) -> Iterator[None]:
    """Write down the epochs of the fits that are done meanwhile, and keep these so that they go on after a kill.

    Parameters
    ----------
    store : Path
        The folder of units.
    unit, model : str
        The unit's hash, and what its model is called.
    """
    path, told = store / f".{unit}{SUFFIX}", time.monotonic()
    first, last, begun = 0, 0, told

    def write(number: int, of: int, loss: float) -> None:
        nonlocal first, last, told, begun
        now = time.monotonic()
        if number <= last or not last:  # another fit
            first, begun = number, now
        elif now - told >= SECONDS_BETWEEN:
            told, left = now, (now - begun) / (number - first) * (of - number)
            show(f"epoch {number} of {of}, loss {loss:.3f}, {clock(left)} left ({model})")
        last = number

    def show(line: str) -> None:
        with contextlib.suppress(OSError):
            path.write_text(line, encoding="utf-8")

    try:
        with watching_epochs(write), keeping_in(store / f"{unit}{KEPT}"):
            yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def clear_epochs(store: Path) -> None:
    """Remove trainings whose unit was finished since, and those that nobody went on with for `DAYS_KEPT`."""
    for folder in store.glob(f"*{KEPT}"):
        result = folder.with_suffix(".parquet")
        with contextlib.suppress(OSError):
            last = max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
            if time.time() - last > DAYS_KEPT * 86_400 or (result.exists() and result.stat().st_mtime > last):
                shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def showing_epochs(store: Path, units: set[str], progress: Progress) -> Iterator[None]:
    """Show on the progress what was written down last of any of these units, until it is left."""
    ended = threading.Event()

    def watch() -> None:
        seen = 0.0
        while not ended.wait(SECONDS_BETWEEN):
            with contextlib.suppress(OSError, UnicodeDecodeError):
                files = [path for path in store.glob(f".*{SUFFIX}") if path.name[1 : -len(SUFFIX)] in units]
                newest = max(files, key=lambda path: path.stat().st_mtime, default=None)
                if newest and newest.stat().st_mtime > seen and (line := newest.read_text(encoding="utf-8")):
                    seen = newest.stat().st_mtime
                    progress.note(line)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
