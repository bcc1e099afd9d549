"""`report.html`: one self-contained page about a run.

In:   a run folder.
Out:  the page: the leaderboard on one axis, what it rests on, and every cell opened.
Rule: a function of the folder's files alone; nothing is fetched, from anywhere, by making or by reading it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench import scores
from ser_bench.reports.leaderboard import CELL, PUBLISHED, read_board, read_references
from ser_bench.reports.parameters import parameter_table
from ser_bench.reports.tables import blocks, like_best, notes, protocol_words, records, reference_words, resolution_words, row_cells

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class RunTables:
    """A run folder, read."""

    folder: Path
    leaderboard: pd.DataFrame
    predictions: pd.DataFrame
    trials: pd.DataFrame
    clips: pd.DataFrame
    skipped: pd.DataFrame
    references: pd.DataFrame
    resolutions: pd.DataFrame
    environment: dict[str, Any]
    configuration: str


def read_run(folder: Path) -> RunTables:
    """Read a run folder's tables."""
    import pandas as pd

    return RunTables(
        folder,
        read_board(folder / "leaderboard.csv"),
        pd.read_parquet(folder / "predictions.parquet"),
        pd.read_parquet(folder / "trials.parquet"),
        pd.read_parquet(folder / "clips.parquet"),
        pd.read_csv(folder / "skipped.csv", dtype=str),
        read_references(folder / "references.csv"),
        pd.read_csv(folder / "resolution.csv", keep_default_na=False, na_values={"smallest_difference": ""}),
        json.loads((folder / "environment.json").read_text(encoding="utf-8")),
        (folder / "run.toml").read_text(encoding="utf-8"),
    )


def write_page(folder: Path) -> None:
    """Write a run folder's `report.html`."""
    run = read_run(folder)
    page = render(
        "report.html.j2",
        corpus=run.environment["corpus"],
        environment=run.environment,
        configuration=run.configuration,
        heading=heading(run),
        method=method(run),
        blocks=[_block(title, block, run) for title, block in blocks(run.leaderboard)],
        lines=[{**row, "words": reference_words(row), "drawn": drawn(row["name"])} for row in records(run.references)],
        skipped=run.skipped.to_dict("records"),
        cells=[_cell(record, run) for record in records(run.leaderboard)],
        parameters=[
            {"model": model, "rows": rows.to_dict("records")} for model, rows in parameter_table(run.trials).groupby("model", sort=False)
        ],
        failed=[record for record in records(run.leaderboard) if record["status"] == "failed"],
    )
    (folder / "report.html").write_text(page, encoding="utf-8")


def drawn(name: str) -> str:
    """How a reference is drawn; empty for one that is only told of, as it would lie on another or is LEAKY."""
    return name if name in ("chance", "human") else "published" if name.startswith(PUBLISHED) else ""


