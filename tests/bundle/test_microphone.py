"""Recording, from devices that are none."""

import io
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from ser_bench.bundle.microphone import Input, record
from ser_bench.errors import WorkFailed, WrongCall

RATE = 16_000
VOICE = (0.3 * np.sin(np.arange(4 * RATE) / 9)).astype(np.float32)


class Failed(Exception):
    """What PortAudio raises."""


class Stream:
    """A device that plays a sound, as often as it was asked for frames."""

    def __init__(self, samplerate: int, channels: int = 1, dtype: str = "float32", sound: np.ndarray = VOICE, lost: bool = False) -> None:
        self.samplerate, self.channels, self.sound, self.lost = float(samplerate), channels, sound, lost
        self.at, self.asked, self.open = 0, [], False

    def read(self, frames: int) -> tuple[np.ndarray, bool]:
        self.asked.append(frames)
        block = self.sound[self.at : self.at + frames]
        self.at += frames
        return np.repeat(block[:, None], self.channels, axis=1), self.lost

    def __enter__(self) -> "Stream":
        self.open = True
        return self

    def __exit__(self, *error: object) -> None:
        self.open = False


def device(stream: Stream):
    @contextmanager
    def opened(rate: int | None):
        with stream:
            yield Input("a fake", int(rate or stream.samplerate), stream.read)

    return opened


def test_a_recording_is_what_the_device_gave_mono_and_of_the_length_asked_for():
    said: list[str] = []
    stream = Stream(RATE, channels=2)
    samples, rate = record(1.25, say=said.append, stream=device(stream))
    assert (rate, samples.dtype, stream.open) == (RATE, np.float32, False)
    assert np.array_equal(samples, VOICE[: RATE * 5 // 4])
    assert max(stream.asked) == RATE // 10
    assert said == ["recording 1.25 s from a fake at 16,000 Hz", "heard: peak -10 dB, RMS -13 dB of full scale"]


@pytest.mark.parametrize(
    ("sound", "said"),
    [
        (np.zeros(RATE, np.float32), "the recording is near silence"),
        (np.full(RATE, 1e-4, np.float32), "the recording is near silence"),
        (np.clip(9 * VOICE, -1, 1), "the recording is clipped (7"),
    ],
)
def test_silence_and_clipping_are_said(sound, said):
    lines: list[str] = []
    record(1, say=lines.append, stream=device(Stream(RATE, sound=sound)))
    assert len(lines) == 3
    assert lines[2].startswith(said)


def test_lost_sound_is_said_and_a_device_that_stops_ends_it():
    said: list[str] = []
    record(1, say=said.append, stream=device(Stream(RATE, lost=True)))
    assert said[-1].startswith("the recording has 10 gaps")
    stream = Stream(RATE, sound=VOICE[: RATE // 2])
    with pytest.raises(WorkFailed, match=r"'?a fake'? stopped after 0\.5 s"):
        record(1, say=said.append, stream=device(stream))
    assert not stream.open


@pytest.mark.parametrize("seconds", [0, 0.05, -1, 3601, float("nan"), float("inf")])
def test_only_a_length_that_a_clip_may_have_is_recorded(seconds):
    stream = Stream(RATE)
    with pytest.raises(WrongCall, match=r"takes 0\.1 to 3600 seconds"):
        record(seconds, stream=device(stream))
    assert stream.asked == []


def test_on_a_terminal_the_level_is_drawn_and_wiped_out_and_elsewhere_not(monkeypatch, capsys):
    record(0.3, stream=device(Stream(RATE)))
    assert capsys.readouterr().err == "recording 0.3 s from a fake at 16,000 Hz\nheard: peak -10 dB, RMS -13 dB of full scale\n"
    screen = io.StringIO()
    screen.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", screen)
    record(0.3, say=[].append, stream=device(Stream(RATE)))
    drawn = screen.getvalue().split("\r\x1b[K")
    assert [line[-10:] for line in drawn[1:4]] == ["0.2 s left", "0.1 s left", "0.0 s left"]
    assert drawn[1].startswith("[####")
    assert drawn[-1] == ""


def sounddevice(monkeypatch, *, devices=({"name": "Built-in", "default_samplerate": 48_000.0},), opened=Stream):
    def query_devices(kind):
        if not devices:
            raise Failed("Error querying device -1")
        return devices[0]

    fake = SimpleNamespace(PortAudioError=Failed, query_devices=query_devices, InputStream=opened)
    monkeypatch.setitem(sys.modules, "sounddevice", fake)


def test_the_default_microphone_is_heard_at_its_own_rate_or_the_one_asked_for(monkeypatch):
    sounddevice(monkeypatch)
    said: list[str] = []
    assert record(0.5, say=said.append)[1] == 48_000
    assert said[0] == "recording 0.5 s from Built-in at 48,000 Hz"
    samples, rate = record(0.5, rate=RATE, say=said.append)
    assert (len(samples), rate) == (RATE // 2, RATE)


def test_without_a_microphone_it_is_said_in_one_line_what_to_do(monkeypatch):
    sounddevice(monkeypatch, devices=())
    with pytest.raises(WorkFailed, match="there is no microphone: connect one"):
        record(1)

    def refused(**asked):
        raise Failed("Invalid sample rate\n[PaErrorCode -9997]")

    sounddevice(monkeypatch, opened=refused)
    with pytest.raises(WorkFailed, match=r"^the microphone Built-in gives no sound at 7 Hz: Invalid sample rate\\n\[PaErrorCode -9997\]$"):
        record(1, rate=7)


def test_without_its_libraries_it_is_said_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(WrongCall, match=r"needs the package sounddevice: pip install 'ser-bench\[record\]'"):
        record(1)
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    monkeypatch.delitem(sys.modules, "sounddevice")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(WrongCall, match=r"PortAudio library not found\): install it \(Debian and Ubuntu: apt install libportaudio2"):
        record(1)
