"""A module without its packages is the same module, and leaves nothing behind."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ser_bench.utils.partial_imports import import_alone

TRACE = "import sys\nsys.trace_of_packages = [*getattr(sys, 'trace_of_packages', []), __name__]\n"


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A library whose packages say when they are run."""
    inner = tmp_path / "slowlib" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "slowlib" / "__init__.py").write_text(f"{TRACE}made = 7\n")
    (inner / "__init__.py").write_text(TRACE)
    (inner / "quick.py").write_text("from slowlib.inner.other import TWO\nFOUR = 2 * TWO\n")
    (inner / "other.py").write_text("TWO = 2\n")
    (inner / "needy.py").write_text("from slowlib import made\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "trace_of_packages", [], raising=False)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "slowlib"]:
        del sys.modules[name]


def test_packages_are_not_run_and_nothing_stays(library: None) -> None:
    assert import_alone("slowlib.inner.quick", "slowlib", "slowlib.inner").FOUR == 4
    assert sys.trace_of_packages == []
    assert not [name for name in sys.modules if name.startswith("slowlib")]
    import slowlib.inner.quick

    assert (slowlib.made, slowlib.inner.quick.FOUR, sys.trace_of_packages) == (7, 4, ["slowlib", "slowlib.inner"])


def test_a_package_alone_is_not_run_though_its_library_is_there(library: None) -> None:
    import slowlib

    assert import_alone("slowlib.inner.quick", "slowlib.inner").FOUR == 4
    assert sys.trace_of_packages == ["slowlib"]
    assert [name for name in sys.modules if name.startswith("slowlib")] == ["slowlib"]
    assert slowlib.made == 7


def test_a_module_that_needs_its_packages_gets_them(library: None) -> None:
    assert import_alone("slowlib.inner.needy", "slowlib", "slowlib.inner").made == 7
    assert sys.trace_of_packages == ["slowlib", "slowlib.inner"]
    assert "slowlib.inner.needy" in sys.modules


def test_a_library_that_is_there_is_used(library: None) -> None:
    import slowlib.inner.quick

    assert import_alone("slowlib.inner.quick", "slowlib", "slowlib.inner") is slowlib.inner.quick


def test_one_of_several_threads_imports_as_usual(library: None) -> None:
    """Dask's workers: two units at once, of which one may import all of the library."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(import_alone, "slowlib.inner.quick", "slowlib", "slowlib.inner").result()
    assert sys.trace_of_packages == ["slowlib", "slowlib.inner"]


def test_what_is_not_there_is_missed_by_its_name(library: None) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"slowlib\.inner\.nowhere"):
        import_alone("slowlib.inner.nowhere", "slowlib", "slowlib.inner")


def test_scipy_takes_no_compiler_and_no_test_tools_along_and_numpy_has_them_afterwards() -> None:
    code = """
import sys, numpy
from ser_bench.utils.partial_imports import import_alone
solve = import_alone("scipy.linalg").solve
print([name for name in ("numpy.f2py", "numpy.testing") if name in sys.modules])
print(float(solve(numpy.eye(2) * 2, numpy.ones(2))[0]), callable(numpy.f2py.get_include), callable(numpy.testing.assert_equal))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "0.5 True True"]
