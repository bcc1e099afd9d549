"""From a configuration to a run: clips, features, folds, units, and the folder that holds what came of them.

In:   a `RunConfig` for one corpus.
Out:  a `Run`: its tables in memory and in `<out>/<corpus>-<8 hex>/`; reports are made from those.
Rule: a finished unit is never done again and never used for anything but itself; a failed one costs its cell only.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shlex
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.config import RunConfig, to_toml
from ser_bench.errors import WorkFailed, WrongCall
from ser_bench.progress import Progress
from ser_bench.protocol import outer_folds, resolve_cv
from ser_bench.registry import find
from ser_bench.units import Finished, Judged, Unit, make_unit, read_unit, write_unit

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.corpora import Corpus
    from ser_bench.features import Features
    from ser_bench.models.model import Model


@dataclass(frozen=True)
class Plan:
    """All that a run will do, before any of it is fitted."""

    config: RunConfig
    corpus: Corpus
    judged: Judged
    features: dict[str, Features]
    models: dict[str, Model]
    units: list[Unit]
    skipped: pd.DataFrame
    warnings: list[str]
    stages: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """What a run came to.

    Parameters
    ----------
    folder : Path
    cells : DataFrame
        One row a cell: what it is, what it cost, and its status; the scores are the reports' to compute.
    predictions, trials : DataFrame
        As in the run folder.
    fitted, reused : int
        Units fitted now, and units found finished.
    failures : list of str
        One line a failed unit.
    """

    folder: Path
    cells: pd.DataFrame
    predictions: pd.DataFrame
    trials: pd.DataFrame
    warnings: list[str]
    fitted: int
    reused: int
    failures: list[str]


def plan(config: RunConfig, progress: Progress) -> Plan:
    """Load the corpus, extract what is missing, settle which clips are used, and list the units.

    Parameters
    ----------
    config : RunConfig
        For one corpus, as `RunConfig.for_corpus` gives it.

    Raises
    ------
    WrongCall
        For a corpus, feature set, model, label scheme or protocol that cannot be meant.
    WorkFailed
        Where more clips are unusable than `max_skipped` allows.
    """
    from ser_bench.corpora import load_corpus
    from ser_bench.features import extract_corpus, parse_features

    models = _models(config)
    feature_sets = [parse_features(text) for text in config.features]
    began = time.perf_counter()
    corpus = select(load_corpus(config.corpus[0], cache=config.cache), config)
    # Refuse what cannot be judged before anything long begins.
    resolve_cv(config.cv, corpus.protocol, corpus.clips["speaker"].to_numpy(str))
    loaded = time.perf_counter()
    extraction = extract_corpus(corpus, feature_sets, cache=Path(config.cache), jobs=config.workers, progress=progress)
    extracted = time.perf_counter()
    judged, skipped, warnings = settle(corpus, extraction.clips, extraction.skipped, config)
    aligned = extraction.clips.index.get_indexer(judged.clips.index)
    features = {f.name: f.take(aligned) for f in map(extraction.features, feature_sets)}
    units = list(_units(judged, features, models, config))
    stages = {"corpus": loaded - began, "features": extracted - loaded}
    return Plan(config, corpus, judged, features, models, units, skipped, [*extraction.warnings, *warnings], stages)


def select(corpus: Corpus, config: RunConfig) -> Corpus:
    """The corpus's clips that `where` keeps, under the emotions of the label scheme."""
    import dataclasses

    from ser_bench.corpora import apply_labels

    clips = corpus.clips
    if config.where:
        try:
            clips = clips.query(config.where)
        except Exception as error:
            raise WrongCall(f"--where '{config.where}': {error} (columns: {', '.join(clips.columns)})") from None
    if clips.empty:
        raise WrongCall(f"--where '{config.where}' keeps none of the {len(corpus.clips)} clips of {corpus.name}")
    return dataclasses.replace(corpus, clips=apply_labels(clips, config.labels))


