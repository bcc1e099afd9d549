"""Long recordings, a window after the other."""

import io
import os
import threading

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_bench.audio.clip import decode
from ser_bench.bundle import prediction, windows
from ser_bench.bundle.extraction import File, Samples, Sound, Span, StandardInput
from ser_bench.bundle.windows import Windows
from ser_bench.errors import WrongCall
from tests.bundle.systems import RATE, system, voice


@pytest.fixture(scope="module")
def bundle():
    return system()


@pytest.fixture(scope="module")
def recording():
    """Seven seconds: low, then high, then nothing, then in between."""
    parts = [voice(150, 2), voice(600, 2), np.zeros(RATE), voice(300, 2.2)]
    return np.concatenate(parts).astype(np.float32)


def pieces(sound, seconds, hop):
    return list(Windows(seconds, hop).of(sound))


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("rate", [RATE, 44_100])
def test_a_window_has_the_samples_of_the_segment_cut_out_of_the_file(kind, rate, recording, tmp_path):
    file = tmp_path / f"a.{kind}"
    soundfile.write(file, np.stack([recording, 0.5 * recording], axis=1), rate)
    found = pieces(Sound(Span("a"), File(str(file))), 1.5, 0.7)
    assert len(found) > 2
    for window in found:
        cut = decode(file.read_bytes(), window.span.start, window.span.end)
        np.testing.assert_array_equal(window.source.samples, cut.samples[: len(window.source.samples)])
        assert abs(len(cut.samples) - len(window.source.samples)) <= 1
        assert window.source.rate == rate


@settings(max_examples=40)
@given(st.integers(0, 3000), st.integers(100, 900), st.integers(10, 900))
def test_windows_cover_the_recording_to_its_end_and_no_more(length, seconds, hop):
    samples = np.arange(length, dtype=np.float32)
    found = pieces(Sound(Span("a"), Samples(samples, 1000)), seconds / 1000, hop / 1000)
    spans = [(round(window.span.start * 1000), round(window.span.end * 1000)) for window in found]
    for (start, end), window in zip(spans, found, strict=True):
        np.testing.assert_array_equal(window.source.samples, samples[start:end])
    assert [start for start, _ in spans] == [hop * number for number in range(len(spans))]
    assert all(end - start == seconds for start, end in spans[:-1])
    ends = [end for _, end in spans]
    assert len(set(ends)) == len(ends)
    last = spans[-1][1]
    assert last == length if hop <= seconds else length - last <= hop - seconds


def test_a_stream_is_followed_as_the_file_is(bundle, recording, tmp_path):
    soundfile.write(tmp_path / "a.wav", recording, RATE, subtype="PCM_16")
    data = (tmp_path / "a.wav").read_bytes()
    at = data.index(b"data") + 4
    endless = data[:at] + b"\xff\xff\xff\xff" + data[at + 4 :]
    read, write = os.pipe()

    def speak():
        with os.fdopen(write, "wb") as pipe:
            pipe.write(endless)

    speaker = threading.Thread(target=speak)
    speaker.start()
    asked = prediction.PredictionOptions(Windows(2, 1))
    with os.fdopen(read, "rb") as stream:
        rows = list(prediction.predict(bundle, [Sound(Span("stdin"), StandardInput())], asked, stream))
    speaker.join()
    table = bundle.predict(tmp_path / "a.wav", window=2, hop=1)
    assert [row.emotion for row in rows] == table["emotion"].tolist()
    assert [(row.start, row.end) for row in rows] == table[["start", "end"]].apply(tuple, axis=1).tolist()
    whole = prediction.predict(bundle, [Sound(Span("stdin"), StandardInput())], prediction.PredictionOptions(), io.BytesIO(endless))
    assert [row.end for row in whole] == [len(recording) / RATE]


def test_a_row_of_each_window_follows_what_is_heard(bundle, recording):
    table = bundle.predict(recording, rate=RATE, window=1.0)
    assert table["emotion"].tolist()[:-1] == ["anger"] * 2 + ["fear"] * 2 + [""] + ["calm"] * 2
    assert table["reason"][4] == "constant"
    assert table[["start", "end"]].to_numpy()[-1].tolist() == [7.0, 7.2]


def test_no_more_than_a_window_is_read_ahead(recording, tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", np.tile(recording, 20), RATE)
    longest = []
    cut = windows._cut

    def watched(sound, rate, wanted, read):
        def reading(samples):
            longest.append(samples)
            return read(samples)

        return cut(sound, rate, wanted, reading)

    monkeypatch.setattr(windows, "_cut", watched)
    found = Windows(2, 1).of(Sound(Span("a"), File(str(tmp_path / "a.wav"))))
    next(found)
    next(found)
    assert sum(longest) == 3 * RATE


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (None, "missing file"),
        (b"", "empty file"),
        (b"no sound at all", "not audio that can be decoded: Format not recognised"),
        (b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer, not the audio itself: fetch it by git lfs pull"),
    ],
)
def test_what_cannot_be_followed_has_the_reason_that_it_has_as_a_clip(bundle, data, why, tmp_path):
    if data is not None:
        (tmp_path / "a.wav").write_bytes(data)
    for how in ({}, {"window": 1.0}):
        assert bundle.predict(tmp_path / "a.wav", **how)["reason"].tolist() == [why]


def test_what_breaks_off_is_predicted_up_to_there(bundle, recording, tmp_path):
    file = tmp_path / "a.flac"
    soundfile.write(file, recording, RATE)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    table = bundle.predict(file, window=1.0)
    assert table["emotion"].tolist()[:2] == ["anger"] * 2


@pytest.mark.parametrize(("seconds", "hop"), [(0.05, 1), (4000, 1), (1, 0), (float("nan"), 1)])
def test_windows_that_none_can_be_are_refused(seconds, hop):
    with pytest.raises(WrongCall):
        Windows(seconds, hop)


def test_decoded_clips_are_predicted_a_window_at_a_time_without_workers(bundle, recording):
    from ser_bench.audio.clip import Clip

    found = list(prediction.predict_windows(bundle, Clip(recording, RATE), 1, 2))
    assert [row["emotion"] for row in found] == ["anger", "fear", None, "calm"]
    assert found[2]["reason"] == "constant"
    one = prediction.predict_clip(bundle, Clip(recording[:RATE], RATE), start=5)
    assert {**one, "start": 0.0, "end": 1.0} == found[0]
    assert (one["start"], one["end"]) == (5.0, 6.0)
