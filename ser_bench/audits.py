"""What a hostile reviewer would ask of a corpus, asked first.

In:   a corpus, read and heard.
Out:  findings: errors, which a run would stop for; warnings, which a paper should answer; notes.
Rule: a finding names clips or numbers. None is passed by not looking: what could not be checked is a note.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ser_bench import scores
from ser_bench.config import RunConfig
from ser_bench.plan import Ground, lay_ground
from ser_bench.progress import Progress
from ser_bench.protocol import derive_seed

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.features import Features
    from ser_bench.units import Judged

KINDS = ("error", "warning", "note")
UNIFORM_SHARE = 0.5
COPIED_SHARE = 0.4
CONFOUNDED = 0.3
"""Cramér's V from which an emotion is called confounded."""


class Finding(NamedTuple):
    """One thing found.

    Parameters
    ----------
    kind : {'error', 'warning', 'note'}
    check : str
        What was looked at.
    what : str
        What was found, in a sentence.
    """

    kind: str
    check: str
    what: str


@dataclass(frozen=True)
class Audit:
    """What is in a corpus, and what was found.

    Parameters
    ----------
    ground : Ground
        The corpus, and the clips that a run would judge.
    summary : dict of str to str
        Clips, speakers, emotions, hours, durations, rates, in words.
    findings : DataFrame
        ``kind, check, what``: errors first, then warnings, then notes.
    """

    ground: Ground
    summary: dict[str, str]
    findings: pd.DataFrame


def audit(config: RunConfig, progress: Progress) -> Audit:
    """Look at a corpus from all sides.

    Parameters
    ----------
    config : RunConfig
        For one corpus; its labels, `where` and protocol count.
    """
    import pandas as pd

    # Nothing is to stop an audit that it is there to tell of.
    ground = lay_ground(dataclasses.replace(config, allow_conflicts=True, max_skipped=1.0), ("recording",), progress)
    checks = (skipped_clips, twins, official_facts, uniform_lengths, confounds, sentences, recordings)
    found = [finding for check in checks for finding in check(ground, config)]
    ranked = [finding for kind in KINDS for finding in found if finding.kind == kind]
    findings = pd.DataFrame(ranked, columns=list(Finding._fields))
    return Audit(ground, summary(ground), findings)


def summary(ground: Ground) -> dict[str, str]:
    """What is judged, in words."""
    clips = ground.judged.clips
    seconds = clips["seconds"]
    emotions = ", ".join(f"{emotion} {n}" for emotion, n in clips["emotion"].value_counts().sort_index().items())
    spread = f"{seconds.min():.2f} to {seconds.max():.2f} s, {seconds.median():.2f} in the middle"
    rates = ", ".join(f"{rate:,} Hz {n}" for rate, n in clips["rate"].value_counts().sort_index().items())
    per = clips["speaker"].value_counts()
    return {
        "clips": f"{len(clips):,}, {len(ground.skipped):,} more are left out",
        "speakers": f"{len(per)}, with {per.min()} to {per.max()} clips each",
        "emotions": emotions,
        "hours": f"{seconds.sum() / 3600:.2f}; a clip lasts {spread}",
        "rates": rates,
        "protocol": str(ground.judged.protocol),
    }


def skipped_clips(ground: Ground, config: RunConfig) -> Iterator[Finding]:
    """Clips that cannot be used."""
    unusable = ground.skipped[~_is_copy(ground)]
    if len(unusable):
        share = len(unusable) / (len(ground.judged.clips) + len(ground.skipped))
        first = unusable.iloc[0]
        kind = "error" if share > config.max_skipped else "warning"
        yield Finding(kind, "unusable clips", f"{len(unusable)} ({share:.1%}), the first: {first['clip']}: {first['reason']}")


def twins(ground: Ground, config: RunConfig) -> Iterator[Finding]:
    """The same audio more than once."""
    copies = ground.skipped[_is_copy(ground)]
    if len(copies):
        share = len(copies) / (len(copies) + len(ground.judged.clips))
        whole = "the corpus seems to be copied into itself" if share > COPIED_SHARE else "copies of other clips, which are not used"
        yield Finding(
            "warning",
            "copies",
            f"{len(copies)} clips ({share:.0%}): {whole}; the first: {copies.iloc[0]['clip']}: {copies.iloc[0]['reason']}",
        )
    for warning in ground.warnings:
        if warning.startswith("the same audio"):
            conflict = "two emotions" in warning and not config.allow_conflicts
            yield Finding("error" if conflict else "warning", "identical audio", warning)


def _is_copy(ground: Ground) -> pd.Series:
    """Which of the clips that are left out are copies of others."""
    return ground.skipped["reason"].astype(str).str.startswith("duplicate of ")


def official_facts(ground: Ground, config: RunConfig) -> Iterator[Finding]:
    """What the reader knows of the corpus as released, against what is here."""
    from ser_bench.corpora import known_readers

    corpus, facts, check = ground.corpus, ground.corpus.facts, "official facts"
    if facts is None:
        yield Finding("note", check, "nothing is known of this corpus as released: counts and rates could not be held against it")
        return
    here, reader = corpus.clips, known_readers().get(corpus.name)
    known = set(reader.emotions.values()) if reader else set()
    if absent := sorted(known - set(here["emotion"])):
        yield Finding("note", check, f"{len(absent)} of {len(known)} emotions are absent here: {', '.join(absent)}")
    if len(here) < facts.clips:
        yield Finding("note", check, f"{facts.clips - len(here)} of the official {facts.clips} files are absent here")
    if len(here) > facts.clips:
        yield Finding("warning", check, f"{len(here) - facts.clips} clips more than the official {facts.clips}")
    if (speakers := here["speaker"].nunique()) != facts.speakers:
        yield Finding("note", check, f"{speakers} speakers instead of the official {facts.speakers}")
    rates = ground.judged.clips["rate"]
    other = rates[rates != facts.rate]
    if len(other):
        told = f"{len(other)} clips are not at the official {facts.rate:,} Hz, such as {other.index[0]} at {other.iloc[0]:,}"
        yield Finding("warning", check, f"{told}: a resampled copy")


