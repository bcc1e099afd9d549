"""How many speakers a study needs, from the spreads that a finished run shows.

In:   a run folder: its leaderboard, predictions and clip table.
Out:  `planning.csv`, `figures/planning.*` and the table of them: interval now, and speakers needed for a width or a difference.
Rule: speakers are voices, and sentences count as a second sample wherever they are known: what holds for new speakers alone is never
      shown without what holds for new sentences. A number of speakers never stands without its confidence interval.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ser_bench import scores
from ser_bench.errors import WorkFailed, WrongCall
from ser_bench.evaluation.analysis_folders import PLANNING
from ser_bench.evaluation.evidence import ROW_KEY, SYSTEM, rows_of
from ser_bench.evaluation.leaderboard import ALPHA, BLOCK, block_of, evidence_of
from ser_bench.evaluation.run_folder import CLIPS, LEADERBOARD, PREDICTIONS, RunFolder
from ser_bench.evaluation.splits import NEVER
from ser_bench.scores.distributions import chi2_quantile
from ser_bench.utils.formatting import format_score, number_of, plural, records

if TYPE_CHECKING:
    import pandas as pd


NEEDED = (LEADERBOARD.name, PREDICTIONS.name, CLIPS.name)
COMPONENTS = ("speaker", "sentence", "cell", "clip")

System = tuple[str, str]


class Seen(NamedTuple):
    """What a block of a leaderboard shows clip by clip.

    Parameters
    ----------
    hits : dict of (features, model) to array of float, shape (n_clips,)
        Correctness, the mean over seeds.
    emotions, voices : array of str, shape (n_clips,)
    sentences : array of str, shape (n_clips,), or None
    ratios : array of float, shape (n_systems, n_systems)
        Variance ratios of UARs and of their differences, as `scores.variance_ratios` gives them.
    """

    hits: dict[System, np.ndarray]
    emotions: np.ndarray
    voices: np.ndarray
    sentences: np.ndarray | None
    ratios: np.ndarray


class StudyGoals(NamedTuple):
    """What a study should reach: a half-width, or differences with a power; with so many sentences, if not those there are."""

    width: float
    differences: tuple[float, ...]
    power: float
    sentences: int | None


class StudyPlan(NamedTuple):
    """What a study like a run would need.

    Parameters
    ----------
    table : DataFrame
        The columns of `PLANNING`: what `api.plan_study` returns.
    notes : list of str
        What is left out, and why; what the numbers do not cover.
    warnings : list of str
        What the run warned of.
    """

    table: pd.DataFrame
    notes: list[str]
    warnings: list[str]


def plan_study(folder: RunFolder, wanted: StudyGoals) -> StudyPlan:
    """What a study like the run in a folder would need."""
    import pandas as pd

    board, predictions, refits, whole = _read(folder)
    clips = evaluated(whole, predictions)
    rows, notes = [], [*_left_out(board), *_fixed_split(whole, clips)]
    for place, block in board[board["status"] == "ok"].groupby(BLOCK, sort=False):
        seen = _seen(block, predictions, refits, clips)
        rows += [dict(zip(BLOCK, place, strict=True)) | line for line in _lines(seen, wanted)]
    if not rows:
        raise WrongCall(f"{folder.path} has no ranked row to plan from: {'; '.join(notes) or 'its leaderboard is empty'}")
    table = pd.DataFrame(rows, columns=list(PLANNING.columns))
    return StudyPlan(table, [*notes, *_remarks(table, clips)], folder.read_about().get("warnings", []))


def typical(asked: pd.DataFrame) -> dict[str, Any]:
    """The median line by speakers needed, the lower of two; then by interval."""
    ordered = asked.sort_values(["speakers_needed", "half_width"], kind="stable")
    return records(ordered)[(len(ordered) - 1) // 2]


def half_widths(line: Mapping[str, Any], speakers: np.ndarray) -> np.ndarray:
    """Half the width of a line's 95% confidence interval with each number of speakers."""
    return scores.half_width(_design(line), speakers)


def powers(line: Mapping[str, Any], difference: float, speakers: np.ndarray) -> np.ndarray:
    """The power to show a true difference between a line's systems with each number of speakers."""
    return scores.power(_design(line), difference, speakers)


def _design(line: Mapping[str, Any]) -> scores.Spread:
    """The variance components of a line, those below zero as zero."""
    speaker, sentence, cell, clip = (max(0.0, line[f"sd_{name}"]) ** 2 for name in COMPONENTS)
    clips = round(line["speakers"] * line["clips_per_speaker"])
    return scores.Spread(speaker, sentence, cell, clip, line["speakers"], line["sentences"], clips, line["variance_ratio"])


