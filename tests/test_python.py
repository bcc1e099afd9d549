"""From Python: one way in, wrong calls refused with the nearest name, types that a checker sees, results that show themselves."""

import ast
import dataclasses
import inspect
import json
import runpy
import sys
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pytest

import ser_bench
from ser_bench import api, config
from ser_bench.api import options as of
from ser_bench.config import RunConfig
from ser_bench.errors import WrongArgument, WrongCall
from ser_bench.utils import progress
from ser_bench.utils.named_tables import NamedTable
from ser_bench.utils.progress import Lines, Notebook, Silent, progress_of
from tests.small import SMALL, but_seconds

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TAKING_OPTIONS = {
    api.run: of.RunOptions,
    api.audit: of.TuningOptions,
    api.ablate: of.AblateOptions,
    api.splits: of.SplitsOptions,
    api.score: of.ScoreOptions,
    api.cross: of.TuningOptions,
    api.fit: of.FitOptions,
}
VALUES = {
    tuple[str, ...]: (str | Sequence[str],),
    tuple[str | NamedTable, ...]: (config.Words,),
    str: (str, str | Path),
    int: (int,),
    float: (float,),
    bool: (bool,),
    Mapping[str, str]: (Mapping[str, str],),
}


@pytest.fixture(scope="module")
def how(speech, tmp_path_factory):
    """A run that takes a second."""
    return {**SMALL, "out": tmp_path_factory.mktemp("out"), "cache": speech / "store", "learning_curves": False}


@pytest.fixture(scope="module")
def manifest(speech):
    return speech / "corpus" / "clips.csv"


@pytest.fixture(scope="module")
def found(manifest, how):
    return ser_bench.run(manifest, **how)


def test_a_path_its_text_and_a_corpus_are_one_run(manifest, how, found):
    for corpus in (str(manifest), ser_bench.load_corpus(manifest)):
        again = ser_bench.run(corpus, **how)
        assert (again.fitted, again.folder) == (0, found.folder)
        assert but_seconds(again) == but_seconds(found)
        assert f'corpus = ["{manifest}"]' in (again.folder / "run.toml").read_text()


def test_a_corpus_that_was_changed_is_evaluated_as_it_is_and_that_is_said(manifest, how):
    corpus = ser_bench.load_corpus(manifest)
    few = dataclasses.replace(corpus, clips=corpus.clips[corpus.clips["speaker"] != "01"])
    folds = ser_bench.splits(few, cache=how["cache"])
    assert "01" not in set(folds["speaker"])
    assert len([line for line in folds.attrs["warnings"] if "was changed after it was loaded" in line]) == 1
    assert not [line for line in ser_bench.splits(corpus, cache=how["cache"]).attrs["warnings"] if "was changed" in line]


def test_a_corpus_put_together_in_python_is_held_to_what_a_manifest_is(manifest):
    clips = ser_bench.load_corpus(manifest).clips
    made = ser_bench.Corpus("mine", clips[["path", "emotion"]].assign(speaker=range(len(clips))), manifest.parent)
    loaded = ser_bench.load_corpus(made)
    assert loaded.clips["speaker"].map(type).unique().tolist() == [str]
    assert "put together in Python" in loaded.warnings[0]
    with pytest.raises(WrongCall, match=r"corpus 'mine'.*'speaker'"):
        ser_bench.load_corpus(dataclasses.replace(made, clips=clips[["path", "emotion"]]))
    with pytest.raises(WrongCall, match="no speaker in row 1"):
        ser_bench.load_corpus(dataclasses.replace(made, clips=clips.assign(speaker=["", *clips["speaker"][1:]])))


def test_extract_takes_a_path_and_several_sets(manifest, how):
    store = how["cache"]
    joined = ser_bench.extract(str(manifest), "spectral+prosody", cache=store, jobs=1)
    pd.testing.assert_frame_equal(joined, ser_bench.extract(ser_bench.load_corpus(manifest), ["spectral", "prosody"], cache=store))
    assert (joined.attrs["skipped"], joined.attrs["warnings"]) == ({}, [])


