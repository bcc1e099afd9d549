"""Several runs as one leaderboard.

In:   run folders.
Out:  their rows, ranked again together, and compared across corpora: `LEADERBOARD.md`, `leaderboard.html`, `leaderboard.csv`, a figure.
Rule: what was not evaluated by one protocol, on the same clips in the same folds, is kept apart (but for external systems, whose
      search is not known). A row that stands in several runs is one row; where its scores differ it is refused, as nothing says which are
      right.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ser_bench.config import NO_CHANGES, READING, RunConfig, read_config
from ser_bench.errors import WrongCall, quoted, reason
from ser_bench.evaluation import comparison as across
from ser_bench.evaluation.analysis_folders import MergedFolder
from ser_bench.evaluation.environment import corpus_titles
from ser_bench.evaluation.evidence import EXTERNAL
from ser_bench.evaluation.leaderboard import (
    ALONE,
    BLOCK,
    CHANCE,
    COLUMNS,
    ROW_KEY,
    SCORES,
    evidence_of,
    rank,
    resolutions,
)
from ser_bench.evaluation.run_folder import CLIPS, LEADERBOARD, PREDICTIONS, REFERENCES, RunFolder
from ser_bench.scores import ROPE
from ser_bench.utils.formatting import format_score
from ser_bench.utils.shown import Shown, counted, scored

if TYPE_CHECKING:
    import pandas as pd

NEEDED = (RunFolder.MARK, LEADERBOARD.name, REFERENCES.name, CLIPS.name, PREDICTIONS.name)
ASIDE = "p against the best of all rows, while other rows are compared without this one (--with-external includes it)"
SEARCH = ["budget", "trials", "seeds"]
PROTOCOL = [*BLOCK, *SEARCH, "settings", "clip_set"]
# Of a run's configuration: what its rows say themselves, or its clips and their folds.
SAID_ELSEWHERE = {
    *SEARCH,
    *READING,
    *NO_CHANGES,
    "features",
    "models",
    "labels",
    "where",
    "cv",
    "track",
    "max_skipped",
    "allow_conflicts",
    "allow_similar_names",
}


@dataclass(frozen=True)
class OneRun:
    """What a merged leaderboard takes from a run: its rows (with `settings`, `clip_set` and `run`), and what they are based on.

    `audio` has a digest of each clip's samples, of older runs a key of its file's bytes; `about` is what its folder says of itself.
    """

    rows: pd.DataFrame
    predictions: pd.DataFrame
    references: pd.DataFrame
    refits: pd.DataFrame | None
    audio: frozenset[str]
    about: Mapping[str, Any]


@dataclass(frozen=True)
class RankedBlock:
    """Rows that are ranked together, what to read them against, what they could show, what keeps them from others of the title."""

    board: pd.DataFrame
    references: pd.DataFrame
    resolutions: pd.DataFrame
    qualifier: str


@dataclass(frozen=True, repr=False)
class Merged(Shown):
    """Several runs as one leaderboard.

    Parameters
    ----------
    folder : Path
        Where `LEADERBOARD.md`, `leaderboard.html`, `leaderboard.csv` and `figures/` of it are.
    leaderboard : DataFrame
        `block` (ranks are within one), the columns of a run's leaderboard, `settings` (of the configuration, where it is not the default)
        and `runs` (a list of str: the folders that a row is from; in `leaderboard.csv` as JSON, like `notes`).
    across : list of Comparison
        Systems compared over corpora, a group each.
    not_compared_because : list of str
        Why there is no such comparison, or none of some runs.
    blocks : list of RankedBlock
        The leaderboard in parts, as it is shown.
    kernels : str
        That runs were computed on different BLAS kernels, and which; empty where they were not, or do not say.
    abouts : dict of str to mapping
        What the folders that were merged say of themselves (`environment.json`), by their paths.
    """

    folder: Path
    leaderboard: pd.DataFrame
    across: list[across.Comparison]
    not_compared_because: list[str]
    blocks: list[RankedBlock]
    kernels: str
    abouts: dict[str, Mapping[str, Any]]

    PAGE: ClassVar[str] = MergedFolder.PAGE

    @property
    def runs(self) -> list[str]:
        """The folders that were merged."""
        return list(self.abouts)

    @property
    def titles(self) -> dict[str, str]:
        """The corpora as their owners write them, by their names."""
        return corpus_titles(self.abouts.values())

    def told(self) -> list[str]:
        """The runs, the corpora, the best of each block, comparisons across corpora."""
        best = self.leaderboard.drop_duplicates("block").iloc[0]
        return [
            f"{counted(runs=len(self.runs), blocks=len(self.blocks), rows=len(self.leaderboard))}",
            f"corpora: {', '.join(self.titles.get(name, name) for name in self.leaderboard['corpus'].unique())}",
            f"first of block {best['block']}: {best['features']} with {best['model']}, UAR {format_score(best['uar'])} on {best['corpus']}",
            counted(comparisons_across_corpora=len(self.across)),
            quoted(self.not_compared_because[0]) if self.not_compared_because else "all runs are compared",
        ]

    def table_shown(self) -> pd.DataFrame:
        """The leaderboard, a block after the other."""
        return scored(self.leaderboard, ["block", "corpus", "cv", "rank", "features", "model", "track"])


def find_runs(out: Path) -> list[RunFolder]:
    """The finished runs right below a folder.

    Raises
    ------
    WrongCall
        If there are none.
    """
    found = [folder for folder in RunFolder.all_in(out) if not folder.lacks(LEADERBOARD.name)]
    if not found:
        raise WrongCall(f"there is no finished run in {out}: name run folders, or their parent with --out")
    return found


def merge(folders: Iterable[RunFolder], to: Path, *, with_external: bool = False, named: bool = True, rope: float = ROPE) -> Merged:
    """Merge runs into one leaderboard, to be written to the folder `to`.

    Parameters
    ----------
    folders : iterable of RunFolder
    to : Path
    with_external : bool
        Whether external systems enter the comparison of every row with the best, as `leaderboard.comparisons` takes it.
    named : bool
        Whether these folders were asked for; of others those that cannot be read are left out, with a warning.
    rope : float
        As `leaderboard.rank` takes it.

    Raises
    ------
    WrongCall
        Naming a folder that is no whole run, or a row whose scores differ between runs; or if `to` is itself a run.
    """
    import pandas as pd

    if RunFolder(to).known:
        raise WrongCall(f"{to} is a run, whose own leaderboard would be written over: name another folder with --to")
    runs = _read_runs(sorted(set(folders)), named=named)
    rows = pd.concat([run.rows for run in runs.values()], ignore_index=True)
    parts = [_unite(part) for part in _parts(rows)]
    blocks = [_block(part, parts, runs, with_external=with_external, rope=rope) for part in parts]
    whole = pd.concat([block.board.assign(block=number) for number, block in enumerate(blocks, 1)], ignore_index=True)
    abouts = {folder: run.about for folder, run in runs.items()}
    compared, not_compared_because = across.compare(whole, same_audio(runs.values()), corpus_titles(abouts.values()))
    merged = Merged(to, whole[["block", *COLUMNS, "settings", "runs"]], compared, not_compared_because, blocks, _kernels(runs), abouts)
    if merged.kernels:
        warnings.warn(merged.kernels, stacklevel=2)
    return merged


def _read_runs(folders: list[RunFolder], *, named: bool) -> dict[str, OneRun]:
    """Runs by their folders' names, arguments and errors as those of `merge`."""
    runs = {}
    for folder in folders:
        try:
            runs[str(folder.path)] = read_one_run(folder)
        except WrongCall as error:
            if named:
                raise
            warnings.warn(f"left out: {error}", stacklevel=3)
    if not runs:
        raise WrongCall("none of the runs named can be read: run their commands again")
    return runs


