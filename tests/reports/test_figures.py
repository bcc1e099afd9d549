"""Figures that go into papers: as wide as asked for, no type too small, nothing cut, one look per name, the same bytes."""

import dataclasses
import itertools
import re
import shutil
import warnings
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import matplotlib.axis
import matplotlib.figure
import matplotlib.text
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_bench import figures, reports
from ser_bench.config import FIGURE_STYLES
from ser_bench.errors import WrongArgument, WrongCall
from ser_bench.evaluation.analysis_folders import AblationFolder, AuditFolder, CrossFolder
from ser_bench.evaluation.comparison import Comparison
from ser_bench.evaluation.diagnostics import Diagnostics
from ser_bench.evaluation.merge import Merged, merge
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.reports import publish_ablation, publish_audit, publish_cross
from ser_bench.reports.ablation import draw_ablation
from ser_bench.reports.audit import draw_gap
from ser_bench.reports.cross import draw_cross, draw_cross_matrix
from ser_bench.reports.figures import STYLES, Drawing, Style, write_figures
from ser_bench.reports.figures.boards import draw_heat_map, draw_leaderboard, draw_learning, draw_speakers
from ser_bench.reports.figures.looks import LOOKS, looks_of, looks_of_systems
from ser_bench.reports.figures.ranks import draw_ranks
from ser_bench.reports.figures.runs import run_drawings
from ser_bench.reports.figures.style import width_of, wrapped
from ser_bench.reports.figures.systems import draw_confusion, draw_reliability, draw_roc
from ser_bench.reports.merged_page import write_diagram
from tests.calling import call
from tests.reports import fabricate, test_ablation, test_audit

SETS = ("egemaps", "prosody+modulation+contour(seconds=2.5,offset=0.5)", "my_own_embedding_layer_12.parquet", "<b>$x$</b>", "mfcc")
MODELS = ("svm", "rf", "svm(C=1,kernel=rbf)", "a-model-of-somebody-else", "xgb", "mlp", "logreg", "cnn")
EMOTIONS = ("anger", "boredom", "calm", "disgust", "fear", "happiness", "pleasant surprise", "sadness")
SYSTEMS = [(features, model) for features in SETS for model in MODELS]


@cache
def board() -> pd.DataFrame:
    """Forty systems with long names, and one that is LEAKY."""
    uars = np.linspace(0.82, 0.3, len(SYSTEMS)).round(3)
    common = {"corpus": "made up", "labels": "all", "track": "train", "cv": "loso", "speakers": 10, "clips": 80, "status": "ok"}
    rows = pd.DataFrame(SYSTEMS, columns=["features", "model"]).assign(**common, uar=uars, uar_low=uars - 0.05, uar_high=uars + 0.04)
    return pd.concat([rows, rows.head(1).assign(cv="random:6", status="leaky", uar=0.9, uar_low=0.9, uar_high=0.95)], ignore_index=True)


@cache
def references() -> pd.DataFrame:
    lines = (("chance", "chance", 0.125), ("human", "human", 0.9), ("published", "published: A", 0.7))
    named = [("made up", "all", "", *line, np.nan, "") for line in lines]
    return pd.DataFrame(named, columns=["corpus", "labels", "track", "kind", "name", "uar", "war", "source"])


@cache
def predictions() -> pd.DataFrame:
    """What each system predicts of ten speakers who say every emotion once."""
    emotion, speaker = np.tile(EMOTIONS, 10), np.repeat([f"s{n}" for n in range(10)], len(EMOTIONS))
    rng = np.random.default_rng(0)
    parts = []
    for features, model in SYSTEMS:
        p = rng.dirichlet(np.ones(len(EMOTIONS)), len(emotion)) + 0.3 * (emotion[:, None] == np.array(EMOTIONS))
        found = pd.DataFrame(p / p.sum(1, keepdims=True), columns=[f"p.{name}" for name in EMOTIONS])
        told = {"features": features, "model": model, "emotion": emotion, "predicted": np.array(EMOTIONS)[p.argmax(1)], "voice": speaker}
        parts.append(found.assign(corpus="made up", track="train", seed=0, fold=np.repeat(range(10), len(EMOTIONS)), **told))
    return pd.concat(parts, ignore_index=True)


