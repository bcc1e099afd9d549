"""Rows of models with hyperparameters in brackets, from the plan to the page; and networks in a run."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ser_bench
from ser_bench.evaluation.epochs import showing_epochs, telling_epochs
from ser_bench.models import catalogue, fit_split, known_models, parse_model
from ser_bench.results import Results
from ser_bench.utils import spec
from ser_bench.utils.parallel import one_by_one
from ser_bench.utils.progress import Silent, tell_epoch
from tests.calling import call
from tests.models.test_models import make_split
from tests.small import evaluate, with_pages

TWO = ("logreg", "logreg(C=1)")
needs_torch = pytest.mark.skipif(bool(known_models()["cnn"].lacks()), reason="no PyTorch here: pip install 'ser-bench[deep]'")


@pytest.fixture(scope="module")
def two(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    with with_pages():
        return evaluate(speech, tmp_path_factory.mktemp("two"), models=list(TWO))


def test_two_rows_of_one_model_with_other_brackets_are_two_systems(two: Results) -> None:
    board = two.leaderboard.set_index("model")
    assert set(board.index) == set(TWO)
    assert board["uar"].nunique() > 1
    held = ["no search: every hyperparameter is fixed" in notes for notes in board.loc[list(TWO), "notes"]]
    assert held == [False, True]
    page = (two.folder / "report.html").read_text(encoding="utf-8")
    assert all(name in page for name in TWO)


def test_a_model_without_brackets_is_not_fitted_again(two: Results, finished: Results) -> None:
    units = {path.name: path.read_bytes() for path in (two.folder.parent / "units").glob("*.parquet")}
    assert {path.name for path in (finished.folder.parent / "units").glob("*.parquet")} < set(units)


def test_where_all_is_fixed_the_plan_counts_one_trial(two: Results, speech: Path, tmp_path: Path) -> None:
    options = ["-f", "spectral", "--trials", "7", "--inner", "2", "--seeds", "1", "--out", tmp_path, "--cache", speech / "store"]
    told = call(
        "run", speech / "corpus" / "clips.csv", "--cv", "group:2", *options, "-m", "logreg", "-m", "logreg( C = 1.0 )", "--dry-run"
    ).stdout
    rows = {words[3]: words[-2] for words in map(str.split, told.splitlines()) if words[1:2] == ["spectral"]}
    assert rows == {"logreg": str(2 * (7 * 2 + 1)), "logreg(C=1)": str(2 * (1 * 2 + 1))}
    assert (pd.read_parquet(two.folder / "trials.parquet").query("model == 'logreg(C=1)'")["trial"] == 0).all()


def test_a_run_s_own_configuration_names_what_is_fixed(two: Results) -> None:
    done = call("run", "--config", two.folder / "run.toml", "--dry-run")
    assert "0 fits in 0 units remaining" in done.stdout


def test_runs_of_other_brackets_are_merged_and_compared_as_systems(two: Results, speech: Path, tmp_path: Path) -> None:
    shutil.copytree(two.folder.parent, tmp_path, dirs_exist_ok=True)
    other = evaluate(speech, tmp_path, models="logreg(C=0.001)")
    done = call("leaderboard", tmp_path / two.folder.name, other.folder, "--out", tmp_path / "merged")
    assert done.returncode == 0, done.stderr
    for name in (*TWO, "logreg(C=0.001)"):
        assert f"{name} " in done.stdout


def test_an_ablation_takes_brackets(speech: Path, tmp_path: Path) -> None:
    options = {"trials": 2, "inner": 2, "seeds": 1, "jobs": 1, "out": str(tmp_path), "cache": str(speech / "store")}
    features = "audioemotion26"
    found = ser_bench.ablate(
        speech / "corpus" / "clips.csv", features=features, models="logreg(C=1)", modes="alone", importance=False, **options
    )
    assert set(found.table["model"]) == {"logreg(C=1)"}


def refused(speech: Path, tmp_path: Path, *options: str) -> str:
    """What a run says on stderr that is refused before anything is extracted."""
    done = call("run", speech / "corpus" / "clips.csv", *options, "--out", tmp_path / "out", "--cache", tmp_path / "store")
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])
    return done.stderr


def test_a_wrong_bracket_is_refused_before_anything_is_extracted(speech: Path, tmp_path: Path) -> None:
    told = refused(speech, tmp_path, "-m", "svm(c=1)")
    assert told == "ser-bench: unknown parameter of model 'svm' 'c': did you mean 'C'? (known: C, gamma, kernel)\n"


@pytest.fixture
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = spec._installed
    monkeypatch.setattr(spec, "_installed", lambda library: "" if library == "torch" else installed(library))


@pytest.mark.usefixtures("no_torch")
def test_without_pytorch_networks_are_refused_with_the_extra_to_install(speech: Path, tmp_path: Path) -> None:
    told = refused(speech, tmp_path, "-m", "logreg", "-m", "cnn(layers=c4x3)")
    assert told == "ser-bench: model 'cnn' needs torch: pip install 'ser-bench[deep]'\n"


@pytest.mark.usefixtures("no_torch")
def test_without_pytorch_networks_are_listed_and_others_are_the_same_units(two: Results, speech: Path) -> None:
    told = {row["model"]: row["description"] for row in catalogue()}
    assert told["dense"].endswith("needs torch: pip install 'ser-bench[deep]'")
    assert "needs" not in told["svm"]
    assert evaluate(speech, two.folder.parent, models=list(TWO)).fitted == 0


SMALL = "layers=c4x3-p4s-d-4,epochs=3,dropout=0.2,learning_rate=0.01"


@needs_torch
def test_a_network_is_a_row_like_others(speech: Path, tmp_path: Path) -> None:
    found = evaluate(speech, tmp_path, models=f"cnn({SMALL})", cv="group:2")
    assert found.leaderboard["status"].tolist() == ["ok"]
    assert np.allclose(pd.read_parquet(found.folder / "predictions.parquet").filter(like="p.").sum(axis=1), 1)
    assert not [path for path in (tmp_path / "units").iterdir() if path.suffix != ".parquet"]


@needs_torch
def test_a_fit_in_another_process_has_the_same_bytes() -> None:
    model, split = parse_model(f"cnn({SMALL})"), make_split()
    call_elsewhere = (model, split, model.start, 1)
    here, (there,) = fit_split(*call_elsewhere), one_by_one(fit_split, [call_elsewhere])
    assert [values.tobytes() for values in there.state] == [values.tobytes() for values in here.state]


@needs_torch
def test_a_set_too_narrow_for_the_layers_is_refused_before_it_is_extracted(speech: Path, tmp_path: Path) -> None:
    told = refused(speech, tmp_path, "-f", "audioemotion26", "-m", "cnn(layers=c4x3-p9-p4)")
    assert "-f audioemotion26 has 26 columns, and cnn(layers=c4x3-p9-p4) needs 36" in told


def test_epochs_of_a_unit_under_way_are_shown_and_leave_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Heard(Silent):
        lines: list[str] = []

        def note(self, text: str) -> None:
            self.lines.append(text)

    monkeypatch.setattr("ser_bench.evaluation.epochs.SECONDS_BETWEEN", 0.01)
    with showing_epochs(tmp_path, {"abc"}, Heard()), telling_epochs(tmp_path, "abc", "cnn"), telling_epochs(tmp_path, "other", "cnn"):
        pass
    with showing_epochs(tmp_path, {"abc"}, Heard()), telling_epochs(tmp_path, "abc", "cnn"):
        for number in range(1, 200):
            tell_epoch(number, 10_000, 1.25)
            time.sleep(0.01)
            if Heard.lines:
                break
    assert Heard.lines
    assert Heard.lines[0].startswith("epoch ")
    assert " of 10000, loss 1.250, " in Heard.lines[0]
    assert Heard.lines[0].endswith(" left (cnn)")
    assert not list(tmp_path.iterdir())
