"""What a search tries next, held against a study of Optuna's: every value to the last bit, whatever its kind, however trials end."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from ser_bench.evaluation import parzen
from ser_bench.evaluation.proposals import Proposals

FIRST = {"kernel": "rbf", "C": 3.0, "gamma": 1.0, "share": 0.75, "depth": 2, "leaf": 1, "width": 64, "rate": 0.5, "layers": 0, "one": 7}


def draw(trial: Any) -> dict[str, Any]:
    """Words, numbers, whole numbers, steps and logarithmic scales; one that only some trials have; one with nothing to choose."""
    kernel = trial.suggest_categorical("kernel", ["rbf", "linear"])
    params = {"kernel": kernel, "C": trial.suggest_float("C", 0.03, 100.0, log=True), "one": trial.suggest_int("one", 7, 7)}
    if kernel == "rbf":
        params["gamma"] = trial.suggest_float("gamma", 0.03, 3.0, log=True)
    params["share"] = trial.suggest_float("share", 0.5, 1.0)
    params["depth"] = trial.suggest_int("depth", 2, 9)
    params["leaf"] = trial.suggest_int("leaf", 1, 8, log=True)
    params["width"] = trial.suggest_categorical("width", (32, 64, 128, 256))
    params["rate"] = trial.suggest_float("rate", 0, 1, step=0.1)
    params["layers"] = trial.suggest_int("layers", 0, 12, step=3)
    assert trial.suggest_float("share", 0.5, 1.0) == params["share"], "asked for again"
    return params


def new_study(seed: int, at_random: int) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=at_random, multivariate=False, constant_liar=False)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.enqueue_trial(FIRST)
    return study


@pytest.mark.parametrize(("trials", "seeds"), [(8, range(6)), (60, range(6, 7))])
def test_trials_are_those_of_a_study_of_optunas(trials: int, seeds: range) -> None:
    for seed in seeds:
        rng, study = np.random.default_rng(seed), new_study(seed, max(2, trials // 4))
        proposals = Proposals(seed, max(2, trials // 4), FIRST)
        for number in range(trials):
            theirs, ours = study.ask(), proposals.ask()
            drawn, params = draw(theirs), draw(ours)
            assert params == drawn, (seed, number)
            assert [type(value) for value in params.values()] == [type(value) for value in drawn.values()]
            # Scores of few digits, so that some are equal.
            score, steps = round(params["share"] - abs(math.log(params["C"])) / 9, 1), int(rng.integers(1, 4))
            state = "complete" if number == 0 else str(rng.choice(["complete", "pruned", "failed"], p=[0.6, 0.3, 0.1]))
            if state == "pruned":
                theirs.report(score, step=steps)
            told = {"complete": {"values": score}, "pruned": {"state": TrialState.PRUNED}, "failed": {"state": TrialState.FAIL}}[state]
            study.tell(theirs, **told)
            proposals.tell(ours, state, score, steps)
            same_book(ours.frozen(), study.get_trials(deepcopy=False)[number])


def same_book(ours: optuna.trial.FrozenTrial, theirs: optuna.trial.FrozenTrial) -> None:
    """What a database of Optuna's is told of a trial, but for when it was."""
    for name in ("number", "state", "values", "params", "distributions", "user_attrs", "system_attrs", "intermediate_values"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.duration is not None


@pytest.mark.parametrize("n", [0, 1, 24, 25, 26, 60])
def test_old_trials_count_less_as_optuna_has_it(n: int) -> None:
    from optuna.samplers._tpe.sampler import default_weights

    expected = np.append(default_weights(n), 1.0)
    np.testing.assert_array_equal(parzen.weights_of(n), expected / expected.sum())


def test_the_normal_distribution_is_right_far_into_its_tails() -> None:
    from scipy import special

    x = np.array([-60.0, -20.0, -8.0, -1.0, -0.5, 0.0, 0.5, 1.0, 5.9, 6.1, 8.0])
    np.testing.assert_allclose(parzen.log_ndtr(x), special.log_ndtr(x), rtol=1e-7)
    y = special.log_ndtr(x[:-4])
    np.testing.assert_allclose(parzen.inverse_log_ndtr(y), x[:-4], atol=1e-7)
    a, b = np.array([-9.0, -1.0, 3.0, -40.0]), np.array([-8.0, 2.0, 9.0, -39.0])
    expected = [math.log(special.ndtr(-8) - special.ndtr(-9)), math.log(special.ndtr(2) - special.ndtr(-1)), math.log(special.ndtr(-3))]
    np.testing.assert_allclose(parzen.log_gauss_mass(a, b)[:3], expected, rtol=1e-9)
    assert parzen.log_gauss_mass(a, b)[3] == pytest.approx(special.log_ndtr(-39.0), rel=1e-6)


@pytest.mark.parametrize(
    "ask",
    [
        lambda trial: trial.suggest_float("x", 2.0, 1.0),
        lambda trial: trial.suggest_float("x", 0.0, 1.0, log=True),
        lambda trial: trial.suggest_int("x", 1, 9, step=2, log=True),
    ],
)
def test_a_span_that_nothing_can_be_drawn_from_is_refused(ask: Any) -> None:
    with pytest.raises(ValueError, match="is no span"):
        ask(Proposals(0, 2, {}).ask())