def of_one() -> pd.DataFrame:
    return predictions().head(10 * len(EMOTIONS))


def learning() -> pd.DataFrame:
    rows = [(f, m, n, 0.3 + 0.02 * n + 0.01 * place) for place, (f, m) in enumerate(SYSTEMS) for n in (2, 4, 9)]
    table = pd.DataFrame(rows, columns=["features", "model", "speakers", "uar"])
    return table.assign(corpus="made up", track="train", draws=1, uar_low=table["uar"] - 0.05, uar_high=table["uar"] + 0.05)


def comparison(systems: int = len(SYSTEMS)) -> Comparison:
    ranks = np.linspace(1.2, systems - 0.3, systems)
    table = pd.DataFrame(SYSTEMS[:systems], columns=["features", "model"]).assign(mean_rank=ranks, p=0.5)
    cliques = [(start, min(start + 4, systems - 1)) for start in range(0, systems - 1, 6)]
    return Comparison("train", "budget smoke, 5 trials, 1 seed", ("a", "b", "c"), ("A", "B", "C"), (1, 2, 3), table, cliques, [])


def crossed() -> pd.DataFrame:
    names = ("emodb", "ravdess", "a corpus with a long name")
    rows = [(a, b, track, 0.7 if a == b else 0.4) for a in names for b in names for track in ("train", "corpus")]
    table = pd.DataFrame(rows, columns=["train", "test", "track", "uar"]).assign(features=SETS[1], model="svm", speakers=10, status="ok")
    told = {"reason": "", "notes": [[]] * len(table)}
    return table.assign(uar_low=table["uar"] - 0.1, uar_high=table["uar"] + 0.1, loss=0.1, loss_low=0.0, loss_high=0.2, **told)


DRAWINGS: dict[str, Callable[[Style], matplotlib.figure.Figure | None]] = {
    "leaderboard": lambda style: draw_leaderboard(board(), references(), style),
    "heat-map": lambda style: draw_heat_map(board(), style),
    "speakers": lambda style: draw_speakers(board().head(12), predictions(), references(), style),
    "learning-curve": lambda style: draw_learning(board(), learning(), references(), style),
    "confusion": lambda style: draw_confusion(Diagnostics(of_one()), style),
    "roc": lambda style: draw_roc(Diagnostics(of_one()), style),
    "reliability": lambda style: draw_reliability(Diagnostics(of_one()), style, "TRANSDUCTIVE: standardised per speaker"),
    "critical-difference": lambda style: draw_ranks([comparison(), comparison(6)], style),
    "ablation": lambda style: draw_ablation(test_ablation.table(), style),
    "gap": lambda style: draw_gap(test_audit.gap(), 7, style),
    "cross": lambda style: draw_cross(crossed(), 7, style),
    "cross-matrix": lambda style: draw_cross_matrix(crossed(), style),
}


def texts_of(figure: matplotlib.figure.Figure) -> list[matplotlib.text.Text]:
    """All that is written in a figure, once it is drawn."""
    figure.draw_without_rendering()
    found = [text for text in figure.findobj(matplotlib.text.Text) if text.get_text().strip() and text.get_visible()]
    hidden = {
        id(text) for axes in figure.axes if not axes.axison for text in (axes.title, *axes.get_xticklabels(), *axes.get_yticklabels())
    }
    return [text for text in found if id(text) not in hidden]


EACH = {(name, style) for place, name in enumerate(DRAWINGS) for style in ("column", list(STYLES)[1 + place % (len(STYLES) - 1)])}
LOOKS_OF_EACH = [pytest.param(*look, marks=[] if look in EACH else [pytest.mark.thorough]) for look in itertools.product(DRAWINGS, STYLES)]
"""Every figure in the narrowest style and in another, and in all with `make test-thorough`."""


