"""Where numba keeps compiled code: a folder that works, or none.

In:   what the environment says, and which folders can be written to.
Out:  `NUMBA_CACHE_DIR`, for this process and those it starts, where numba's own places do not serve.
Rule: called before numba, or a library that needs it, is imported. No clip, and no run, is lost to a cache: neither where nothing can be
      written (a container's user, a read-only installation), nor where the disk is full. Code is only ever read from a folder that nobody
      else can write to, since numba runs what it finds there.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

VARIABLE = "NUMBA_CACHE_DIR"
IN_MEMORY = "SER_BENCH_COMPILES_IN_MEMORY"
"""Set for the processes started from here, so that the warning is given once."""
BLAS = "scipy.linalg.cython_blas"
COMPILED = ("ser_bench", "librosa")
"""Packages whose folders numba would write to."""
OURS = "ser_bench."
"""How the names of the modules begin whose compiled functions are loaded alone."""


@cache
def import_numba() -> None:
    """Import numba so that its cache cannot stop anything: what cannot be kept is compiled in memory."""
    find_cache()
    from numba.core import caching

    # The names had an underscore up to numba 0.60.
    kept, usual = (getattr(caching, name, None) or getattr(caching, f"_{name}") for name in ("CacheImpl", "UserWideCacheLocator"))

    class Nowhere(usual):  # type: ignore[misc, valid-type]
        """The last place to look for: a folder that cannot be made."""

        def get_cache_path(self) -> str:
            return os.path.join(os.devnull, "numba")

        @classmethod
        def from_function(cls, py_func: object, py_file: str) -> Nowhere | None:
            return cls(py_func, py_file) if os.path.exists(py_file) else None

    kept._locator_classes = [*kept._locator_classes, Nowhere]
    setattr(caching.Cache, "_guard_against_spurious_io_errors", lambda _: contextlib.suppress(OSError))  # noqa: B010
    _load_ours_alone(caching.Cache)
    _compare_more_files(caching._SourceFileBackedLocatorMixin)


def compiled_into(module: str, *others: str) -> None:
    """Say before a file's functions are decorated which other files have functions that are compiled into them.

    What numba keeps of a file, it compares with that file alone: a change in another would go unnoticed.

    Parameters
    ----------
    module, others : str
        Paths of Python files, as `__file__` gives them.
    """
    _compiled_into[module] = others


_compiled_into: dict[str, tuple[str, ...]] = {}


def _compare_more_files(of_numba: Any) -> None:
    """Have numba compare the files that were named, too."""
    usual = of_numba.get_source_stamp

    def get_source_stamp(locator: Any) -> Any:
        states = [(state.st_mtime, state.st_size) for state in map(os.stat, _compiled_into.get(locator._py_file, ()))]
        return (usual(locator), *states) if states else usual(locator)

    of_numba.get_source_stamp = get_source_stamp


def _load_ours_alone(of_numba: Any) -> None:
    """Load our functions that are compiled already without what numba sets up to compile one, which takes .3 s.

    Functions of other packages may need that: librosa's ufuncs, for one, are compiled in part even where they are kept.
    """
    from numba.core.runtime import rtsys

    usual = of_numba.load_overload

    def load_overload(cache: Any, signature: object, target: Any) -> Any:
        if cache._py_func.__module__.startswith(OURS):
            rtsys.initialize(target)
            with contextlib.suppress(OSError):
                if kept := cache._load_overload(signature, target):
                    return kept
            _import_arrays()
            return None
        _import_arrays()
        return usual(cache, signature, target)

    of_numba.load_overload = load_overload


@cache
def _import_arrays() -> None:
    """Import what numba compiles array functions with, but not all of `scipy.linalg`, which only says whether there is BLAS."""
    with _trusted_to_have_blas():
        from numba.np import arraymath
    arraymath._HAVE_BLAS = True


@contextlib.contextmanager
def _trusted_to_have_blas() -> Iterator[None]:
    """Have numba not import all of `scipy.linalg` to see whether it has BLAS: where compiled code multiplies matrices, it does so then."""
    if BLAS in sys.modules:
        yield
        return
    sys.modules[BLAS] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[BLAS]


@cache
def find_cache() -> None:
    """Name a folder for numba, where it would find none; say so once."""
    if _usual_places_serve():
        return
    try:
        folder = _private_folder()
    except OSError:
        if not os.environ.get(IN_MEMORY):
            os.environ[IN_MEMORY] = "1"
            warnings.warn("no folder can be written to for compiled code: every process compiles again, in memory", stacklevel=3)
        return
    os.environ[VARIABLE] = str(folder)
    if "numba" in sys.modules:
        sys.modules["numba"].config.CACHE_DIR = str(folder)
    said = f"compiled code is kept in {folder}, as neither the home folder nor the installation can be written to"
    warnings.warn(f"{said}; {VARIABLE} names another", stacklevel=3)


def _usual_places_serve() -> bool:
    """Whether numba can write where it would: what the environment names, the user's cache, or beside the code."""
    named = os.environ.get(VARIABLE)
    return bool(named and _writable(Path(named))) or _writable(_users_cache()) or all(map(_writable, _beside_code()))


def _users_cache() -> Path:
    """As numba has it."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", "~")).expanduser() / "numba" / "Cache"
    if sys.platform == "darwin":
        return Path(os.path.expanduser("~/Library/Caches/numba"))
    return Path(os.path.expanduser(os.environ.get("XDG_CACHE_HOME", "~/.cache"))) / "numba"


def _beside_code() -> list[Path]:
    from importlib.util import find_spec

    specs = [find_spec(name) for name in COMPILED]
    return [Path(spec.origin).parent / "__pycache__" for spec in specs if spec and spec.origin]


def _writable(folder: Path) -> bool:
    """Whether files can be made in a folder, or it can be made; nothing is made."""
    if not folder.is_absolute():  # whose home is not known
        return False
    there = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _private_folder() -> Path:
    """A folder for temporary files that is this user's alone.

    Raises
    ------
    OSError
        Where there is none.
    """
    import tempfile

    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    folder = Path(tempfile.gettempdir()) / f"ser-bench-{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    whose = not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
    if not (stat.S_ISDIR(found.st_mode) and whose and os.access(folder, os.W_OK | os.X_OK)):
        raise PermissionError(f"{folder} belongs to another user")
    return folder
