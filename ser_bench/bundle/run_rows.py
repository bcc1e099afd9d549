"""A row of a finished run as something to be fitted: which row, with what was chosen for it there.

In:   a run folder; a rank, or the names of a feature set and a model.
Out:  a `RunRow`: the row, the configuration that makes its plan again, and the hyperparameters that its searches chose.
Rule: a row is taken only if a clip of a new speaker can be predicted by it as it was there, one by one, by a system that was evaluated on
      speakers that it was not trained on; any other is refused with the reason.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ser_bench.config import RunConfig, read_config
from ser_bench.errors import WrongCall, quoted, reason, unknown
from ser_bench.evaluation.evidence import EXTERNAL, rows_of
from ser_bench.evaluation.plan import Plan
from ser_bench.evaluation.run_folder import CLIPS, LEADERBOARD, METRICS, PREDICTIONS, TRIALS, RunFolder
from ser_bench.evaluation.units import library_versions
from ser_bench.features import FeatureSet, feature_label, parse_features
from ser_bench.features.sets import OwnTable
from ser_bench.models import parse_model
from ser_bench.utils.formatting import number_of, records

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.config import Named

T = TypeVar("T")
FITTED_TRACKS = ("train", "none", "speaker")
"""Where a row is looked for, if it is not said; of the last none can be fitted."""
NEEDED = (RunFolder.MARK, LEADERBOARD.name, CLIPS.name, PREDICTIONS.name, TRIALS.name, METRICS.name)


@dataclass(frozen=True)
class ChosenParams:
    """Hyperparameters that some search of a run chose.

    Parameters
    ----------
    params : dict
    score : float
        The UAR over the inner folds of that search; NaN where it had none.
    how : str
        Which search it was and why this one, in a sentence.
    """

    params: dict[str, Any]
    score: float
    how: str


@dataclass(frozen=True)
class RunRow:
    """A row of a run that can be fitted.

    Parameters
    ----------
    folder : RunFolder
    row : dict
        As the leaderboard has it.
    config : RunConfig
        The run's, for this row alone.
    chosen : DataFrame
        ``seed, fold, score, params`` (JSON): what each of its searches chose.
    """

    folder: RunFolder
    row: dict[str, Any]
    config: RunConfig
    chosen: pd.DataFrame

    def choice(self, seed: int, fold: int | None = None) -> ChosenParams:
        """The hyperparameters for one outer fold, which are those that its search chose; without, for all speakers (`typical_choice`).

        Raises
        ------
        WrongCall
            Where the run has no such seed or fold.
        """
        for name, wanted in (("seed", seed), ("fold", fold)):
            there = self.chosen[name]
            if wanted is not None and wanted not in set(there):
                raise WrongCall(f"--{name} {wanted}: {self.folder.path} has {name}s {there.min()} to {there.max()}")
        if fold is None:
            return typical_choice(self.chosen)
        (mine,) = records(self.chosen[(self.chosen["seed"] == seed) & (self.chosen["fold"] == fold)])
        return ChosenParams(json.loads(mine["params"]), mine["score"], f"chosen by the search of seed {seed}, outer fold {fold}")

    def check_same(self, planned: Plan) -> list[str]:
        """Compare the clips and folds of a plan with those of the run; warnings of what may move a result.

        Raises
        ------
        WrongCall
            Where clips, labels, speakers or folds are not those of the run.
        """
        about = self.folder.read_about()
        hashes = {str(seed): digest for seed, digest in planned.eval_set.hashes.items()}
        if about.get("folds") != hashes:
            raise WrongCall(
                f"{self.folder.path}: clips, labels or folds of {planned.eval_set.corpus} are not those of the run any more; "
                "run it again, or name the corpus as it was"
            )
        there, here = about.get("versions", {}), library_versions()
        other = [f"{name} {there[name]} (now {version})" for name, version in here.items() if there.get(name, version) != version]
        return [f"the run was made with {', '.join(other)}: its scores are of systems fitted with those"] if other else []


def typical_choice(chosen: pd.DataFrame) -> ChosenParams:
    """One set of hyperparameters from those that the searches of a row chose, one per outer fold and seed.

    The set that most searches agree on; where several are equally common, which is usual as numbers hardly repeat, the one whose inner
    score is the median (the lower of two). Inner scores of different folds are of different speakers: the highest says that its
    speakers were easy, so it is not a reason to choose a fold. And a row's UAR is a mean over what all folds chose, which a typical choice
    stands for, while a lucky one does not. Held-out clips have no say.

    Parameters
    ----------
    chosen : DataFrame
        ``seed, fold, score, params`` (JSON).

    >>> import pandas as pd
    >>> searches = pd.DataFrame({"seed": 0, "fold": [0, 1, 2], "score": [0.5, 0.9, 0.6], "params": ['{"C": 1}', '{"C": 2}', '{"C": 3}']})
    >>> typical_choice(searches).params
    {'C': 3}
    """
    agreeing = chosen.groupby("params")["params"].transform("size")
    most = int(agreeing.max())
    common = chosen[agreeing == most].sort_values(["score", "params", "seed", "fold"], ignore_index=True)
    mine = records(common)[(len(common) - 1) // 2]
    n = len(chosen)
    if most == n:
        how = f"chosen by all {n} searches of the row (one per outer fold and seed)"
    elif len(common) == most:
        how = f"chosen by {most} of the row's {n} searches (one per outer fold and seed), more than any other"
    else:
        often = "each chosen only once" if most == 1 else f"each chosen {most} times"
        how = (
            f"of {common['params'].nunique()} sets, {often} by the row's {n} searches (one per outer fold and seed), the one whose inner "
            f"UAR is the median (seed {mine['seed']}, outer fold {mine['fold']})"
        )
    return ChosenParams(json.loads(mine["params"]), mine["score"], how)


def row_of(
    folder: RunFolder, *, rank: int | None = None, features: str = "", model: str = "", track: str = "", corpus: Named | None = None
) -> RunRow:
    """The row of a run that is asked for, by its rank (the first without) or by its names.

    Parameters
    ----------
    folder : RunFolder
    rank : int, optional
    features, model : str
        As the leaderboard names them; empty leaves it open.
    track : str
        Where ranks are counted; without, ``train``, or what the run has instead.
    corpus : str or Corpus, optional
        Where the corpus lies now; without, where it lay.

    Raises
    ------
    WrongCall
        Where the folder is no finished run, has no such row, or the row cannot be fitted: why.
    """
    board, config = _read(folder)
    named = _name(features, board["features"], lambda one: label_of(parse_features(one), config))
    row = _pick(folder, board, rank, named, _name(model, board["model"], lambda text: parse_model(text, config.class_weights).label), track)
    if why := why_not(row, config):
        raise WrongCall(f"{folder.path}: {_named(row)} cannot be fitted: {why}")
    written = _written(config.features, lambda one: label_of(parse_features(one), config), row["features"], folder)
    if is_own_table(parse_features(written)):
        raise WrongCall(f"{folder.path}: {_named(row)} cannot be fitted: {OWN_TABLE}")
    trained = _written(config.models, lambda text: parse_model(text, config.class_weights).label, row["model"], folder)
    mine = dataclasses.replace(config, features=(written,), models=(trained,), track=(row["track"],))
    return RunRow(folder, row, mine.for_corpus(corpus or config.corpus[0]), _chosen(folder, row))


def why_not(row: dict[str, Any], config: RunConfig) -> str:
    """Why a row of a run cannot be fitted for use; empty where it can."""
    if row["model"] == EXTERNAL:
        return "its predictions were made elsewhere, and ser-bench has no model of it"
    if row["status"] == "failed":
        return f"it failed ({quoted(row['reason'])})"
    if row["status"] == "leaky":
        return "it is LEAKY: nothing is known of it on unseen speakers; run it with a speaker-independent --cv"
    if row["track"] == "speaker":
        return SPEAKER_TRACK
    if config.variant:
        return f"it was evaluated on changed clips ({config.variant}), and a bundle hears clips as they are"
    return ""


SPEAKER_TRACK = (
    "track 'speaker' standardises by all clips of a speaker, and a bundle hears one clip of an unknown one; use track train or none"
)
OWN_TABLE = "its features are a user-supplied table, and a bundle has to compute them of new audio; use a feature set (ser-bench features)"


def is_own_table(one: FeatureSet) -> bool:
    """Whether some part of a feature set is a table of vectors."""
    return any(isinstance(part, OwnTable) for part in one.parts)


def label_of(one: FeatureSet, config: RunConfig) -> str:
    """What a run's tables call a feature set."""
    return feature_label(one.name, config.preprocessing.label, config.augmented)