def uniform_lengths(ground: Ground, config: RunConfig) -> Iterator[Finding]:
    """Clips that all last the same."""
    seconds = ground.judged.clips["seconds"].round(4)
    common = seconds.mode().iloc[0]
    share = (seconds == common).mean()
    if share >= UNIFORM_SHARE and len(seconds) >= 10:
        yield Finding(
            "warning",
            "durations",
            f"{share:.0%} of the clips last exactly {common:.3f} s: they were cut or padded, and length tells nothing any more",
        )


def confounds(ground: Ground, config: RunConfig) -> Iterator[Finding]:
    """Emotions that go with a speaker, a gender or a session."""
    from ser_bench.corpora import lonely_labels

    clips = ground.judged.clips
    for column in ("speaker", "gender", "session"):
        if column in clips and clips[column].astype(str).nunique() > 1:
            v = cramers_v(clips["emotion"].to_numpy(str), clips[column].to_numpy(str))
            if v >= CONFOUNDED:
                yield Finding(
                    "warning",
                    "confounds",
                    f"emotion goes with {column} (Cramér's V {v:.2f}, 0 to 1): who tells {column}s apart, tells emotions apart",
                )
    for label in lonely_labels(clips):
        yield Finding("warning", "confounds", f"'{label}' is only ever shown by one speaker: it cannot be learnt for new voices")


def cramers_v(a: np.ndarray, b: np.ndarray) -> float:
    """How far two labels go together, from 0 to 1, corrected for what chance does to small tables (Bergsma 2013, JKSS 42).

    >>> cramers_v(np.array(list("aabb")), np.array(list("xxyy"))), cramers_v(np.array(list("abab")), np.array(list("xxyy")))
    (1.0, 0.0)
    """
    counts = scores.confusion_counts(*(np.unique(x, return_inverse=True)[1] for x in (a, b)))
    counts = counts[counts.sum(1) > 0][:, counts.sum(0) > 0].astype(float)
    n, (rows, columns) = counts.sum(), counts.shape
    expected = np.outer(counts.sum(1), counts.sum(0)) / n
    phi = ((counts - expected) ** 2 / expected).sum() / n
    spare = (rows - 1) * (columns - 1) / (n - 1)
    smaller = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1))
    return float(np.sqrt(max(0.0, phi - spare) / max(smaller - 1, 1e-12)).clip(0, 1))


def sentences(ground: Ground, config: RunConfig) -> Iterator[Finding]:
    """Sentences that stand on both sides of a split."""
    clips = ground.judged.clips
    if "sentence" not in clips:
        yield Finding("note", "sentences", "not known: whether the same words are heard in training and test could not be checked")
        return
    said, folds = clips["sentence"].to_numpy(str), ground.judged.folds[config.seed]
    training = [said[ground.judged.training(config.seed, fold)] for fold in range(folds.max() + 1)]
    shared = set().union(*(set(said[folds == fold]) & set(heard) for fold, heard in enumerate(training)))
    if shared:
        told = f"{len(shared)} of {len(set(said))} sentences are heard in training and test: results are for known words, new voices"
        yield Finding("note", "sentences", f"{told} (--cv {ground.judged.protocol}+sentence holds out both)")


def recordings(ground: Ground, config: RunConfig) -> Iterator[Finding]:
    """Whether emotions can be told from the recording alone, or from how a clip is cut and how loud it is."""
    (features,) = ground.features.values()
    no_voice = "rate, depth, channels, format, constant offset, level and bandwidth of the quietest frames"
    looked_at = {
        "recording": ("warning", f"what hardly a voice causes ({no_voice}; without a pause these hold some voice)"),
        "delivery": ("note", "loudness, length and silence at the ends, which emotions cause too"),
    }
    chance = 1 / len(ground.judged.emotions)
    for group, (kind, what) in looked_at.items():
        found = recognised_from(ground.judged, features, group, config.seed)
        told = f"UAR {found.score:.2f} [{found.low:.2f}, {found.high:.2f}] on unseen speakers, {chance:.2f} by chance"
        can = found.low > chance
        yield Finding(kind if can else "note", group, f"emotions {'can' if can else 'cannot'} be told from {what}: {told}")


def recognised_from(judged: Judged, features: Features, group: str, seed: int) -> scores.Interval:
    """UAR, with its interval over speakers, of a random forest with its defaults on one group of columns, and the file's format."""
    from ser_bench.models import known_models, plan_split
    from ser_bench.tuning import UnitData, scaled_split

    model = known_models()["rf"]()
    x = features.values[:, [mine == group for mine in features.groups]]
    if group == "recording":
        suffixes = judged.clips["path"].str.lower().str.rpartition(".")[2].to_numpy(str)
        x = np.column_stack([x, suffixes[:, None] == np.unique(suffixes)]).astype(np.float32)
    voices, folds = judged.clips["voice"].to_numpy(str), judged.folds[seed]
    predicted = np.empty_like(judged.codes)
    for fold in range(folds.max() + 1):
        train, held = judged.training(seed, fold), folds == fold
        data = UnitData(x, judged.codes, voices, train, tuple(judged.emotions))
        split = scaled_split(data, x, train, held, held_out=True)
        predicted[held] = plan_split(model, split).run(dict(model.defaults), derive_seed(seed, "audit", fold)).predicted
    return scores.jackknife_interval(judged.codes, predicted, voices)
