"""The demo's page in a real browser: a file and a microphone go in, probabilities, warnings and the card are shown, and text stays text."""

import base64
import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from ser_bench.audio.clip import decode
from ser_bench.bundle.demo.answers import heard
from ser_bench.bundle.demo.page import page_of
from ser_bench.bundle.demo.server import LARGEST, DemoServer
from ser_bench.bundle.shown import expected
from tests.reports.conftest import chromium, looking, visible
from tests.reports.test_accessibility import violations

HOSTILE = "<img src=x onerror=document.title='run'>"
CLASSES = ("anger", "fear", "happiness", "neutral", "sadness")
TONE = 440
CARD = f"---\nlicense: cc0-1.0\n---\n# A card\n\n- **acted** speech {HOSTILE}\n\n| class | recall |\n|---|---:|\n| anger | .72 |\n"


def bundle(classes: tuple[str, ...] = CLASSES, **about: Any) -> Any:
    """What the page reads of a bundle."""
    quality = {"uar": 0.583, "uar_low": 0.541, "uar_high": 0.625, "cv": "loso"}
    about = {"corpus": {"title": f"Made up {HOSTILE}"}, "quality": quality, **about}
    preprocessing = {"features": "egemaps", "feature_set": SimpleNamespace(parts=[]), "known": None}
    return SimpleNamespace(model="svm", classes=classes, about=about, card=CARD, **preprocessing)


def row(start: float, end: float, p: list[float], emotion: str, **more: Any) -> dict[str, Any]:
    return {"start": start, "end": end, "p": p, "emotion": emotion, "gender": "", "warnings": [], "reason": "", **more}


class Listener:
    """Answers with made-up probabilities, and keeps the bytes that came."""

    def __init__(self, classes: tuple[str, ...]) -> None:
        self.classes, self.came = classes, []

    def __call__(self, data: bytes) -> Iterator[dict]:
        self.came.append(data)
        clip = decode(data)
        yield {"heard": heard(clip)}
        likely = [0.6, 0.2, 0.1, 0.07, 0.03]
        yield {"whole": row(0, clip.seconds, likely, self.classes[0], warnings=[f"far from all training clips {HOSTILE}"])}
        if clip.seconds >= 6:
            yield {"following": {"window": 3, "hop": 1, "count": 4}}
            for k in range(4):
                lost = {"p": [], "reason": "constant"} if k == 3 else {"p": [likely[j - k] for j in range(5)], "reason": ""}
                yield {"window": row(k, k + 3, emotion=self.classes[k], **lost)}


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """A tone of 2 s and one of 6 s, as files."""
    folder = tmp_path_factory.mktemp("sounds")
    for seconds in (2, 6):
        soundfile.write(folder / f"{seconds}.wav", 0.3 * np.sin(2 * np.pi * TONE * np.arange(seconds * 48_000) / 48_000), 48_000)
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory, sounds):
    """One browser for this page, whose microphone plays a tone and which asks nobody for leave."""
    microphone = ("use-fake-device-for-media-stream", "use-fake-ui-for-media-stream", f"use-file-for-fake-audio-capture={sounds / '6.wav'}")
    with chromium(tmp_path_factory.mktemp("profile"), *microphone) as driver:
        yield driver


@contextmanager
def tried(browser, shown=None) -> Iterator[Listener]:
    """The page of a bundle, loaded; nothing in its console at the end."""
    shown = shown or bundle()
    listener = Listener(shown.classes)
    with DemoServer(page_of(shown), listener) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            browser.get(server.address)
            yield listener
        finally:
            server.shutdown()
            thread.join()
    assert [entry["message"] for entry in browser.get_log("browser")] == []


def text(browser, element: str) -> str:
    return browser.find_element("id", element).text


def until(holds, said=lambda: "") -> None:
    """Wait for the page."""
    last = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < last, said()
        time.sleep(0.1)


def give(browser, file) -> None:
    """Hand a file over and wait for all that is said of it."""
    browser.find_element("id", "file").send_keys(str(file))
    until(lambda: text(browser, "name") == file.name and not text(browser, "progress"), lambda: text(browser, "error"))


def cells(browser, table: str) -> list[list[str]]:
    rows = browser.find_elements("css selector", f"{table} tbody tr")
    return [[cell.text for cell in line.find_elements("css selector", "th, td")] for line in rows]


def test_a_file_comes_as_it_is_and_its_probabilities_are_shown(browser, sounds):
    with tried(browser) as listener:
        give(browser, sounds / "2.wav")
        assert listener.came == [(sounds / "2.wav").read_bytes()]
        assert text(browser, "emotion") == "anger"
        assert text(browser, "share") == "60%"
        assert text(browser, "facts").startswith("2 s, 48,000 Hz, mono, peak −10.5 dBFS")
        assert [(name, share) for name, _, share in cells(browser, "#table")] == list(
            zip(CLASSES, ["60%", "20%", "10%", "7%", "3%"], strict=True)
        )
        told = "anger 60%, fear 20%, happiness 10%, neutral 7%, sadness 3%"
        assert browser.find_element("css selector", "#radar title").get_attribute("textContent") == f"Radar chart of probabilities: {told}"
        assert "2.wav: anger, 60%; then fear 20%, happiness 10%. 1 warning" in browser.find_element("id", "announced").get_attribute(
            "textContent"
        )
        assert not visible(browser, "#choose")
        corners = browser.find_elements("css selector", "#radar circle.corner")
        assert len(corners) == 5


