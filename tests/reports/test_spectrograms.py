"""What clips look like: sound is drawn where it is, the same each time, small, and once per page."""

import base64
import io
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from ser_bench.reports.players import AudioLink
from ser_bench.reports.spectrograms import BAR_HEIGHT, BARS, HEIGHT, WIDTH, Picture, draw, draw_spectrograms, picture_of
from tests.reports.test_errors import page_of
from tests.reports.test_players import spoken


def tone(hz: float, seconds: float = 1.0, rate: int = 16_000) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def voice(seed: int, seconds: float = 3.0, rate: int = 16_000) -> np.ndarray:
    """Syllables of harmonics that rise and fall, with noise and pauses between: as hard to compress as speech."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * rate)) / rate
    phase = 2 * np.pi * np.cumsum(180 + 60 * np.sin(2 * np.pi * 1.3 * t + rng.uniform(0, 6))) / rate
    harmonics = np.sum([np.sin(k * phase) / k for k in range(1, 30)], axis=0)
    syllables = np.maximum(np.sin(2 * np.pi * 3 * t + rng.uniform(0, 6)), 0)
    hiss = rng.normal(size=len(t)) * np.maximum(np.sin(2 * np.pi * 2.1 * t), 0) ** 8
    return (0.2 * syllables * harmonics + 0.05 * hiss + 0.001 * rng.normal(size=len(t))).astype(np.float32)


def lightness(picture: Picture) -> np.ndarray:
    """The spectrogram as an eye without colours has it, shape (HEIGHT, WIDTH)."""
    kind, _, data = picture.spectrogram.partition(",")
    assert kind == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("L")).astype(int)


def bars(picture: Picture) -> np.ndarray:
    """How long each stroke of the waveform is."""
    return np.array([int(stroke.partition("v")[2]) for stroke in picture.waveform.split("M")[1:]])


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
@pytest.mark.parametrize(("hz", "height"), [(250, 0.08), (1000, 0.33), (3000, 0.69)])
def test_a_tone_lies_at_its_height_on_the_mel_scale_whatever_the_rate(hz, height, rate):
    light = lightness(draw(tone(hz, rate=rate), rate))
    assert light.shape == (HEIGHT, WIDTH)
    brightest = light[:, 20:-20].mean(1).argmax()
    assert (HEIGHT - 0.5 - brightest) / HEIGHT == pytest.approx(height, abs=0.03)


def test_silence_after_a_burst_is_seen_in_both_parts():
    drawn = draw(np.concatenate([tone(1000), np.zeros(16_000, np.float32)]), 16_000)
    light, long = lightness(drawn), bars(drawn)
    assert light[:, : WIDTH // 2 - 10].max() > 200
    assert light[:, WIDTH // 2 + 10 :].max() < 20
    assert (long[: BARS // 2] == BAR_HEIGHT).all()
    assert (long[BARS // 2 :] == 1).all()


def test_a_click_in_a_long_clip_is_not_missed():
    samples = 0.001 * tone(100, seconds=60)
    samples[int(0.505 * len(samples))] = 0.5
    drawn = draw(samples, 16_000)
    assert bars(drawn).argmax() == BARS // 2
    assert lightness(drawn).max(0).argmax() == pytest.approx(WIDTH / 2, abs=4)


def test_soft_speech_is_drawn_as_loud():
    assert draw(voice(0) / 2**20, 16_000) == draw(voice(0), 16_000)


def test_the_same_samples_make_the_same_bytes():
    assert draw(voice(1), 16_000) == draw(voice(1), 16_000) != draw(voice(2), 16_000)


def test_a_segment_shows_only_its_part(tmp_path):
    file = tmp_path / "both.wav"
    soundfile.write(file, np.concatenate([tone(300), tone(3000), tone(300)]), 16_000, subtype="FLOAT")
    assert picture_of(AudioLink(file, 1.0, 2.0, "")) == draw(tone(3000), 16_000)
    assert picture_of(AudioLink(file, 2.0, None, "")) == draw(tone(300), 16_000)
    assert picture_of(AudioLink(file, None, None, "")) not in (draw(tone(3000), 16_000), draw(tone(300), 16_000))


def test_what_cannot_be_read_any_more_has_no_picture(tmp_path):
    spoken(tmp_path, "1.wav")
    (tmp_path / "torn.wav").write_bytes(b"RIFF")
    sounds = {name: AudioLink(tmp_path / name, None, None, name) for name in ("1.wav", "torn.wav", "gone.wav")}
    assert list(draw_spectrograms(["gone.wav", "torn.wav", "1.wav", "not linked.wav"], sounds)) == ["1.wav"]


def test_a_page_of_two_tracks_grows_by_less_than_300_kb():
    sizes = [len(drawn.waveform) + len(drawn.spectrogram) for drawn in (draw(voice(seed), 16_000) for seed in range(10))]
    assert np.mean(sizes) < 4_000


def ink(browser: Any, element: Any) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of the waveform and of the spectrogram as the browser shows them, shape (n, 3)."""
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    shown = np.asarray(Image.open(io.BytesIO(element.screenshot_as_png)).convert("RGB")).astype(int)
    high, wide = len(shown) / 78, shown.shape[1] / 210
    shown = shown[: int(64 * high), int(31 * wide) : int(205 * wide)]
    edge = int(20 * high)
    return shown[:edge].reshape(-1, 3), shown[edge + 3 :].reshape(-1, 3)


def test_pictures_are_shown_with_words_and_embedded_once(browser, tmp_path):
    spoken(tmp_path / "corpus", "s0/0.wav", "s0/1.wav")
    page = page_of(browser, tmp_path / "run", tmp_path / "corpus")
    shown = page.find_elements("css selector", ".look svg")
    told = [picture.get_attribute("aria-label") for picture in shown]
    assert len(told) == 4
    assert set(told) == {f"s0/{name}.wav, 0.1 s: waveform above mel spectrogram, 0 to 8 kHz" for name in (0, 1)}
    text = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert text.count("data:image/webp") == 2
    # Nor does a filter that hides the first block empty the second.
    page.execute_script("document.querySelector('#errors-1').parentElement.hidden = true")
    waveform, spectrogram = ink(page, shown[-1])
    assert (waveform[:, 2] - waveform[:, 0] > 80).mean() > 0.5
    assert (spectrogram.sum(1) < 100).mean() > 0.5
    assert spectrogram.sum(1).max() > 500


def test_without_audio_nothing_is_drawn(tmp_path, browser):
    page = page_of(browser, tmp_path / "run")
    assert not page.find_elements("css selector", "symbol, .look")


@pytest.mark.parametrize(("width", "of_picture"), [(390, 136), (1280, 208)])
def test_a_column_of_pictures_widens_no_page(browser, tmp_path, width, of_picture):
    spoken(tmp_path / "corpus", "s0/0.wav")
    page = page_of(browser, tmp_path / "run", tmp_path / "corpus")
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    across = page.execute_script("return document.documentElement.scrollWidth")
    drawn = page.find_element("css selector", ".look svg").size["width"]
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert across <= width
    assert drawn == pytest.approx(of_picture, abs=1)
