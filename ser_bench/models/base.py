"""The base class of models: hyperparameters, fits, predictions.

In:   one split of a system: scaled training clips with their emotions, and the clips to decide about.
Out:  a prediction for the latter: the predicted emotion, and a score for each emotion.
Rule: a model sees the emotions of the clips to decide about only where they are inner validation
      clips (`y_eval`), and there only to stop early; it never splits off a validation part itself.
      It weighs training clips as `Model.weights` says, runs on one thread and depends on nothing but what it is given.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ser_bench.config import BALANCED, UNWEIGHTED
from ser_bench.models.feature_selection import select_k_best
from ser_bench.models.fixed import Bounds, FirstDraw, PartlyFixed, check_drawn, check_fixed, labelled
from ser_bench.models.packing import Packable, Packed, Unfit, pack_sklearn, unpack
from ser_bench.utils.renamed import carry_over
from ser_bench.utils.spec import versions

if TYPE_CHECKING:
    import optuna

Params = dict[str, Any]


@dataclass(frozen=True)
class Split:
    """Clips to learn from and clips to decide about, both scaled.

    Parameters
    ----------
    x_train : array of float32, shape (n_train, n_columns)
    y_train : array of int, shape (n_train,)
        Emotions as codes below `n_classes`; some may be absent.
    x_eval : array of float32, shape (n_eval, n_columns)
    y_eval : array of int, shape (n_eval,), or None
        Emotions of inner validation clips. None: held-out clips, about whose emotions a model knows nothing.
    n_classes : int
        Emotions of the system.
    n_set_aside : int
        Changed copies of inner validation clips, which this split neither trains on nor decides about.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_eval: np.ndarray
    y_eval: np.ndarray | None
    n_classes: int
    n_set_aside: int = 0

    @property
    def searching(self) -> bool:
        """Whether this is an inner split, on which trials are compared."""
        return self.y_eval is not None

    @property
    def n_unit(self) -> int:
        """Training clips of the unit with their copies, of which an inner split's are a part and its validation clips the rest."""
        return len(self.y_train) + (len(self.y_eval) if self.y_eval is not None else 0) + self.n_set_aside


@dataclass(frozen=True)
class Prediction:
    """What a model says about clips.

    Parameters
    ----------
    predicted : array of int, shape (n_eval,)
        The model's decisions.
    scores : array of float64, shape (n_eval, n_classes)
        Probabilities of a probabilistic model, 0 for an emotion absent from training; decision scores
        of another, which grow with belief, -inf for an emotion absent from training.
    rounds : int or None
        Rounds (epochs) used, of a model that is trained in rounds.
    """

    predicted: np.ndarray
    scores: np.ndarray
    rounds: int | None = None


class Fitted(Packable, ABC):
    """A trained model, which can be pickled, and packed where it says how."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        carry_over(cls, {"judge": "predict", "rests_on": "feature_importances"})

    @abstractmethod
    def predict(self, x: np.ndarray) -> Prediction:
        """Decide about clips, scaled as those trained on: shape (n, n_columns)."""

    def decide(self, x: np.ndarray) -> np.ndarray:
        """The decisions of `predict` alone, shape (n,)."""
        return self.predict(x).predicted

    def decide_all(self, x: np.ndarray) -> np.ndarray:
        """`decide` about several versions of the same clips, shape (n_versions, n, n_columns): shape (n_versions, n)."""
        return np.stack([self.decide(version) for version in x])

    def feature_importances(self) -> np.ndarray | None:
        """The model's own measure of how much it is based on each column, shape (n_columns,), summing to one; None where it has none."""
        return None


@dataclass(frozen=True)
class Estimator(Fitted):
    """A trained scikit-learn classifier with probabilities."""

    classifier: Any
    n_classes: int

    def predict(self, x: np.ndarray) -> Prediction:
        """Decide for the most probable emotion."""
        return argmax_prediction(self.classifier.predict_proba(x), self.classifier.classes_, self.n_classes)

    def feature_importances(self) -> np.ndarray | None:
        """The mean size of a column's weights over emotions, of a linear classifier."""
        sizes = np.abs(self.classifier.coef_).mean(0) if hasattr(self.classifier, "coef_") else np.zeros(0)
        return sizes / sizes.sum() if sizes.any() else None

    def pack(self) -> Packed:
        """The weights of a logistic regression; others cannot be written down."""
        return pack_sklearn(self.classifier)


