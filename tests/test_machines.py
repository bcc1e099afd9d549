"""What `benchmarks/machines.py` says of settings: which can be measured, and what moved."""

import importlib
import signal
import subprocess
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from tests.kernels import chooses_kernels

SYSTEMS = ["svm", "rf", "across"]


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    return importlib.import_module("machines")


def scores(p: float = 0.2, ranks: tuple[float, float] = (1, 2)) -> pd.DataFrame:
    """Two ranked systems, the first the best, and one across corpora."""
    best = ranks[0] == 1
    return pd.DataFrame({"system": SYSTEMS, "rank": [*ranks, np.nan], "p_vs_best": [*((np.nan, p) if best else (p, np.nan)), np.nan]})


def test_settings_name_each_library_and_the_first_is_what_was_found(machines):
    named = machines.settings()
    assert next(iter(named.items())) == ("default", {})
    assert {name for variables in named.values() for name in variables} >= {"OPENBLAS_CORETYPE", "GLIBC_TUNABLES", "NUMBA_CPU_NAME"}


@chooses_kernels
def test_a_kernel_under_a_second_name_is_measured_once_and_said(machines, capsys):
    wanted = {core: {"OPENBLAS_CORETYPE": core} for core in ("Nehalem", "Prescott", "Atom")}
    assert list(machines.possible(wanted)) == ["Nehalem", "Prescott"]
    assert capsys.readouterr().out == "Atom: this OpenBLAS takes Nehalem for it, which stands for it as 'Nehalem'\n"


def test_what_a_processor_cannot_execute_is_said_in_one_line(machines, monkeypatch, capsys):
    killed = subprocess.CompletedProcess([], -signal.SIGILL, "", "")
    monkeypatch.setattr(machines, "call", lambda *_: killed)
    assert machines.possible({"OpenBLAS SkylakeX": {}}) == {}
    assert capsys.readouterr().out == "OpenBLAS SkylakeX: this processor cannot execute it (illegal instruction)\n"


def test_a_conclusion_changes_when_p_crosses_the_level_or_the_best_is_another(machines):
    assert machines.changed(scores(), scores(0.3)) == (False, [])
    assert machines.changed(scores(), scores(0.04)) == (False, ["rf"])
    assert machines.changed(scores(), scores(ranks=(2, 1))) == (True, ["rf", "svm"])


def test_decisions_are_compared_clip_by_clip_and_seed_by_seed_whatever_their_order(machines):
    one = pd.DataFrame(
        {"system": ["svm"] * 4 + ["rf"] * 4, "seed": [0, 0, 1, 1] * 2, "clip": list("abab") * 2, "predicted": list("xxyy") * 2}
    )
    other = one.assign(predicted=list("xxyx") + list("xxyy")).sample(frac=1, random_state=0)
    assert machines.differing(one, other).to_dict() == {"rf": 0.0, "svm": 0.25}


def test_features_are_compared_in_standard_deviations_and_constant_ones_left_out(machines):
    first = pd.DataFrame({"f": [-1.0, 0.0, 1.0], "constant": 5.0}, index=list("abc"))
    assert machines.moved(first, first.add([0.25, 3.0]).iloc[::-1]) == pytest.approx(0.25)


def test_the_row_of_a_setting_tells_what_it_ran_on_and_what_moved(machines):
    decided = pd.DataFrame({"system": ["svm"] * 4, "seed": 0, "clip": list("abcd"), "predicted": list("xxyy")})
    features = pd.DataFrame({"f": [-1.0, 0.0, 1.0]}, index=list("abc"))
    ran = {"blas": [{"library": "openblas", "kernel": "Haswell"}] * 2, "numpy_simd": ["X86_V2", "X86_V3"]}
    first = machines.Outcome(ran, pd.DataFrame({"system": ["svm"], "uar": [0.75], "rank": [1], "p_vs_best": [np.nan]}), decided, features)
    other = machines.Outcome(ran, first.scores.assign(uar=0.5), decided.assign(predicted=list("xxyx")), features + 0.25)
    said = machines.setting_row("other", first, other)
    assert said == ["other", "Haswell", "X86_V3", ".5000", ".2500", "25.0%", "same", "same", "0.2"]
    assert machines.system_row("svm", first, [first, other]) == ["svm", ".7500", ".5000", ".7500", "25.0%"]