def read_one_run(folder: RunFolder) -> OneRun:
    """Read what a merged leaderboard takes from a run folder.

    Raises
    ------
    WrongCall
        Naming the folder and what it lacks, or what of it is damaged.
    """
    if name := folder.lacks(*NEEDED):
        raise WrongCall(f"{folder.path} cannot be merged: it has no {name}, which every finished run has")
    try:
        return _read_tables(folder)
    except Exception as error:  # it may be damaged in any way
        raise WrongCall(f"{folder.path} cannot be merged: {reason(error)}") from None


def _read_tables(folder: RunFolder) -> OneRun:
    clips = folder.read_clips().sort_index()
    told = [name for name in clips.columns if name in {"key", "emotion", "speaker", "voice"} or name.startswith("fold_")]
    clip_set = hashlib.blake2b(clips[told].to_csv().encode(), digest_size=16).hexdigest()
    rows = folder.read_leaderboard().assign(settings=_settings(folder), clip_set=clip_set, run=str(folder.path))
    audio = frozenset(clips.get("digest", clips.get("key", ())))
    return OneRun(rows, folder.read_predictions(), folder.read_references(), folder.read_refits(), audio, folder.read_about())


def same_audio(runs: Iterable[OneRun]) -> list[frozenset[str]]:
    """Names of corpora whose audio is the same: more than half of what the smaller one holds is held by the other."""
    held: dict[str, frozenset[str]] = {}
    for run in runs:
        for name in run.rows["corpus"].unique():
            held[name] = held.get(name, frozenset()) | run.audio
    found: list[frozenset[str]] = []
    for name in sorted(held):
        alike = {other for other in held if 2 * len(held[name] & held[other]) > min(len(held[name]), len(held[other]))} | {name}
        joined = [names for names in found if names & alike]
        found = [names for names in found if names not in joined] + [frozenset(alike).union(*joined)]
    return [names for names in found if len(names) > 1]