def test_a_table_of_predictions_is_scored_as_its_file_is(manifest, how, found, tmp_path):
    table = found.predictions[["clip", "fold", "predicted", *(c for c in found.predictions if c.startswith("p."))]]
    table.to_parquet(tmp_path / "mine.parquet")
    where = {key: how[key] for key in ("out", "cache", "cv")}
    handed = ser_bench.score(table, manifest, name="mine", **where)
    filed = ser_bench.score(tmp_path / "mine.parquet", manifest, **where)
    assert handed.folder == filed.folder
    assert handed.leaderboard["uar"].tolist() == found.leaderboard["uar"].round(4).tolist()
    with pytest.raises(WrongCall, match="say what the system is called"):
        ser_bench.score(table, manifest, **where)


def test_results_are_taken_where_their_folders_are(found, tmp_path):
    boards = [ser_bench.leaderboard(run, to=tmp_path).leaderboard for run in (found, [found], str(found.folder), (found.folder,))]
    assert all(board.equals(boards[0]) for board in boards)


def called(name: str) -> object:
    """Something of a class that has but the name of one of ours."""
    return type(name, (), {})()


TABLE = pd.DataFrame({"clip": ["a", "b"], "f0": [1.0, 2.0]})
WRONG = [
    (lambda: ser_bench.run("tones", modelz="svm"), r"argument of run\(\) 'modelz': did you mean 'models'"),
    (lambda: RunConfig(modelz="svm"), r"argument of RunConfig\(\) 'modelz': did you mean 'models'"),
    (lambda: ser_bench.ablate("tones", mode="alone"), "did you mean 'modes'"),
    (lambda: ser_bench.extract("tones", "spectral", trm=3.0), "did you mean 'trim'"),
    (lambda: ser_bench.cross("tones", tracks="train"), "did you mean 'track'"),
    (lambda: ser_bench.leaderboard(rop=0.1), "did you mean 'rope'"),
    (lambda: ser_bench.plan_study("x", powr=0.1), "did you mean 'power'"),
    (lambda: ser_bench.load_corpus("tones", cach="x"), "did you mean 'cache'"),
    (lambda: ser_bench.run(3), "'corpus' takes a path, a name, a DataFrame or a Corpus, not 3"),
    (lambda: ser_bench.run("tones", fresh="yes"), "'fresh' takes true or false, not 'yes'"),
    (lambda: ser_bench.ablate("tones", modes=3), "'modes' takes text or a list of such, not 3"),
    (lambda: ser_bench.ablate("tones", sweep=[3]), "'sweep' takes a dictionary"),
    (lambda: ser_bench.score(3, "tones"), "'predictions' takes text or a path or a DataFrame"),
    (lambda: ser_bench.cross(), "missing a required argument: 'train'"),
    (lambda: ser_bench.plan_study(called("Run")), "'run' takes a run folder or the result of run"),
    (lambda: ser_bench.leaderboard([called("Results")]), "'runs' takes a run folder or the result of run.* or a list of such"),
    (lambda: ser_bench.run_config(called("RunConfig")), "'config' takes a RunConfig, not"),
    (lambda: ser_bench.export(called("Bundle"), "a.onnx"), "'bundle' takes text or a path or a Bundle, not"),
    (lambda: ser_bench.run("tones", "egemaps"), "too many positional arguments"),
]


@pytest.mark.parametrize(("call", "said"), WRONG, ids=[said for _, said in WRONG])
def test_a_wrong_call_is_refused_in_one_line(call, said):
    with pytest.raises(WrongArgument, match=said) as caught:
        call()
    assert isinstance(caught.value, TypeError)
    assert "\n" not in str(caught.value)


def test_a_wrong_value_of_an_option_is_refused_in_one_line():
    with pytest.raises(WrongCall, match="'features' takes a list of words, not 3"):
        ser_bench.run("tones", features=3)


@pytest.mark.parametrize(
    "given", [{"models": TABLE}, {"models": [TABLE]}, {"where": TABLE}, {"fresh": TABLE}], ids=["models", "list", "where", "fresh"]
)
def test_a_table_where_none_is_taken_is_named_by_its_kind(given):
    with pytest.raises(WrongCall, match=r"takes [\w, ]+, not \[?a DataFrame\]?$"):
        ser_bench.run(**given)


def test_a_configuration_takes_one_name_as_a_list_of_one():
    assert RunConfig(features="egemaps", corpus="tones") == RunConfig(features=("egemaps",))


