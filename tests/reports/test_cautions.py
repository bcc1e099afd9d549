"""What a score's speakers and classes can bear is said beside it."""

import numpy as np
import pandas as pd

from ser_bench.evaluation.cautions import cautions
from ser_bench.reports import to_markdown
from tests.reports import fabricate


def board_of(table, skill=0.8):
    found = fabricate.predictions(table, "egemaps", "svm", skill).assign(**{"p.boredom": 0.1, "p.contempt": 0.1})
    return fabricate.rank(found, pd.DataFrame([fabricate.cell("egemaps", "svm", table)])), table


def test_eight_speakers_alike_need_no_word():
    board, _ = board_of(fabricate.clips(each=30))
    assert board.loc[0, "notes"] == ""


def test_a_class_of_one_speaker_or_of_four_clips_is_named():
    table = fabricate.clips(each=30)
    table.loc[["s0/0.wav", "s1/0.wav"], "emotion"] = "boredom"
    table.loc[[f"s3/{i}.wav" for i in range(0, 18, 3)], "emotion"] = "contempt"
    board, _ = board_of(table)
    assert "'boredom' has 2 clips of 2 speakers" in board.loc[0, "notes"]
    assert "'contempt' has 6 clips of 1 speaker: its recall" in board.loc[0, "notes"]
    assert "'boredom' has 2 clips of 2 speakers" in to_markdown(board, fabricate.references(table), fabricate.resolutions())


def test_five_speakers_and_very_unequal_ones_are_named():
    assert "effective number of speakers is 5.0" in board_of(fabricate.clips(speakers=5, each=30))[0].loc[0, "notes"]
    table = pd.concat([fabricate.clips(speakers=2, each=120), fabricate.clips(speakers=9, each=3).iloc[6:]])
    assert "effective number of speakers is 2.4 (9 speakers with 3 to 120 clips)" in board_of(table)[0].loc[0, "notes"]


def test_speakers_who_are_not_recognised_are_named():
    counts = np.zeros((1, 10, 2, 2), int)
    counts[..., [0, 1], [0, 1]] = 9
    counts[..., [0, 1], [1, 0]] = 1
    assert cautions(counts, ["anger", "fear"]) == []
    counts[0, 3] = [[1, 9], [2, 8]]
    (line,) = cautions(counts, ["anger", "fear"])
    assert line.startswith("1 of 10 speakers is recognised far worse than the others (UAR .450, median .900)")


def test_one_note_says_of_every_row_who_is_hardly_recognised():
    table = fabricate.clips(each=30)
    said = "{} of 8 speakers {} recognised far worse than the others (UAR {}, median .800): so"
    notes = {"svm": said.format(1, "is", ".300"), "rf": said.format(2, "are", "0.25"), "xgb": ""}
    found = pd.concat([fabricate.predictions(table, "egemaps", model, 0.8) for model in notes])
    board = fabricate.rank(found, pd.DataFrame([fabricate.cell("egemaps", model, table, notes=note) for model, note in notes.items()]))
    text = to_markdown(board, fabricate.references(table), fabricate.resolutions())
    (line,) = [line for line in text.splitlines() if "recognised far worse" in line]
    assert line.startswith("1 to 2 of 8 speakers are recognised far worse than the others: so (egemaps ")
    assert all(part in line for part in ("egemaps svm: 1, UAR .300, median .800", "egemaps rf: 2, UAR .250, median .800"))
    assert "xgb" not in line


def test_a_caution_is_said_once_however_often_a_row_is_ranked():
    table = fabricate.clips(speakers=5, each=30)
    found = fabricate.predictions(table, "egemaps", "svm", 0.8)
    first = fabricate.rank(found, pd.DataFrame([fabricate.cell("egemaps", "svm", table, notes="a note")]))
    again = fabricate.rank(found, pd.DataFrame([fabricate.cell("egemaps", "svm", table, notes=first.loc[0, "notes"])]))
    assert again.loc[0, "notes"] == first.loc[0, "notes"]
    assert again.loc[0, "notes"].startswith("a note; ")
