"""Whether an emotion is associated with something else that is known of a clip: device, microphone, session, sentence, language, date.

In:   the clip table, with every column of the manifest.
Out:  a finding per column that predicts emotions, and one that lists the columns tested without a significant result.
Rule: every column is tested (`links`), with Holm's correction for their number. What is not significant
      'could not be shown'; it is never said to be absent. docs/confounds.md has the measured rates.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ser_bench import scores
from ser_bench.analyses.audits.finding import Finding, against_board, figure, p_value
from ser_bench.analyses.audits.links import PERMUTATIONS, Cells, Codes, Link, link, link_between
from ser_bench.config import RunConfig
from ser_bench.corpora.names import first
from ser_bench.errors import quoted
from ser_bench.evaluation.leaderboard import chance_level
from ser_bench.evaluation.plan import PreparedData
from ser_bench.utils.formatting import number_of

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.evaluation.units import EvaluationSet

CHECK = "columns"
ALPHA = 0.05
SMALL = 0.05
"""Share of what is possible above chance below which a link is noted and not warned of."""
NOT_ASKED = (
    *("path", "emotion", "speaker", "voice", "original", "recognised", "fold", "end"),
    *("key", "digest", "seconds", "peak", "note"),
)
"""Columns that name the clip, its speaker or its emotion, that say how it was evaluated, or that delivery is asked about."""
CAUSED = "seconds"
"""The column that emotions cause, too."""
FEW_VALUES = 12
"""Numbers with more values than these are asked by level."""
LEVELS, LEVELS_WITHIN = 8, 4
MOST_TIES = 3


class ColumnCodes(NamedTuple):
    """A column's values as they are asked: codes that all speakers share, codes that count within a speaker, and words."""

    shared: Codes
    own: Codes
    words: list[str]


class Answer(NamedTuple):
    """What came of a column: the stronger of its tests, and with which p after correction."""

    column: str
    link: Link
    how: str
    p: float


def columns(prepared: PreparedData, config: RunConfig, best: float | None) -> Iterator[Finding]:
    """Columns of the manifest, and of the files' headers, that predict emotions; `best` is the best UAR known of these clips."""
    eval_set = prepared.eval_set
    table = askable(eval_set.clips.drop(columns=list(eval_set.made_of), errors="ignore"))
    told = {name: ask(values) for name, values in table.items()}
    ratings = _ratings(eval_set.corpus)
    told = {name: asked for name, asked in told.items() if name not in ratings}
    answers, tests = corrected(told, eval_set)
    unshown = []
    for answer in answers:
        if answer.p < ALPHA and answer.link.excess > 0:
            yield _finding(answer, told[answer.column], eval_set, tests, best)
        else:
            unshown.append(f"{answer.column} ({figure(answer.link.uar)}, p = {p_value(answer.p)})")
    chance = figure(chance_level(len(eval_set.emotions)))
    if unshown:
        what = f"an association of {eval_set.target} with these columns could not be shown (chance UAR {chance}): {', '.join(unshown)}"
        yield Finding("note", CHECK, what)
    if unique := [name for name in told if name not in {answer.column for answer in answers}]:
        yield Finding("note", CHECK, f"no value comes twice, so that nothing can be asked: {', '.join(unique)}")


def _ratings(corpus: str) -> tuple[str, ...]:
    """Columns of a corpus that rate the emotion, as its label does."""
    from ser_bench.corpora import known_readers

    reader = known_readers().get(corpus)
    return reader.ratings if reader else ()


def askable(clips: pd.DataFrame) -> dict[str, np.ndarray]:
    """The columns that are asked, as text, those of the header with them; none that has the same value everywhere."""
    table = {str(name): clips[name].astype(object).where(clips[name].notna(), "").astype(str).to_numpy(str) for name in clips}
    table = {name: np.char.strip(values) for name, values in table.items() if name not in NOT_ASKED}
    table["file format"] = np.array([Path(path).suffix.lower() for path in clips["path"]])
    if "seconds" in clips:
        table[CAUSED] = clips["seconds"].to_numpy(float).astype(str)
    return {name: values for name, values in table.items() if len(np.unique(values)) > 1}


def ask(values: np.ndarray) -> ColumnCodes:
    """A column's values as codes: words as they are, and many numbers or dates by level."""
    words, codes = np.unique(values, return_inverse=True)
    if len(words) <= FEW_VALUES or (numbers := as_numbers(words)) is None:
        return ColumnCodes(codes, codes, words.tolist())
    heights = numbers[codes]
    levels = np.unique(np.quantile(heights, np.arange(1, LEVELS) / LEVELS))
    shared = np.searchsorted(levels, heights, side="right")
    ends = [heights[shared == level] for level in range(shared.max() + 1)]
    names = [words[np.flatnonzero(numbers == own.min())[0]] if len(own) else "" for own in ends]
    return ColumnCodes(shared, codes if len(words) < len(values) / 2 else _ranks(heights), [f"{name} and above" for name in names])


