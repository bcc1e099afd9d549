"""Trainings that go on from their last whole epoch after they were killed.

In:   a folder, named by whoever does the unit (`keeping_in`); a training after each of its epochs.
Out:  a file of arrays per fit that takes longer than a minute, until the unit is done.
Rule: a training that goes on ends with the bytes of one that was never stopped, and a file serves nothing but the fit that its name is a
      hash of.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.errors import Damaged
from ser_bench.utils.atomic import read_arrays, write_arrays
from ser_bench.utils.spec import versions

if TYPE_CHECKING:
    from ser_bench.models.base import Split
    from ser_bench.models.training import Course, Validation

SECONDS_BETWEEN = 60.0
"""Between two writings: what a kill costs at most, beside an epoch."""

_folder: ContextVar[Path | None] = ContextVar("_folder", default=None)


@contextlib.contextmanager
def keeping_in(folder: Path) -> Iterator[None]:
    """Keep trainings in a folder, which is gone afterwards unless the process was stopped."""
    token = _folder.set(folder)
    try:
        yield
    except Exception:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    else:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        _folder.reset(token)


class FitCheckpoint:
    """The file of one fit; nothing is written or read where no folder is named.

    Parameters
    ----------
    split : Split
    about : dict
        All else that the fit is a function of, as JSON has it.
    """

    def __init__(self, split: Split, about: dict[str, Any]) -> None:
        folder, self.written = _folder.get(), time.monotonic()
        self.path = folder / f"{_hash(split, about)}.npz" if folder else None

    def keep(self, course: Course, watched: Validation | None, epoch: int, *, ended: bool) -> None:
        """Write a training down as it is after an epoch, when it is time to, and once more when it has ended."""
        due = time.monotonic() - self.written >= SECONDS_BETWEEN
        if self.path and (due or (ended and self.path.exists())):
            self.written = time.monotonic()
            write_arrays(self.path, arrays_of(course, watched, epoch, ended))

    def restore(self, course: Course, watched: Validation | None) -> tuple[int, bool]:
        """Take up a training that was written down: its last epoch, 0 without one, and whether it had ended."""
        if not self.path:
            return 0, False
        try:
            kept = read_arrays(self.path)
        except (OSError, Damaged):
            return 0, False
        return take_up(course, watched, kept)


def arrays_of(course: Course, watched: Validation | None, epoch: int, ended: bool) -> dict[str, np.ndarray]:
    """All that a training's next epoch depends on, and the best epoch so far."""
    optimiser = course.optimiser
    parts = {
        "state": course.network.state,
        "first": [values.numpy() for values in optimiser.first],
        "second": [values.numpy() for values in optimiser.second],
        "best": watched.state if watched else [],
    }
    seen = (watched.best, watched.best_epoch, watched.plateau, watched.stalled) if watched else (0, 0, 0, 0)
    arrays = {f"{name}.{number}": values for name, many in parts.items() for number, values in enumerate(many)}
    numbers = np.array([epoch, ended, optimiser.steps, optimiser.rate, *seen], np.float64)
    return arrays | {"numbers": numbers, "generator": course.network.generator.get_state().numpy()}


def take_up(course: Course, watched: Validation | None, kept: dict[str, np.ndarray]) -> tuple[int, bool]:
    """Put a training where `arrays_of` found it; its epoch, and whether it had ended."""
    import torch

    def many(name: str) -> list[np.ndarray]:
        return [kept[f"{name}.{number}"] for number in range(sum(key.startswith(f"{name}.") for key in kept))]

    optimiser = course.optimiser
    course.network.restore(many("state"))
    course.network.generator.set_state(torch.from_numpy(kept["generator"].copy()))
    for slots, name in ((optimiser.first, "first"), (optimiser.second, "second")):
        for values, before in zip(slots, many(name), strict=True):
            values.copy_(torch.from_numpy(before.copy()))
    epoch, ended, steps, optimiser.rate, *seen = kept["numbers"].tolist()
    optimiser.steps = int(steps)
    if watched:
        watched.best, watched.plateau, watched.state = seen[0], seen[2], many("best")
        watched.best_epoch, watched.stalled = int(seen[1]), int(seen[3])
    return int(epoch), bool(ended)


def _hash(split: Split, about: dict[str, Any]) -> str:
    digest = hashlib.blake2b(json.dumps([about, versions(("numpy", "torch"))], sort_keys=True).encode(), digest_size=12)
    for array in (split.x_train, split.y_train, split.x_eval, split.y_eval):
        if array is not None:
            digest.update(f"{array.shape}{array.dtype}".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
