"""A recipe on a few synthetic clips: claimed, reproduced and honest side by side, LEAKY where it is; nothing is done twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.metrics import precision_recall_fscore_support

import ser_bench
from ser_bench.api import Choice, run_recipe
from ser_bench.errors import WrongArgument, WrongCall
from ser_bench.evaluation.analysis_folders import RecipeFolder
from ser_bench.reports.recipe import _panels, summary_rows
from ser_bench.results import Reproduced
from ser_bench.utils import spec
from tests.calling import call
from tests.small import evaluate, with_pages

TINY = """
title = "a tiny <system>"
source = "https://example.org/tiny"
year = 2020
corpus = "tones"
features = "spectral"
labels = "gender-emotion"
model = "mlp(width=32,alpha=0.3,learning_rate=0.01)"
why = "Speakers are on both sides."
notes = ["the width of the <layer> is not stated"]
split = {test = 0.5, selection = "test"}

[[wanted]]
what = "songs"
where = "emotion == 'calm'"

[[wanted]]
what = "SAVEE"

[[claimed]]
metric = "micro_f1"
value = 0.99
over = true

[[experiment]]
name = "random"

[[experiment]]
name = "actors"
labels = "all"
split = {test_speakers = ["03", "04"], validation = 0.25, selection = "validation"}
claimed = [{metric = "accuracy", value = 0.9, part = "validation"}, {metric = "macro_f1", value = 0.2}]

