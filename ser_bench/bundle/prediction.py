"""Decisions about sounds: what `ser-bench predict` and `Bundle.predict` do.

In:   a fitted system, and sounds: files, standard input, samples; whole or window by window.
Out:  a `PredictionRow` for each, in their order.
Rule: clips are preprocessed as those the system was fitted on, and go through the model together, as in a run; one that cannot be
      measured has its reason and costs no other. Why a decision is to be trusted less stands in its row.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.audio.clip import Clip
from ser_bench.bundle.explaining import Explained, explain
from ser_bench.bundle.extraction import Extracted, ExtractionSetup, Samples, Sound, Span, StandardInput, extract_sounds
from ser_bench.bundle.inputs import handed_in, read_whole
from ser_bench.bundle.levels import LEVELS
from ser_bench.bundle.rows import Layout, PredictionRow, as_table, gender_in
from ser_bench.bundle.windows import Windows
from ser_bench.config import RunConfig
from ser_bench.errors import WorkFailed, quoted
from ser_bench.features.base import Extractor
from ser_bench.features.worker import BATCH
from ser_bench.utils.formatting import number_of
from ser_bench.utils.parallel import Workers
from ser_bench.utils.progress import Progress, Silent, progress_of

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.bundle.bundle import Bundle

TOGETHER = 4096
"""Clips that go through the model at a time."""
LONGEST = 200
"""Characters of a reason in an error."""
PER_PROCESS = 32
"""Clips for which it pays to start a process."""


@dataclass(frozen=True)
class PredictionOptions:
    """How sounds are predicted.

    Parameters
    ----------
    windows : Windows, optional
        A window after the other; the whole of each sound without.
    explain : bool
        Whether rows say what moved the decision.
    processes : int
        0 is one per core; as few as pay.
    progress : Progress

    Raises
    ------
    WrongCall
        For a number of processes that none is.
    """

    windows: Windows | None = None
    explain: bool = False
    processes: int = 1
    progress: Progress = field(default_factory=Silent)

    def __post_init__(self) -> None:
        RunConfig(jobs=self.processes)

    @property
    def jobs(self) -> int:
        """How many processes there may be."""
        return RunConfig(jobs=self.processes).workers.jobs


class Tally:
    """How many of some sounds were predicted; a long recording is, if one of its windows is.

    Attributes
    ----------
    kept : list of PredictionRow
        All rows, where they are to be kept.
    """

    def __init__(self, sounds: list[Sound], *, keep: bool = False) -> None:
        self.keep, self.total = keep, len(sounds)
        self.kept: list[PredictionRow] = []
        self.predicted = 0
        self.first = ""
        self._clip: str | None = None

    def counted(self, rows: Iterable[PredictionRow]) -> Iterator[PredictionRow]:
        """The same rows."""
        for row in rows:
            if row.reason:
                self.first = self.first or f"{row.clip}: {row.reason}"
            elif row.clip != self._clip:
                self.predicted, self._clip = self.predicted + 1, row.clip
            if self.keep:
                self.kept.append(row)
            yield row

    def check(self) -> None:
        """Say where there is no prediction at all.

        Raises
        ------
        WorkFailed
        """
        if not self.predicted:
            raise WorkFailed(f"0 of {number_of(self.total, 'clip')} could be predicted; the first: {quoted(self.first, LONGEST)}")


def predict(bundle: Bundle, sounds: list[Sound], asked: PredictionOptions, stream: Any = None) -> Iterator[PredictionRow]:
    """Decide about sounds, in their order.

    Parameters
    ----------
    bundle : Bundle
    sounds : list of Sound
    asked : PredictionOptions
    stream : binary file, optional
        Stands for standard input.

    Yields
    ------
    PredictionRow
    """
    extractors = extractors_of(bundle)
    for extractor in extractors:
        extractor.prepare(asked.progress)
    how = ExtractionSetup(bundle.preprocessing, extractors)
    if asked.windows is None:
        workers = Workers(max(1, min(asked.jobs, len(sounds) // PER_PROCESS))) if len(sounds) >= 2 * PER_PROCESS else Workers()
        whole = _counted(extract_sounds(read_whole(sounds, stream), how, workers), asked.progress, len(sounds))
        yield from _rows(bundle, whole, asked, TOGETHER)
        return
    for sound in sounds:
        # What comes as it is spoken is answered at once.
        piped = isinstance(sound.source, StandardInput)
        workers, batch = (Workers(), 1) if piped else (Workers(asked.jobs), BATCH)
        yield from _rows(bundle, extract_sounds(asked.windows.of(sound, stream), how, workers, batch), asked, batch)


def predict_clip(bundle: Bundle, clip: Clip, start: float = 0.0) -> dict[str, Any]:
    """Decide about one decoded clip, in this process.

    Returns
    -------
    dict of str to object
        A row of the table of predictions without `clip`; one that cannot be predicted has its `reason`.
    """
    sound = Sound(Span("", start, start + clip.seconds), Samples(clip.samples, clip.rate))
    return next(_at_once(bundle, [sound]))


def predict_windows(bundle: Bundle, clip: Clip, window: float = 3.0, hop: float = 1.0) -> Iterator[dict[str, Any]]:
    """`predict_clip` for each window of a decoded clip, one after the other."""
    yield from _at_once(bundle, Windows(window, hop).of(Sound(Span(""), Samples(clip.samples, clip.rate))))


def _at_once(bundle: Bundle, sounds: Iterable[Sound]) -> Iterator[dict[str, Any]]:
    how, layout = ExtractionSetup(bundle.preprocessing, extractors_of(bundle)), Layout.of(bundle)
    for row in _rows(bundle, extract_sounds(sounds, how, Workers(), 1), PredictionOptions(), 1):
        yield {name: cell for name, cell in layout.cells(row).items() if name != "clip"}


def extractors_of(bundle: Bundle) -> list[Extractor]:
    """A system's extractors, in the order of its columns; then what its warnings go by."""
    parts = [part for part in bundle.feature_set.parts if isinstance(part, Extractor)]
    return parts if bundle.known is None else [*parts, LEVELS]