def settle(corpus: Corpus, clips: pd.DataFrame, skipped: pd.DataFrame, config: RunConfig) -> tuple[Judged, pd.DataFrame, list[str]]:
    """Decide which clips are judged and how they are split.

    Returns
    -------
    judged : Judged
    skipped : DataFrame
        Columns `clip`, `reason`.
    warnings : list of str
    """
    import pandas as pd

    from ser_bench.corpora import lonely_labels, resolve_twins

    check_skipped(len(corpus.clips), skipped, config.max_skipped)
    twins = resolve_twins(clips, allow_conflicts=config.allow_conflicts)
    used = twins.clips.rename_axis("clip").sort_values(["key", "clip"])
    for column, what in (("emotion", "emotion"), ("voice", "speaker")):
        if used[column].nunique() < 2:
            only = f"only '{used[column].iloc[0]}'" if len(used) else "none"
            raise WrongCall(f"{corpus.name}: the usable clips show {only} as {what}; at least two are needed")
    protocol = resolve_cv(config.cv, corpus.protocol, used["voice"].to_numpy(str))
    folds = {seed: outer_folds(used, protocol, seed) for seed in range(config.seed, config.seed + config.seeds)}
    lonely = [f"'{label}' is only ever shown by one speaker: it cannot be learnt for new voices" for label in lonely_labels(used)]
    judged = Judged(corpus.name, config.labels, used, protocol, folds)
    left_out = pd.concat([skipped, twins.skipped], ignore_index=True)[["clip", "reason"]].sort_values("clip", ignore_index=True)
    return judged, left_out, [*twins.warnings, *lonely]


def check_skipped(total: int, skipped: pd.DataFrame, allowed: float) -> None:
    """Stop where more clips are unusable than allowed; copies of a clip do not count."""
    counting = skipped[skipped["counts"].astype(bool)]
    if len(counting) > allowed * total:
        first = counting.iloc[0]
        raise WorkFailed(
            f"{len(counting)} of {total} clips are unusable (the first: {first['clip']}: {first['reason']}), "
            f"more than the {allowed:.0%} that --max-skipped allows; mend them, or raise it"
        )


def forecast(config: RunConfig, progress: Progress) -> pd.DataFrame:
    """What a run would fit: a row a cell with its units, those still to do, their fits, and roughly how long.

    Nothing is fitted and nothing extracted. Where features are missing yet, every clip counts as usable and every
    unit as still to do.
    """
    import pandas as pd

    from ser_bench.corpora import load_corpus
    from ser_bench.features import count_missing, parse_features

    corpus = select(load_corpus(config.corpus[0], cache=config.cache), config)
    feature_sets = [parse_features(text) for text in config.features]
    missing = count_missing(corpus, feature_sets, cache=Path(config.cache))
    if not missing:
        planned = plan(config, progress)
        todo = {unit.hash for unit in planned.units if read_unit(Path(config.out) / "units", unit) is None}
        cells = [(cell, len(units), sum(unit.hash in todo for unit in units)) for cell, units in _by_cell(planned.units).items()]
        n_clips, protocol = len(planned.judged.clips), planned.judged.protocol
    else:
        clips = corpus.clips.assign(voice=corpus.clips["speaker"])
        n_clips, protocol = len(clips), resolve_cv(config.cv, corpus.protocol, clips["voice"].to_numpy(str))
        units = config.seeds * len(np.unique(outer_folds(clips, protocol, config.seed)))
        cells = [((f.name, model, track), units, units) for f in feature_sets for model in config.models for track in config.track]
    models, dims = _models(config), {f.name: sum(len(part.columns) for part in f.parts) for f in feature_sets}
    rows = []
    for (features, model, track), units, todo_units in cells:
        seconds = todo_units * models[model].seconds(n_clips, dims[features], config.trials, config.inner)
        fits = todo_units * (config.trials * config.inner + 1)
        minutes = round(seconds / 60 / config.workers, 1)
        rows.append([corpus.name, features, dims[features], model, track, str(protocol), units, todo_units, fits, minutes])
    names = ["corpus", "features", "dims", "model", "track", "cv", "units", "to do", "fits", "minutes"]
    table = pd.DataFrame(rows, columns=names)
    table.attrs["missing"] = missing
    return table


def execute(planned: Plan, progress: Progress, *, fresh: bool = False) -> Run:
    """Do the units that are not done yet, and write the run folder's tables.

    Parameters
    ----------
    fresh : bool
        Do every unit again, finished or not.
    """
    began = time.perf_counter()
    store = Path(planned.config.out) / "units"
    done = {} if fresh else {unit.hash: kept for unit in planned.units if (kept := read_unit(store, unit))}
    todo = [unit for unit in planned.units if unit.hash not in done]
    failures = _fit_all(planned, todo, store, progress) if todo else {}
    done |= {unit.hash: kept for unit in todo if unit.hash not in failures and (kept := read_unit(store, unit))}
    planned.stages["units"] = time.perf_counter() - began

    cells, predictions, trials = _tables(planned, done, failures)
    name = re.sub(r"[^\w-]+", "_", planned.corpus.name).strip("_")
    folder = Path(planned.config.out) / f"{name}-{_run_hash(planned)}"
    _write_folder(folder, planned, predictions, trials)
    lines = [f"{unit.features} {unit.model} {unit.track} fold {unit.fold}: {failures[unit.hash]}" for unit in todo if unit.hash in failures]
    return Run(folder, cells, predictions, trials, planned.warnings, len(todo) - len(failures), len(planned.units) - len(todo), lines)


