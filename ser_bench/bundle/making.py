"""A bundle from a plan: fitted, described, and given the quality of the row that it belongs to.

In:   a plan of one system; a row of a run, where hyperparameters and quality come from one.
Out:  a `Bundle`.
Rule: what cannot predict a clip of a new speaker, or was not evaluated on new speakers, is refused before anything long begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ser_bench.bundle.about import describe
from ser_bench.bundle.bundle import Bundle
from ser_bench.bundle.card import card_of
from ser_bench.bundle.fitting import FittedSystem, check_packs, fit_system
from ser_bench.bundle.novelty import KnownClips
from ser_bench.bundle.quality import quality_of
from ser_bench.bundle.run_rows import OWN_TABLE, SPEAKER_TRACK, RunRow, is_own_table
from ser_bench.config import RunConfig
from ser_bench.errors import WrongCall, quoted
from ser_bench.evaluation.plan import Plan, choose_models
from ser_bench.evaluation.splits import parse_cv
from ser_bench.features import Extractor, called, parse_features
from ser_bench.utils.progress import Progress

SEARCHED = "chosen by a search on speaker-grouped inner folds of all speakers"


def check_config(config: RunConfig) -> None:
    """Refuse what no bundle can be made of.

    Raises
    ------
    WrongCall
        For several feature sets, models or tracks; for vectors of one's own, a split that shares speakers, a track that standardises by
        speaker, and a model that cannot be written to a file.
    """
    for key, option in (("features", "-f"), ("models", "-m"), ("track", "--track")):
        if len(named := getattr(config, key)) > 1:
            raise WrongCall(f"fit: one system is fitted, and {option} names {len(named)}: {quoted(', '.join(map(str, named)))}; name one")
    if config.track == ("speaker",):
        raise WrongCall(f"fit: {SPEAKER_TRACK}")
    if is_own_table(parse_features(config.features[0])):
        raise WrongCall(f"fit: {called(config.features[0])}: {OWN_TABLE}")
    if parse_cv(config.cv).leaky:
        raise WrongCall(f"fit: --cv {config.cv} shares speakers, so that its score would hold for no new one; use auto, loso or group:K")
    for model in choose_models(config).values():
        check_packs(model)


def make_bundle(planned: Plan, progress: Progress, *, quality: Mapping[str, Any] | None) -> Bundle:
    """Search on all speakers, and fit.

    Parameters
    ----------
    planned : Plan
    progress : Progress
    quality : mapping or None
        What `quality_of` gives of the system's row; None where it was not evaluated.
    """
    seed = planned.config.seed
    system = fit_system(planned, progress, seed=seed)
    return bundle_of(planned, system, describe(planned, system, seed=seed, how=SEARCHED, quality=quality))


def make_bundle_of_row(planned: Plan, of: RunRow, progress: Progress, *, seed: int, fold: int | None = None) -> tuple[Bundle, list[str]]:
    """Fit a row of a run with what was chosen there, on all speakers or on the training speakers of one of its outer folds.

    Returns
    -------
    bundle : Bundle
    warnings : list of str
        That this machine, or its libraries, come to something else than the run did.
    """
    chosen = of.choice(seed, fold)
    warnings = of.check_same(planned)
    system = fit_system(planned, progress, seed=seed, fold=fold, params=chosen.params)
    if fold is not None and not same(system.chosen.best.score, chosen.score):
        warnings.append(
            f"{of.folder.path}: the inner UAR of fold {fold} is {system.chosen.best.score:.6f} here and was {chosen.score:.6f} in the run: "
            "predictions may differ from the run's (docs/machines.md)"
        )
    about = describe(planned, system, seed=seed, how=chosen.how, quality=quality_of(of.folder, of.row))
    return bundle_of(planned, system, about), warnings


def same(score: float, other: float) -> bool:
    """Whether two inner scores are one, or neither is known."""
    return score == other or (score != score and other != other)


def bundle_of(planned: Plan, system: FittedSystem, about: Mapping[str, Any]) -> Bundle:
    """A fitted system with what it says of itself."""
    features, model, known = system.features, system.model, known_clips(planned, system)
    return Bundle(
        features=features.name,
        fingerprint=features.fingerprint,
        columns=features.columns,
        groups=features.groups,
        preprocessing=planned.config.preprocessing,
        model=model.label,
        fitted=system.fitted,
        probabilistic=model.probabilistic,
        calibrator=system.calibrator,
        mean=system.mean,
        scale=system.scale,
        average=system.average,
        classes=tuple(planned.eval_set.emotions),
        about=about,
        card=card_of(about, features=features.name, model=model.label, n_columns=len(features.columns), known=known.describe()),
        known=known,
    )


def known_clips(planned: Plan, system: FittedSystem) -> KnownClips:
    """What the clips were like that it was trained on, without changed copies of them."""
    clips = planned.eval_set.clips[system.trained]
    rates = [part.rate for part in parse_features(system.features.name).parts if isinstance(part, Extractor)]
    return KnownClips.of(system.x_trained, clips["voice"].to_numpy(str), clips, rates)
