"""Another column than the emotion as what is predicted: intensity, arousal, stress, whatever a table or a reader knows of its clips.

In:   a corpus, and the name of a column.
Out:  the same corpus whose column `emotion` holds that column's values, so that everything else is as for emotions.
Rule: clips without a value are left out, counted; numbers that are no classes are refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ser_bench.config import EMOTION
from ser_bench.corpora.base import Corpus, normalise_columns
from ser_bench.corpora.columns import spellings_of
from ser_bench.corpora.names import plain
from ser_bench.errors import WrongCall, quoted
from ser_bench.utils.formatting import number_of, plural
from ser_bench.utils.tables import as_text

if TYPE_CHECKING:
    import pandas as pd

CORPUS_EMOTION = "corpus_emotion"
"""The column of the corpus's own emotions where another is predicted."""
NO_TARGETS = ("path", "speaker", "voice", "original", "start", "end", "fold", "recognised", CORPUS_EMOTION)
"""Columns that say which clip it is, whose, or how it is split."""
MOST_NUMBERS = 20
"""Different numbers that a column of classes has at most."""


def predict_column(corpus: Corpus, target: str) -> Corpus:
    """The corpus with a column's values in place of its emotions, which are kept as `corpus_emotion`.

    Raises
    ------
    WrongCall
        For a column that is not there, that can be no target, or whose values are no classes.
    """
    meant = spellings_of(target, list(map(str, corpus.clips.columns)))
    target = meant[0] if len(meant) == 1 else target
    clips, lines = with_target(corpus.clips, target, corpus.name)
    return replace(corpus, clips=normalise_columns(clips), warnings=(*corpus.warnings, *lines), target=target)


def with_target(clips: pd.DataFrame, target: str, name: str) -> tuple[pd.DataFrame, list[str]]:
    """A clip table, with emotions or without, as `predict_column` makes it; and a line that counts clips without a value."""
    if target in NO_TARGETS:
        raise WrongCall(
            f"--target {target}: {name} cannot be evaluated on '{target}', which says which clip it is, whose, or how it is split"
        )
    if target not in clips:
        known = sorted(quoted(column) for column in map(str, clips.columns) if column not in NO_TARGETS)
        raise WrongCall(f"--target {quoted(target)}: {name} has no such column (found: {', '.join(known)})")
    if EMOTION in clips and CORPUS_EMOTION in clips:
        raise WrongCall(
            f"{name}: the column '{CORPUS_EMOTION}' is needed for the emotions while '{quoted(target)}' is predicted; rename it"
        )
    values = as_text(clips[target])
    clips = clips.rename(columns={EMOTION: CORPUS_EMOTION}).assign(emotion=values, original=values)
    clips = clips.drop(columns="recognised", errors="ignore")  # which is of emotions
    unknown = values.map(plain) == ""
    n = int(unknown.sum())
    lines = [f"{number_of(n, 'clip')} without '{quoted(target)}' {plural(n, 'is', 'are')} left out"] if n else []
    clips = clips[~unknown]
    if clips.empty:
        raise WrongCall(f"--target {quoted(target)}: no clip of {name} has a value in this column")
    _refuse_numbers(clips[EMOTION], target, name)
    return clips, lines


def _refuse_numbers(values: pd.Series, target: str, name: str) -> None:
    import pandas as pd

    found = values.unique()
    if len(found) > MOST_NUMBERS and pd.to_numeric(pd.Series(found), errors="coerce").notna().all():
        raise WrongCall(
            f"--target {quoted(target)}: {name} has {len(found)} different numbers there, and classes are needed; "
            f"add a column that says which class each belongs to, such as low, medium, high"
        )
