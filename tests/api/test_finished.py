"""A run with nothing to do: its results are read, not computed, but where they were made from something else or a file has changed."""

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from ser_bench.evaluation import refits
from tests.small import evaluate

ALL = {"learning_curves": True, "test_variant": ["noise(snr=10)"]}


@pytest.fixture
def again(first, speech, tmp_path, pages):
    """A way to run once more what is finished, in a folder of the test's own."""
    return lambda **options: evaluate(speech, tmp_path, **options)


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {str(path): (path.stat().st_ino, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


def test_a_run_with_nothing_to_do_computes_and_writes_nothing_and_has_all_tables(again, tmp_path, monkeypatch):
    computed = again(**ALL)
    before = files(tmp_path)
    monkeypatch.setattr(refits, "losses_of", None)
    kept = again(**ALL)
    assert (computed.unchanged, kept.unchanged, kept.fitted, kept.reused, kept.failures) == (False, True, 0, 2, [])
    assert files(tmp_path) == before
    assert kept.warnings == computed.warnings
    for field in dataclasses.fields(computed):
        if isinstance(table := getattr(computed, field.name), pd.DataFrame):
            pd.testing.assert_frame_equal(getattr(kept, field.name), table)


def lose(name):
    return lambda folder: (folder / name).unlink()


def damage(pattern):
    def write(folder):
        next(folder.glob(pattern)).write_bytes(b"PAR1")

    return write


@pytest.mark.parametrize("change", [lose("leaderboard.md"), damage("../units/*.parquet")])
def test_what_is_not_as_it_was_written_is_computed_again(again, change):
    folder = again().folder
    before = files(folder.parent).keys()
    change(folder)
    assert not again().unchanged
    assert files(folder.parent).keys() >= before
    assert again().unchanged


def test_what_is_asked_for_in_other_words_or_afresh_is_computed(again):
    again()
    assert not again(rope=0.05).unchanged
    assert again(rope=0.05).unchanged
    assert again(rope=0.05, fresh=True).fitted
