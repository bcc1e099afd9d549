"""Runs that never were: predictions of systems of known skill, for the reports to be tried on."""

import dataclasses
import json
import pickle
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ser_bench import reports
from ser_bench.evaluation import leaderboard, recipes
from ser_bench.evaluation.analysis_folders import RecipeFolder
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.evaluation.score_tables import write_scores
from ser_bench.evaluation.scoring import RunScores, score_run
from ser_bench.reports import publish_recipe
from ser_bench.scores import ROPE

Files = tuple[tuple[str, bytes], ...]
EMOTIONS = ("anger", "fear", "neutral")
SKILL = {("egemaps", "svm"): 0.8, ("egemaps", "rf"): 0.75, ("spectral+mfcc", "svm"): 0.3}


def clips(speakers: int = 8, each: int = 12) -> pd.DataFrame:
    """A clip table, emotions in turn."""
    rows = [(f"s{s}/{i}.wav", EMOTIONS[i % 3], f"s{s}", s) for s in range(speakers) for i in range(each)]
    return pd.DataFrame(rows, columns=["clip", "emotion", "speaker", "fold_0"]).set_index("clip").assign(seconds=2.0)


def predictions(table: pd.DataFrame, features: str, model: str, skill: float, *, track: str = "train", seed: int = 0) -> pd.DataFrame:
    """Predictions that are right with probability `skill`."""
    rng = np.random.default_rng([round(1000 * skill), seed])
    right = rng.random(len(table)) < skill
    predicted = np.where(right, table["emotion"].to_numpy(str), rng.choice(EMOTIONS, len(table)))
    p = {f"p.{emotion}": np.where(predicted == emotion, 0.6, 0.2) for emotion in EMOTIONS}
    named = {"corpus": "made up", "features": features, "model": model, "track": track, "seed": seed, "fold": table["fold_0"].to_numpy()}
    return pd.DataFrame(
        {
            **named,
            "clip": table.index,
            "speaker": table["speaker"].to_numpy(),
            "voice": table["speaker"].to_numpy(),
            "emotion": table["emotion"].to_numpy(),
            "predicted": predicted,
            **p,
        }
    )


def cell(features: str, model: str, table: pd.DataFrame, **changes: object) -> dict[str, object]:
    """One row of `cells`."""
    row = {"corpus": "made up", "labels": "all", "features": features, "dims": 88, "model": model, "track": "train", "cv": "loso"}
    row |= {"speakers": table["speaker"].nunique(), "clips": len(table), "budget": "smoke", "trials": 5, "seeds": 1}
    return row | {"status": "ok", "reason": "", "notes": [], "seconds": 1.5} | changes


def references(table: pd.DataFrame) -> pd.DataFrame:
    """Chance and listeners."""
    rows = [("chance", 1 / 3, 1 / 3, "3 emotions"), ("human", 0.9, np.nan, "asked")]
    named = [("made up", "all", "", row[0], *row) for row in rows]
    return pd.DataFrame(named, columns=["corpus", "labels", "track", "kind", "name", "uar", "war", "source"])


def resolutions(difference: float = 0.112, *, speakers: int = 8) -> pd.DataFrame:
    """What eight speakers could have shown, or so."""
    tracks = pd.DataFrame([("train", "loso"), ("speaker", "loso")], columns=["track", "cv"])
    return tracks.assign(
        corpus="made up",
        labels="all",
        speakers=speakers,
        smallest_p=2.0 ** (1 - speakers),
        smallest_difference=difference,
        **dict.fromkeys(("best", "best_low", "best_high", "selected", "selected_low", "selected_high"), np.nan),
        chosen="",
        rope=0.02,
    )