def drop(browser, name: str, content: bytes) -> None:
    """Let a file fall on the page."""
    script = """const held = new DataTransfer(), bytes = Uint8Array.from(atob(arguments[1]), letter => letter.charCodeAt(0));
    held.items.add(new File([bytes], arguments[0]));
    const falls = {dataTransfer: held, bubbles: true, cancelable: true};
    for (const kind of ["dragenter", "dragover", "drop"]) document.body.dispatchEvent(new DragEvent(kind, falls));"""
    browser.execute_script(script, name, base64.b64encode(content).decode())


def test_hostile_labels_warnings_names_and_cards_stay_text(browser, sounds):
    with tried(browser, bundle((HOSTILE, *CLASSES[1:]))):
        drop(browser, HOSTILE, (sounds / "2.wav").read_bytes())
        until(lambda: text(browser, "name") == HOSTILE and not text(browser, "progress"), lambda: text(browser, "error"))
        assert text(browser, "emotion") == HOSTILE
        assert HOSTILE in text(browser, "warnings")
        assert HOSTILE in text(browser, "card")
        assert browser.find_elements("css selector", "img") == []
        assert "run" not in browser.title.split()
        assert browser.find_element("css selector", "#card li strong").text == "acted"


def test_a_long_recording_is_followed_and_a_window_is_chosen_by_the_keyboard(browser, sounds):
    with tried(browser):
        give(browser, sounds / "2.wav")
        give(browser, sounds / "6.wav")
        assert text(browser, "of") == "Whole recording"
        window = browser.find_element("id", "window")
        window.send_keys("\ue014")  # the right arrow
        assert text(browser, "of") == "Window from 1 to 4 s"
        assert text(browser, "emotion") == "fear"
        assert window.get_attribute("aria-valuetext") == "1 to 4 s: fear 60%"
        window.send_keys("\ue010")  # the end
        assert text(browser, "emotion") == "no prediction"
        assert "constant" in text(browser, "of")
        browser.find_element("id", "whole").click()
        assert text(browser, "emotion") == "anger"
        browser.find_element("css selector", "#rows summary").click()
        assert [line[:3] for line in cells(browser, "#rows")] == [
            ["0.0", "3.0", "anger"],
            ["1.0", "4.0", "fear"],
            ["2.0", "5.0", "happiness"],
            ["3.0", "6.0", "constant"],
        ]
        browser.find_element("css selector", "#history button").click()
        assert text(browser, "name") == "2.wav"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_axe_finds_nothing_serious_and_nothing_is_wider_than_the_screen(browser, sounds, scheme, width):
    with looking(browser, scheme, width), tried(browser):
        give(browser, sounds / "2.wav")
        give(browser, sounds / "6.wav")
        assert violations(browser) == []
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_the_microphone_is_heard_as_it_is(browser):
    with tried(browser) as listener:
        browser.find_element("id", "record").click()
        until(lambda: text(browser, "clock") not in ("", "0:00"), lambda: text(browser, "error"))
        browser.find_element("id", "record").click()
        until(lambda: text(browser, "name") == "Recording 1" and not text(browser, "progress"), lambda: text(browser, "error"))
        (data,) = listener.came
        samples, rate = soundfile.read(io.BytesIO(data))
        assert samples.ndim == 1
        assert soundfile.info(io.BytesIO(data)).subtype == "PCM_16"
        middle = samples[len(samples) // 2 :][: rate // 4]
        spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
        assert abs(np.argmax(spectrum) * rate / len(middle) - TONE) < 8
        assert 0.2 < np.abs(samples).max() < 0.4
        assert text(browser, "emotion") == "anger"
        assert text(browser, "record") == "Record"


def test_what_fails_is_said_on_the_page(browser, tmp_path, sounds):
    files = {"noise.txt": b"no sound at all", "large.wav": b""}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with (tmp_path / "large.wav").open("r+b") as large:
        large.truncate(LARGEST + 1)
    with tried(browser) as listener:
        for name, said in (("noise.txt", "cannot be used: not audio"), ("large.wav", "larger than 50 MB")):
            browser.find_element("id", "file").send_keys(str(tmp_path / name))
            until(lambda said=said: said in text(browser, "error"), lambda: text(browser, "error"))
        assert len(listener.came) == 1
        assert not visible(browser, "#decision")
        give(browser, sounds / "2.wav")
        assert not visible(browser, "#error")
        browser.get_log("browser")  # Chromium itself notes that an answer was 422.
    browser.find_element("id", "file").send_keys(str(sounds / "6.wav"))
    until(lambda: "does not answer" in text(browser, "error"))
    browser.get_log("browser")


@pytest.mark.parametrize(
    ("quality", "said"),
    [
        ({"uar": 0.5, "uar_low": 0.4, "uar_high": 0.6, "cv": "loso"}, "UAR .500, 95% CI [.400, .600], chance .200."),
        (
            {"uar": 0.5, "uar_low": 0.4, "uar_high": 0.6, "cv": "loso", "corrected": {"uar": 0.45}},
            "UAR .450, 95% CI [.400, .600], chance .200, corrected for its having been chosen as the best.",
        ),
        ({"uar": 0.9, "uar_low": 0.8, "uar_high": 1.0, "cv": "random:6"}, "was not evaluated."),
        ({"uar": 0.9, "uar_low": 0.8, "uar_high": 1.0, "cv": "published"}, "was not evaluated."),
        ({"uar": 0.9, "uar_low": 0.8, "uar_high": 1.0}, "was not evaluated."),
        (None, "was not evaluated."),
        ({"uar": HOSTILE}, "was not evaluated."),
    ],
)
def test_no_more_is_promised_than_was_measured_on_other_speakers(quality, said):
    assert expected(bundle(quality=quality)).replace("\u00a0", " ").endswith(said)