def wanted_of(width: float, difference: float | Sequence[float], power: float, sentences: int | None) -> StudyGoals:
    """What is asked for, within its bounds."""
    differences = tuple(dict.fromkeys((difference,) if isinstance(difference, float | int) else difference))
    for name, value in [("width", width), *(("difference", one) for one in differences)]:
        if not 0 < value < 1:
            raise WrongCall(f"{name}: {value} cannot be planned for; it is a part of the UAR, between 0 and 1, such as .03")
    if not differences:
        raise WrongCall("difference: name at least one, such as .02")
    if not ALPHA < power < 1:
        raise WrongCall(f"power: {power} cannot be planned for; it lies between {ALPHA} and 1, such as .8")
    if sentences is not None and sentences < 2:
        raise WrongCall(f"sentences: {sentences} cannot be planned for; at least 2 are needed to see how they differ")
    return StudyGoals(width, differences, power, sentences)


def _read(folder: RunFolder) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame | None, pd.DataFrame]:
    """A run's leaderboard, predictions, refits and clips."""
    if name := folder.lacks(*NEEDED):
        raise WrongCall(f"{folder.path} is no finished run: it has no {name}; name a folder that `run` or `score` wrote")
    return folder.read_leaderboard(), folder.read_predictions(), folder.read_refits(), folder.read_clips()


