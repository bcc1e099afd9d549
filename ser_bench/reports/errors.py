"""What systems get wrong: the clips that none of a block recognises, and the emotions that all of them confuse.

In:   a block of the leaderboard, and the run's predictions and clips.
Out:  the hardest clips with what was said of them, where they can be listened to, and the most confused pairs.
Rule: only ranked rows are asked: what a LEAKY one gets wrong tells nothing of new voices.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.evaluation.leaderboard import CELL

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.reports.players import AudioLink

MOST_CLIPS = 30
MOST_PAIRS = 10


def block_errors(
    block: pd.DataFrame, predictions: pd.DataFrame, clips: pd.DataFrame, sounds: Mapping[str, AudioLink]
) -> dict[str, Any] | None:
    """What the ranked rows of a block get wrong; None where none is ranked.

    Parameters
    ----------
    block, predictions, clips : DataFrame
        Of a run.
    sounds : mapping of str to AudioLink
        Where the audio of clips lies, as `listening.sounds` gives it.
    """
    ranked = block.loc[block["status"] == "ok", CELL]
    rows = predictions.merge(ranked, on=CELL)
    if rows.empty:
        return None
    hardest = always_misclassified(rows)
    listeners = clips["recognised"].dropna().to_dict() if "recognised" in clips else {}
    listed = hardest.head(MOST_CLIPS).reset_index()
    return {
        "systems": len(ranked),
        "clips": int(rows["clip"].nunique()),
        "total": len(hardest),
        "believed": bool(hardest["p"].notna().any()),
        "hardest": [
            {**about, "listeners": listeners.get(clip), "address": sounds[clip].address if clip in sounds else ""}
            for clip, about in zip(listed["clip"], listed.to_dict("records"), strict=True)
        ],
        "pairs": confused(rows).head(MOST_PAIRS).to_dict("records"),
    }


def always_misclassified(rows: pd.DataFrame) -> pd.DataFrame:
    """Clips that no row gets right with any seed, the hardest first: ``emotion, speaker, said, share, p`` by clip.

    `said` is what most decisions were (the first by name of several), `share` how many of them, and `p` the mean probability of
    the true class, by which clips are sorted; NaN, and then by `share`, where probabilities are not known.

    Parameters
    ----------
    rows : DataFrame
        Predictions of several systems on the same clips.
    """
    right = (rows["predicted"] == rows["emotion"]).groupby(rows["clip"]).any()
    wrong = rows[rows["clip"].map(~right)]
    found = wrong.groupby("clip")[["emotion", "speaker"]].first()
    said = wrong.groupby(["clip", "predicted"]).size().rename("n").reset_index()
    said = said.sort_values(["clip", "n", "predicted"], ascending=[True, False, True]).drop_duplicates("clip").set_index("clip")
    decisions = wrong.groupby("clip").size()
    found = found.assign(said=said["predicted"], share=said["n"] / decisions, p=_belief(wrong).groupby(wrong["clip"]).mean().round(6))
    return found.rename_axis("clip").sort_values(["p", "share", "clip"], ascending=[True, False, True])


def confused(rows: pd.DataFrame) -> pd.DataFrame:
    """Pairs of emotions by how often the first was predicted as the second: ``meant, said, n, share`` of decisions on the first."""
    counted = rows.groupby(["emotion", "predicted"]).size().rename("n").reset_index()
    counted["share"] = counted["n"] / counted.groupby("emotion")["n"].transform("sum")
    pairs = counted[counted["emotion"] != counted["predicted"]].rename(columns={"emotion": "meant", "predicted": "said"})
    return pairs.sort_values(["share", "meant", "said"], ascending=[False, True, True])


def _belief(rows: pd.DataFrame) -> pd.Series:
    """The probability of the true class."""
    belief = rows["emotion"].map(lambda _: np.nan).astype(float)
    for emotion in rows["emotion"].unique():
        if f"p.{emotion}" in rows:
            meant = rows["emotion"] == emotion
            belief[meant] = rows.loc[meant, f"p.{emotion}"]
    return belief