def render(template: str, **values: Any) -> str:
    """A template of this room, filled in."""
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    templates = Environment(
        loader=PackageLoader("ser_bench.reports"),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template(template).render(**values)


def heading(run: RunTables) -> str:
    """What the page is about."""
    name = run.environment["corpus"]["name"]
    if (run.leaderboard["status"] == "leaky").all():
        return f"LEAKY: emotion in voices heard before: {name}"
    return f"Emotion in voices never heard before: {name}"


def method(run: RunTables) -> str:
    """The protocol in words that can stand in a paper."""
    first, corpus = run.leaderboard.iloc[0], run.environment["corpus"]
    n_folds = run.predictions["fold"].nunique() if len(run.predictions) else 0
    seeds = "" if first["seeds"] == 1 else f", repeated with {first['seeds']} seeds"
    searched = (
        f"Parameters were chosen by {first['trials']} Optuna trials inside the training part of each fold"
        if first["cv"].startswith("random")
        else f"Parameters were chosen by {first['trials']} Optuna trials on grouped inner folds of each fold's training speakers"
    )
    trained = f"{searched}; features were standardised {_scaling(run)}, and the held-out clips predicted once."
    if first["budget"] == "external":
        trained = "The predictions were made elsewhere, each clip's without its fold by the word of whoever made them."
    return (
        f"{corpus['clips']:,} clips of {corpus['speakers']} speakers ({corpus['name']}, {len(corpus['emotions'])} emotions) were judged in "
        f"{n_folds} folds{seeds}: {protocol_words(first['cv'])}. {trained} "
        f"UAR is pooled over folds; its 95 % interval is a jackknife over speakers with Student's t, widened for "
        f"cross-validation (ser-bench {run.environment['ser_bench']})."
    )


def _scaling(run: RunTables) -> str:
    words = {"train": "by the training clips", "speaker": "by each speaker's own clips (transductive track)"}
    return " or ".join(words[track] for track in run.leaderboard["track"].unique())


def cell_id(record: dict[str, Any]) -> str:
    """Where a cell stands on the page."""
    return "cell-" + "-".join("".join(c if c.isalnum() else "_" for c in record[name]) for name in CELL)


def _block(title: str, block: pd.DataFrame, run: RunTables) -> dict[str, Any]:
    rows = []
    for record in records(block):
        rows.append({**record, "read": row_cells(record), "like_best": like_best(record), "id": cell_id(record)})
    few = "An interval over fewer than six speakers is not to be leaned on." if block["speakers"].iloc[0] < 6 else ""
    told = [line for line in (resolution_words(block, run.resolutions), *notes(block)) if line]
    return {"title": title, "rows": rows, "track": block["track"].iloc[0], "few": few, "notes": told}


def _cell(record: dict[str, Any], run: RunTables) -> dict[str, Any]:
    """A cell opened: confusions over all seeds, scores by class, UAR by speaker, what else is known, chosen parameters."""
    rows = _of(record, run.predictions)
    opened = {**record, "id": cell_id(record), "read": row_cells(record)}
    if rows.empty:
        return opened
    truth, predicted, speakers = (rows[name].to_numpy(str) for name in ("emotion", "predicted", "speaker"))
    emotions = sorted({*truth, *predicted})
    by_speaker = scores.speaker_counts(truth, predicted, speakers, classes=emotions)
    counts = by_speaker.sum(0)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    voices = sorted(zip(np.unique(speakers), scores.uar_of(by_speaker), strict=True), key=lambda pair: (pair[1], pair[0]))
    return {
        **opened,
        "emotions": emotions,
        "confusions": [[{"n": int(n), "share": float(s)} for n, s in zip(*row, strict=True)] for row in zip(counts, shares, strict=True)],
        "classes": _classes(rows, emotions, counts),
        "speakers": [{"name": name, "uar": float(value)} for name, value in voices],
        "beside": _beside(rows, record, run.clips),
        "chosen": _chosen(record, run.trials),
    }


def _classes(rows: pd.DataFrame, emotions: list[str], counts: np.ndarray) -> list[dict[str, Any]]:
    """Recall, precision, F1 and AUC of each emotion."""
    columns = [f"p.{emotion}" for emotion in emotions if f"p.{emotion}" in rows]
    aucs = {}
    if columns and rows[columns].notna().to_numpy().all() and set(rows["emotion"]) <= {c.removeprefix("p.") for c in columns}:
        folds = rows["seed"].astype(str) + "/" + rows["fold"].astype(str)
        aucs = scores.aucs(rows["emotion"], rows[columns], folds, classes=[c.removeprefix("p.") for c in columns])
    values = (scores.recalls_of(counts), scores.precisions_of(counts), scores.f1s_of(counts), counts.sum(1))
    return [
        {"emotion": e, "recall": float(r), "precision": float(p), "f1": float(f), "n": int(n), "auc": aucs.get(e, np.nan)}
        for e, r, p, f, n in zip(emotions, *values, strict=True)
    ]


def _beside(rows: pd.DataFrame, record: dict[str, Any], clips: pd.DataFrame) -> list[tuple[str, str]]:
    """Scores that stand beside the headline: name and value."""
    truth, predicted = rows["emotion"], rows["predicted"]
    folds = rows["seed"].astype(str) + "/" + rows["fold"].astype(str)
    told = [("UAR, mean over folds", float(np.mean(list(scores.uar_by(truth, predicted, folds).values()))))]
    columns = [column for column in rows.columns if column.startswith("p.")]
    classes = [column.removeprefix("p.") for column in columns]
    if columns and rows[columns].notna().to_numpy().all():
        p = rows[columns]
        told += [
            ("AUC over all pairs of clip and class (micro)", scores.micro_auc(truth, p, folds, classes=classes)),
            ("log loss", scores.log_loss(truth, p, classes=classes)),
            ("calibration error", scores.calibration_error(truth, predicted, p, classes=classes)),
        ]
    if "gender" in clips and (gender := rows["clip"].map(clips["gender"])).notna().all():
        told += [(f"UAR, {name}", value) for name, value in scores.uar_by(truth, predicted, gender).items() if name]
    return [(name, f"{value:.3f}".removeprefix("0")) for name, value in told]


def _chosen(record: dict[str, Any], trials: pd.DataFrame) -> list[dict[str, Any]]:
    """The parameters chosen in each fold, with the inner score that chose them."""
    mine = _of(record, trials[trials["chosen"].astype(bool)] if len(trials) else trials)
    return [
        {"fold": f"{seed}/{fold}", "score": score, "params": _params(params)}
        for seed, fold, score, params in mine.reindex(columns=["seed", "fold", "score", "params"]).itertuples(index=False)
    ]


def _of(record: dict[str, Any], table: pd.DataFrame) -> pd.DataFrame:
    """The rows of one cell, in the order of seeds and folds."""
    for name in CELL:
        table = table[table[name] == record[name]]
    return table.sort_values(["seed", "fold"], kind="stable")


def _params(text: str) -> str:
    values = json.loads(text)
    return ", ".join(f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in sorted(values.items()))
