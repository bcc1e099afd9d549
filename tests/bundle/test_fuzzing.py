"""`benchmarks/fuzz_bundles.py` at its smallest: damaged and forged files are refused in a line, or decide as any."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

MUTANTS = 20
"""Of each kind of file."""


@pytest.fixture(scope="module")
def fuzz() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
        import fuzz_bundles

        yield fuzz_bundles


def test_no_mutant_crashes_runs_anything_or_writes_a_file(fuzz, tmp_path):
    ends = set()
    for name in fuzz.kinds():
        (tmp_path / name).mkdir()
        mutants = fuzz.Mutants(fuzz.bundle_of(*fuzz.fitted_system(name)), tmp_path / name)
        assert fuzz.use(mutants.path) == "decided"
        mutants.mutant.touch()
        ended, wrong = fuzz.open_mutants(name, mutants, range(MUTANTS), 0, lambda number: None)
        assert wrong == []
        ends |= {(how, end) for _, how, end in ended}
    assert {(how, "refused") for how in ("bytes", "sealed", "forged")} | {("sealed", "decided"), ("forged", "decided")} <= ends


@pytest.mark.parametrize(
    "act",
    [lambda path: path.with_name("new").write_text("x"), lambda path: compile("1", "x", "eval"), lambda path: __import__("colorsys")],
    ids=["writes", "compiles", "imports"],
)
def test_what_should_not_happen_is_noticed(fuzz, tmp_path, monkeypatch, act):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    mutants = fuzz.Mutants(fuzz.bundle_of(*fuzz.fitted_system("constant")), tmp_path)
    mutants.mutant.touch()
    monkeypatch.setattr(fuzz, "use", lambda path: act(path) and "decided")
    assert fuzz.open_mutants("constant", mutants, range(1), 0, lambda number: None)[1]
