"""The figures that commands write, from a result in a notebook: `ser_bench.figures.confusion(results)` gives a matplotlib Figure.

In:   what `run`, `leaderboard`, `ablate`, `audit` or `cross` gave, or of a run its folder; a style: column, page or slides.
Out:  a figure that a notebook shows; its `savefig` writes the same bytes each time, as wide as the style says.
Rule: nothing is drawn here: a figure is the one that ``--figure-style`` writes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ser_bench.errors import WrongCall, unknown
from ser_bench.evaluation.analysis_folders import AuditFolder, CrossFolder
from ser_bench.evaluation.diagnostics import Diagnostics
from ser_bench.evaluation.environment import titled
from ser_bench.evaluation.evidence import rows_of
from ser_bench.evaluation.run_folder import LEADERBOARD, PREDICTIONS, REFERENCES, RunFolder, RunSource
from ser_bench.reports.figures.boards import draw_heat_map, draw_leaderboard, draw_learning, draw_speakers
from ser_bench.reports.figures.runs import best_of_tracks
from ser_bench.reports.figures.style import STYLES, Style
from ser_bench.results import KINDS
from ser_bench.utils.calls import named_arguments

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ser_bench.evaluation.merge import Merged
    from ser_bench.results import Ablated, Audited, Crossed

__all__ = [
    "ablation",
    "confusion",
    "critical_difference",
    "cross",
    "cross_matrix",
    "heat_map",
    "leaderboard",
    "leakage",
    "learning_curve",
    "reliability",
    "roc",
    "speakers",
]


@named_arguments(kinds=KINDS)
def leaderboard(result: RunSource, *, style: str = "column") -> Figure:
    """The UAR of each system of a run with its 95% confidence interval.

    Parameters
    ----------
    result : str, Path or Results
        A run's folder, or what `run` gave.
    style : {'column', 'page', 'slides'}

    Raises
    ------
    WrongCall
        For an unknown style, or where the result has nothing to draw; so do the others.
    """
    folder = _run(result, REFERENCES.name)
    return _drawn("a leaderboard with scores", draw_leaderboard(folder.read_leaderboard(), folder.read_references(), _style(style)))


@named_arguments(kinds=KINDS)
def heat_map(result: RunSource, *, style: str = "column") -> Figure:
    """The UAR of each feature set and model of a run, the best framed."""
    found = draw_heat_map(_run(result).read_leaderboard(), _style(style))
    return _drawn("a heat map: it needs several feature sets and several models", found)


@named_arguments(kinds=KINDS)
def speakers(result: RunSource, *, style: str = "column") -> Figure:
    """The UAR of each held-out speaker, by system."""
    folder = _run(result, PREDICTIONS.name, REFERENCES.name)
    found = draw_speakers(folder.read_leaderboard(), folder.read_predictions(), folder.read_references(), _style(style))
    return _drawn("a score", found)


@named_arguments(kinds=KINDS)
def learning_curve(result: RunSource, *, style: str = "column") -> Figure:
    """The UAR by the number of training speakers, by system."""
    folder = _run(result, REFERENCES.name)
    found = draw_learning(folder.read_leaderboard(), folder.read_learning(), folder.read_references(), _style(style))
    return _drawn("learning curves", found)


@named_arguments(kinds=KINDS)
def confusion(result: RunSource, *, features: str = "", model: str = "", track: str = "", style: str = "column") -> Figure:
    """The confusion matrix of one system of a run.

    Parameters
    ----------
    result : str, Path or Results
        A run's folder, or what `run` gave.
    features, model, track : str
        Which row of the leaderboard: the best of those that match, or of all where nothing is named.
    style : {'column', 'page', 'slides'}

    Raises
    ------
    WrongCall
        For an unknown style or row, or one without what is to be drawn, such as probabilities.
    """
    from ser_bench.reports.figures.systems import draw_confusion

    return _of_system(draw_confusion, result, features, model, track, style)


@named_arguments(kinds=KINDS)
def roc(result: RunSource, *, features: str = "", model: str = "", track: str = "", style: str = "column") -> Figure:
    """The ROC curve of each class for one system of a run. Parameters, errors: see `confusion`."""
    from ser_bench.reports.figures.systems import draw_roc

    return _of_system(draw_roc, result, features, model, track, style)


@named_arguments(kinds=KINDS)
def reliability(result: RunSource, *, features: str = "", model: str = "", track: str = "", style: str = "column") -> Figure:
    """The reliability diagram of one system of a run. Parameters, errors: see `confusion`."""
    from ser_bench.reports.figures.systems import draw_reliability

    return _of_system(draw_reliability, result, features, model, track, style)


@named_arguments(kinds=KINDS)
def critical_difference(result: Merged, *, style: str = "column") -> Figure:
    """Mean ranks of systems over the corpora of a merged leaderboard."""
    from ser_bench.reports.figures.ranks import draw_ranks

    return _drawn("a comparison of three corpora or more", draw_ranks(result.across, _style(style)))


@named_arguments(kinds=KINDS)
def ablation(result: Ablated, *, style: str = "column") -> Figure:
    """The effect of each feature group on the UAR."""
    from ser_bench.reports.ablation import draw_ablation

    return _drawn("a difference", draw_ablation(result.table, _style(style)))


@named_arguments(kinds=KINDS)
def leakage(result: Audited, *, style: str = "column") -> Figure:
    """The effect of evaluation leaks on the UAR, as ``audit(gap=True)`` measured it."""
    from ser_bench.reports.audit import draw_gap

    if result.gap is None:
        raise WrongCall("leakage(): this audit has no leak gap; audit with gap=True measures it")
    emotions = AuditFolder(result.folder).read_environment()["corpus"]["emotions"]
    return draw_gap(result.gap, len(emotions), _style(style))


@named_arguments(kinds=KINDS)
def cross(result: Crossed, *, style: str = "column") -> Figure:
    """The UAR of each system on each corpus, by the corpus that it was trained on."""
    from ser_bench.reports.cross import SIDES, draw_cross

    table = titled(result.table, CrossFolder(result.folder).read_about(), *SIDES)
    return _drawn("a score", draw_cross(table, len(result.emotions), _style(style)))


@named_arguments(kinds=KINDS)
def cross_matrix(result: Crossed, *, style: str = "column") -> Figure:
    """The UAR of each corpus trained on by each corpus evaluated, a matrix per system."""
    from ser_bench.reports.cross import SIDES, draw_cross_matrix

    table = titled(result.table, CrossFolder(result.folder).read_about(), *SIDES)
    return _drawn("a score", draw_cross_matrix(table, _style(style)))


def _run(result: RunSource, *more: str) -> RunFolder:
    """The folder of a run, which has what is drawn: its leaderboard, and `more` of its files."""
    folder = RunFolder.of(result)
    if name := folder.lacks(LEADERBOARD.name, folder.MARK, *more):
        raise WrongCall(f"{folder.path} is not the folder of a finished run: it has no {name}")
    return folder


def _style(name: str) -> Style:
    if name not in STYLES:
        raise unknown("figure style", name, STYLES)
    return STYLES[name]


def _drawn(needed: str, figure: Figure | None) -> Figure:
    if figure is None:
        raise WrongCall(f"nothing to draw: this result has not {needed}")
    return figure


def _of_system(draw: Callable[..., Figure | None], result: RunSource, features: str, model: str, track: str, style: str) -> Figure:
    """A figure of the best row that matches."""
    from ser_bench.reports.figures.systems import heading_of_system

    folder, look = _run(result, PREDICTIONS.name), _style(style)
    board = folder.read_leaderboard()
    board = board[board["uar"].notna()]
    for kind, column, name in (("feature set", "features", features), ("model", "model", model), ("track", "track", track)):
        if name and name not in set(board[column]):
            raise unknown(f"{kind} in this run", name, board[column].unique())
        board = board[board[column] == name] if name else board
    row: dict[str, Any] = next((row for _, row in best_of_tracks(board)), {}) if len(board) else {}
    if not row:
        raise WrongCall("nothing to draw: no row of the leaderboard has a score and what is named")
    shown = Diagnostics(rows_of(row, folder.read_predictions()))
    return _drawn("probabilities of every class", draw(shown, look, heading=heading_of_system(row)))
