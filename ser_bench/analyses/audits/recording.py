"""Whether emotions are predicted by the recording instead of the voice.

In:   properties of each clip's recording, and of its file's header.
Out:  findings on how well they predict unseen speakers' emotions.
Rule: the evaluation is that of a run: no voice is on both sides of a split, and a score comes with its interval. One that reaches down
      to chance shows nothing, and is never said to show that there is nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ser_bench import scores
from ser_bench.analyses.audits.finding import Finding, against_board, figure
from ser_bench.config import RunConfig
from ser_bench.evaluation.leaderboard import chance_level
from ser_bench.evaluation.plan import PreparedData
from ser_bench.evaluation.splits import derive_seed
from ser_bench.features import feature_label

if TYPE_CHECKING:
    from ser_bench.evaluation.units import EvaluationSet
    from ser_bench.features import Features

EXACT = 0.9
"""F1 from which an emotion is predicted almost without error. From the spectrum of EMO-DB, EMOVO and RAVDESS as they are no emotion reaches
.85; with one emotion low-passed at 7 kHz it has .99, recorded by a microphone that differs by 6 dB at both ends .91 and more."""
EMOTIONS_NEEDED = 4
"""Emotions from which that holds: of two or three, voices alone may part one as well."""
PROPERTIES = {
    "recording.rate.hz": "rate",
    "recording.depth.bits": "bits in use",
    "recording.channels.count": "channels",
    "recording.offset.mean": "constant offset",
}
"""What the columns of the group `recording` are called."""
LOSSY = ("MPEG", "VORBIS", "OPUS")
GAP = 0.15
"""Share of bits per second by which neighbouring levels differ."""


def recordings(prepared: PreparedData, config: RunConfig, best: float | None) -> Iterator[Finding]:
    """Whether emotions are predicted from the recording alone, its spectrum, or how a clip is cut and how loud it is.

    Parameters
    ----------
    best : float, optional
        The best UAR of a run on the same clips and folds.
    """
    eval_set, features = prepared.eval_set, prepared.features[feature_label("recording", config.preprocessing.label)]
    header = header_properties(eval_set.clips["path"].tolist())
    columns = {group: features.values[:, [mine == group for mine in features.groups]] for group in ("recording", "spectrum", "delivery")}
    columns["recording"] = np.column_stack([columns["recording"], header]).astype(np.float32)
    predicted = {group: recognised_from(eval_set, x, config.seed) for group, x in columns.items()}
    measured = {group: _measure(eval_set, codes) for group, codes in predicted.items()}
    differing = " and ".join(_differing(features, header)) or "none"
    no_voice = f"recording properties alone (rate, channels, format, encoding, bits, offset; differing here: {differing})"
    yield _finding("recording", no_voice, measured["recording"], eval_set, "warning")
    bands = "the mean spectrum and that of the quietest frames, to which voices contribute as well as microphones, rooms and filters"
    if exact := _nearly_exact(eval_set, predicted["spectrum"]):
        bands += f"; almost without error: {', '.join(exact)} (threshold {EXACT:.2f}): was another microphone or filter used?"
    yield _finding("spectrum", bands, measured["spectrum"], eval_set, "warning" if exact else "note")
    rivals, against = against_board(measured["delivery"].score, chance_level(len(eval_set.emotions)), best)
    delivery = f"loudness, duration, leading and trailing silence, which may be genuine effects of {eval_set.target}"
    told = _finding("delivery", delivery, measured["delivery"], eval_set, "warning" if rivals else "note")
    yield told._replace(what=f"{told.what}; {against}")


def _differing(features: Features, header: np.ndarray) -> list[str]:
    """The properties that are not the same for all clips."""
    mine = {column: values for column, values in zip(features.columns, features.values.T, strict=True) if column in PROPERTIES}
    encoded = ["format, encoding or its bits per second"] if (header != header[0]).any() else []
    return [PROPERTIES[column] for column, values in mine.items() if np.ptp(values) > 0] + encoded


def _finding(check: str, what: str, found: scores.Interval, eval_set: EvaluationSet, kind: str) -> Finding:
    """A finding where the interval lies above chance; else a note that nothing could be shown."""
    chance = chance_level(len(eval_set.emotions))
    whose = "speakers shared with training: LEAKY" if eval_set.protocol.leaky else "unseen speakers"
    uar = f"UAR {figure(found.score)} [{figure(found.low)}, {figure(found.high)}] on {whose}, chance {figure(chance)}"
    if found.low > chance:
        return Finding(kind, check, f"{eval_set.target} is predicted by {what}: {uar}")
    return Finding("note", check, f"that {eval_set.target} is predicted by {what} could not be shown: {uar}")


def _nearly_exact(eval_set: EvaluationSet, predicted: np.ndarray) -> list[str]:
    """Emotions that are predicted almost without error, with their F1; none where there are so few emotions that voices do that."""
    if len(eval_set.emotions) < EMOTIONS_NEEDED:
        return []
    tested = eval_set.evaluated
    counts = scores.confusion_counts(eval_set.codes[tested], predicted[tested], classes=range(len(eval_set.emotions)))
    f1s = np.nan_to_num(scores.f1s_of(counts))
    return [f"'{emotion}' (F1 {figure(f1)})" for emotion, f1 in zip(eval_set.emotions, f1s, strict=True) if f1 >= EXACT]


def _measure(eval_set: EvaluationSet, predicted: np.ndarray) -> scores.Interval:
    """UAR with its interval over voices."""
    tested, inflation = eval_set.evaluated, scores.overlap_bound(eval_set.n_voices)
    return scores.jackknife_interval(eval_set.codes[tested], predicted[tested], eval_set.voices[tested], inflation=inflation)


def recognised_from(eval_set: EvaluationSet, x: np.ndarray, seed: int) -> np.ndarray:
    """What a random forest with its defaults predicts of each clip from these columns: codes, shape (n_clips,)."""
    from ser_bench.evaluation.scaling import UnitData, scaled_split
    from ser_bench.models import known_models, prepare_split

    model = known_models()["rf"]()
    folds = eval_set.folds[seed]
    predicted = np.empty_like(eval_set.codes)
    for fold in range(folds.max() + 1):
        train, held = eval_set.training(seed, fold), folds == fold
        data = UnitData(x, eval_set.codes, eval_set.voices, train, tuple(eval_set.emotions))
        split = scaled_split(data, x, train, held, held_out=True)
        predicted[held] = (
            prepare_split(model, split).run(dict(model.defaults), derive_seed(eval_set.fold_seed(seed, fold), "audit")).predicted
        )
    return predicted


def header_properties(paths: Sequence[str]) -> np.ndarray:
    """What decoding hides of each file: a column per format and encoding (``WAV PCM_24``), and the level of bits per second.

    Lossless encoding shrinks a soft voice further than a loud one, so only of lossy files the bits are looked at.
    """
    import soundfile

    headers = {path: soundfile.info(path) for path in dict.fromkeys(paths)}
    encodings = np.array([f"{headers[path].format} {headers[path].subtype}" for path in paths])
    one_hot = encodings[:, None] == np.unique(encodings)
    lossy = np.array([headers[path].subtype.startswith(LOSSY) for path in paths])
    if not lossy.any():
        return one_hot
    bits = [8 * Path(path).stat().st_size / max(headers[path].duration, 1e-3) for path in paths]
    levels = np.zeros(len(paths))
    levels[lossy] = 1 + bit_levels(np.array(bits)[lossy])
    return np.column_stack([one_hot, levels])


def bit_levels(bits: np.ndarray) -> np.ndarray:
    """Bits a second as levels from 0 up: a new one begins where the next file below has 15% fewer.

    At a variable rate, and by what surrounds the sound in short files, the bits follow the voice. Such differences are gradual,
    those between settings are not. In EMO-DB as MP3 at a variable rate emotions are told with a UAR of 0.70 by all that is looked at
    here and the bits themselves, with 0.54 by these levels instead, and with 0.55 by neither.

    >>> bit_levels(np.array([64_100, 129_000, 63_900, 127_500])).tolist()
    [0, 1, 0, 1]
    """
    order = np.argsort(bits)
    levels = np.empty(len(bits), int)
    levels[order] = np.cumsum(np.diff(bits[order], prepend=bits[order[0]]) > GAP * bits[order])
    return levels
