"""Predicting clips: what is named, what comes of it, and in which form."""

import csv
import io
import json
import os

import numpy as np
import pytest
import soundfile

import ser_bench
from ser_bench.bundle import extraction, microphone, prediction
from ser_bench.bundle.bundle import Bundle
from ser_bench.bundle.listing import Listing, cells
from ser_bench.bundle.rows import Layout, PredictionRow, as_csv, as_json_lines, parts_of_one
from ser_bench.errors import WrongCall
from ser_bench.utils.atomic import restored
from tests.bundle.systems import RATE, system, voice
from tests.calling import call


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return system()


@pytest.fixture(scope="module")
def saved(bundle, tmp_path_factory):
    return bundle.save(tmp_path_factory.mktemp("system") / "model.serb")


@pytest.fixture
def clips(tmp_path):
    """A folder with a clip of each class, one of them further down, and strange ones."""
    folder = tmp_path / "clips"
    (folder / "more").mkdir(parents=True)
    for name, pitch in {"a.wav": 150, "b.wav": 300, "more/c.flac": 600}.items():
        soundfile.write(folder / name, voice(pitch), RATE)
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("no sound")
    soundfile.write(folder / "short.wav", voice(150, 0.05), RATE)
    soundfile.write(folder / "silent.wav", np.zeros(RATE), RATE)
    return folder


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_files_folders_and_patterns_are_predicted_in_the_order_in_which_they_are_named(saved, clips):
    done = call("predict", saved, "more/c.flac", "b.*", "b.wav", ".", cwd=clips)
    rows = read(done.stdout)
    assert done.returncode == 0
    assert done.stderr == "warning: 1 recording is named more than once and predicted once\n"
    names = ["a.wav", "b.wav", "empty.wav", "more/c.flac", "short.wav", "silent.wav", "text.wav"]
    assert [row["clip"] for row in rows] == ["more/c.flac", "b.wav", *(os.path.join(".", name) for name in names)]
    assert {row["clip"]: row["emotion"] for row in rows if row["emotion"]} == {
        "more/c.flac": "fear",
        "b.wav": "calm",
        "./a.wav": "anger",
        "./b.wav": "calm",
        "./more/c.flac": "fear",
    }


def test_a_strange_clip_has_the_reason_that_extract_gives(bundle, clips, tmp_path):
    strange = ["a.wav", "empty.wav", "short.wav", "silent.wav", "text.wav"]
    (clips / "clips.csv").write_text(
        "path,emotion,speaker\n" + "".join(f"{name},{('anger', 'calm')[at % 2]},s{at}\n" for at, name in enumerate(strange))
    )
    skipped = ser_bench.extract(clips / "clips.csv", "audioemotion26", cache=str(tmp_path / "store"), jobs=1).attrs["skipped"]
    table = bundle.predict([clips / name for name in strange])
    assert dict(zip(strange, table["reason"], strict=True)) == {"a.wav": "", **skipped}
    assert table["emotion"].tolist() == ["anger", "", "", "", ""]


def test_only_a_call_that_predicts_nothing_fails(saved, clips):
    some = call("predict", saved, clips / "a.wav", clips / "empty.wav", clips / "nowhere.wav", clips / "x*.wav")
    none = call("predict", saved, clips / "empty.wav", clips / "nowhere.wav")
    assert [row["reason"] for row in read(some.stdout)] == ["", "empty file", "missing file", "no file is called so"]
    assert (some.returncode, none.returncode) == (0, 1)
    assert "0 of 2 clips could be predicted" in none.stderr
    assert len(read(none.stdout)) == 2


def test_what_a_folder_holds_beside_clips_is_counted_and_a_folder_without_any_is_said(saved, clips, tmp_path):
    (clips / "film.mp4").touch()
    (tmp_path / "nothing").mkdir()
    done = call("predict", saved, clips, tmp_path / "nothing")
    assert "1 file of other kinds than .wav, .flac, .ogg, .mp3 is left out, such as film.mp4" in done.stderr
    assert read(done.stdout)[-1]["reason"] == "a folder without audio (.wav, .flac, .ogg, .mp3)"


def test_probabilities_sum_to_one_in_every_form(saved, clips):
    files = [clips / "a.wav", clips / "b.wav"]
    for row in read(call("predict", saved, *files).stdout):
        assert sum(round(float(row[f"p.{label}"]) * 10**6) for label in ("anger", "calm", "fear")) == 10**6
    for line in call("predict", saved, *files, "--format", "jsonl").stdout.splitlines():
        assert sum(value for name, value in json.loads(line).items() if name.startswith("p.")) == pytest.approx(1, abs=1e-12)
    for line in call("predict", saved, *files, "--format", "table").stdout.splitlines()[1:]:
        assert sum(map(float, line.split()[-3:])) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("digits", [2, 6])