def as_numbers(words: np.ndarray) -> np.ndarray | None:
    """Words as numbers, dates as seconds; None where some are neither. A blank cell is below all."""
    import pandas as pd

    from ser_bench.utils.tables import to_numbers

    text = pd.Series(words, dtype=object)
    blank = text.str.strip() == ""
    numbers = to_numbers(text)
    if (numbers.isna() & ~blank).any():
        dates = pd.to_datetime(text.mask(blank), errors="coerce", format="mixed", utc=True)
        if (dates.isna() & ~blank).any():
            return None
        numbers = (dates - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    return np.where(blank, -np.inf, numbers.to_numpy(float))


def _ranks(heights: np.ndarray) -> np.ndarray:
    """Numbers by rank, which `within` turns into levels of each speaker."""
    return np.argsort(np.argsort(heights, kind="stable"), kind="stable")


def corrected(told: dict[str, ColumnCodes], eval_set: EvaluationSet) -> tuple[list[Answer], int]:
    """The stronger test of every column that can be asked, p corrected for all tests; and how many these are."""
    voices = np.unique(eval_set.voices, return_inverse=True)[1]
    # With so many, the smallest p stays below ALPHA after Holm's correction.
    permutations = max(PERMUTATIONS, 2 * round(2 * len(told) / ALPHA))
    tests = [(name, how, found) for name, asked in told.items() for how, found in _links(asked, voices, eval_set.codes, permutations)]
    ps = scores.holm([found.p for _, _, found in tests]).tolist()
    best: dict[str, Answer] = {}
    for (name, how, found), p in zip(tests, ps, strict=True):
        mine = Answer(name, found, how, float(p))
        # Of equal p the first: what a column says of other speakers matters more.
        if name not in best or mine.p < best[name].p:
            best[name] = mine
    return list(best.values()), len(tests)


def _links(asked: ColumnCodes, voices: Codes, codes: Codes, permutations: int) -> Iterator[tuple[str, Link]]:
    """The tests of one column: between speakers where each has one value, else across and within them."""
    several = len(np.unique(np.stack([voices, asked.shared]), axis=1).T)
    if several == voices.max() + 1 and asked.shared.max() < several - 1:
        yield "of other speakers, permuted among speakers", link_between(asked.shared, voices, codes, permutations=permutations)
        return
    if len(np.unique(asked.shared)) < len(codes) / 2:
        yield (
            "of other speakers, permuted within speakers",
            link(Cells.of(voices, asked.shared), codes, "across", permutations=permutations),
        )
    own = _by_level(asked.own, voices) if len(np.unique(asked.own)) > len(codes) / 2 and asked.own is not asked.shared else asked.own
    cells = Cells.of(voices, own)
    if len(cells.voice) < len(codes) / 2:
        yield "of the same speaker's other clips, permuted within speakers", link(cells, codes, "within", permutations=permutations)


def _by_level(ranks: Codes, voices: Codes) -> Codes:
    """Ranks as levels within each voice, as many clips in each."""
    order = np.lexsort((ranks, voices))
    clips = np.bincount(voices)
    position = np.empty(len(ranks), int)
    position[order] = np.arange(len(ranks)) - np.repeat(np.cumsum(clips) - clips, clips)
    return position * LEVELS_WITHIN // clips[voices]


def _finding(answer: Answer, asked: ColumnCodes, eval_set: EvaluationSet, tests: int, best: float | None) -> Finding:
    """A column that is associated with emotion, as a warning; a note where the link is weak, or may be a genuine effect of emotion."""
    column, found, chance = answer.column, answer.link, chance_level(len(eval_set.emotions))
    numbers = f"UAR {figure(found.uar)} {answer.how}, from '{column}' alone; chance {figure(chance)}"
    test = f"{numbers}, {figure(found.expected)} with labels permuted, p = {p_value(answer.p)} by Holm over {number_of(tests, 'test')}"
    if column == CAUSED:
        rivals, against = against_board(found.uar, chance, best)
        what = f"{eval_set.target} is predicted by the duration of a clip, which may be a genuine effect: {test}; {against}"
        return Finding("warning" if rivals else "note", "delivery", what)
    strong = found.excess >= SMALL
    means = f"a system may recognise that instead of the {eval_set.target}" if strong else "the link is weak"
    return Finding(
        "warning" if strong else "note",
        CHECK,
        f"{eval_set.target} is associated with '{column}' ({ties(asked, eval_set)}): {test}: {means}",
    )


def ties(asked: ColumnCodes, eval_set: EvaluationSet) -> str:
    """What associates a column with emotion: emotions with a single value, values with a single emotion, else the most unequal share."""
    counts = scores.confusion_counts(eval_set.codes, asked.shared, classes=range(max(len(eval_set.emotions), len(asked.words))))
    counts = counts[: len(eval_set.emotions), : len(asked.words)]
    only_value = [
        f"'{emotion}' has only {_word(asked, row.argmax())}"
        for emotion, row in zip(eval_set.emotions, counts, strict=True)
        if np.count_nonzero(row) == 1
    ]
    only_emotion = [
        f"{_word(asked, value)} has only '{eval_set.emotions[column.argmax()]}'"
        for value, column in enumerate(counts.T)
        if np.count_nonzero(column) == 1 and column.sum() > 1
    ]
    if told := [*only_value, *only_emotion]:
        return first(told, MOST_TIES)
    shares = counts / np.maximum(counts.sum(0), 1)
    above = np.where(counts.sum(0) > 1, shares - (counts.sum(1) / counts.sum())[:, None], -1)
    emotion, value = np.unravel_index(above.argmax(), above.shape)
    share = f"{shares[emotion, value]:.0%} of {_word(asked, int(value))}"
    return f"'{eval_set.emotions[emotion]}' is {share} and {counts[emotion].sum() / counts.sum():.0%} of all"


def _word(asked: ColumnCodes, value: int) -> str:
    return f"'{quoted(asked.words[value])}'" if asked.words[value] else "no value"
