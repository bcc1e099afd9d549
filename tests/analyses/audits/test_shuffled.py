"""A speaker whose labels are shuffled is named, one who is merely hard to recognise is not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ser_bench.analyses.audits.shuffled import best_row, shuffled, shuffled_by_row
from ser_bench.evaluation.run_folder import Run

SPEAKERS, CLIPS, EMOTIONS = 10, 40, 4


def predictions(shuffled_speakers: int = 0, level: float = 0.85, spread: float = 0.05, seed: int = 0) -> tuple[np.ndarray, ...]:
    """What a system predicts that recognises this share of each speaker's clips, labels of the first few speakers shuffled."""
    rng = np.random.default_rng(seed)
    truth = np.tile(np.arange(EMOTIONS), SPEAKERS * CLIPS // EMOTIONS)
    voices = np.repeat(np.arange(SPEAKERS), CLIPS)
    right = rng.random(len(truth)) < rng.normal(level, spread, SPEAKERS)[voices]
    predicted = np.where(right, truth, (truth + rng.integers(1, EMOTIONS, len(truth))) % EMOTIONS)
    for voice in range(shuffled_speakers):
        truth[voices == voice] = rng.permutation(truth[voices == voice])
    return truth, predicted[None], voices.astype(str)


def test_speakers_with_shuffled_labels_are_found():
    found = [{one.voice for one in shuffled(*predictions(2, seed=seed))} for seed in range(10)]
    assert sum(mine == {"0", "1"} for mine in found) >= 6
    assert all(mine <= {"0", "1"} for mine in found)


def test_speakers_as_they_are_are_not_named():
    assert not any(shuffled(*predictions(seed=seed)) for seed in range(20))


def test_a_hard_speaker_who_is_recognised_above_chance_is_not_named():
    truth, predicted, voices = predictions()
    hard = np.flatnonzero(voices == "3")
    predicted[0, hard[:20]] = (truth[hard[:20]] + 1) % EMOTIONS
    assert shuffled(truth, predicted, voices) == []


def test_nothing_is_said_of_a_system_that_recognises_nobody():
    assert not any(shuffled(*predictions(level=0.3, seed=seed)) for seed in range(10))


def test_a_run_says_it_of_its_best_row_with_both_tests():
    truth, predicted, voices = predictions(1)
    names = np.array(["anger", "fear", "neutral", "sadness"])
    row = {"features": "f", "model": "m", "track": "train", "seed": 0}
    table = pd.DataFrame(
        {**row, "clip": [f"{n:03}" for n in range(len(truth))], "voice": voices, "emotion": names[truth], "predicted": names[predicted[0]]}
    )
    worse = table.assign(model="worse", predicted="anger")
    cells = pd.DataFrame([{**row, "status": "ok"}, {**row, "model": "worse", "status": "ok"}])
    run = Run(None, cells, pd.concat([table, worse]), None, None, [], 0, 0, {}, [], None, {})
    best = best_row(run)
    assert best.name == "f m train"
    (finding,) = shuffled_by_row(best)
    assert finding.kind == "warning"
    assert "1 of 10 speakers is recognised by chance, unlike the others: 0 (UAR ." in finding.what
    assert "by f m train" in finding.what