@dataclass(frozen=True)
class Narrowed(Fitted):
    """A model trained on some of the columns."""

    kind = "narrowed"
    fitted: Fitted
    columns: np.ndarray
    n_columns: int

    def predict(self, x: np.ndarray) -> Prediction:
        """Decide by those columns."""
        return self.fitted.predict(x[:, self.columns])

    def feature_importances(self) -> np.ndarray | None:
        """As the model has it, nothing of the columns that it was not given."""
        own = self.fitted.feature_importances()
        return None if own is None else np.bincount(self.columns, own, minlength=self.n_columns)

    def pack(self) -> Packed:
        """The columns, and the model."""
        return Packed(self.kind, {"columns": self.columns.astype(np.int64)}).with_part("fitted", self.fitted.pack())

    @classmethod
    def unpack(cls, packed: Packed, n_columns: int, n_classes: int) -> Narrowed:
        """A model of as many columns as are named."""
        columns = packed.array("columns", np.int64, (None,), (0, n_columns - 1))
        if (np.diff(columns) < 1).any():
            raise Unfit("its array 'columns' is not ascending")
        part = packed.part("fitted")
        if part.kind == cls.kind:
            raise Unfit("it names columns of columns")
        return cls(unpack(part, len(columns), n_classes, Fitted), columns, n_columns)


@dataclass(frozen=True)
class ConstantModel(Fitted):
    """All that can be learned where training knows a single emotion."""

    kind = "constant"
    emotion: int
    n_classes: int

    def predict(self, x: np.ndarray) -> Prediction:
        """Decide for that emotion."""
        codes = np.full(len(x), self.emotion)
        return Prediction(codes, np.eye(self.n_classes)[codes])

    def pack(self) -> Packed:
        """The emotion."""
        return Packed(self.kind, values={"emotion": self.emotion})

    @classmethod
    def unpack(cls, packed: Packed, n_columns: int, n_classes: int) -> ConstantModel:
        """One of the emotions."""
        return cls(packed.whole("emotion", 0, n_classes - 1), n_classes)


class PreparedFit:
    """Runs of one model on one split. A subclass shares work between them; the predictions are those of plain fits.

    It overrides `train`, and `run` only where that saves work: what is trained predicts `x_eval` as `run` does, bit for bit.
    """

    def __init__(self, model: Model, split: Split) -> None:
        self.model = model
        self.split = split

    def run(self, params: Params, seed: int, rounds: int | None = None) -> Prediction:
        """Train with these parameters and decide about `x_eval`.

        Parameters
        ----------
        params : dict
            A member of the model's space.
        seed : int
        rounds : int, optional
            Rounds (epochs) to train for; without, a model trained in rounds stops early on `y_eval`.
        """
        return self.train(params, seed, rounds).predict(self.split.x_eval)

    def train(self, params: Params, seed: int, rounds: int | None = None) -> Fitted:
        """Train with these parameters, as `run` does, for use on other clips of as many columns as the split was given with."""
        return self.model.fit(self.split, params, seed, rounds)