def test_rounded_probabilities_sum_to_one_and_are_off_by_less_than_a_digit(digits):
    for p in np.random.default_rng(0).dirichlet(np.full(7, 0.3), 200):
        parts = parts_of_one(p, digits)
        assert sum(round(part * 10**digits) for part in parts) == 10**digits
        assert np.abs(parts - p).max() < 10.0**-digits


def test_a_name_is_no_formula_in_a_table_and_text_on_a_terminal():
    layout = Layout(("anger", "calm"))
    rows = [
        PredictionRow(name, 0.0, 1.0, "anger", np.array([0.75, 0.25]))
        for name in ("=HYPERLINK(1).wav", "a\x1b[31m\n\u202e.wav", "b\udcff.wav")
    ]
    written = read("".join(as_csv(rows, layout)))
    assert written[0]["clip"] == "'=HYPERLINK(1).wav"
    assert restored(written[0]["clip"]) == rows[0].clip
    assert written[1]["clip"] == rows[1].clip
    assert [json.loads(line)["clip"] for line in as_json_lines(rows, layout)] == [row.clip for row in rows]
    shown = list(Listing.of(layout, [row.clip for row in rows], 80, timed=False).lines(rows))
    assert "a\\x1b[31m\\n\\u202e.wav" in shown[2]
    hostile = Layout(("a\x1b[31m", "b"))
    row = PredictionRow("a.wav", 0.0, 1.0, "a\x1b[31m", np.array([0.75, 0.25]), explained={"f\x1b0": 1.0}, average=0.5)
    shown = list(Listing.of(hostile, ["a.wav"], 80, timed=False).lines([row]))
    assert not any("\x1b" in line.replace("\x1b[1m", "").replace("\x1b[0m", "") for line in shown)