def _models(config: RunConfig) -> dict[str, Model]:
    from ser_bench.models import known_models

    return {name: find("model", name, known_models())() for name in config.models}


def _units(judged: Judged, features: dict[str, Features], models: dict[str, Model], config: RunConfig) -> Iterator[Unit]:
    for matrix in features.values():
        for model in models.values():
            for track in config.track:
                for seed, folds in judged.folds.items():
                    for fold in range(folds.max() + 1):
                        yield make_unit(judged, matrix, model, track, seed, fold, config.trials, config.inner)


def _fit_all(planned: Plan, todo: list[Unit], store: Path, progress: Progress) -> dict[str, str]:
    """Fit units in parallel; returns the reasons of those that failed, by hash."""
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    # The dearest first, so that no long one is left alone at the end.
    todo = sorted(todo, key=lambda unit: -_seconds(planned, unit))
    parallel = Parallel(planned.config.workers, return_as="generator_unordered", inner_max_num_threads=1, max_nbytes="1M")
    failures = {}
    progress.start(f"{planned.corpus.name}: tuning and judging", len(todo))
    try:
        for unit, failure in parallel(delayed(fit_unit)(*_task(planned, unit), store) for unit in todo):
            if failure:
                failures[unit.hash] = failure
            progress.advance(1, " ".join(unit.cell))
    except TerminatedWorkerError:
        raise WorkFailed(
            "a worker process was killed, most likely for want of memory; finished units are kept: "
            "run the same command again, with fewer --jobs if it recurs"
        ) from None
    finally:
        progress.stop()
    return failures


def _task(planned: Plan, unit: Unit) -> tuple[Any, ...]:
    from ser_bench.tuning import UnitData

    judged = planned.judged
    data = UnitData(
        x=planned.features[unit.features].values,
        y=judged.codes,
        voices=judged.clips["voice"].to_numpy(str),
        speakers=judged.clips["speaker"].to_numpy(str),
        train=judged.folds[unit.seed] != unit.fold,
        classes=tuple(judged.emotions),
        track=unit.track,
        leaky=judged.protocol.leaky,
    )
    return unit, data, planned.models[unit.model]


def fit_unit(unit: Unit, data: Any, model: Model, store: Path) -> tuple[Unit, str]:
    """Do one unit and keep its result; returns the unit and, where it failed, why."""
    from ser_bench.tuning import tune_unit

    try:
        result = tune_unit(data, model, trials=unit.trials, inner=unit.inner, seed=unit.search_seed, fold_seed=unit.fold_seed)
    except Exception as error:
        return unit, f"{type(error).__name__}: {error}".splitlines()[0]
    write_unit(store, unit, result)
    return unit, ""