class Model(ABC):
    """A family of classifiers with its search space.

    A subclass has a `name`, a `version` (which changes whenever predictions may), a one-sentence `description`,
    `defaults` (a member of its space, and the first trial of every search), and says by `probabilistic`
    whether its scores are probabilities. On sets wider than `max_features` it is given that many columns, those
    that best tell the training clips' emotions apart; None means all. Codes of emotions may have gaps in
    training, but at least two are present (`prepare_split` and `fit_split` see to both). `libraries` are those that can change
    predictions, beside the ones that can change any model's.

    `fit` and plans weigh training clips by `weights`, which follows `class_weights`. A model that cannot weigh clips says so by
    `weighs_classes = False`: it is then given no class weights, and its rows note that the setting was not heeded.

    Hyperparameters can be fixed by name, as in ``svm(C=1)``: those of `defaults`, which are searched otherwise, and those of
    `settings`, which no search changes and which `fit` reads from `setting`. `bounds` says what values the model can take: a range of
    a number, or the words to choose among; of what it does not name, only what is searched can be fixed. A model whose `libraries`
    come with an extra of ser-bench names it by `extra`; `least_columns` is how wide a feature set has to be. `tells_epochs` says that
    `fit` calls `utils.progress.tell_epoch`.

    Parameters
    ----------
    class_weights : {'balanced', 'none'}
        A run's setting; the attribute of that name holds what is heeded: `none` for a model that does not weigh classes.
    fixed : mapping of str to object, optional
        Values by hyperparameter.

    Raises
    ------
    WrongCall
        For a hyperparameter or a value that the model does not have.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    description: ClassVar[str]
    defaults: ClassVar[Mapping[str, Any]]
    probabilistic: ClassVar[bool] = True
    max_features: ClassVar[int | None] = None
    libraries: ClassVar[tuple[str, ...]] = ()
    weighs_classes: ClassVar[bool] = True
    settings: ClassVar[Mapping[str, Any]] = {}
    bounds: ClassVar[Mapping[str, Bounds]] = {}
    extra: ClassVar[str] = ""
    tells_epochs: ClassVar[bool] = False
    fixed: Mapping[str, Any] = {}

    def __init_subclass__(cls) -> None:
        carry_over(cls, {"most_columns": "max_features"})

    def __init__(self, class_weights: str = BALANCED, fixed: Mapping[str, Any] | None = None) -> None:
        self.class_weights = class_weights if self.weighs_classes else UNWEIGHTED
        if fixed:
            self.fixed = check_fixed(self, fixed)
            check_drawn(self, self._first.asked)

    @classmethod
    def lacks(cls) -> str:
        """What has to be installed before the model can be used; nothing where all of it is."""
        absent = [library for library, version in versions(cls.libraries).items() if not version]
        command = f"pip install 'ser-bench[{cls.extra}]'" if cls.extra else "install it"
        return f"needs {', '.join(absent)}: {command}" if absent else ""

    @property
    def least_columns(self) -> int:
        """How wide a feature set has to be."""
        return 1

    @property
    def label(self) -> str:
        """How the model is called in rows: its name, with what is fixed in brackets."""
        return labelled(self.name, self.fixed)

    @cached_property
    def _first(self) -> FirstDraw:
        return FirstDraw.of(self)

    @property
    def start(self) -> Params:
        """The first trial of a search: the defaults, and what is fixed."""
        return self._first.params if self.fixed else dict(self.defaults)

    def draw(self, trial: optuna.trial.BaseTrial) -> Params:
        """Draw what is not fixed; the parameters with what is."""
        return self.space(PartlyFixed(trial, self.fixed) if self.fixed else trial)  # type: ignore[arg-type]

    def trials(self, wanted: int) -> int:
        """Trials of a search that may have `wanted`: one where nothing is left to choose."""
        return wanted if not self.fixed or self._first.searching else min(wanted, 1)

    def setting(self, params: Params) -> Params:
        """The parameters with those of `settings`, as they are fixed."""
        return {**self.settings, **self.fixed, **params}

    @abstractmethod
    def space(self, trial: optuna.trial.BaseTrial) -> Params:
        """Draw parameters; whoever trains calls `draw`."""

    @abstractmethod
    def fit(self, split: Split, params: Params, seed: int, rounds: int | None = None) -> Fitted:
        """Train on a split; `x_eval` may serve to stop early, and only where its emotions are given."""

    def plan(self, split: Split) -> PreparedFit:
        """Prepare what runs on this split can share: nothing, unless a model says otherwise."""
        return PreparedFit(self, split)

    def weights(self, y: np.ndarray) -> np.ndarray:
        """What each training clip of emotions `y` counts, with mean one: every emotion the same, or with ``none`` every clip."""
        return balanced_weights(y) if self.class_weights == BALANCED else np.ones(len(y))

    def fit_seconds(self, n_train: int, n_columns: int) -> float:
        """Roughly how long a trial's fit takes on an inner split, in seconds on one core, the columns already chosen."""
        return 1e-6 * n_train * n_columns

    def seconds(self, n_clips: int, n_columns: int, trials: int, inner: int) -> float:
        """Roughly how long a unit takes, in seconds on one core: half the trials' fits are pruned, and the final fit counts for five."""
        kept = min(n_columns, self.max_features or n_columns)
        return (0.5 * trials * inner + 5) * self.fit_seconds(n_clips, kept)

    def notes(self, n_train: int, n_columns: int) -> list[str]:
        """What a reader of the row must know about this model on that many training clips and columns."""
        if not self.max_features or n_columns <= self.max_features:
            return []
        return [f"{self.name}: {self.max_features} of {n_columns} columns by ANOVA inside each fold"]

    def covered(self, n_clips: int) -> list[Any]:
        """What hashes of units of that many clips, copies among them, cover besides name, version, libraries and what is fixed.

        Nothing, unless predictions have changed for large units alone, which the version does not say.
        """
        return []