def evaluated(clips: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """The clips of a run's clip table that its folds hold out: all, but for a fixed split, of which only the test part is."""
    folds = [f"fold_{seed}" for seed in predictions["seed"].unique()]
    return clips[(clips[[fold for fold in folds if fold in clips]] != NEVER).all(axis=1)]


def _seen(block: pd.DataFrame, predictions: pd.DataFrame, refits: pd.DataFrame | None, clips: pd.DataFrame) -> Seen:
    """Correctness of every row of a block, clip by clip."""
    hits = {}
    for cell in block[ROW_KEY].itertuples(index=False, name=None):
        mine = rows_of(dict(zip(ROW_KEY, cell, strict=True)), predictions)
        right = (mine["predicted"] == mine["emotion"]).groupby(mine["clip"]).mean().reindex(clips.index)
        if right.isna().any():
            raise WorkFailed(
                f"predictions of {' '.join(cell)} lack {number_of(right.isna().sum(), 'clip')}, such as {right.index[right.isna()][0]}"
            )
        hits[cell[1], cell[2]] = right.to_numpy(float)
    voices = clips["voice" if "voice" in clips else "speaker"].to_numpy(str)
    sentences = None if _unknown_sentences(clips) else clips["sentence"].to_numpy(str)
    ratios = block_of(block, evidence_of(predictions, block, refits)).ratios
    return Seen(hits, clips["emotion"].to_numpy(str), voices, sentences, ratios)


def _lines(seen: Seen, wanted: StudyGoals) -> Iterator[dict[str, Any]]:
    """A line per system or pair, target, and design."""
    for place, ((features, model), hits) in enumerate(seen.hits.items()):
        named = {"features": features, "model": model, "other_features": "", "other_model": ""}
        for line in _answers(hits, seen, seen.ratios[place, place], wanted, "interval", (wanted.width,)):
            yield {"goal": "interval", "target": line.pop("target"), **named, **line}
    for (first, (one, hits)), (second, (other, others)) in combinations(enumerate(seen.hits.items()), 2):
        named = dict(zip(("features", "model", "other_features", "other_model"), one + other, strict=True))
        for line in _answers(hits - others, seen, seen.ratios[first, second], wanted, "difference", wanted.differences):
            yield {"goal": "difference", "target": line.pop("target"), **named, **line}


def _answers(
    values: np.ndarray, seen: Seen, ratio: float, wanted: StudyGoals, goal: str, targets: Sequence[float]
) -> Iterator[dict[str, Any]]:
    """What a study like this one, with more clips or with other sentences, needs for each target."""
    for covers, sentences in ((SPEAKERS, None), (BOTH, seen.sentences)):
        if covers == BOTH and sentences is None:
            continue
        spread = scores.crossed_spread(values, seen.emotions, seen.voices, sentences)._replace(inflation=float(ratio))
        designs = [spread, spread._replace(clips=2 * spread.clips)]
        if covers == BOTH and wanted.sentences not in (None, spread.sentences):
            designs.append(spread._replace(sentences=wanted.sentences))
        factors = _uncertainty(spread)
        limit = scores.sentence_limit(spread) ** 0.5 if covers == BOTH else float("nan")
        for design in designs:
            shown = _shown(design, covers)
            for target in targets:
                needed, low, high = (_speakers_needed(design.times(factor), goal, target, wanted) for factor in (1.0, *factors))
                answer = {"speakers_needed": needed, "needed_low": low, "needed_high": high}
                yield {"target": target, **shown, **answer, **_roots(design), "sd_sentence_high": limit}


def _shown(design: scores.Spread, covers: str) -> dict[str, Any]:
    return {
        "covers": covers,
        "sentences": design.sentences,
        "clips_per_speaker": design.per_speaker,
        "speakers": design.speakers,
        "variance_ratio": design.inflation,
        "half_width": float(scores.half_width(design)),
        "least": scores.smallest_half_width(design),
    }


def _speakers_needed(design: scores.Spread, goal: str, target: float, wanted: StudyGoals) -> float:
    if goal == "interval":
        return scores.speakers_for_width(design, target)
    return scores.speakers_for_difference(design, target, power_wanted=wanted.power, alpha=ALPHA)


def _uncertainty(spread: scores.Spread) -> tuple[float, float]:
    """Factors from the variance seen to both ends of its 95% confidence interval, chi-square with the degrees of freedom of the spread."""
    df = float(scores.degrees_of_freedom(spread))
    return df / float(chi2_quantile(0.975, df)), df / float(chi2_quantile(0.025, df))


def _roots(design: scores.Spread) -> dict[str, float]:
    return {f"sd_{name}": float(np.copysign(np.sqrt(abs(part)), part)) for name, part in zip(COMPONENTS, design[:4], strict=True)}


def _left_out(board: pd.DataFrame) -> list[str]:
    """Rows that nothing is planned from."""
    out = board[board["status"] != "ok"]
    names = ", ".join(f"{row['features']} {row['model']} ({row['status']})" for _, row in out.iterrows())
    return [f"left out: {names}"] if names else []


def _fixed_split(whole: pd.DataFrame, clips: pd.DataFrame) -> list[str]:
    """What is planned for, and what cannot be, where a split is fixed; nothing of another."""
    if len(whole) == len(clips):
        return []
    return [
        "one fixed split: speakers are those of the test part, evaluated by systems that were trained on the same "
        f"{len(whole) - len(clips):,} clips. How scores vary with the training speakers cannot be seen in one training part, and is not in "
        "these numbers; cross-validate to see it."
    ]


def _unknown_sentences(clips: pd.DataFrame) -> str:
    """Why sentences cannot be a random factor; empty where they can."""
    if "sentence" not in clips:
        return "the corpus does not say which sentence is spoken (a manifest may have a column 'sentence')"
    known = clips["sentence"].fillna("").astype(str).str.strip()
    if (known == "").any():
        return f"{number_of((known == '').sum(), 'clip has', 'clips have')} no sentence, such as {known.index[known == ''][0]}"
    if known.nunique() == 1:
        return f"all clips say '{known.iloc[0]}'"
    voices = clips["voice" if "voice" in clips else "speaker"]
    if known.groupby(voices).nunique().max() == 1 or voices.groupby(known).nunique().max() == 1:
        return "no sentence is spoken by two speakers, or no speaker says two"
    return ""


def _remarks(table: pd.DataFrame, clips: pd.DataFrame) -> list[str]:
    """What the numbers do not cover, and how little they are based on."""
    if reason := _unknown_sentences(clips):
        return [f"sentences are not a random factor here: {reason}. Intervals hold for new speakers who say these very sentences."]
    remarks = []
    systems = table.drop_duplicates(["track", "goal", *SYSTEM[:2], "other_features", "other_model", "covers"])
    for name in COMPONENTS:
        below = int((systems[f"sd_{name}"] < 0).sum())
        are = f"{plural(below, 'is', 'are')} below zero and {plural(below, 'counts', 'count')} as zero"
        remarks += [f"{number_of(below, 'estimate')} of the {name} component {are}."] if below else []
    crossed = systems[(systems["covers"] == BOTH) & (systems["goal"] == "interval")]
    for track, block in crossed.groupby("track", sort=False):
        row = block.sort_values("least", kind="stable").iloc[(len(block) - 1) // 2]
        remarks.append(_bound(str(track), row))
    return remarks


def _bound(track: str, row: pd.Series) -> str:
    """What the sentences there are allow at best."""
    many, seen, limit = row["sentences"], max(0.0, row["sd_sentence"]), row["sd_sentence_high"]
    of = f"track {track}, {row['features']} {row['model']} (the median row)"
    best = f"no number of speakers narrows the interval for new speakers and sentences below \u00b1{format_score(row['least'])}"
    said = best if seen else "these sentences were not seen to differ, so nothing bounds the interval"
    degrees = number_of(many - 1, "degree of freedom", "degrees of freedom")
    how = f"sd between sentences {format_score(seen)}, 95% upper limit {format_score(limit)} ({degrees})"
    return f"With {many} sentences, {said}: {of}; {how}."


SPEAKERS, BOTH = "speakers", "speakers and sentences"
"""What a result should hold for besides those that were heard."""
