"""Calls for processes that share a folder: each large array is written once, however many calls hold it, and mapped by whoever needs it.

In:   calls, and a folder.
Out:  the bytes of each, with the names of files in place of its large arrays; and, elsewhere, the call again.
Rule: a file is there as long as its array is in this process and the folder is used. A reader gets the same numbers in the same
      order of memory, loads only those that it looks at, and cannot change them.
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from cloudpickle import CloudPickler

from ser_bench.errors import WorkFailed
from ser_bench.utils.atomic import folder_aside

LARGE = 1 << 20
"""Arrays of at least so many bytes go into files."""


class ArrayFiles(contextlib.ExitStack):
    """A folder of arrays, made when the first is written and gone when it is left."""

    def __init__(self, parent: Path) -> None:
        super().__init__()
        self.parent = parent
        self.folder: Path | None = None
        self.written = 0
        self.files: dict[int, Path] = {}

    def pack(self, call: tuple[Any, ...]) -> bytes:
        """A call as `unpack` takes it."""
        buffer = io.BytesIO()
        _Packer(buffer, self).dump(call)
        if self.folder:
            os.utime(self.folder)  # where there are no locks, age alone says what is abandoned
        return buffer.getvalue()

    def file_of(self, array: np.ndarray) -> Path:
        """The file that holds an array, which is written if there is none yet."""
        path = self.files.get(id(array))
        if path is None:
            path = self.files[id(array)] = self._write(array)
            weakref.finalize(array, self._remove, id(array), path).atexit = False
        return path

    def _write(self, array: np.ndarray) -> Path:
        try:
            if self.folder is None:
                self.folder = self.enter_context(folder_aside(self.parent, ".shared-"))
            path = self.folder / f"{self.written}.npy"
            np.save(path, array, allow_pickle=False)
        except OSError as error:
            raise WorkFailed(f"{self.parent}: features for the workers cannot be written there: {error.strerror}") from None
        self.written += 1
        return path

    def _remove(self, number: int, path: Path) -> None:
        del self.files[number]
        path.unlink(missing_ok=True)


class _Packer(CloudPickler):
    """Pickles calls for processes elsewhere; functions that these cannot import go by value."""

    def __init__(self, buffer: io.BytesIO, files: ArrayFiles) -> None:
        super().__init__(buffer)
        self.files = files

    def persistent_id(self, held: Any) -> str | None:
        """The file of a large array; nothing for all else."""
        large = type(held) in (np.ndarray, np.memmap) and held.nbytes >= LARGE and not held.dtype.hasobject
        return str(self.files.file_of(held)) if large else None


class _Unpacker(pickle.Unpickler):
    def persistent_load(self, path: str) -> np.ndarray:
        """The array in a file, mapped: read as far as it is looked at."""
        try:
            array: np.ndarray = np.load(path, mmap_mode="r")
        except FileNotFoundError:
            raise WorkFailed(f"a worker does not see {path}: do all workers share the folder, under the same path?") from None
        return array


def unpack(packed: bytes) -> tuple[Any, ...]:
    """The call that `ArrayFiles.pack` packed."""
    call: tuple[Any, ...] = _Unpacker(io.BytesIO(packed)).load()
    return call