@pytest.mark.parametrize(("name", "style"), LOOKS_OF_EACH)
def test_a_figure_is_as_wide_as_its_style_with_no_type_below_it_and_nothing_beyond_its_edges(name, style):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a layout that does not fit is warned of
        warnings.simplefilter("ignore", ResourceWarning)  # of other tests, whenever what they left is collected
        figure = DRAWINGS[name](STYLES[style])
        texts = texts_of(figure)
    assert figure.get_size_inches()[0] == STYLES[style].width
    assert min(text.get_fontsize() for text in texts) >= STYLES[style].small
    assert figure.get_suptitle() == ""
    assert cut_off(figure, texts) == []


def cut_off(figure: matplotlib.figure.Figure, texts: list[matplotlib.text.Text]) -> list[str]:
    """What is written beyond the edges of a figure."""
    whole = figure.bbox
    ticks = {id(label) for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for label in _beyond(axis)}
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts if id(text) not in ticks]
    inside = [whole.x0 - 1 <= box.x0 and box.x1 <= whole.x1 + 1 and whole.y0 - 1 <= box.y0 and box.y1 <= whole.y1 + 1 for _, box in boxes]
    return [text for (text, _), seen in zip(boxes, inside, strict=True) if not seen]


def _beyond(axis: matplotlib.axis.Axis) -> list[matplotlib.text.Text]:
    """The labels of ticks that are not drawn, as they are outside the axis."""
    low, high = sorted(axis.get_view_interval())
    return [tick.label1 for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high] + [
        tick.label2 for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high
    ]


NAMES = st.text(st.sampled_from("abc+,;/_ -(=怒…"), min_size=1, max_size=400).filter(str.strip)


@given(NAMES, st.integers(4, 60), st.integers(1, 5))
def test_a_name_of_any_length_keeps_its_beginning_and_its_end_on_so_many_lines_of_so_many_letters(name, letters, most):
    lines = wrapped(name, letters, most).split("\n")
    assert len(lines) <= most
    assert max(map(width_of, lines)) <= letters
    if "…" not in name and (shortened := [line for line in lines if "…" in line]):
        (last,) = shortened
        before, _, after = last.rpartition("…")
        assert last == lines[-1]
        assert after
        assert name.endswith(after)
        assert name.startswith(before if most == 1 else lines[0])


def long(table: pd.DataFrame, length: int) -> pd.DataFrame:
    """A table whose systems, corpora and classes have names of so many letters, each its own."""
    known = [*SETS, *MODELS, *EMOTIONS, *("emodb", "ravdess", "a corpus with a long name", "f0", "energy")]
    names = {name: f"{name}{at}{'abcdefghij' * 40}"[: length - 3] + f"_{at:02}" for at, name in enumerate(known)}
    names |= {f"p.{name}": f"p.{names[name]}" for name in EMOTIONS}
    return table.rename(columns=names).map(lambda cell: names.get(cell, cell) if isinstance(cell, str) else cell)


def of_long_names(name: str, length: int, style: Style) -> matplotlib.figure.Figure | None:
    """A figure of a few systems with such names."""
    few = board().iloc[[0, 1, 8, 9, 40]]
    match name:
        case "leaderboard":
            return draw_leaderboard(long(few, length), references(), style)
        case "heat-map":
            return draw_heat_map(long(few, length), style)
        case "speakers":
            return draw_speakers(long(few.head(2), length), long(predictions().head(160), length), references(), style)
        case "learning-curve":
            return draw_learning(long(few, length), long(learning(), length), references(), style)
        case "confusion":
            return draw_confusion(Diagnostics(long(of_one(), length)), style)
        case "roc":
            return draw_roc(Diagnostics(long(of_one(), length)), style)
        case "critical-difference":
            ranked = comparison(6)
            return draw_ranks([dataclasses.replace(ranked, systems=long(ranked.systems, length))], style)
        case "ablation":
            return draw_ablation(long(test_ablation.table(), length), style)
        case "cross":
            return draw_cross(long(crossed(), length), 7, style)
        case _:
            return draw_cross_matrix(long(crossed(), length), style)


