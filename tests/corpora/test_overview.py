"""`ser-bench corpora show`: what a folder or table is read as, who shows what how often, how long it lasts, what is odd about it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import soundfile

from ser_bench.corpora import show
from ser_bench.reports.corpus_figure import draw_corpus
from tests.calling import call


@pytest.fixture
def folder(tmp_path):
    """Clips of three speakers in EMO-DB's names, one of whom is never neutral, and a file that is none."""
    for number, (speaker, emotion, take) in enumerate([(s, e, t) for s in ("03", "08", "10") for e in "WN" for t in "ab"]):
        if (speaker, emotion) != ("10", "N"):
            length = 1600 * (1 + number)
            soundfile.write(tmp_path / f"{speaker}a01{emotion}{take}.wav", np.random.default_rng(number).normal(0, 0.1, length), 16_000)
    (tmp_path / "03a02Wa.wav").write_bytes(b"no sound")
    soundfile.write(tmp_path / "room.wav", np.ones(100), 16_000)
    return tmp_path


def test_clips_are_counted_by_speaker_and_emotion_and_measured_by_their_headers(folder):
    overview = show(folder)
    assert overview.counts.loc["10"].to_dict() == {"anger": 2, "neutral": 0}
    assert overview.seconds["08a01Na.wav"] == pytest.approx(0.7)
    assert np.isnan(overview.seconds["03a02Wa.wav"])


def test_what_is_odd_is_said(folder):
    told = " ".join(show(folder).warnings)
    for part in (
        "1 audio file is not understood and left out: room.wav",
        "1 clip has no header that can be read, such as 03a02Wa.wav",
        "emotions that speakers never show: neutral by 1 of 3 speakers",
        "11 clips instead of the released 535",
    ):
        assert part in told


def test_a_resampled_copy_is_named(folder):
    soundfile.write(folder / "08a01Na.wav", np.ones(800) / 2, 8_000)
    assert "1 clip is not at the released 16,000 Hz, such as 08a01Na.wav at 8,000: a resampled copy" in " ".join(show(folder).warnings)
    assert "16,000 Hz mono (9), 8,000 Hz mono (1)" in call("corpora", "show", folder).stdout


def test_five_clips_show_every_emotion_and_speaker(folder):
    examples = show(folder).examples
    assert len(examples) == 5
    assert set(examples["emotion"]) == {"anger", "neutral"}
    assert set(examples["speaker"]) == {"03", "08", "10"}


def test_spans_of_a_table_last_as_long_as_they_say(folder):
    rows = [("08a01Na.wav", "neutral", "x", 0.1, 0.3), ("08a01Na.wav", "anger", "y", 0.2, None)]
    pd.DataFrame(rows, columns=["path", "emotion", "speaker", "start", "end"]).to_csv(folder / "spans.csv", index=False)
    overview = show(folder / "spans.csv")
    assert sorted(overview.seconds) == pytest.approx([0.2, 0.5])
    assert overview.recognised == "a table of clips"


def test_the_command_prints_it_in_80_columns_and_draws_it(folder):
    done = call("corpora", "show", folder, "--plot", folder / "shown.svg")
    assert done.returncode == 0, done.stderr
    assert "recognised   emodb, language de" in done.stdout
    assert [line.split() for line in done.stdout.splitlines() if line.startswith("all ")] == [["all", "7", "4", "11"]]
    assert max(map(len, done.stdout.splitlines())) <= max(80, len(str(folder)) + 20)
    assert (folder / "shown.svg").read_text().endswith("</svg>\n")


def test_many_speakers_are_summed_up(folder):
    rows = [("08a01Na.wav", emotion, f"s{n}") for n in range(40) for emotion in ("anger", "fear")[: 1 + n % 2]]
    table = pd.DataFrame(rows, columns=["path", "emotion", "speaker"]).assign(start=np.arange(len(rows)) / 1000)
    table.to_csv(folder / "many.csv", index=False)
    done = call("corpora", "show", folder / "many.csv")
    assert [line.split() for line in done.stdout.splitlines() if line.startswith("fear ")] == [["fear", "20", "20", "0", "1"]]


def test_a_folder_of_several_corpora_is_shown_corpus_by_corpus(folder):
    for emotion in (1, 3):
        for actor in (1, 2):
            soundfile.write(folder / f"03-01-0{emotion}-01-01-01-0{actor}.wav", np.full(400, 0.1 * emotion), 48_000)
    done = call("corpora", "show", folder, "--plot", folder / "shown.svg")
    assert [line for line in done.stdout.splitlines() if line in ("emodb", "ravdess")] == ["emodb", "ravdess"]
    assert sorted(path.name for path in folder.glob("*.svg")) == ["shown-emodb.svg", "shown-ravdess.svg"]


def test_columns_of_a_table_may_be_named(folder):
    pd.DataFrame({"wavfile": ["08a01Na.wav", "10a01Wa.wav"], "mood": ["calm", "fear"], "who": ["x", "y"]}).to_csv(folder / "mine.csv")
    done = call("corpora", "show", folder / "mine.csv", "--columns", "path=wavfile,emotion=mood,speaker=who")
    assert "2 of 2 speakers, 2 emotions" in done.stdout, done.stderr


def test_the_same_corpus_is_drawn_in_the_same_bytes(folder):
    for name in ("one.svg", "two.svg"):
        draw_corpus(show(folder), folder / name)
    assert (folder / "one.svg").read_bytes() == (folder / "two.svg").read_bytes()


def test_a_kind_of_picture_that_is_not_drawn_is_refused_before_anything_is_read(folder):
    done = call("corpora", "show", folder / "absent", "--plot", "x.bmp")
    assert done.returncode == 2
    assert "name a file that ends in ." in done.stderr