EMOTIONS = ("anger", "boredom", "calm", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise", "love", "pride")


@pytest.mark.parametrize("timed", [False, True])
@pytest.mark.parametrize("classes", [EMOTIONS[:2], EMOTIONS[:8], EMOTIONS, [f"{g} {e}" for g in ("female", "male") for e in EMOTIONS[:5]]])
def test_a_table_fits_eighty_columns_and_has_every_probability(classes, timed):
    p = np.arange(len(classes)) + 1.0
    layout = Layout(tuple(classes), groups=("f0",))
    warned = ["a sound that is unlike all of those that the system was trained on, in its rate, its level and its length alike"]
    row = PredictionRow(
        "folder/" * 20 + "音.wav", 3594.0, 3601.5, classes[-1], p / p.sum(), warnings=warned, explained={"f0": -0.5}, average=0.5
    )
    lines = [
        line.replace("\x1b[1m", "").replace("\x1b[0m", "").replace("\x1b[33m", "")
        for line in Listing.of(layout, [row.clip], 80, timed=timed).lines([row])
    ]
    assert max(cells(line) for line in lines) <= 80
    shown = [f"{part:.2f}".lstrip("0") for part in parts_of_one(row.probabilities, 2)]
    text = " ".join(lines)
    assert all(part in text for part in shown)
    assert "f0    -.50  ---" in text


def test_labels_that_say_the_gender_have_a_column_of_it(bundle, clips):
    both = system(("female anger", "male anger"), made_of=["gender", "emotion"])
    assert both.predict(clips / "a.wav")[["emotion", "gender"]].to_numpy().tolist() == [["female anger", "female"]]
    assert "gender" not in bundle.predict(clips / "a.wav")


def test_an_array_is_predicted_as_the_file_that_it_was_written_to(bundle, tmp_path):
    samples = (voice(300) * 32768).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", np.stack([samples, samples], axis=1), RATE)
    table = bundle.predict([tmp_path / "a.wav", samples, np.stack([samples, samples], axis=1), samples / np.float32(32768)], rate=RATE)
    assert table["clip"].tolist()[1:] == ["array 2", "array 3", "array 4"]
    columns = [name for name in table if name.startswith("p.")]
    assert np.ptp(table[columns].to_numpy(), axis=0).max() < 1e-12
    assert table["end"].tolist() == [1.0] * 4


@pytest.mark.parametrize(
    ("audio", "rate", "why"),
    [
        (np.zeros(RATE), None, "rate: say how many samples per second"),
        (np.zeros(RATE), 3, "rate: 3 is not a whole number from 1,000"),
        (np.zeros((2, RATE)), RATE, "more channels than samples"),
        (np.zeros(RATE, np.uint8), RATE, "no known zero"),
        (np.array(["a"]), RATE, "samples are numbers"),
    ],
)
def test_what_is_no_sound_is_refused(bundle, audio, rate, why):
    with pytest.raises(WrongCall, match=why):
        bundle.predict(audio, rate=rate)


def test_rows_come_in_the_order_of_the_clips_in_whatever_order_they_end(bundle, clips, monkeypatch):
    files = [clips / "a.wav", clips / "empty.wav", clips / "b.wav", clips / "more/c.flac"]
    plain = bundle.predict(files)

    def backwards(function, items, workers, size, died):
        return reversed(function(list(items)))

    monkeypatch.setattr(extraction, "in_batches", backwards)
    assert bundle.predict(files).equals(plain)


def test_a_process_that_dies_costs_one_clip(bundle, monkeypatch):
    def half(function, items, workers, size, died):
        return [died(item) if number else function([item])[0] for number, item in enumerate(items)]

    monkeypatch.setattr(extraction, "in_batches", half)
    reasons = bundle.predict([voice(150), voice(300)], rate=RATE)["reason"].tolist()
    assert reasons == ["", "the process that measured it died, most likely for want of memory"]


def test_few_clips_start_no_process_and_many_no_more_than_pay(bundle, monkeypatch):
    asked = []
    monkeypatch.setattr(prediction, "extract_sounds", lambda sounds, how, workers, *_: asked.append(workers.jobs) or iter(()))
    for n in (1, 63, 64, 1000):
        list(
            prediction.predict(
                bundle, [extraction.Sound(extraction.Span("a"), extraction.File("a"))] * n, prediction.PredictionOptions(processes=4)
            )
        )
    assert asked == [1, 1, 2, 4]


def test_a_damaged_file_that_can_be_heard_is_predicted_with_a_warning(bundle, tmp_path):
    soundfile.write(tmp_path / "a.wav", voice(150, 2), RATE)
    (tmp_path / "a.wav").write_bytes((tmp_path / "a.wav").read_bytes()[:40_000])
    (row,) = bundle.predict(tmp_path / "a.wav").to_dict("records")
    assert row["emotion"]
    assert row["warnings"] == ["its header promises 2.00 s, and it holds 1.25 s"]


def test_a_clip_unlike_those_of_training_has_a_warning_in_its_row(clips, tmp_path):
    known = system(known=True)
    table = known.predict([clips / "a.wav", voice(2000) / 100], rate=RATE)
    assert table["warnings"].tolist()[0] == []
    assert table["warnings"].tolist()[1]
    saved = known.save(tmp_path / "known.serb")
    quiet = tmp_path / "quiet.wav"
    soundfile.write(quiet, voice(2000) / 100, RATE)
    assert json.loads(read(call("predict", saved, quiet).stdout)[0]["warnings"]) == known.predict(quiet)["warnings"][0]
    assert "  warning: " in call("predict", saved, quiet, "--format", "table").stdout


def test_what_the_microphone_heard_is_predicted_beside_files(saved, clips, monkeypatch):
    monkeypatch.setattr(microphone, "record", lambda seconds, say: say("recording") or (voice(300, seconds), RATE))
    done = call("predict", saved, clips / "c.wav", clips / "a.wav", "--record", "1")
    assert [(row["clip"], row["emotion"]) for row in read(done.stdout)][1:] == [(str(clips / "a.wav"), "anger"), ("microphone", "calm")]
    assert done.stderr == "recording\n"
    assert "--record SECONDS" in call("predict", saved).stderr


def test_rows_are_written_whole_and_the_form_follows_the_file(saved, clips, tmp_path):
    for name in ("p.csv", "p.jsonl"):
        done = call("predict", saved, clips / "a.wav", clips / "empty.wav", "-o", tmp_path / name)
        assert done.stdout == f"1 of 2 predicted: {tmp_path / name}\n"
    assert [row["emotion"] for row in read((tmp_path / "p.csv").read_text())] == ["anger", ""]
    assert [json.loads(line)["emotion"] for line in (tmp_path / "p.jsonl").read_text().splitlines()] == ["anger", None]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--format", "cvs"], "did you mean 'csv'"),
        (["--plot", "a.gif"], "pictures end in .png, .svg or .pdf"),
        (["--hop", "1"], "name window, too"),
        (["--window", "0.01"], "window: 0.01 s; it takes 0.1 to 3600 s"),
        (["--format", "table", "-o", "a.csv"], "-o writes csv or jsonl"),
        (["-", "-"], "name it once"),
    ],
)
def test_a_wrong_call_is_refused_before_any_work(saved, options, why, tmp_path):
    done = call("predict", saved, "a.wav", *options, cwd=tmp_path)
    assert done.returncode == 2
    assert why in done.stderr
    assert not list(tmp_path.iterdir())