@pytest.mark.parametrize(
    "name",
    [
        "leaderboard",
        "heat-map",
        "speakers",
        "learning-curve",
        "confusion",
        "roc",
        "critical-difference",
        "ablation",
        "cross",
        "cross-matrix",
    ],
)
@pytest.mark.parametrize(("style", "length"), [("column", 60), ("page", 250), pytest.param("slides", 60, marks=pytest.mark.thorough)])
def test_long_names_leave_axes_half_of_the_width(name, style, length):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ResourceWarning)
        figure = of_long_names(name, length, STYLES[style])
        texts = texts_of(figure)
    width, height = figure.get_size_inches()
    for axes in (axes for axes in figure.axes if axes.axison):
        room = min(width, height) if name == "roc" else width  # a square is as wide as it is high
        assert axes.get_position().width * width >= room / 2
    assert cut_off(figure, texts) == []
    labels = [[label.get_window_extent() for label in axes.get_xticklabels()] for axes in figure.axes if axes.axison]
    assert not [1 for boxes in labels for left, right in itertools.pairwise(boxes) if name in GRIDS and left.x1 > right.x0 + 1]


GRIDS = ("heat-map", "confusion", "cross-matrix")


def test_a_column_is_3_3_inches_of_7_points_and_the_styles_are_those_of_the_configuration():
    assert set(STYLES) == set(FIGURE_STYLES)
    assert (STYLES["column"].width, STYLES["column"].small) == (3.3, 7)


def test_a_name_has_one_look_whatever_the_order_and_the_others_are():
    few, many = looks_of_systems(SYSTEMS[:3]), looks_of_systems([*reversed(SYSTEMS), ("is09", "rf")])
    assert all(few[system].colour == many[system].colour for system in SYSTEMS[:2])  # these models have a look that is fixed
    assert looks_of(["mine", "a"])["mine"] == looks_of(["mine"])["mine"] == looks_of(["z", "mine"])["mine"]
    first = draw_leaderboard(board().iloc[[0, 1]], references(), STYLES["column"])
    later = draw_leaderboard(board().iloc[[12, 1, 20, 0]], references(), STYLES["column"])
    assert _colour_of(first, "egemaps  rf") == _colour_of(later, "egemaps  rf") == LOOKS[1].colour


def _colour_of(figure: matplotlib.figure.Figure, name: str) -> str:
    """The colour of the mark that is named so."""
    (axes,) = figure.axes
    (place,) = [at for at, label in zip(axes.get_yticks(), axes.get_yticklabels(), strict=True) if label.get_text() == name]
    return next(line.get_color() for line in axes.lines if list(line.get_ydata()) == [place])


def test_forty_names_have_forty_looks():
    names = [f"model {n}" for n in range(40)]
    looks = looks_of(names)
    assert len(set(looks.values())) == 40
    assert looks == looks_of(names[::-1])


def test_a_legend_says_what_is_drawn_and_how_many_are_not_told_apart():
    words = {text.get_text() for text in texts_of(draw_learning(board(), learning(), references(), STYLES["page"]))}
    assert {"32 others", "chance", "number of training speakers (log scale)"} <= words
    words = {text.get_text() for text in texts_of(draw_leaderboard(board(), references(), STYLES["page"]))}
    assert {"hollow: LEAKY", "chance", "human", "published"} <= words


@pytest.mark.parametrize("style", STYLES)
def test_the_legend_of_a_reliability_diagram_is_whole(style):
    words = {" ".join(text.get_text().split()) for text in texts_of(draw_reliability(Diagnostics(of_one()), STYLES[style]))}
    assert "decisions in 15 bins, area: number of clips" in words
    assert any(re.fullmatch(r"perfect calibration; expected calibration error \.\d{3}", text) for text in words)