@pytest.mark.parametrize(("function", "options"), TAKING_OPTIONS.items(), ids=lambda thing: getattr(thing, "__name__", ""))
def test_options_that_a_checker_sees_are_fields_of_the_configuration(function, options):
    kinds = typing.get_type_hints(RunConfig)
    for name, shown in typing.get_type_hints(options).items():
        assert shown in VALUES[kinds[name]], name
    assert not set(inspect.signature(function).parameters) & options.__optional_keys__
    assert inspect.signature(function).parameters["options"].annotation == f"Unpack[{options.__name__}]"


def test_every_field_of_the_configuration_is_an_option_of_run():
    assert of.RunOptions.__optional_keys__ == {field.name for field in dataclasses.fields(RunConfig)} - {"corpus"}


def test_the_typed_face_offers_what_the_package_does():
    tree = ast.parse((ROOT / "ser_bench" / "__init__.pyi").read_text())
    homes = {alias.name: node.module for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert homes == ser_bench._HOMES
    assert all(alias.asname == alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names)
    listed = next(node.value for node in tree.body if isinstance(node, ast.Assign))
    assert ast.literal_eval(listed) == ser_bench.__all__ == sorted([*homes, "__version__"])
    assert all(getattr(ser_bench, name) for name in ser_bench.__all__)
    assert (ROOT / "ser_bench" / "py.typed").exists()


def test_a_result_is_six_lines_and_a_table_with_a_link(found):
    lines = repr(found).splitlines()
    assert len(lines) == 6
    assert "best: spectral with logreg" in lines[1]
    assert lines[5] == f"report: {found.folder / 'report.html'}"
    page = found._repr_html_()
    assert "<td>spectral</td>" in page
    assert "report.html'>" in page
    odd = dataclasses.replace(found, leaderboard=found.leaderboard.assign(features="<b>x</b>"))
    assert "<b>x" not in odd._repr_html_()


def test_other_results_are_six_lines_too(manifest, how, found, tmp_path):
    how = {key: value for key, value in how.items() if key != "learning_curves"}
    audited = ser_bench.audit(manifest, out=how["out"], cache=how["cache"], jobs=1)
    ablated = ser_bench.ablate(manifest, modes="alone", importance=False, hold=True, **how)
    for result in (audited, ablated, ser_bench.leaderboard(found, to=tmp_path)):
        assert len(repr(result).splitlines()) == 6
        assert "<table" in result._repr_html_()


def test_progress_is_shown_where_somebody_looks(monkeypatch):
    assert isinstance(progress_of(None), Silent)
    assert isinstance(progress_of(True), Lines)
    assert progress_of(mine := Lines()) is mine
    monkeypatch.setattr(progress, "_notebook_display", lambda: print)
    assert isinstance(progress_of(None), Notebook)
    assert isinstance(progress_of(False), Silent)


def test_a_notebook_gets_one_bar_that_ends_full():
    shown = []

    class Handle:
        def update(self, data, *, raw):
            shown.append(data)

    def display(data, *, raw, display_id):
        shown.append(data)
        return Handle()

    bar = Notebook(display)
    bar.start("evaluating <b>", 2)
    bar.advance()
    bar.advance()
    bar.stop()
    assert shown[0]["text/plain"] == "evaluating <b>: 2 to do"
    assert shown[-1]["text/plain"].startswith("evaluating <b>: 2 of 2 in ")
    assert "value='1.000'" in shown[-1]["text/html"]
    assert "<b>" not in shown[-1]["text/html"]


def test_the_notebook_runs_and_is_committed_with_what_it_shows(tmp_path, monkeypatch):
    committed = DOCS / "quickstart.ipynb"
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(sys, "argv", ["run_notebook.py", str(committed), str(tmp_path / "again.ipynb")])
    runpy.run_path(str(DOCS / "run_notebook.py"), run_name="__main__")
    again, kept = (json.loads(path.read_text(encoding="utf-8"))["cells"] for path in (tmp_path / "again.ipynb", committed))
    assert [kinds(cell) for cell in again] == [kinds(cell) for cell in kept]
    assert any("image/png" in output.get("data", {}) for cell in kept for output in cell.get("outputs", []))


def kinds(cell):
    return [(output["output_type"], sorted(output.get("data", {}))) for output in cell.get("outputs", [])]