class PreparedConstant(PreparedFit):
    """Runs on a split whose training part knows a single emotion."""

    def train(self, params: Params, seed: int, rounds: int | None = None) -> Fitted:
        """Decide for that emotion."""
        return ConstantModel(int(self.split.y_train[0]), self.split.n_classes)


class PreparedNarrowed(PreparedFit):
    """Runs on some of a split's columns.

    Parameters
    ----------
    model : Model
    split : Split
        With all columns.
    columns : array of int
        Those that the model is given.
    """

    def __init__(self, model: Model, split: Split, columns: np.ndarray) -> None:
        super().__init__(model, narrow(split, columns))
        self.columns, self.n_columns = columns, split.x_train.shape[1]
        self.inner = model.plan(self.split)

    def run(self, params: Params, seed: int, rounds: int | None = None) -> Prediction:
        """As the model does it."""
        return self.inner.run(params, seed, rounds)

    def train(self, params: Params, seed: int, rounds: int | None = None) -> Fitted:
        """The model, which will be shown all columns."""
        return Narrowed(self.inner.train(params, seed, rounds), self.columns, self.n_columns)


def prepare_split(model: Model, split: Split) -> PreparedFit:
    """The model's plan for a split of any width, and with any emotions in its training part."""
    if knows_one(split):
        return PreparedConstant(model, split)
    columns = chosen_columns(model, split)
    return model.plan(split) if columns is None else PreparedNarrowed(model, split, columns)


def fit_split(model: Model, split: Split, params: Params, seed: int, rounds: int | None = None) -> Fitted:
    """Train the model on a split of any width, and with any emotions in its training part, for use on other clips."""
    if knows_one(split):
        return ConstantModel(int(split.y_train[0]), split.n_classes)
    columns = chosen_columns(model, split)
    if columns is None:
        return model.fit(split, params, seed, rounds)
    return Narrowed(model.fit(narrow(split, columns), params, seed, rounds), columns, split.x_train.shape[1])


def knows_one(split: Split) -> bool:
    """Whether training knows a single emotion."""
    return bool((split.y_train == split.y_train[0]).all())


def chosen_columns(model: Model, split: Split) -> np.ndarray | None:
    """The columns that the model is given; None for all."""
    if not model.max_features or split.x_train.shape[1] <= model.max_features:
        return None
    return select_k_best(split.x_train, split.y_train, model.max_features)


def narrow(split: Split, columns: np.ndarray) -> Split:
    """The split with these columns only."""
    return replace(split, x_train=split.x_train[:, columns], x_eval=split.x_eval[:, columns])


def expand_classes(values: np.ndarray, classes: np.ndarray, n_classes: int, absent: float) -> np.ndarray:
    """Columns of the emotions present, laid out among all of them.

    >>> expand_classes(np.array([[0.25, 0.75]]), np.array([0, 2]), 3, 0.0).tolist()
    [[0.25, 0.0, 0.75]]
    """
    out = np.full((len(values), n_classes), absent)
    out[:, classes] = values
    return out


def argmax_prediction(probabilities: np.ndarray, classes: np.ndarray, n_classes: int, rounds: int | None = None) -> Prediction:
    """Decide for the most probable emotion, of those present in training: probabilities (n_clips, len(classes)), in any precision."""
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(1, keepdims=True)
    return Prediction(classes[exact.argmax(1)], expand_classes(exact, classes, n_classes, 0.0), rounds)


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities, rows summing to one, of scores (n, k), which are overwritten.

    >>> softmax(np.array([[0.0, 0.0, -np.inf]])).tolist()
    [[0.5, 0.5, 0.0]]
    """
    scores -= scores.max(1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(1, keepdims=True)
    return scores


def balanced_weights(y: np.ndarray) -> np.ndarray:
    """Weights of clips that make every emotion count the same, with mean one: scikit-learn's ``balanced``.

    >>> balanced_weights(np.array([0, 2, 2, 2])).round(2).tolist()
    [2.0, 0.67, 0.67, 0.67]
    """
    counts = np.bincount(y)
    return len(y) / (np.count_nonzero(counts) * counts[y])