def test_a_column_of_ranks_breaks_no_set_of_ours_within_its_name():
    ranked = comparison(6)
    names = {
        text.get_text()
        for text in texts_of(
            draw_ranks([dataclasses.replace(ranked, systems=ranked.systems.assign(features="audioemotion26"))], STYLES["column"])
        )
    }
    assert sum(name.startswith("audioemotion26") for name in names) == 6


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()}


@pytest.mark.usefixtures("every_kind_of_picture")
def test_a_style_is_written_in_every_kind_once_and_later_calls_keep_it_as_it_should_be(tmp_path):
    def gap(style: Style) -> matplotlib.figure.Figure | None:
        return draw_gap(test_audit.gap(), 7, style)

    drawings = [Drawing("first", "One.", gap, always=True), Drawing("second", "Two\x1b.", gap)]
    write_figures(tmp_path, drawings, "source")
    assert names_in(tmp_path / "figures") == {"first.svg", "first.png"}
    write_figures(tmp_path, drawings, "source", "column")
    column = tmp_path / "figures" / "column"
    assert names_in(column) == {f"{name}.{kind}" for name in ("first", "second") for kind in ("pdf", "svg", "png", "txt")}
    assert (column / "second.txt").read_text() == "Two\\x1b.\n"
    before = {path: (path.stat().st_ino, path.read_bytes()) for path in column.iterdir()}
    write_figures(tmp_path, drawings, "source", "column")
    assert {path: (path.stat().st_ino, path.read_bytes()) for path in column.iterdir()} == before
    (column / "first.pdf").unlink()
    write_figures(tmp_path, [drawings[0], drawings[1]._replace(draw=lambda style: None)], "source")
    assert names_in(column) == {f"first.{kind}" for kind in ("pdf", "svg", "png", "txt")}
    assert (column / "first.pdf").read_bytes() == before[column / "first.pdf"][1]


def test_a_run_has_its_figures_and_those_of_the_best_system_of_each_track(tmp_path):
    cells, found = fabricate.run_tables(fabricate.clips())
    ranked = fabricate.rank(found, cells, fabricate.refits(found))
    drawings = run_drawings(ranked, fabricate.references(fabricate.clips()), found, "EMO-DB")
    of_all, of_one = ["leaderboard", "heat-map", "speakers"], ["confusion", "roc", "reliability"]
    assert [drawing.name for drawing in drawings] == [*of_all, *of_one, *(f"{name}-speaker" for name in of_one)]

    assert [drawing.name for drawing in drawings if drawing.always] == ["leaderboard"]
    assert "egemaps with svm (UAR" in drawings[3].caption
    assert all("; EMO-DB, 96 clips of 8 speakers" in drawing.caption for drawing in drawings)
    assert "TRANSDUCTIVE" in drawings[-1].caption
    assert all(drawing.draw(STYLES["column"]) is not None for drawing in drawings)


@pytest.mark.usefixtures("pages")
def test_every_command_has_its_figures(tmp_path, folder, monkeypatch):
    place, named = RunFolder(tmp_path), {"name": "made up", "title": "EMO-DB"}
    place.write_environment({"corpus": named, "corpora": [named | {"name": "emodb", "clips": 2, "speakers": 2, "citation": ""}]})
    publish_ablation(
        AblationFolder(tmp_path),
        test_ablation.table(),
        None,
        test_ablation.ABOUT | {"corpus": test_ablation.ABOUT["corpus"] | named},
        "column",
    )
    corpus = {"corpus": test_audit.ABOUT["corpus"] | named}
    publish_audit(AuditFolder(tmp_path), "made up", {}, test_audit.FINDINGS, test_audit.gap(), test_audit.ABOUT | corpus, "column")
    publish_cross(CrossFolder(tmp_path), crossed(), predictions().head(2), ["anger", "fear"], [], "column")
    monkeypatch.setattr(reports, "write_page", lambda folder: None)
    run = RunFolder(folder)
    shutil.copy(folder / "references.csv", tmp_path)
    reports.publish_learning(place, run.read_leaderboard(), run.read_learning(), "column")
    captions = [path.read_text() for path in (tmp_path / "figures" / "column").glob("*.txt")]
    assert len(captions) == 5
    assert all("; EMO-DB" in caption for caption in captions)
    write_diagram(dataclasses.replace(_merged(folder, tmp_path), across=[comparison(4)]), "column")
    drawn = {path.stem for path in (tmp_path / "figures" / "column").glob("*.svg")}
    assert drawn == {"ablation", "gap", "cross", "cross-matrix", "learning-curve", "critical-difference"}


