"""A fitted system: all that it takes to predict new clips, and how well it can be expected to.

In:   features of clips, as they are extracted.
Out:  decisions, and probabilities that sum to one.
Rule: clips are standardised by the training clips' statistics and decided about by the model as a run does it, bit for bit. What a file
      says is checked before it is used (`archive`, `models.packing`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.audio.preprocessing import Preprocessing
from ser_bench.bundle.archive import read_archive, write_archive
from ser_bench.bundle.extractors import check_extractors, described, extractors_in
from ser_bench.bundle.novelty import KnownClips
from ser_bench.errors import Damaged, WorkFailed, WrongCall, quoted
from ser_bench.features.sets import FeatureSet, parse_features
from ser_bench.models import Fitted, Prediction, known_models
from ser_bench.models.calibration import Calibrator
from ser_bench.models.packing import LARGEST, MOST_CLASSES, MOST_COLUMNS, Packed, Unfit, unpack
from ser_bench.utils.parallel import on_one_thread
from ser_bench.utils.spec import split_sum

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.utils.progress import Progress

SUFFIX = ".serb"


@dataclass(frozen=True)
class Bundle:
    """A fitted system.

    Parameters
    ----------
    features : str
        The feature set, as `parse_features` reads it; never a file.
    fingerprint : str
        Of the features, when they were computed for training.
    columns, groups : tuple of str
        The names of the columns, and the group of each.
    preprocessing : Preprocessing
        Which part of clips is heard; it has no variant.
    model : str
        The model's label, such as ``svm`` or ``svm(C=1)``.
    fitted : Fitted
    probabilistic : bool
        Whether the model's scores are probabilities; `calibrator` makes them of others.
    calibrator : Calibrator
    mean, scale : array of float32, shape (n_columns,)
        Columns are standardised as (x - mean) * scale.
    classes : tuple of str
        In the order of their codes.
    about : mapping of str to object
        As JSON has it: corpus, protocol, search, versions, expected quality, notes.
    card : str
        The model card, in Markdown.
    known : KnownClips, optional
        What the training clips were like.
    extractors : tuple of dict, optional
        What computed the columns then (`extractors.described`); what does so now without.
    average : array of float32, shape (n_columns,), optional
        The mean of the training clips, as extracted; without, it is `mean`.
    """

    features: str
    fingerprint: str
    columns: tuple[str, ...]
    groups: tuple[str, ...]
    preprocessing: Preprocessing
    model: str
    fitted: Fitted
    probabilistic: bool
    calibrator: Calibrator
    mean: np.ndarray
    scale: np.ndarray
    classes: tuple[str, ...]
    about: Mapping[str, Any]
    card: str
    known: KnownClips | None = None
    extractors: tuple[dict[str, Any], ...] = ()
    average: np.ndarray | None = None

    @property
    def feature_set(self) -> FeatureSet:
        """What computes the columns."""
        return parse_features(self.features)

    def check_extractors(self) -> list[str]:
        """Warnings of libraries whose versions have changed; a WrongCall where an extractor has (`extractors.check_extractors`)."""
        return check_extractors(self.extractors or described(self.feature_set), self.feature_set)

    def standardised(self, x: np.ndarray) -> np.ndarray:
        """Features as the model is shown them.

        Parameters
        ----------
        x : array of float, shape (n_clips, n_columns)
            As extracted.

        Raises
        ------
        WrongCall
            Where there are other columns, or a value that is no number.
        """
        x = np.ascontiguousarray(x, np.float32)
        if x.ndim != 2 or x.shape[1] != len(self.columns):
            raise WrongCall(
                f"the model takes clips of {len(self.columns)} columns ({quoted(self.features)}), not an array of shape {x.shape}"
            )
        if not np.isfinite(x).all():
            raise WrongCall(f"the model takes no missing or infinite values, as in row {int(np.flatnonzero(~np.isfinite(x).all(1))[0])}")
        return (x - self.mean) * self.scale

    def decide(self, x: np.ndarray) -> Prediction:
        """Decide about clips.

        Parameters
        ----------
        x : array of float, shape (n_clips, n_columns)
            As extracted.

        Returns
        -------
        Prediction
            Decisions as codes, and as `scores` probabilities, shape (n_clips, n_classes), whose rows sum to one.

        Raises
        ------
        WrongCall
            As `standardised`.
        WorkFailed
            Where probabilities are no numbers.
        """
        shown = self.standardised(x)
        # More threads would add up numbers in another order.
        with on_one_thread(), np.errstate(all="ignore"):
            found = self.fitted.predict(shown)
            scores = found.scores if self.probabilistic else self.calibrator.probabilities(found.scores)
        if not np.isfinite(scores).all():
            raise WorkFailed("the model's arithmetic leaves the range of numbers on these clips: it was not trained on anything like them")
        return Prediction(found.predicted, scores, found.rounds)

    def predict(
        self,
        audio: Any,
        *,
        rate: int | None = None,
        window: float | None = None,
        hop: float | None = None,
        explain: bool = False,
        jobs: int = 1,
        progress: Progress | bool | None = None,
    ) -> pd.DataFrame:
        """Predict the emotion of recordings.

        Parameters
        ----------
        audio : str, Path, array, or a sequence of such
            Files, folders, patterns; samples of shape (n,) or (n, channels), floating-point with full scale at 1 or signed integers.
        rate : int, optional
            Samples per second, of arrays.
        window, hop : float, optional
            Seconds: a row per window of that length, rather than per clip, and how far apart windows begin (without: `window`).
        explain : bool
            Also by how much each group of features changed the log-probability of the decision, as `explain` has it.
        jobs : int
            Processes.
        progress : bool or Progress, optional
            As in `run`.

        Returns
        -------
        DataFrame
            ``clip, start, end, emotion``, a probability ``p.<emotion>`` for each emotion, ``gender`` where labels say it, with `explain`
            ``change.<group>``, ``warnings`` (a list) and ``reason``: why a clip could not be predicted, else empty.

        Raises
        ------
        WrongCall
            For what is no audio, such as an array without a rate.
        """
        from ser_bench.bundle.prediction import predict_table

        return predict_table(self, audio, rate, (window, hop), explain=explain, jobs=jobs, progress=progress)

    def explain(self, audio: Any, *, rate: int | None = None) -> pd.DataFrame:
        """What moved the decision about each recording: a row per group of features.

        Parameters
        ----------
        audio, rate
            As in `predict`.

        Returns
        -------
        DataFrame
            ``clip, emotion, group, change``, the largest change first. The changes of a clip sum to that of the log-probability of its
            decision from the average training clip (`docs/models.md`). A clip that cannot be predicted has no row;
            ``attrs["reasons"]`` says why.
        """
        from ser_bench.bundle.prediction import explain_table

        return explain_table(self, audio, rate)

    def save(self, path: str | Path) -> Path:
        """Write it to a file, whole or not at all, whose bytes depend on nothing else.

        Raises
        ------
        WrongCall
            Where the model cannot be written down, or the file not be written.
        WorkFailed
            Where it would be too large.
        """
        packed = self.pack()
        write_archive(Path(path), packed.arrays, packed.values)
        return Path(path)

    def pack(self) -> Packed:
        """All of it, as arrays and values."""
        heard = {name: float(getattr(self.preprocessing, name)) for name in ("offset", "duration", "trim")}
        offsets = np.broadcast_to(np.asarray(self.calibrator.offsets, np.float64), len(self.classes))
        values = {
            "features": self.features,
            "fingerprint": self.fingerprint,
            "columns": list(self.columns),
            "groups": list(self.groups),
            "preprocessing": heard,
            "model": self.model,
            "probabilistic": self.probabilistic,
            "sharpness": float(self.calibrator.sharpness),
            "classes": list(self.classes),
            "extractors": list(self.extractors or described(self.feature_set)),
            "about": self.about,
            "card": self.card,
        }
        average = {} if self.average is None else {"average": self.average}
        packed = Packed("bundle", {"mean": self.mean, "scale": self.scale, "offsets": offsets, **average}, values)
        packed = packed.with_part("fitted", self.fitted.pack())
        return packed if self.known is None else packed.with_part("known", self.known.pack())


def load_bundle(path: str | Path) -> Bundle:
    """Read a fitted system; nothing in the file is run, and no file is written.

    Raises
    ------
    WrongCall
        In one line: where there is no such file, it is not ours, of a newer version, not as it was written, or of a model that is not
        installed.
    """
    path = Path(path)
    arrays, values = read_archive(path)
    try:
        return unpack_bundle(Packed("bundle", arrays, values))
    except Unfit as error:
        raise Damaged(path, str(error)) from None


def unpack_bundle(packed: Packed) -> Bundle:
    """What `Bundle.pack` wrote down.

    Raises
    ------
    Unfit
        Where it is something else.
    """
    known_models()  # whose kinds of trained models are known then
    columns, classes = packed.texts("columns", 1, MOST_COLUMNS), packed.texts("classes", 2, MOST_CLASSES)
    if len(set(classes)) < len(classes):
        raise Unfit("its value 'classes' names one twice")
    width, many = len(columns), len(classes)
    about, probabilistic = packed.values.get("about"), packed.values.get("probabilistic")
    if not isinstance(about, dict) or not isinstance(probabilistic, bool):
        raise Unfit("its values 'about' and 'probabilistic' are not of the form that they have")
    return Bundle(
        features=features_in(packed),
        fingerprint=packed.text("fingerprint"),
        columns=columns,
        groups=packed.texts("groups", width, width),
        preprocessing=preprocessing_in(packed),
        model=packed.text("model"),
        fitted=unpack(packed.part("fitted"), width, many, Fitted),
        probabilistic=probabilistic,
        calibrator=Calibrator(packed.number("sharpness", 0, LARGEST), packed.array("offsets", np.float64, (many,), (-LARGEST, LARGEST))),
        mean=packed.array("mean", np.float32, (width,), (-LARGEST, LARGEST)),
        scale=packed.array("scale", np.float32, (width,), (0, LARGEST)),
        classes=classes,
        about=about,
        card=packed.text("card"),
        known=unpack(packed.part("known"), width, many, KnownClips) if "known" in packed.values else None,
        extractors=extractors_in(packed),
        average=packed.array("average", np.float32, (width,), (-LARGEST, LARGEST)) if "average" in packed.arrays else None,
    )


def features_in(packed: Packed) -> str:
    """The feature set's name, which is of extractors alone: no table is ever read because a file names it."""
    text = packed.text("features")
    if any(term.lower().endswith(".parquet") for term in split_sum(text)):
        raise Unfit("its features are those of a table, which no clip has")
    return text


def preprocessing_in(packed: Packed) -> Preprocessing:
    """Which part of clips is heard."""
    found = packed.values.get("preprocessing")
    if not isinstance(found, dict):
        raise Unfit("its value 'preprocessing' is not of the form that it has")
    heard = Packed("preprocessing", {}, found)
    offset, duration, trim = (heard.number(name, 0, 1e9) for name in ("offset", "duration", "trim"))
    return Preprocessing(offset, duration, trim)
