"""Trainings that were killed are kept as long as somebody may go on with them, and no longer."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ser_bench.evaluation.epochs import DAYS_KEPT, clear_epochs


def made(path: Path, age: float) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")
    for one in (path, path.parent):
        os.utime(one, (time.time() - age,) * 2)


@pytest.mark.parametrize(
    ("age", "finished", "kept"),
    [(60, None, True), (60, 30, False), (60, 90, True), ((DAYS_KEPT + 1) * 86_400, None, False)],
    ids=["killed", "finished since", "fitted again since it was finished", "long ago"],
)
def test_a_killed_training_is_kept_until_its_unit_is_done_or_a_month_is_over(tmp_path, age, finished, kept):
    made(tmp_path / "1a2b.epochs" / "fit.npz", age)
    if finished:
        made(tmp_path / "1a2b.parquet", finished)
    clear_epochs(tmp_path)
    assert (tmp_path / "1a2b.epochs").exists() is kept
