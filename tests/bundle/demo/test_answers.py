"""What the demo answers is what `predict` says of the same sound, and none of it is ever written down."""

import io
import json
import os
import sys
import tempfile
import threading
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_bench.audio.clip import Unusable, decode
from ser_bench.bundle.demo.answers import answer, hop_of
from ser_bench.bundle.demo.page import serve
from ser_bench.bundle.demo.server import TOKEN
from ser_bench.bundle.prediction import predict_clip
from tests.bundle.systems import RATE, system, voice

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CHANGES = {"os.mkdir", "os.rename", "os.link", "os.symlink", "os.truncate", "tempfile.mkstemp", "tempfile.mkdtemp", "shutil.copyfile"}

watching = threading.Event()
written: list[str] = []


def watch(event: str, about: tuple) -> None:
    """Note what this process writes to, while it is watched."""
    if watching.is_set() and (event in CHANGES or (event == "open" and isinstance(about[2], int) and about[2] & WRITING)):
        written.append(f"{event} {about[0]}")


@pytest.fixture(scope="module")
def bundle():
    return system()


def wav(samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="WAV", subtype="FLOAT")
    return file.getvalue()


def test_a_recording_gets_the_probabilities_that_predict_gives_it(bundle):
    data = wav(voice(300))
    first, second = answer(bundle, data)
    row = predict_clip(bundle, decode(data))
    assert first["heard"]["seconds"] == 1
    assert first["heard"]["rate"] == RATE
    assert second["whole"]["emotion"] == row["emotion"] == "calm"
    assert second["whole"]["p"] == [row[f"p.{name}"] for name in bundle.classes]
    assert sum(second["whole"]["p"]) == pytest.approx(1, abs=1e-9)


def test_the_outline_holds_the_extremes_of_what_was_heard(bundle):
    samples = voice(300)
    heard = next(answer(bundle, wav(samples)))["heard"]
    outline = np.array(heard["outline"])
    assert outline.max() == pytest.approx(samples.max(), abs=1e-5)
    assert outline.min() == pytest.approx(samples.min(), abs=1e-5)
    assert heard["peak"] == pytest.approx(np.abs(samples).max())


def test_a_long_recording_is_followed_window_by_window(bundle):
    samples = np.concatenate([voice(150, 4), voice(600, 4)])
    lines = list(answer(bundle, wav(samples)))
    windows = [line["window"] for line in lines if "window" in line]
    following = next(line["following"] for line in lines if "following" in line)
    assert following == {"window": 3, "hop": 1, "count": len(windows)}
    assert [(row["start"], row["end"]) for row in windows] == [(k, k + 3) for k in range(6)]
    last = predict_clip(bundle, decode(wav(samples[5 * RATE :])))
    assert windows[-1]["p"] == [last[f"p.{name}"] for name in bundle.classes]
    json.dumps(lines, allow_nan=False)


def test_silence_in_the_midst_of_a_long_recording_has_its_reason(bundle):
    lines = list(answer(bundle, wav(np.concatenate([voice(150, 3), np.zeros(4 * RATE, np.float32)]))))
    last = lines[-1]["window"]
    assert (last["reason"], last["p"], last["emotion"]) == ("constant", [], "")


@pytest.mark.parametrize("seconds", [6, 100, 242, 243, 3600])
def test_no_recording_has_more_windows_than_can_be_shown(seconds):
    assert (seconds - 3) // hop_of(seconds) + 1 <= 240


UNHEARD = {"empty": b"", "text": b"no sound", "silent": wav(np.zeros(RATE)), "short": wav(voice(300, 0.05))}


@pytest.mark.parametrize("data", UNHEARD.values(), ids=UNHEARD)
def test_what_cannot_be_heard_says_why(bundle, data):
    with pytest.raises(Unusable):
        list(answer(bundle, data))


def test_nothing_that_is_heard_is_written_to_disk(bundle, tmp_path, monkeypatch):
    sent = [wav(np.concatenate([voice(150, 4), voice(600, 3)])), b"no sound", wav(np.zeros(RATE))]
    list(answer(bundle, sent[0]))  # what is compiled at first use is kept
    monkeypatch.chdir(tmp_path)
    before = set(Path(tempfile.gettempdir()).iterdir())
    sys.addaudithook(watch)
    with serve(bundle) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        watching.set()
        try:
            codes = []
            for data in sent:
                connection = HTTPConnection("127.0.0.1", server.server_port, timeout=60)
                connection.request("POST", "/predict", data, {"Origin": server.address.rstrip("/"), TOKEN: server.token})
                response = connection.getresponse()
                codes.append((response.status, b'"done"' in response.read()))
                connection.close()
            seen = list(written)
            (tmp_path / "proof").write_text("that a file would be noticed")
        finally:
            watching.clear()
            server.shutdown()
            thread.join()
    assert codes == [(200, True), (422, False), (422, False)]
    assert seen == []
    assert any("proof" in line for line in written)
    assert [path.name for path in tmp_path.iterdir()] == ["proof"]
    new = {path for path in set(Path(tempfile.gettempdir()).iterdir()) - before if path.is_file()}
    assert not any(path.read_bytes().startswith((b"RIFF", b"fLaC")) for path in new)
