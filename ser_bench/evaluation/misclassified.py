"""What several systems get wrong together: clips that none of them recognises, and the classes that they confuse.

In:   predictions of systems on the same clips.
Out:  tables: clips, the hardest first, and pairs of classes, the most confused first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


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
