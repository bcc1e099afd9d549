"""What a score's speakers and classes can bear is said beside it."""

import numpy as np
import pandas as pd
import pytest

from ser_bench.evaluation.cautions import OUTLYING_SPEAKERS, cautions, outlying
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.reports import to_markdown
from ser_bench.reports.board_text import own_notes
from ser_bench.utils.formatting import records
from tests.reports import fabricate


def board_of(table, skill=0.8):
    found = fabricate.predictions(table, "egemaps", "svm", skill).assign(**{"p.boredom": 0.1, "p.contempt": 0.1})
    return fabricate.rank(found, pd.DataFrame([fabricate.cell("egemaps", "svm", table)])), table


def test_eight_speakers_alike_need_no_word():
    board, _ = board_of(fabricate.clips(each=30))
    assert board.loc[0, "notes"] == []


def test_a_class_of_one_speaker_or_of_four_clips_is_named():
    table = fabricate.clips(each=30)
    table.loc[["s0/0.wav", "s1/0.wav"], "emotion"] = "boredom"
    table.loc[[f"s3/{i}.wav" for i in range(0, 18, 3)], "emotion"] = "contempt"
    board, _ = board_of(table)
    assert any("'boredom' has 2 clips of 2 speakers" in note for note in board.loc[0, "notes"])
    assert any("'contempt' has 6 clips of 1 speaker: its recall" in note for note in board.loc[0, "notes"])
    assert "'boredom' has 2 clips of 2 speakers" in to_markdown(board, fabricate.references(table), fabricate.resolutions())


def test_five_speakers_and_very_unequal_ones_are_named():
    (note,) = board_of(fabricate.clips(speakers=5, each=30))[0].loc[0, "notes"]
    assert "effective number of speakers is 5.0" in note
    table = pd.concat([fabricate.clips(speakers=2, each=120), fabricate.clips(speakers=9, each=3).iloc[6:]])
    (note,) = board_of(table)[0].loc[0, "notes"]
    assert "effective number of speakers is 2.4 (9 speakers with 3 to 120 clips each)" in note


def test_speakers_who_are_not_recognised_are_named():
    counts = np.zeros((1, 10, 2, 2), int)
    counts[..., [0, 1], [0, 1]] = 9
    counts[..., [0, 1], [1, 0]] = 1
    assert cautions(counts, ["anger", "fear"]) == []
    assert outlying(counts)[::2] == (0, pytest.approx(0.9))
    counts[0, 3] = [[1, 9], [2, 8]]
    assert cautions(counts, ["anger", "fear"]) == [OUTLYING_SPEAKERS]
    assert outlying(counts) == (1, pytest.approx(0.45), pytest.approx(0.9))


def missing(table, model, speakers, right):
    """Predictions of a system that gets `right` of ten clips right, and of some speakers' one."""
    of = table.groupby("speaker").cumcount() % 10 < table["speaker"].isin(speakers).map({True: 1, False: right})
    found = fabricate.predictions(table, "egemaps", model, 1.0)
    other = found["emotion"].map({"anger": "fear", "fear": "neutral", "neutral": "anger"})
    return found.assign(predicted=found["emotion"].where(found["clip"].map(of), other))


def test_one_note_says_of_every_row_who_is_hardly_recognised_with_numbers_from_columns(tmp_path):
    table = fabricate.clips(each=30)
    who = {"svm": ["s1"], "rf": ["s1", "s2"], "xgb": []}
    found = pd.concat([missing(table, model, speakers, 8) for model, speakers in who.items()])
    board = fabricate.rank(found, pd.DataFrame([fabricate.cell("egemaps", model, table) for model in who]))
    RunFolder(tmp_path).write_leaderboard(board)
    kept = RunFolder(tmp_path).read_leaderboard()
    assert dict(zip(kept["model"], kept["outlying_speakers"], strict=True)) == {"svm": 1, "rf": 2, "xgb": 0}
    text = to_markdown(kept, fabricate.references(table), fabricate.resolutions())
    (line,) = [line for line in text.splitlines() if "recognised far worse" in line]
    assert line.startswith(f"{OUTLYING_SPEAKERS} (egemaps ")
    assert all(part in line for part in ("egemaps svm: 1 of 8, lowest UAR .1", "egemaps rf: 2 of 8, lowest UAR .1"))
    assert "xgb" not in line
    (alone,) = [note for note, _ in own_notes(next(row for row in records(kept) if row["model"] == "rf"))]
    assert alone.startswith(f"{OUTLYING_SPEAKERS} (2 of 8, lowest UAR .1")


def test_a_caution_is_said_once_however_often_a_row_is_ranked():
    table = fabricate.clips(speakers=5, each=30)
    found = fabricate.predictions(table, "egemaps", "svm", 0.8)
    first = fabricate.rank(found, pd.DataFrame([fabricate.cell("egemaps", "svm", table, notes=["a note; of two parts"])]))
    again = fabricate.rank(found, pd.DataFrame([fabricate.cell("egemaps", "svm", table, notes=first.loc[0, "notes"])]))
    assert again.loc[0, "notes"] == first.loc[0, "notes"]
    assert again.loc[0, "notes"][0] == "a note; of two parts"
    assert len(again.loc[0, "notes"]) == 2