def _name(text: str, there: pd.Series, label: Callable[[str], str]) -> str:
    """What a leaderboard calls what somebody names in another way, such as ``svm(kernel=rbf,C=1)``."""
    if not text or text in set(there):
        return text
    try:
        return label(text)
    except WrongCall:
        return text


def _written(given: Sequence[T], label: Callable[[T], str], wanted: str, folder: RunFolder) -> T:
    """What of a configuration a row's name stands for; other parts of it may lack what they need here."""
    why = "run.toml does not name it"
    for one in given:
        try:
            if label(one) == wanted:
                return one
        except WrongCall as error:
            why = str(error)
    raise WrongCall(f"{folder.path}: '{quoted(wanted)}' cannot be made here: {why}")


def _read(folder: RunFolder) -> tuple[pd.DataFrame, RunConfig]:
    """The leaderboard and the configuration of a finished run."""
    if name := folder.lacks(*NEEDED):
        raise WrongCall(f"--from {folder.path} is no finished run: it has no {name}")
    try:
        return folder.read_leaderboard(), RunConfig(**read_config(folder.configuration))
    except Exception as error:  # it may be damaged in any way
        raise WrongCall(f"--from {folder.path} cannot be read: {reason(error)}") from None


def _pick(folder: RunFolder, board: pd.DataFrame, rank: int | None, features: str, model: str, track: str) -> dict[str, Any]:
    """The row that is asked for."""
    tracks = [name for name in FITTED_TRACKS if name in set(board["track"])]
    if track and track not in tracks:
        raise unknown(f"track of {folder.path}", track, tracks)
    rows = board[board["track"] == (track or tracks[0])]
    for column, wanted in (("features", features), ("model", model)):
        if wanted and wanted not in set(rows[column]):
            raise unknown(f"{column} of {folder.path}:", wanted, set(rows[column]))
        rows = rows[rows[column] == wanted] if wanted else rows
    if rank is not None:
        if rank not in set(rows["rank"].dropna()):
            raise WrongCall(f"{folder.path} has {number_of(len(rows), 'such row')} on track {track or tracks[0]}, none of rank {rank}")
        rows = rows[rows["rank"] == rank]
    elif not (features or model):
        rows = rows[:1]  # the first of the ranked ones; where nothing is ranked, it says why
    if len(rows) > 1:
        others = "; ".join(_named(row) for row in records(rows))
        raise WrongCall(f"{folder.path} has {len(rows)} such rows ({quoted(others, 300)}): name one by --rank, or by -f and -m")
    (found,) = records(rows)
    return found


def _named(row: dict[str, Any]) -> str:
    return f"the row {quoted(row['features'])} with {quoted(row['model'])}"


def _chosen(folder: RunFolder, row: dict[str, Any]) -> pd.DataFrame:
    trials = rows_of(row, folder.read_trials())
    return trials.loc[trials["chosen"].to_numpy(bool), ["seed", "fold", "score", "params"]].reset_index(drop=True)
