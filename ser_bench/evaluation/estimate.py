"""What a run would fit, and for how long.

In:   a configuration, and what is finished already.
Out:  a row per system: its units, those remaining, their fits, minutes.
Rule: nothing is fitted and nothing extracted. Where features are missing yet, every clip counts as usable and every unit as not done.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ser_bench.config import NO_CHANGES, RunConfig
from ser_bench.evaluation.changed_clips import copied_clips, refuse_vectors
from ser_bench.evaluation.conditions import plan_condition
from ser_bench.evaluation.learning_curves import curves_of, draws_per_seed, plan_fewer, refit_of
from ser_bench.evaluation.plan import check_widths, choose_models, make_plan, prepare_data, select, split
from ser_bench.evaluation.splits import halvings
from ser_bench.evaluation.units import EvaluationSet, SystemName, read_unit
from ser_bench.utils.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.corpora import Corpus
    from ser_bench.evaluation.plan import Plan
    from ser_bench.features import FeatureSet


class Forecast(NamedTuple):
    """What would be fitted, a row each.

    Parameters
    ----------
    table : DataFrame
        With ``units, to do, fits, minutes``.
    missing : int
        Clips whose features would have to be extracted first.
    warnings : list of str
        What may not be meant by `where`, or what this copy of a recipe's corpus lacks.
    """

    table: pd.DataFrame
    missing: int
    warnings: list[str]


class OnFewer(NamedTuple):
    """Every row fitted again on so many speakers, of the draw of that number: a point of its learning curve."""

    speakers: int
    draw: int


class InCondition(NamedTuple):
    """Every row fitted again, on as many speakers as before, and evaluated in a test condition."""

    speakers: int
    condition: str


class Extent(NamedTuple):
    """What a unit does that is trained on so many speakers: trials on inner folds, and a fit of the best."""

    speakers: int
    trials: int
    inner: int


def estimate_cost(config: RunConfig, progress: Progress, *, fresh: bool = False) -> Forecast:
    """What a run would fit: one row per system; with `fresh`, whatever is finished."""
    import pandas as pd

    from ser_bench.corpora import load_corpus
    from ser_bench.features import feature_label, parse_features

    corpus, warnings, _ = select(load_corpus(config.corpus[0], cache=config.cache, **config.reading), config)
    feature_sets = [parse_features(text) for text in config.features]
    models = choose_models(config)
    dims = {
        feature_label(f.name, config.preprocessing.label, config.augmented): sum(len(part.columns) for part in f.parts)
        for f in feature_sets
    }
    check_widths(config.features, models)
    refuse_vectors(feature_sets, config)
    missing, eval_set = _missing(corpus, feature_sets, config, progress)
    planned = None if missing else make_plan(config, progress)
    eval_set = planned.eval_set if planned else eval_set
    more = 1 + len(config.copies) * len(copied_clips(eval_set, config)) / len(eval_set.clips)
    again, units = _fitted_again(eval_set, config), sum(int(fold.max()) + 1 for fold in eval_set.folds.values())
    extents = [Extent(eval_set.fewest_voices(), config.trials, config.inner), *(Extent(refit.speakers, 0, 0) for refit in again)]
    systems = planned.systems if planned else [(f, m, t) for f in dims for m in models for t in config.track]
    to_do = _to_do(planned, again) if planned and not fresh else {system: [units] * len(extents) for system in systems}
    rows = []
    for (features, model, track), numbers in to_do.items():
        shares = [extent.speakers / extents[0].speakers for extent in extents]
        each = [
            models[model].seconds(
                round(share * more * len(eval_set.clips)), dims[features], models[model].trials(extent.trials), extent.inner
            )
            for share, extent in zip(shares, extents, strict=True)
        ]
        fits = sum(
            number * (models[model].trials(extent.trials) * extent.inner + 1) for number, extent in zip(numbers, extents, strict=True)
        )
        minutes = sum(number * seconds for number, seconds in zip(numbers, each, strict=True)) / config.workers.number / 60
        told = (units * len(extents), sum(numbers), fits, round(minutes, 1))
        rows.append([corpus.name, features, dims[features], model, track, str(eval_set.protocol), *told])
    names = ["corpus", "features", "dims", "model", "track", "cv", "units", "to do", "fits", "minutes"]
    return Forecast(pd.DataFrame(rows, columns=names), missing, warnings)


def _fitted_again(eval_set: EvaluationSet, config: RunConfig) -> list[OnFewer | InCondition]:
    """What follows a run's searches."""
    everybody = eval_set.fewest_voices()
    fewer = halvings(everybody) if curves_of(config, eval_set) else []
    draws = range(draws_per_seed(len(eval_set.folds)))
    return [
        *(OnFewer(n, draw) for n in fewer for draw in draws),
        *(InCondition(everybody, condition) for condition in config.test_variant),
    ]


def _missing(corpus: Corpus, feature_sets: list[FeatureSet], config: RunConfig, progress: Progress) -> tuple[int, EvaluationSet]:
    """How many clips would have to be decoded, as they are, as copies and in test conditions; and what is evaluated as far as is known.

    All clips count as usable, but where they are known as they are and what lacks are changed ones.
    """
    from ser_bench.corpora import voices_of
    from ser_bench.features import count_missing

    def lacking(clips: pd.DataFrame, variant: str = "") -> int:
        some, preprocessing = dataclasses.replace(corpus, clips=clips), config.preprocessing.changed(variant)
        return count_missing(some, feature_sets, cache=Path(config.cache), preprocessing=preprocessing)

    missing, clips = lacking(corpus.clips), corpus.clips.assign(voice=voices_of(corpus.clips))
    eval_set = EvaluationSet(corpus.name, config.labels, clips, *split(clips, corpus, config))
    if not missing and (config.augment or config.test_variant):
        eval_set = prepare_data(dataclasses.replace(config, **NO_CHANGES), config.features, progress).eval_set
    copied = eval_set.clips.iloc[copied_clips(eval_set, config)]
    missing += sum(lacking(copied, kind) for kind in config.copies)
    return missing + sum(lacking(eval_set.clips, condition) for condition in config.test_variant), eval_set


def _to_do(planned: Plan, again: list[OnFewer | InCondition]) -> dict[SystemName, list[int]]:
    """How many units of each system are not done yet: of the searches, and then of whatever is fitted again."""
    store, limit = Path(planned.config.out) / "units", planned.config.time_limit
    kept = {unit.hash: found for unit in planned.units if (found := read_unit(store, unit, limit))}
    refits = {key: refit_of(found) for key, found in kept.items()}
    to_do = {system: [sum(unit.hash not in kept for unit in units)] for system, units in planned.systems.items()}
    for refit in again:
        match refit:
            case InCondition(_, condition):
                further = plan_condition(planned, kept, condition)
            case OnFewer(speakers, draw):
                further = plan_fewer(planned, refits, speakers, draw)
        missing = Counter(unit.system for unit in further.units if read_unit(store, unit) is None)
        for system, numbers in to_do.items():
            numbers.append(numbers[0] + missing[system])
    return to_do