def _kernels(runs: dict[str, OneRun]) -> str:
    """One line where runs were computed on different BLAS kernels, as far as they say; what comes from elsewhere no run has computed."""
    by_kernel: dict[str, list[str]] = {}
    for folder, run in runs.items():
        kernel = _kernel(run.about)
        if kernel and (run.rows["model"] != EXTERNAL).any():
            by_kernel.setdefault(kernel, []).append(folder)
    if len(by_kernel) < 2:
        return ""
    named = "; ".join(f"{kernel}: {', '.join(folders)}" for kernel, folders in sorted(by_kernel.items()))
    return f"Runs were computed on different BLAS kernels, so close decisions may differ (docs/machines.md): {named}"


def _kernel(about: Mapping[str, Any]) -> str:
    """The BLAS kernels that a run says it was computed on, such as ``openblas Haswell``."""
    libraries = about.get("machine", {}).get("blas", [])
    return " + ".join(sorted({f"{library['library']} {library['kernel']}".strip() for library in libraries}))


def _settings(folder: RunFolder) -> str:
    """What of a configuration no row says, as far as it is not the default: ``inner 4, variant noise(snr=10)``."""
    usual = RunConfig().result_keys()
    chosen = RunConfig(**read_config(folder.configuration)).result_keys()
    return ", ".join(f"{name} {value}" for name, value in chosen.items() if name not in SAID_ELSEWHERE and value != usual[name])