def predict_table(
    bundle: Bundle,
    audio: Any,
    rate: int | None,
    windows: tuple[float | None, float | None] = (None, None),
    *,
    explain: bool = False,
    jobs: int = 1,
    progress: Progress | bool | None = None,
) -> pd.DataFrame:
    """`predict` for `Bundle.predict`: what was handed in, as a DataFrame."""
    asked = PredictionOptions(Windows.wanted(*windows), explain, jobs, progress_of(progress))
    _warn_of_libraries(bundle)
    return as_table(predict(bundle, handed_in(audio, rate), asked), Layout.of(bundle, explain=explain))


def explain_table(bundle: Bundle, audio: Any, rate: int | None) -> pd.DataFrame:
    """`predict_table` for `Bundle.explain`: a row per clip and group."""
    import pandas as pd

    _warn_of_libraries(bundle)
    found = list(predict(bundle, handed_in(audio, rate), PredictionOptions(explain=True)))
    changes = [
        (row.clip, row.emotion, group, change)
        for row in found
        for group, change in sorted(row.explained.items(), key=lambda item: -abs(item[1]))
    ]
    table = pd.DataFrame(changes, columns=["clip", "emotion", "group", "change"])
    table.attrs["reasons"] = {row.clip: row.reason for row in found if row.reason}
    return table


def _warn_of_libraries(bundle: Bundle) -> None:
    for warning in bundle.check_extractors():
        warnings.warn(warning, stacklevel=4)


def _rows(bundle: Bundle, extracted: Iterator[Extracted], asked: PredictionOptions, together: int) -> Iterator[PredictionRow]:
    while some := list(islice(extracted, together)):
        yield from decide(bundle, some, explained=asked.explain)


def decide(bundle: Bundle, extracted: list[Extracted], *, explained: bool = False) -> Iterator[PredictionRow]:
    """Rows of sounds that were measured; those that could not be say why."""
    usable = [one for one in extracted if not one.found.why_not]
    labels = [part.label for part in bundle.feature_set.parts]
    x = np.array([np.concatenate([one.found.vectors[label][1] for label in labels]) for one in usable], np.float32)
    found = bundle.decide(x) if usable else None
    decided = iter(zip(x, found.scores, found.predicted, strict=True) if found else ())
    for one in extracted:
        row = PredictionRow(one.span.name, *_span(bundle, one), "", np.full(len(bundle.classes), math.nan), reason=one.found.why_not)
        if row.reason:
            yield row
            continue
        features, probabilities, code = next(decided)
        label = bundle.classes[code]
        row = replace(row, emotion=label, probabilities=probabilities, gender=gender_in(label, bundle.about))
        why = explain_clip(bundle, features, int(code)) if explained else Explained({}, math.nan, math.nan)
        yield replace(row, warnings=_warnings(bundle, features, one), explained=why.changes, average=why.average)


def _span(bundle: Bundle, one: Extracted) -> tuple[float, float]:
    """Where a window is, and of a whole clip what was heard of it, in seconds."""
    if one.span.end is not None:
        return one.span.start, one.span.end
    if not one.found.heard.digest:
        return one.span.start, math.nan
    return bundle.preprocessing.offset, bundle.preprocessing.offset + one.found.heard.seconds


def explain_clip(bundle: Bundle, x: np.ndarray, code: int) -> Explained:
    """What moved the decision about a clip, by groups of features; x as extracted, shape (n_columns,)."""
    average = bundle.mean if bundle.average is None else bundle.average
    return explain(x, average, bundle.groups, lambda rows: bundle.decide(rows).scores, code)


def _warnings(bundle: Bundle, x: np.ndarray, one: Extracted) -> list[str]:
    """Why a decision is to be trusted less: a damaged file, or a sound unlike those of training."""
    heard = one.found.heard
    said = [heard.note] if heard.note else []
    if bundle.known is None:
        return said
    return [*said, *bundle.known.warnings(bundle.standardised(x[None])[0], heard, one.found.vectors[LEVELS.label][1])]


def _counted(extracted: Iterable[Extracted], progress: Progress, total: int) -> Iterator[Extracted]:
    """The same, with progress where it takes time."""
    if total < PER_PROCESS:
        yield from extracted
        return
    progress.start("predicting", total)
    try:
        for one in extracted:
            progress.advance()
            yield one
    finally:
        progress.stop()