[[experiment]]
name = "nobody"
where = "gender == 'none'"
"""
SOURCE = "tones(speakers=4,takes=2)"
LITTLE = {"trials": 1, "inner": 2, "jobs": 1}


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("recipe") / "tiny-2020.toml"
    file.write_text(TINY, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def how(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    return {**LITTLE, "out": str(tmp_path_factory.mktemp("out")), "cache": str(speech / "store")}


@pytest.fixture(scope="module")
def found(recipe, how) -> Reproduced:
    with with_pages():
        return ser_bench.reproduce(SOURCE, str(recipe), **how)


def row(found: Reproduced, **of: str) -> pd.Series:
    mine = found.table[np.logical_and.reduce([found.table[key] == value for key, value in of.items()])]
    assert len(mine) == 1
    return mine.iloc[0]


def test_three_numbers_stand_side_by_side_and_as_published_is_leaky(found):
    rows = {(read[0], read[1].partition("(")[0], read[2]): read for read in (row["read"] for row in summary_rows(found.table))}
    claimed, reproduced, interval, honest, other = rows["random", "mlp", "micro F1"][3:]
    assert claimed == "over .99"
    assert all((reproduced, interval, honest, other))
    assert rows["random", "svm", "UAR"][3] == ""
    of = {"experiment": "random", "run": "reproduced", "part": "test", "metric": "uar"}
    assert row(found, system="svm", **of)["status"] == "leaky"
    assert any(note.startswith("4 speakers are in training and test") for note in row(found, system="svm", **of)["notes"])
    mine = row(found, system=found.table["system"].iloc[0], **of)
    assert "the test clips selected the model" in mine["notes"]
    honest = found.table[found.table["run"] == "honest"]
    assert set(honest["status"]) == {"ok"}


def test_test_speakers_of_their_own_are_no_leak_and_validation_clips_are(found):
    mine = found.table[
        (found.table["experiment"] == "actors") & (found.table["run"] == "reproduced") & (found.table["metric"] == "accuracy")
    ]
    assert mine.groupby("part")["status"].first().to_dict() == {"test": "ok", "validation": "leaky"}
    assert mine.groupby("part")["speakers"].first().to_dict() == {"test": 2, "validation": 2}
    assert "validation clips instead of the test clips" in found.lines["actors"]
    assert "testing on these few speakers instead of all" in found.lines["actors"]


def test_the_line_is_made_of_measured_differences(found):
    line = found.lines["random"]
    system = found.table["system"].iloc[0]
    scored = {
        run: row(found, experiment="random", system=system, run=run, part="test", metric="micro_f1")["value"]
        for run in ("reproduced", "honest")
    }
    inside = row(found, experiment="random", system=system, run="selected inside", part="test", metric="micro_f1")["value"]
    assert f"{scored['reproduced'] - inside:+.2f}".replace("0.", ".") + " by selecting the epoch on the test clips" in line
    assert f"{inside - scored['honest']:+.2f}".replace("0.", ".") + " by testing on speakers of the training clips" in line
    assert "svm on the same input" in line


def test_scores_are_those_of_the_predictions(found):
    (honest,) = [results for results in found.honest if results.leaderboard["labels"].iloc[0] == "gender-emotion"]
    predictions = honest.predictions[honest.predictions["model"] == "svm"]
    truth, predicted = predictions["emotion"], predictions["predicted"]
    for average, prefix in (("micro", "micro_"), ("macro", "macro_")):
        expected = precision_recall_fscore_support(truth, predicted, average=average, zero_division=0)
        for name, value in zip(("precision", "recall", "f1"), expected, strict=False):
            if f"{prefix}{name}" in set(found.table["metric"]):
                mine = row(found, experiment="random", system="svm", run="honest", part="test", metric=f"{prefix}{name}")
                assert mine["value"] == pytest.approx(value, abs=1e-4)
    board = honest.leaderboard.set_index("model").loc["svm"]
    mine = row(found, experiment="random", system="svm", run="honest", part="test", metric="uar")
    assert mine[["value", "low", "high"]].tolist() == pytest.approx(board[["uar", "uar_low", "uar_high"]].tolist(), abs=1e-4)
    assert {"auc.female anger", "two_steps.accuracy", "two_steps.gender", "recall.male sadness"} <= set(found.table["metric"])


def test_what_is_not_here_is_said(found):
    assert "the published system had songs as well: not here" in found.warnings
    assert "the published system had SAVEE as well: not here" in found.warnings
    assert any(line.startswith("experiment 'nobody' is left out: --where") for line in found.warnings)
    measured = found.table[found.table["run"] != "claimed"]
    assert all("the published system had songs as well: not here" in notes for notes in measured["notes"])


def test_files_hold_what_is_returned_and_pages_show_it(found, recipe):
    assert (found.folder / "recipe.toml").read_text() == recipe.read_text()
    pd.testing.assert_frame_equal(RecipeFolder(found.folder).read_reproduction(), found.table, check_dtype=False)
    assert found.table.loc[found.table["over"], ["experiment", "run", "metric", "notes"]].values.tolist() == [
        ["random", "claimed", "micro_f1", []]
    ]
    page = (found.folder / "recipe.html").read_text()
    for text in (
        "a tiny &lt;system&gt;",
        'class="claim"',
        "LEAKY",
        "over .99",
        "Speakers are on both sides.",
        "Confusion matrix",
        "ROC curve of female anger",
    ):
        assert text in page
    markdown = (found.folder / "recipe.md").read_text()
    assert "| experiment | system | metric | claimed | reproduced |" in markdown
    assert "had SAVEE as well" in markdown
    assert (found.folder / "figures" / "recipe.svg").exists()
    for results in found.honest:
        shown = (results.folder / "report.html").read_text()
        assert "Published: claimed, reproduced, honest" in shown
        assert f"../{found.folder.name}/recipe.html" in shown
    assert len(repr(found).splitlines()) == 6
    assert "claimed" in found._repr_html_()


def test_what_the_publication_leaves_open_is_a_note_and_no_warning(found):
    assert found.notes == ["the width of the <layer> is not stated"]
    assert not set(found.notes) & set(found.warnings)
    for page in (found.folder / "recipe.html", found.honest[0].folder / "report.html"):
        assert '<p class="soft">the width of the &lt;layer&gt; is not stated.</p>' in page.read_text()
    assert "the width of the \\<layer> is not stated" in (found.folder / "recipe.md").read_text()


def test_a_second_run_fits_nothing_and_writes_the_same_bytes(found, recipe, how):
    before = {path.name: path.read_bytes() for path in found.folder.iterdir() if path.suffix in {".csv", ".md"}}
    units = {path: path.stat().st_mtime_ns for path in Path(str(how["out"]), "units").iterdir()}
    again = run_recipe(Choice(str(recipe)), {"corpus": SOURCE, **how}, progress=False)
    assert again.folder == found.folder
    assert {path: path.stat().st_mtime_ns for path in units} == units
    assert len(list(Path(str(how["out"]), "units").iterdir())) == len(units)
    assert {name: (found.folder / name).read_bytes() for name in before} == before


def test_the_command_line_says_what_would_be_fitted_and_then_does_it(found, recipe, how):
    named = ["run", SOURCE, "--recipe", recipe, "--experiment", "actors", *(f"--{key}={value}" for key, value in how.items())]
    told = call(*named, "--dry-run")
    assert told.returncode == 0
    assert "0 fits in 0 units remaining" in told.stdout
    done = call(*named)
    assert done.returncode == 0, done.stderr
    assert "actors" in done.stdout
    assert "random" not in done.stdout
    assert "honest" in done.stdout
    assert "warning: the published system had SAVEE as well" in done.stderr
    assert "the width of the <layer> is not stated" in done.stdout


def test_features_that_are_not_extracted_yet_are_counted_and_nothing_is(recipe, how, tmp_path):
    few = [f"--{key}={value}" for key, value in LITTLE.items()]
    told = call("run", SOURCE, "--recipe", recipe, "--dry-run", *few, "--out", tmp_path, "--cache", tmp_path / "store")
    assert "plus feature extraction for 48 clips" in told.stdout
    assert "59 fits in 21 units remaining" in told.stdout
    assert "experiment 'nobody' is left out" in told.stderr


CUT = """
title = "a network"
source = "https://example.org"
corpus = "tones"
features = "spectral"
model = "dense(layers=8,dropout=0,learning_rate=0.01,batch=64,epochs=1000,patience=0)"
split = {test = 0.5, validation = 0.2}
claimed = {metric = "accuracy", value = 0.7}
"""


def test_epochs_that_were_cut_are_said_of_every_score_and_all_are_trained(how, tmp_path):
    pytest.importorskip("torch", reason="networks need PyTorch: the extra 'deep'")
    (tmp_path / "net.toml").write_text(CUT, encoding="utf-8")
    found = ser_bench.reproduce(SOURCE, str(tmp_path / "net.toml"), max_epochs=3, **how)
    measured = found.table[found.table["run"] != "claimed"]
    assert all("epochs cut from 1,000 to 3" in notes for notes in measured["notes"])
    assert "epochs cut from 1,000 to 3" in found.warnings
    assert "with its own split, epochs cut from 1,000 to 3" in found.lines[""]
    assert "epochs cut from 1,000 to 3" in (found.folder / "recipe.md").read_text()
    system = measured["system"].iloc[0]
    assert "epochs=3" in system
    assert measured[(measured["system"] == system) & (measured["run"] == "reproduced")]["status"].eq("leaky").all()


def test_cremad_is_run_by_gender_where_that_is_known(tmp_path, how):
    """A tree of its names: numbers are left open, the recipe is what is tested."""
    pytest.importorskip("torch", reason="networks need PyTorch: the extra 'deep'")
    rng, audio = np.random.default_rng(0), tmp_path / "AudioWAV"
    audio.mkdir()
    for speaker in range(1001, 1007):
        for emotion, pitch in {"ANG": 300, "SAD": 120}.items():
            for sentence in ("DFA", "IEO"):
                tone = np.sin(np.arange(12_000) / 16_000 * 2 * np.pi * (pitch + speaker % 7)) * 0.3 + rng.normal(0, 0.01, 12_000)
                soundfile.write(audio / f"{speaker}_{sentence}_{emotion}_XX.wav", tone, 16_000)
    places = {**how, "cv": "group:2", "cache": str(tmp_path / "store"), "max_epochs": 1, "recipe": "nta-cremad-2021"}
    known = ser_bench.reproduce(audio, **places)
    assert set(known.table["experiment"]) == {"all"}
    assert sum("is left out" in line for line in known.warnings) == 2
    assert "no number is given here as claimed" in (known.folder / "recipe.md").read_text()
    sexes = "".join(f"{speaker},{'Female' if speaker % 2 else 'Male'}\n" for speaker in range(1001, 1007))
    (tmp_path / "VideoDemographics.csv").write_text(f"ActorID,Sex\n{sexes}", encoding="utf-8")
    women = ser_bench.reproduce(audio, **places, experiment="women")
    assert women.table.loc[women.table["run"] == "honest", "speakers"].max() == 3


@pytest.mark.usefixtures("pages")
def test_unscaled_features_are_a_track_of_their_own(speech, tmp_path):
    results = evaluate(speech, tmp_path, track=["train", "none"], trials=1)
    assert results.leaderboard["track"].tolist() == ["train", "none"]
    assert results.leaderboard["rank"].tolist() == [1, 1]
    assert "not standardised" in (results.folder / "report.html").read_text()


def test_a_dry_run_counts_clips_and_copies_and_extracts_none(tmp_path):
    copied = tmp_path / "copied.toml"
    copied.write_text(
        CUT.replace("dense(layers=8,dropout=0,learning_rate=0.01,batch=64,epochs=1000,patience=0)", "svm") + 'augment = ["gain"]\n'
    )
    told = call("run", SOURCE, "--recipe", copied, "--dry-run", "--jobs=1", "--out", tmp_path, "--cache", tmp_path / "store")
    assert "plus feature extraction for 96 clips" in told.stdout
    assert "extracting" not in told.stderr


def test_a_model_that_is_not_installed_is_refused_before_anything_is_extracted(tmp_path, monkeypatch):
    installed = spec._installed
    monkeypatch.setattr(spec, "_installed", lambda library: "" if library == "torch" else installed(library))
    (tmp_path / "net.toml").write_text(CUT, encoding="utf-8")
    told = call("run", SOURCE, "--recipe", tmp_path / "net.toml", "--out", tmp_path, "--cache", tmp_path / "store")
    assert told.returncode == 2
    assert told.stderr == "ser-bench: model 'dense' needs torch: pip install 'ser-bench[deep]'\n"
    assert not (tmp_path / "store").exists()


REFUSED = [
    (["emodb", "--recipe", "audioemotion-2019"], "emodb"),
    ([SOURCE, "--recipe", "audioemotion-2019"], "--recipe audioemotion-2019 is of ravdess, and this is tones"),
    ([SOURCE, "--recipe", "RECIPE", "-m", "svm"], "'models' is stated by the recipe"),
    ([SOURCE, "--recipe", "RECIPE", "--experiment", "actor"], "did you mean 'actors'"),
    ([SOURCE, "--recipe", "RECIPE", "--max-epochs", "5"], "states no epochs"),
    ([SOURCE, "--recipe", "RECIPE", "--experiment", "nobody"], "keeps none of the 48 clips"),
    ([SOURCE, "--max-epochs", "5"], "--max-epochs has no effect without --recipe"),
    ([SOURCE, "--experiment", "a"], "--experiment has no effect without --recipe"),
    ([SOURCE, SOURCE, "tones", "--recipe", "RECIPE"], "is run on one corpus, and 2 are named"),
]


@pytest.mark.parametrize(("arguments", "said"), REFUSED, ids=[" ".join(words[1:]) for words, _ in REFUSED])
def test_what_cannot_be_run_is_refused_in_one_line(recipe, how, arguments, said):
    if "audioemotion-2019" in arguments:
        pytest.importorskip("torch", reason="networks need PyTorch: the extra 'deep'")
    named = [str(recipe) if word == "RECIPE" else word for word in arguments]
    told = call("run", *named, "--jobs=1", "--out", how["out"], "--cache", how["cache"])
    assert told.returncode == 2, told.stderr
    assert said in told.stderr.splitlines()[-1]


def test_a_picture_says_which_claim_is_of_validation_clips():
    shared = {
        "experiment": "one",
        "system": "mlp",
        "run": "claimed",
        "metric": "accuracy",
        "low": np.nan,
        "high": np.nan,
        "status": "",
        "notes": [],
        "over": False,
    }
    rows = [{**shared, "part": part, "value": value} for part, value in (("validation", 0.9), ("test", 0.5))]
    (panel,) = _panels(pd.DataFrame(rows))
    assert [mark.label for mark in panel.marks] == ["claimed, validation clips", "claimed"]
    assert panel.axis.startswith("accuracy (")


def test_python_refuses_the_same(recipe):
    with pytest.raises(WrongArgument, match=r"unknown argument of run\(\) 'max_epochs'"):
        ser_bench.run(SOURCE, max_epochs=3)
    with pytest.raises(WrongArgument, match="did you mean 'experiment'"):
        ser_bench.reproduce(SOURCE, str(recipe), experimnt="x")
    with pytest.raises(WrongCall, match="'features' is stated by the recipe"):
        ser_bench.reproduce(SOURCE, str(recipe), features="egemaps")


def test_recipes_are_listed_one_line_each_and_shown_in_full():
    listed = call("recipes").stdout.splitlines()
    assert listed[0].split() == ["recipe", "system", "corpus", "claimed", "needs"]
    (line,) = [line for line in listed if line.startswith("speech-emotion-analyzer-2018")]
    assert "ravdess" in line
    assert "accuracy .72" in line
    whole = call("recipes", "rezachu-2019").stdout
    for text in ("men, 5 classes", "accuracy 0.5125 on validation clips", "speakers 21, 22, 23, 24 tested"):
        assert text in whole
    assert "did you mean 'rezachu-2019'" in call("recipes", "rezacu").stderr


def test_two_seeds_are_two_draws_of_the_published_split(recipe, how):
    two = ser_bench.reproduce(SOURCE, str(recipe), experiment="random", **{**how, "seeds": 2})
    mine = row(two, system="svm", run="reproduced", part="test", metric="accuracy")
    assert mine["clips"] > 16
    assert set(two.honest[0].predictions["seed"]) == {0, 1}
