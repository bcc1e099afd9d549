"""The leak gap: what each shortcut adds to a system's UAR.

In:   a corpus, one feature set, one model.
Out:  a row per way to evaluate them: how clips were split, how hyperparameters were chosen, where scaling statistics came from; the UAR,
      and the difference from the honest row.
Rule: except for what a row names, everything is as in a run: the same clips, budget, model and number of folds.

Intervals have the bound of what overlapping training sets can add (`scores.overlap_bound`), not refits: in a random split every fold holds
out clips of all voices, so there is no pair of folds without which a voice's help could be measured, and hyperparameters that were chosen
on the test set cannot be held. Every difference to the honest row has such a row on one side but for two scalings, and intervals of one
table are to be compared. The bound holds for differences, too: where a and b are two systems, the part of ``u_a - u_b`` that voices owe to
each other is uncorrelated with the rest, so that it is within the spread that the bound multiplies.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ser_bench import scores
from ser_bench.config import RunConfig
from ser_bench.errors import WrongCall
from ser_bench.evaluation.analysis_folders import GAP
from ser_bench.evaluation.plan import Plan, PreparedData, choose_models, prepare_data, resplit, search_of
from ser_bench.evaluation.runner import finish_all
from ser_bench.evaluation.splits import WITH_SENTENCES, Protocol
from ser_bench.evaluation.units import TuneOnTest, Unit, make_unit
from ser_bench.utils.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

FEATURES, MODEL = "egemaps", "svm"
"""What is measured where nothing else is named."""

SCALINGS = {"train": "train", "all": "corpus", "speaker": "speaker"}
"""The track that is each scaling."""

PARAMETERS = ("nested", "test")


class EvaluationSetting(NamedTuple):
    """One way to evaluate a system.

    Parameters
    ----------
    split : {'speaker', 'random', 'speaker+sentence'}
        What is kept apart: speakers; nothing; speakers and what they say.
    parameters : {'nested', 'test'}
        Chosen inside the training part of each fold, or by the score that is then reported.
    scaling : {'train', 'all', 'speaker'}
        Statistics of training clips, of all clips, or of each speaker's own (transductive).
    """

    split: str
    parameters: str
    scaling: str

    @property
    def leaky(self) -> bool:
        """Whether it is LEAKY.

        All are but nested searches on speaker-independent splits, scaled without test clips or, which is a track of its own, by speaker.
        """
        return self.split == "random" or self.parameters == "test" or self.scaling == "all"


HONEST = EvaluationSetting("speaker", "nested", "train")
NOTHING = scores.Interval(0.0, 0.0, 0.0)


def measure_gap(config: RunConfig, progress: Progress) -> tuple[PreparedData, pd.DataFrame]:
    """Evaluate one system in every way.

    Parameters
    ----------
    config : RunConfig
        For one corpus, of one feature set and one model; `cv` is the honest split.

    Returns
    -------
    prepared : PreparedData
        What the honest rows stand on.
    gap : DataFrame
        The columns of `GAP`, the honest row first; `gap` is a row's UAR minus the honest one, both with intervals over speakers;
        `overlap` is `scores.BOUND`, which these allow for.

    Raises
    ------
    WrongCall
        As a run, and for a leaky `cv`.
    WorkFailed
        Where a unit failed; the others are kept.
    """
    import pandas as pd

    prepared = prepare_data(config, config.features, progress)
    protocol = prepared.eval_set.protocol
    if protocol.leaky or protocol.text or protocol.max_speakers or not prepared.eval_set.evaluated.all():
        raise WrongCall(f"--cv {protocol}: the gap is measured from an honest and whole split; leave --cv out, or use loso or group:K")
    predicted = {way: codes for part in _splits(prepared, config) for way, codes in _evaluate_on(part, config, progress)}
    truth, voices = prepared.eval_set.codes, prepared.eval_set.voices
    inflation, rows = scores.overlap_bound(len(np.unique(voices))), []
    for way, codes in predicted.items():
        # The honest row differs from itself by nothing, for certain.
        above = NOTHING if way == HONEST else scores.difference_interval(truth, codes, predicted[HONEST], voices, inflation=inflation)
        rows.append((*way, *scores.jackknife_interval(truth, codes, voices, inflation=inflation), *above, scores.BOUND))
    return prepared, pd.DataFrame(rows, columns=list(GAP.columns)).round(4)


def _splits(prepared: PreparedData, config: RunConfig) -> Iterator[tuple[str, PreparedData]]:
    """The same clips split by speaker, at random into as many folds, and by speaker and sentence where sentences are known."""
    eval_set = prepared.eval_set
    yield "speaker", prepared
    n_folds = len(np.unique(eval_set.folds[config.seed]))
    yield "random", resplit(prepared, Protocol("random", n_folds), config)
    said = eval_set.clips.get("sentence")
    if said is not None and said.nunique() > 1 and (said.str.strip() != "").all():
        yield f"speaker{WITH_SENTENCES}", resplit(prepared, dataclasses.replace(eval_set.protocol, text=True), config)


def _evaluate_on(part: tuple[str, PreparedData], config: RunConfig, progress: Progress) -> Iterator[tuple[EvaluationSetting, np.ndarray]]:
    """Each way that is measured on a split, with the emotion codes predicted by it, shape (n_seeds, n_clips)."""
    name, prepared = part
    text = prepared.eval_set.protocol.text
    ways = [HONEST._replace(split=name)] if text else [EvaluationSetting(name, p, s) for p in PARAMETERS for s in SCALINGS]
    models = choose_models(config)
    units = {way: list(_units(prepared, config, way)) for way in ways}
    done = finish_all(Plan(prepared, config, models, [unit for mine in units.values() for unit in mine]), progress)
    for way, mine in units.items():
        yield way, prepared.eval_set.predicted(mine, done)


def _units(prepared: PreparedData, config: RunConfig, way: EvaluationSetting) -> Iterator[Unit]:
    eval_set, (matrix,), (model,) = prepared.eval_set, prepared.features.values(), choose_models(config).values()
    for seed, folds in eval_set.folds.items():
        of_this = partial(make_unit, eval_set, matrix, model, SCALINGS[way.scaling], seed)
        if way.parameters == "nested":
            yield from (of_this(fold, search_of(model, config)) for fold in range(folds.max() + 1))
        else:
            yield of_this(None, TuneOnTest(model.trials(config.trials), config.inner))
