"""What one system's predictions show besides its scores: confusions, the UAR of each speaker, ROC curves, calibration.

In:   a system's predictions over all seeds and folds.
Out:  `Diagnostics`, each of which is computed when it is first asked for; pages and figures draw them.
Rule: of seeds all predictions count alike; nothing is computed of probabilities unless every class has one for every clip.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ser_bench import scores
from ser_bench.evaluation.evidence import coded, folds_of
from ser_bench.evaluation.metrics import Probabilities, probabilities

if TYPE_CHECKING:
    import pandas as pd

BINS = 15
"""Of a decision's probability, in which calibration is looked at."""


class Confusions(NamedTuple):
    """How often each class is predicted as which.

    Parameters
    ----------
    classes : list of str
        Those true or predicted, sorted.
    counts : array of int, shape (k, k)
        Of predictions, a row per true class.
    """

    classes: list[str]
    counts: np.ndarray

    @property
    def clips(self) -> np.ndarray:
        """Predictions of clips of each class, shape (k,)."""
        return self.counts.sum(1)

    @property
    def shares(self) -> np.ndarray:
        """Of the predictions of each class, shape (k, k); zeros for a class that no clip is of."""
        return self.counts / np.maximum(self.counts.sum(1, keepdims=True), 1)


class Calibration(NamedTuple):
    """How often decisions were right, by how probable they were said to be.

    Parameters
    ----------
    confidence, accuracy, clips : array of float, shape (n_used,)
        Of each bin that holds a decision the mean probability, the share correct, and the number of decisions.
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    clips: np.ndarray


@dataclass(frozen=True)
class Diagnostics:
    """What a system's predictions show.

    Parameters
    ----------
    rows : DataFrame
        ``seed, fold, speaker, voice, emotion, predicted, p.<emotion>...``: at least one.
    """

    rows: pd.DataFrame

    @property
    def n_seeds(self) -> int:
        """How many seeds the predictions are of."""
        return int(self.rows["seed"].nunique())

    @cached_property
    def confusions(self) -> Confusions:
        """What is predicted as which."""
        (truth, predicted), classes = coded(self.rows["emotion"], self.rows["predicted"])
        return Confusions(classes, scores.confusion_counts(truth, predicted, classes=range(len(classes))))

    def uar_by(self, who: str) -> dict[str, float]:
        """The UAR of each held-out `speaker`, or `voice`, by name, on the classes that they have."""
        return scores.uar_by(*(self.rows[name].to_numpy(str) for name in ("emotion", "predicted", who)))

    def roc_curves(self, points: int) -> dict[str, np.ndarray]:
        """The ROC curve of each class that has one, as `scores.roc_curves`, at so many rates; none without probabilities."""
        known = self._probabilities
        if known is None:
            return {}
        found = scores.roc_curves(self.rows["emotion"], known.p, folds_of(self.rows), classes=known.classes, points=points)
        return {name: curve for name, curve in zip(known.classes, found, strict=True) if not np.isnan(curve).any()}

    @cached_property
    def aucs(self) -> dict[str, float]:
        """The area below each class's ROC curve, the mean over folds; none without probabilities."""
        known = self._probabilities
        return {} if known is None else scores.aucs(self.rows["emotion"], known.p, folds_of(self.rows), classes=known.classes)

    @cached_property
    def calibration(self) -> Calibration | None:
        """As `scores.reliability`, in `BINS` bins; None without probabilities."""
        known = self._probabilities
        return None if known is None else Calibration(*scores.reliability(*self._decided, known.p, classes=known.classes, bins=BINS).T)

    @cached_property
    def calibration_error(self) -> float | None:
        """The expected calibration error over the same bins; None without probabilities."""
        known = self._probabilities
        return None if known is None else scores.calibration_error(*self._decided, known.p, classes=known.classes, bins=BINS)

    @property
    def of_probabilities(self) -> bool:
        """Whether every class has a probability for every clip."""
        return self._probabilities is not None

    @cached_property
    def _probabilities(self) -> Probabilities | None:
        return probabilities(self.rows)

    @property
    def _decided(self) -> tuple[pd.Series, pd.Series]:
        return self.rows["emotion"], self.rows["predicted"]