def run_tables(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cells and predictions of a run with ranked, transductive, LEAKY and FAILED rows."""
    cells = [cell(f, m, table) for f, m in SKILL]
    found = [predictions(table, f, m, skill) for (f, m), skill in SKILL.items()]
    cells += [cell("egemaps", "svm", table, track="speaker"), cell("egemaps", "mlp", table, cv="random:8", status="leaky")]
    found += [predictions(table, "egemaps", "svm", 0.85, track="speaker"), predictions(table, "egemaps", "mlp", 0.95)]
    cells.append(cell("<b>odd</b>", "xgb", table, status="failed", reason="MemoryError: no room", seconds=0.0))
    return pd.DataFrame(cells), pd.concat(found, ignore_index=True)


def refits(found: pd.DataFrame) -> pd.DataFrame:
    """Refits of systems that lose nothing where speakers are left out of their training."""
    by = ["corpus", "features", "model", "track", "seed", "fold"]
    cells = found[by].drop_duplicates()
    pairs = cells.merge(cells[["fold"]].drop_duplicates().rename(columns={"fold": "without"}), how="cross")
    return pairs[pairs["fold"] != pairs["without"]].assign(loss=0.0)


def rank(found: pd.DataFrame, cells: pd.DataFrame, refits: pd.DataFrame | None = None, **how: object) -> pd.DataFrame:
    """The leaderboard of these predictions."""
    return leaderboard.rank(leaderboard.evidence_of(found, cells, refits), cells, **how)


def shown_by(board: pd.DataFrame, found: pd.DataFrame, refits: pd.DataFrame | None = None, **how: object) -> pd.DataFrame:
    """What these predictions could have shown."""
    return leaderboard.resolutions(board, leaderboard.evidence_of(found, board, refits), **how)


def write_run(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Write the tables that a runner leaves; returns what `publish` takes beside the folder."""
    table = clips()
    cells, found = run_tables(table)
    folder.mkdir(parents=True, exist_ok=True)
    found.to_parquet(folder / "predictions.parquet", index=False)
    refits(found).to_parquet(folder / "refits.parquet", index=False)
    table.to_parquet(folder / "clips.parquet")
    by = ["corpus", "features", "model", "track", "seed", "fold"]
    trial = {
        "trial": 0,
        "state": "complete",
        "score": 0.5,
        "params": json.dumps({"C": 3.0, "kernel": "rbf"}),
        "seconds": 0.1,
        "chosen": True,
    }
    found[by].drop_duplicates().assign(**trial).to_parquet(folder / "trials.parquet", index=False)
    pd.DataFrame({"clip": ["s0/x.wav"], "reason": ["constant"]}).to_csv(folder / "skipped.csv", index=False)
    curve = pd.DataFrame({"speakers": [2, 3, 7], "uar": [0.5, 0.6, 0.85], "uar_low": [0.4, 0.5, 0.75], "uar_high": [0.6, 0.7, 0.95]})
    curve.assign(corpus="made up", features="egemaps", model="svm", track="train").to_csv(folder / "learning.csv", index=False)
    (folder / "run.toml").write_text('corpus = ["made up"]\n')
    corpus = {
        "name": "made up",
        "clips": len(table),
        "speakers": 8,
        "effective_speakers": 7.9,
        "emotions": dict.fromkeys(EMOTIONS, 32),
        "hours": 0.05,
    }
    environment = {
        "ser_bench": "0",
        "python": "3",
        "versions": {"numpy": "2"},
        "warnings": ["'fear' is rare"],
        "command": "ser-bench run",
        "features": {"egemaps": "them"},
    }
    about = environment | {"corpus": corpus | {"licence": "", "citation": "nobody"}}
    (folder / "environment.json").write_text(json.dumps(about))
    return cells, found, references(table)


def publish(
    folder: RunFolder,
    cells: pd.DataFrame,
    found: pd.DataFrame,
    baselines: pd.DataFrame,
    refits: pd.DataFrame | None = None,
    *,
    rope: float = ROPE,
    style: str = "",
) -> RunScores:
    """Score a run that `write_run` wrote, and publish it."""
    made = pickle.loads(scored(pickle.dumps((cells, found, refits, folder.read_clips(), baselines)), rope))
    folder.write_scored(made)
    reports.publish(folder, made, found, style=style)
    return made


@cache
def scored(tables: bytes, rope: float) -> bytes:
    """The scores of a run, made once of the same tables; pickled, as who gets them may change them."""
    return pickle.dumps(score_run(*pickle.loads(tables), rope=rope))


RECIPE = """
title = "Title"
source = "Source"
year = 2020
corpus = "made up"
features = "egemaps"
model = "svm"
notes = ["Note"]
split = {test = 0.5, selection = "test"}
[[experiment]]
name = "first"
[[experiment]]
name = "second"
"""


def write_recipe(folder: Path, renamed: Callable[[Any], Any] = lambda value: value, names: tuple[str, ...] = ("first", "second")) -> Path:
    """Write a recipe's folder as `run --recipe` does, of experiments of these names, all of it `renamed`; returns its page."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "published-2020.toml").write_text(RECIPE)
    recipe = recipes.read_recipe(folder / "published-2020.toml")
    rows = [
        (name, system, run, "test", metric, 0.8 if run == "claimed" else 0.6, *bounds, False, 96, 8, status, "")
        for name in names
        for metric in (
            "accuracy",
            "uar",
            *(f"{score}.{renamed(name)}" for name in EMOTIONS for score in ("recall", "precision", "f1", "auc")),
        )
        for system in ("svm", "rf")
        for run, status, bounds in (("claimed", "", (np.nan,) * 2), ("reproduced", "leaky", (0.5, 0.7)), ("honest", "ok", (0.4, 0.7)))
        if run != "claimed" or (system, metric) == ("svm", "accuracy")
    ]
    table = renamed(pd.DataFrame(rows, columns=list(recipes.COLUMNS)))
    said = {"corpus": {"name": "made up", "clips": 96, "speakers": 8, "emotions": dict.fromkeys(EMOTIONS, 32)}, "protocol": "loso"}
    said |= {"why": "fear", "split": "neutral", "line": "anger", "run": "run"}
    about = {"ser_bench": "0", "python": "3", "command": "fear", "recipe": recipe.name, "warnings": ["anger"], "notes": ["fear"]}
    about = renamed(about | {"experiments": [said | {"name": name} for name in names]})
    made = predictions(clips(), "egemaps", "svm", 0.6)
    found = pd.concat([made.assign(experiment=name, run="reproduced", part="test") for name in names], ignore_index=True)
    home = RecipeFolder(folder)
    home.write_environment(about)
    home.write_predictions(renamed(found))
    publish_recipe(home, dataclasses.replace(recipe, title=renamed("anger"), source=renamed("fear")), table, about)
    return home.page


def write_ranked_run(
    folder: Path,
    skills: dict[tuple[str, str], float],
    *,
    corpus: str = "made up",
    table: pd.DataFrame | None = None,
    configuration: str = "",
    **changes: object,
) -> Path:
    """Write what merging takes from a run of systems of known skill; `changes` are of its rows."""
    folder.mkdir(parents=True)
    if table is None:
        for name, data in _usual_run(tuple(skills.items()), corpus, tuple(changes.items())):
            (folder / name).write_bytes(data)
    else:
        _write_tables(folder, skills, corpus, table, **changes)
    (folder / "run.toml").write_text(configuration, encoding="utf-8")
    return folder


@cache
def _usual_run(skills: tuple[tuple[tuple[str, str], float], ...], corpus: str, changes: tuple[tuple[str, object], ...]) -> Files:
    """The files of a run on `clips()`, made once."""
    with tempfile.TemporaryDirectory() as folder:
        _write_tables(Path(folder), dict(skills), corpus, clips(), **dict(changes))
        return tuple((path.name, path.read_bytes()) for path in Path(folder).iterdir())


def _write_tables(folder: Path, skills: dict[tuple[str, str], float], corpus: str, table: pd.DataFrame, **changes: object) -> None:
    cells = pd.DataFrame([cell(f, m, table, corpus=corpus, **changes) for f, m in skills])
    track = cells["track"].iloc[0]
    found = pd.concat([predictions(table, f, m, skill, track=track).assign(corpus=corpus) for (f, m), skill in skills.items()])
    found.to_parquet(folder / "predictions.parquet", index=False)
    refits(found).to_parquet(folder / "refits.parquet", index=False)
    table.to_parquet(folder / "clips.parquet")
    write_scores(rank(found, cells, refits(found)), folder / "leaderboard.csv")
    references(table).assign(corpus=corpus, labels=cells["labels"].iloc[0]).to_csv(folder / "references.csv", index=False)