def _tables(planned: Plan, done: dict[str, Finished], failures: dict[str, str]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    import pandas as pd

    cells, predictions, trials = [], [], []
    for cell, units in _by_cell(planned.units).items():
        kept = [done[u.hash] for u in units if u.hash in done]
        failed = [failures[u.hash] for u in units if u.hash in failures]
        cells.append(_cell_row(planned, cell, kept, failed))
        if not failed:
            predictions += [_prediction_rows(planned, u, done[u.hash]) for u in units]
        trials += [_trial_rows(planned, u, done[u.hash]) for u in units if u.hash in done]
    by = ["corpus", "features", "model", "track", "seed"]
    none = pd.DataFrame(columns=[*by, "fold"])
    everything = pd.concat(predictions, ignore_index=True).sort_values([*by, "clip"], ignore_index=True) if predictions else none
    return pd.DataFrame(cells), everything, pd.concat(trials, ignore_index=True) if trials else none


def _seconds(planned: Plan, unit: Unit) -> float:
    n_clips, n_columns = planned.features[unit.features].values.shape
    return planned.models[unit.model].seconds(n_clips, n_columns, unit.trials, unit.inner)


def _by_cell(units: list[Unit]) -> dict[tuple[str, str, str], list[Unit]]:
    cells: dict[tuple[str, str, str], list[Unit]] = {}
    for unit in units:
        cells.setdefault(unit.cell, []).append(unit)
    return cells


def _cell_row(planned: Plan, cell: tuple[str, str, str], kept: list[Finished], failed: list[str]) -> dict[str, Any]:
    judged, config = planned.judged, planned.config
    features, model, track = cell
    notes = dict.fromkeys(failed[:1] or [note for unit in kept for note in unit.about["notes"]])
    return {
        "corpus": judged.corpus,
        "labels": judged.labels,
        "features": features,
        "dims": planned.features[features].values.shape[1],
        "model": model,
        "track": track,
        "cv": str(judged.protocol),
        "speakers": judged.clips["speaker"].nunique(),
        "clips": len(judged.clips),
        "budget": config.budget,
        "trials": config.trials,
        "seeds": config.seeds,
        "status": "failed" if failed else "leaky" if judged.protocol.leaky else "ok",
        "notes": "; ".join(notes),
        "seconds": round(sum(unit.about["seconds"] for unit in kept), 1),
    }


def _named(planned: Plan, unit: Unit) -> dict[str, Any]:
    return {
        "corpus": planned.judged.corpus,
        "features": unit.features,
        "model": unit.model,
        "track": unit.track,
        "seed": unit.seed,
        "fold": unit.fold,
    }


def _prediction_rows(planned: Plan, unit: Unit, kept: Finished) -> pd.DataFrame:
    import pandas as pd

    judged = planned.judged
    held_out = judged.clips[judged.folds[unit.seed] == unit.fold]
    emotions = np.array(judged.emotions)
    rows = {"clip": held_out.index, "speaker": held_out["speaker"].to_numpy(), "emotion": held_out["emotion"].to_numpy()}
    rows |= {"predicted": emotions[kept.predicted]} | {f"p.{e}": p for e, p in zip(emotions, kept.probabilities.T, strict=True)}
    return pd.DataFrame({**_named(planned, unit), **rows})


def _trial_rows(planned: Plan, unit: Unit, kept: Finished) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame([{**_named(planned, unit), **trial} for trial in kept.about["trials"]])


def _run_hash(planned: Plan) -> str:
    covered = [planned.config.what(), [unit.hash for unit in planned.units]]
    return hashlib.blake2b(json.dumps(covered).encode(), digest_size=4).hexdigest()


def _write_folder(folder: Path, planned: Plan, predictions: pd.DataFrame, trials: pd.DataFrame) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    judged = planned.judged
    clips = judged.clips.assign(**{f"fold_{seed}": fold for seed, fold in judged.folds.items()}).sort_index()
    clips.drop(columns="path").to_parquet(folder / "clips.parquet")
    predictions.to_parquet(folder / "predictions.parquet", index=False)
    trials.to_parquet(folder / "trials.parquet", index=False)
    planned.skipped.to_csv(folder / "skipped.csv", index=False)
    (folder / "run.toml").write_text(to_toml(planned.config), encoding="utf-8")
    (folder / "environment.json").write_text(json.dumps(_environment(planned), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _environment(planned: Plan) -> dict[str, Any]:
    from importlib.metadata import version

    from ser_bench.units import library_versions

    clips, facts = planned.judged.clips, planned.corpus.facts
    return {
        "ser_bench": version("ser-bench"),
        "python": platform.python_version(),
        "versions": library_versions()
        | {name: version(name) for name in ("librosa", "opensmile", "soundfile", "soxr", "pandas", "pyarrow")},
        "machine": {"system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count()},
        "corpus": {
            "name": planned.corpus.name,
            "clips": len(clips),
            "speakers": int(clips["speaker"].nunique()),
            "emotions": {str(emotion): int(n) for emotion, n in clips["emotion"].value_counts().sort_index().items()},
            "hours": round(float(clips["seconds"].sum()) / 3600, 3),
            "licence": facts.licence if facts else "",
            "citation": facts.citation if facts else "",
            "fingerprint": hashlib.blake2b("".join(clips["key"]).encode(), digest_size=8).hexdigest(),
        },
        "protocol": str(planned.judged.protocol),
        "command": shlex.join(["ser-bench", *sys.argv[1:]]) if Path(sys.argv[0]).name == "ser-bench" else "",
        "stages": {stage: round(seconds, 2) for stage, seconds in planned.stages.items()},
        "warnings": planned.warnings,
    }
