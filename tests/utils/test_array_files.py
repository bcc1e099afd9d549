"""Large arrays of calls, in files that other processes map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ser_bench.errors import WorkFailed
from ser_bench.utils import array_files
from ser_bench.utils.array_files import ArrayFiles, unpack


@pytest.fixture(autouse=True)
def _anything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array_files, "LARGE", 100)


def test_a_file_is_there_as_long_as_its_array_and_the_folder_as_long_as_it_is_used(tmp_path: Path) -> None:
    features = np.arange(100.0)
    with ArrayFiles(tmp_path) as files:
        for number in range(3):
            own = np.full(100, number)
            one, other = unpack(files.pack((features, own)))
            assert isinstance(one, np.memmap)
            assert np.array_equal(one, features)
            assert np.array_equal(other, own)
        assert files.folder is not None
        assert sorted(path.name for path in files.folder.iterdir()) == ["0.npy", "3.npy"]
        del features, own
        assert not list(files.folder.iterdir())
    assert not list(tmp_path.iterdir())


def test_what_is_small_or_holds_objects_goes_with_the_call_and_needs_no_folder(tmp_path: Path) -> None:
    with ArrayFiles(tmp_path / "none") as files:
        small, objects, function = unpack(files.pack((np.arange(3), np.array([*"ab"] * 50, object), lambda: 7)))
    assert small.tolist() == [0, 1, 2]
    assert objects.tolist() == [*"ab"] * 50
    assert function() == 7
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WorkFailed, match=r"file: features for the workers cannot be written there"), ArrayFiles(tmp_path / "file") as files:
        files.pack((np.arange(100),))
