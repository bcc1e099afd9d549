"""What a bundle says of itself, as JSON has it: the corpus, how it was fitted, what it is worth, and with which versions.

In:   the plan that it was fitted by, the fitted system, the quality of its row.
Out:  `Bundle.about`; of these the model card is made.
Rule: the same system says the same: no path, no time and no machine stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ser_bench.bundle.fitting import FittedSystem
from ser_bench.bundle.quality import known
from ser_bench.config import RunConfig
from ser_bench.evaluation.environment import describe_corpus
from ser_bench.evaluation.plan import Plan, PreparedData
from ser_bench.evaluation.units import library_versions
from ser_bench.features import Extractor, parse_features
from ser_bench.utils.formatting import number_of, plural
from ser_bench.utils.spec import versions

if TYPE_CHECKING:
    import pandas as pd


def describe(planned: Plan, system: FittedSystem, *, seed: int, how: str, quality: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a bundle says of itself.

    Parameters
    ----------
    planned : Plan
        Of the one system.
    system : FittedSystem
    seed : int
    how : str
        How its hyperparameters were chosen, in a sentence.
    quality : mapping or None
        What `quality_of` gives; None where it was not evaluated.
    """
    prepared, config = planned.data, planned.config
    (track,) = config.track
    return {
        "corpus": corpus_of(prepared, config),
        "protocol": {
            "cv": str(prepared.eval_set.protocol),
            "words": prepared.eval_set.protocol.words,
            "track": track,
            "seeds": config.seeds,
            "seed": seed,
            "class_weights": system.model.class_weights,
            "augmented": config.augmented,
        },
        "search": search_of_system(planned, system, seed, how),
        "quality": None if quality is None else dict(quality),
        "features": dict(prepared.sources),
        "versions": {"ser-bench": version("ser-bench"), **library_versions(), **versions(computing(system))},
        "made_of": list(prepared.eval_set.made_of),
        "notes": notes_on(prepared, system),
    }


def corpus_of(prepared: PreparedData, config: RunConfig) -> dict[str, Any]:
    """The training data: what it is called, whose it is, and what is in it."""
    eval_set, facts = prepared.eval_set, prepared.corpus.facts
    described = describe_corpus(prepared)
    return {
        "name": described["name"],
        "title": described["title"],
        "licence": described["licence"],
        "citation": described["citation"],
        "obtain": facts.obtain if facts else "",
        "labels": eval_set.labels,
        "where": config.where,
        "target": described["target"],
        "clips": described["clips"],
        "speakers": described["speakers"],
        "classes": described["emotions"],
        "genders": counted(eval_set.clips, "gender"),
        "languages": list(counted(eval_set.clips, "language")),
        "hours": described["hours"],
        "fingerprint": described["fingerprint"],
        "notes": [*eval_set.voice_notes, *([eval_set.copy] if eval_set.copy else [])],
    }


def search_of_system(planned: Plan, system: FittedSystem, seed: int, how: str) -> dict[str, Any]:
    """How its hyperparameters came about, and whom it was trained on."""
    clips, config = planned.eval_set.clips, planned.config
    held = planned.eval_set.held_out(seed, system.fold)
    return {
        "trials": system.model.trials(config.trials),
        "inner": config.inner,
        "budget": config.budget,
        "seed": seed,
        "params": dict(system.chosen.params),
        "rounds": system.chosen.rounds,
        "inner_uar": known(system.chosen.best.score),
        "how": how,
        "fold": system.fold,
        "held_out": sorted(set(clips["speaker"][held].astype(str))),
        "trained_clips": int(system.trained.sum()),
        "trained_speakers": int(clips["voice"][system.trained].nunique()),
    }


def counted(clips: pd.DataFrame, column: str) -> dict[str, int]:
    """How many clips have each value of a column; nothing where it is not known."""
    if column not in clips:
        return {}
    values = clips[column].dropna().astype(str)
    return {str(name): int(n) for name, n in values[values != ""].value_counts().sort_index().items()}


def notes_on(prepared: PreparedData, system: FittedSystem) -> list[str]:
    """What is to be known of the fit itself."""
    copies = system.features.copies
    of = copies.of[system.trained[copies.of]] if copies else []
    changed = number_of(len(of), "changed copy", "changed copies")
    clips = f"{number_of(len(set(of)), 'clip')} {plural(len(of), 'was', 'were')}"
    copied = f"{changed} of {clips} trained on, too ({copies.label})" if copies else ""
    n = len(prepared.skipped)
    without = f"{number_of(n, 'clip')} of the corpus {plural(n, 'was', 'were')} left out" if n else ""
    said = [*system.notes, copied, without]
    return list(dict.fromkeys(note for note in said if note))


def computing(system: FittedSystem) -> list[str]:
    """The libraries that compute its features, and those of its model that not every model needs."""
    parts = parse_features(system.features.name).parts
    return sorted({*system.model.libraries, *(name for part in parts if isinstance(part, Extractor) for name in part.libraries)})