@cache
def _merged(run: Path, to: Path) -> Merged:
    return merge([RunFolder(run)], to, named=True)


def test_python_draws_what_the_command_writes_and_always_the_same_bytes(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(matplotlib.rcParams, "pdf.fonttype", 3)
    monkeypatch.setitem(matplotlib.rcParams, "font.size", 30)
    for name in ("one.svg", "other.svg"):
        figures.confusion(folder).savefig(tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "other.svg").read_bytes()
    for draw in (figures.leaderboard, figures.speakers, figures.learning_curve, figures.roc, figures.reliability):
        assert draw(folder, style="slides").get_size_inches()[0] == STYLES["slides"].width
    assert figures.roc(folder, features="spectral+mfcc")._repr_png_().startswith(b"\x89PNG")
    assert set(figures.__all__) == {name for name in vars(figures) if callable(getattr(figures, name)) and _public(name)}


def _public(name: str) -> bool:
    return getattr(vars(figures)[name], "__module__", "") == "ser_bench.figures" and not name.startswith("_")


def test_python_draws_audits_ablations_crossings_and_ranks_from_their_results(tmp_path, folder):
    merged = _merged(folder, tmp_path)
    ranked = dataclasses.replace(merged, across=[comparison(6)])
    assert figures.critical_difference(ranked).get_size_inches()[0] == 3.3
    with pytest.raises(WrongCall, match=r"^nothing to draw: this result has not a comparison of three corpora"):
        figures.critical_difference(merged)
    with pytest.raises(WrongArgument, match=r"^ablation\(\): 'result' takes the result of ablate\(\), not "):
        figures.ablation(merged)
    with pytest.raises(WrongArgument, match=r"^confusion\(\): 'result' takes a run folder or the result of run\(\), not a Merged$"):
        figures.confusion(merged)
    with pytest.raises(WrongCall, match=r"nothing is not the folder of a finished run: it has no leaderboard\.csv$"):
        figures.heat_map(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (partial(figures.leaderboard, style="colum"), "unknown figure style 'colum': did you mean 'column'?"),
        (partial(figures.confusion, model="smv"), "unknown model in this run 'smv': did you mean 'svm'?"),
        (partial(figures.roc, features="egemaps", model="xgb"), "unknown model in this run 'xgb'"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_line(folder, draw, said):
    with pytest.raises(WrongCall) as caught:
        draw(folder)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_python_asks_a_run_only_for_what_it_draws(folder, tmp_path):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "references.csv").unlink()
    assert figures.heat_map(tmp_path) is not None
    assert figures.confusion(tmp_path) is not None
    with pytest.raises(WrongCall, match=r"it has no references\.csv$"):
        figures.leaderboard(tmp_path)
    (tmp_path / "run.toml").unlink()
    with pytest.raises(WrongCall, match=r"it has no run\.toml$"):
        figures.heat_map(tmp_path)


@pytest.mark.parametrize("command", [("run", "tones"), ("ablate", "tones"), ("cross", "--train", "tones"), ("leaderboard",)])
def test_a_style_that_there_is_not_is_met_with_the_nearest(command, tmp_path):
    done = call(*command, "--figure-style", "pages", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.strip() == "ser-bench: unknown figure style 'pages': did you mean 'page'? (known: column, page, slides)"
