"""What systems get wrong: the clips that none of a block recognises, and the emotions that all of them confuse.

In:   a block of the leaderboard, and the run's predictions and clips.
Out:  the hardest clips (`evaluation.misclassified`) with what they were predicted as, where they can be listened to, and the most confused
      pairs.
Rule: only ranked rows count: what a LEAKY one gets wrong says nothing of unseen speakers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ser_bench.evaluation.leaderboard import ROW_KEY
from ser_bench.evaluation.misclassified import always_misclassified, confused

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
    ranked = block.loc[block["status"] == "ok", ROW_KEY]
    rows = predictions.merge(ranked, on=ROW_KEY)
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
