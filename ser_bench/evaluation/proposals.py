"""Which hyperparameters a search tries next: what a study of Optuna's with the same seed would propose, without its books.

In:   a seed, how each trial ended.
Out:  a trial that draws its hyperparameters as one of Optuna's does: at random for the first trials, and by `parzen` then.
Rule: the values are those of `optuna.samplers.TPESampler(seed=seed, n_startup_trials=..., multivariate=False, constant_liar=False)` to the
      last bit. A unit fitted in milliseconds waits ten times as long for a study of Optuna's, and a process half a second for its import.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.evaluation.parzen import Choices, Numbers, propose

if TYPE_CHECKING:
    import optuna

BEST_SHARE, BEST_MOST = 0.1, 25
"""What share of the trials are good ones, and how many at most."""


class Proposal:
    """A trial that is drawn: its `params`, and what each was drawn from (`spans`).

    Parameters
    ----------
    proposals : Proposals
    number : int
    given : mapping of str to object
        Values that are taken as they are.
    """

    def __init__(self, proposals: Proposals, number: int, given: Mapping[str, Any]) -> None:
        self.proposals, self.number, self.given = proposals, number, given
        self.params: dict[str, Any] = {}
        self.spans: dict[str, Choices | Numbers] = {}
        self.seen: dict[str, float] = {}
        self.state, self.score, self.steps = "running", 0.0, 0
        self.began = datetime.datetime.now()

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """As Optuna's trials have it."""
        value = self._draw(name, Choices(tuple(choices)))
        self.seen[name] = choices.index(value)
        return value

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False) -> float:
        """As Optuna's trials have it."""
        low, high = float(low), float(high)
        _check_span(low, high, log=log, stepped=step is not None)
        if step is not None:
            whole = (Decimal(str(high)) - Decimal(str(low))) // Decimal(str(step))
            high = float(whole * Decimal(str(step)) + Decimal(str(low)))
        return self._draw_number(name, Numbers(low, high, float(step or 0), log))

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """As Optuna's trials have it."""
        _check_span(low, high, log=log, stepped=step != 1)
        return self._draw_number(name, Numbers(low, low + (high - low) // step * step, step, log))

    def _draw_number(self, name: str, span: Numbers) -> Any:
        value = self._draw(name, span)
        self.seen[name] = float(value)
        return value

    def _draw(self, name: str, span: Choices | Numbers) -> Any:
        """The value of a hyperparameter, the same however often it is asked for."""
        if name not in self.params:
            self.spans[name] = span
            self.params[name] = self.given[name] if name in self.given else self.proposals.draw(name, span)
        return self.params[name]

    def frozen(self) -> optuna.trial.FrozenTrial:
        """As one of Optuna's, which has just ended, for its databases."""
        from optuna.trial import FrozenTrial, TrialState

        states = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
        return FrozenTrial(
            number=self.number,
            trial_id=self.number,
            state=states[self.state],
            value=None if self.state == "failed" else self.score,
            datetime_start=self.began,
            datetime_complete=datetime.datetime.now(),
            params=self.params,
            distributions={name: _distribution(span) for name, span in self.spans.items()},
            user_attrs={},
            system_attrs={"fixed_params": dict(self.given)} if self.given else {},
            intermediate_values={self.steps: self.score} if self.state == "pruned" else {},
        )


class Proposals:
    """The trials of a search: the first as it is given, some at random, the others by what came of those before.

    Parameters
    ----------
    seed : int
    at_random : int
        Trials that end well, or are pruned, before the first that is drawn by what came of others.
    start : mapping of str to object
        The first trial.
    """

    def __init__(self, seed: int, at_random: int, start: Mapping[str, Any]) -> None:
        self.at_random, self.start = at_random, start
        self.random, self.rng = np.random.RandomState(seed), np.random.RandomState(seed)
        self.asked = 0
        self.told: list[Proposal] = []

    def ask(self) -> Proposal:
        """The next trial."""
        self.asked += 1
        return Proposal(self, self.asked - 1, self.start if self.asked == 1 else {})

    def tell(self, trial: Proposal, state: str, score: float, steps: int) -> None:
        """How a trial ended: complete, with its score; pruned, with the score so far and after how many steps; or failed."""
        trial.state, trial.score, trial.steps = state, score, steps
        if state != "failed":
            self.told.append(trial)

    def draw(self, name: str, span: Choices | Numbers) -> Any:
        """A value of a hyperparameter, by which the running trial is tried."""
        if span.single:
            return span.choices[0] if isinstance(span, Choices) else span.low
        if len(self.told) < self.at_random:
            return _at_random(span, self.random)
        good, others = ([trial.seen[name] for trial in part if name in trial.seen] for part in self._parted())
        value = propose(span, good, others, self.rng)
        if isinstance(span, Choices):
            return span.choices[int(value)]
        return int(value) if isinstance(span.step, int) else value

    def _parted(self) -> tuple[list[Proposal], list[Proposal]]:
        """The good trials and the others, each in their order: complete ones by score, then pruned ones by how far they came."""
        n_good = min(math.ceil(BEST_SHARE * len(self.told)), BEST_MOST)
        by_worth = sorted(self.told, key=lambda trial: (trial.state != "complete", -trial.steps * (trial.state == "pruned"), -trial.score))
        parts = by_worth[:n_good], by_worth[n_good:]
        good, others = (sorted(part, key=lambda trial: trial.number) for part in parts)
        return good, others


def _at_random(span: Choices | Numbers, rng: np.random.RandomState) -> Any:
    """As Optuna's `RandomSampler` draws."""
    if isinstance(span, Choices):
        return span.choices[int(rng.random_sample(len(span.choices)).argmax())]
    low, high, step, log = span
    if not step:
        ends = (math.log(low), math.log(high)) if log else (low, high)
        drawn = rng.uniform(*ends)
        most = float(np.nextafter(high, high - 1))
        return float(np.clip(math.exp(drawn), low, most)) if log else min(drawn, most)
    half = 0.5 * step
    if log:
        return min(max(round(math.exp(rng.uniform(math.log(low - half), math.log(high + half)))), low), high)
    drawn = rng.uniform(low - half, high + half)
    if isinstance(step, int):
        return min(max(math.floor((drawn - low) / step + 0.5) * step + low, low), high)
    return float(np.clip(np.round((drawn - low) / step) * step + low, low, high))


def _check_span(low: float, high: float, *, log: bool, stepped: bool) -> None:
    """Refuse a span that nothing can be drawn from."""
    if low > high or (log and (low <= 0 or stepped)):
        raise ValueError(
            f"from {low} to {high} is no span{' of a logarithmic scale, which begins above 0 and has no steps' if log else ''}"
        )


def _distribution(span: Choices | Numbers) -> optuna.distributions.BaseDistribution:
    """A span as Optuna has it."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(span, Choices):
        return CategoricalDistribution(span.choices)
    if isinstance(span.step, int):
        return IntDistribution(int(span.low), int(span.high), span.log, span.step)
    return FloatDistribution(span.low, span.high, span.log, span.step or None)