def _parts(rows: pd.DataFrame) -> list[pd.DataFrame]:
    """Rows of one protocol together; an external system, which names no search, stands with every one on its clips and folds."""
    import pandas as pd

    outside = rows["model"] == EXTERNAL
    parts = [part for _, part in _in_order(rows[~outside]).groupby(PROTOCOL, sort=False)]
    for place, guests in _in_order(rows[outside]).groupby([*BLOCK, "clip_set"], sort=False):
        hosts = [number for number, part in enumerate(parts) if tuple(part.iloc[0][[*BLOCK, "clip_set"]]) == place]
        for number in hosts:
            parts[number] = pd.concat([parts[number], guests])
        if not hosts:
            parts.append(guests)
    return parts


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of one protocol together, the headline track before the other."""
    return rows.sort_values(PROTOCOL, kind="stable", key=lambda column: column != "train" if column.name == "track" else column)


def _unite(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per cell, with all its `runs`; a row that failed gives way to one of another run that did not."""
    import pandas as pd

    united = []
    for cell, same in rows.groupby(ROW_KEY):
        done = same[same["status"] != "failed"]
        kept = done if len(done) else same[:1]
        different = kept.drop_duplicates(list(ALONE))
        if len(different) > 1:
            told = " and ".join(f"UAR {uar:.4f} in {run}" for uar, run in different[["uar", "run"]].to_numpy())
            raise WrongCall(f"{' '.join(map(str, cell))} has several scores by one protocol, {told}: name only one of these runs")
        united.append(kept[:1].assign(runs=pd.Series([kept["run"].tolist()], kept.index[:1])))
    return pd.concat(united, ignore_index=True)


def _block(part: pd.DataFrame, parts: list[pd.DataFrame], runs: dict[str, OneRun], *, with_external: bool, rope: float) -> RankedBlock:
    """Rank rows of one protocol again, from their predictions."""
    import pandas as pd

    by_run = [(part[part["run"] == run], runs[run]) for run in part["run"].unique()]
    predictions = pd.concat([_of_rows(run.predictions, rows) for rows, run in by_run], ignore_index=True)
    lost = [_of_rows(run.refits, rows) for rows, run in by_run if run.refits is not None and len(run.refits)]
    refits = pd.concat(lost, ignore_index=True) if lost else None
    part = part if with_external else _say_aside(part)
    cells = part[[name for name in COLUMNS if name not in {"rank", *SCORES}]]
    found = evidence_of(predictions, cells, refits)
    board = rank(found, cells, with_external=with_external, rope=rope)
    board = board.merge(part[[*ROW_KEY, "settings", "runs"]], on=ROW_KEY, validate="one_to_one")
    lines = pd.concat([runs[run].references for run in part["run"].unique()]).drop_duplicates(["track", "name"], ignore_index=True)
    chance = lines.loc[lines["kind"] == CHANCE, "uar"].max()
    shown = resolutions(board, found, with_external=with_external, rope=rope)
    return RankedBlock(board.assign(chance=chance), lines, shown, _qualifier(part, parts))


def _say_aside(part: pd.DataFrame) -> pd.DataFrame:
    """Rows with a note on those of external systems that others are compared without them."""
    outside = (part["model"] == EXTERNAL) & (part["status"] == "ok")
    if not (part.loc[~outside, "status"] == "ok").any():
        return part
    told: list[Any] = [[*notes, ASIDE] if aside else notes for notes, aside in zip(part["notes"], outside, strict=True)]
    return part.assign(notes=told)


def _of_rows(table: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """What a run's table says of some rows."""
    return table.merge(rows[ROW_KEY], on=ROW_KEY, validate="many_to_one")


def _qualifier(part: pd.DataFrame, parts: list[pd.DataFrame]) -> str:
    """What a block's title says besides, if others have the same: the search, and whose clips and folds if that is the same, too."""
    first = part.iloc[0]
    alike = [other.iloc[0] for other in parts if (other.iloc[0][BLOCK] == first[BLOCK]).all()]
    if len(alike) == 1:
        return ""
    same_search = [other for other in alike if (other[[*SEARCH, "settings"]] == first[[*SEARCH, "settings"]]).all()]
    clips = f"; clips and folds of {first['run']}" if len(same_search) > 1 else ""
    return f"ranked separately: {across.search(first)}{clips}"
