"""A cache of compiled code that has no place, or none left, costs nothing but time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import ser_bench.utils.compiling as room


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No home folder, and an installation that cannot be written to; temporary files go to the path returned."""
    closed = tmp_path / "file"
    closed.write_text("")
    monkeypatch.setenv("HOME", str(closed / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv(room.IN_MEMORY, raising=False)
    monkeypatch.setenv(room.VARIABLE, "")
    monkeypatch.setattr(room, "_beside_code", lambda: [closed / "__pycache__"])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_that_is_the_user_s_alone_is_named_and_said(nowhere):
    with pytest.warns(UserWarning, match="compiled code is kept in"):
        room.find_cache.__wrapped__()
    folder = Path(os.environ[room.VARIABLE])
    assert folder.parent == nowhere
    assert not folder.stat().st_mode & 0o077


def test_a_folder_that_others_can_write_to_is_not_used(nowhere):
    (nowhere / f"ser-bench-{os.getuid()}").mkdir()
    (nowhere / f"ser-bench-{os.getuid()}").chmod(0o777)
    with pytest.warns(UserWarning, match="compiles again, in memory"):
        room.find_cache.__wrapped__()
    assert not os.environ[room.VARIABLE]


def test_where_numba_finds_a_place_itself_nothing_is_changed(monkeypatch, tmp_path, recwarn):
    monkeypatch.setenv(room.VARIABLE, str(tmp_path / "mine"))
    room.find_cache.__wrapped__()
    assert os.environ[room.VARIABLE] == str(tmp_path / "mine")
    assert not recwarn.list


def test_code_is_compiled_in_memory_where_nothing_can_be_kept(tmp_path):
    code = """
import os, sys
import ser_bench.utils.compiling as room
room.find_cache = lambda: None
room.import_numba()
from numba import njit
from numba.core import caching
for place in caching.CacheImpl._locator_classes[:-1]:
    place.from_function = classmethod(lambda *_: None)
import tests_compiled
print(tests_compiled.double(21))
"""
    (tmp_path / "tests_compiled.py").write_text("from numba import njit\n@njit(cache=True)\ndef double(x):\n    return 2 * x\n")
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(room.__file__).parents[2])])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert (done.stdout.strip(), done.returncode) == ("42", 0), done.stderr


def test_our_kept_code_is_loaded_without_what_compiling_needs_and_that_of_others_with_it(tmp_path):
    code = """
import sys
import ser_bench.utils.compiling as room
room.OURS = "tests_kept"
room.import_numba()
from tests_kept import double, quadruple
print(double(21), *double.stats.cache_hits.values(), "numba.np.npyimpl" in sys.modules, "numba.np.arraymath" in sys.modules)
from tests_others import halve  # a ufunc, of which numba compiles a part each time
print(halve(42), quadruple(21), "scipy.linalg" in sys.modules)
"""
    ours = "from numba import njit\n@njit(cache=True)\ndef double(x):\n    return 2 * x\n"
    (tmp_path / "tests_kept.py").write_text(f"{ours}@njit\ndef quadruple(x):\n    return 2 * double(x)\n")
    others = "from numba import vectorize\n@vectorize(['int64(int64)'], cache=True, identity=0)\ndef halve(x):\n    return x // 2\n"
    (tmp_path / "tests_others.py").write_text(others)
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(room.__file__).parents[2])]), room.VARIABLE: str(tmp_path)}
    done = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env) for _ in range(2)]
    assert [process.stdout.split() for process in done] == [
        ["42", "True", "True", "21", "84", "False"],
        ["42", "1", "False", "False", "21", "84", "False"],
    ], done[-1].stderr


def test_kept_code_is_compared_with_every_file_that_is_compiled_into_it(tmp_path):
    inner, outer = tmp_path / "inner.py", tmp_path / "tests_outer.py"
    outer.write_text("def one():\n    return 1\n")
    inner.write_text("")
    sys.path.insert(0, str(tmp_path))
    try:
        room.import_numba()
        import tests_outer
        from numba.core import caching
    finally:
        sys.path.remove(str(tmp_path))
    stamps = []
    for change in ("", "", "# changed\n"):
        inner.write_text(inner.read_text() + change) if change else None
        room.compiled_into(str(outer), str(inner))
        stamps.append(caching.FunctionCache(tests_outer.one)._cache_file._source_stamp)
    assert stamps[0] == stamps[1] != stamps[2]
