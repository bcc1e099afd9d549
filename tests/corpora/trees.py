"""Folders as corpora are distributed, of tiny files.

In:   a folder and the paths of its files.
Out:  the folder, each sound file with noise of its own, whatever else with a line of text.
Rule: no two sound files hold the same audio, so that a tree has no copies but those that a test makes.
"""

from __future__ import annotations

import wave
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile

FORMATS = {".flac": "FLAC", ".mp3": "MP3", ".ogg": "OGG"}


def make_tree(folder: Path, names: Iterable[str], *, rate: int = 16_000, channels: int = 1, seconds: float = 0.1) -> Path:
    """Write a file under each name, and return the folder.

    Parameters
    ----------
    folder : Path
    names : iterable of str
        Paths relative to the folder. WAV, FLAC, MP3 and Ogg files hold noise that depends on the number of files there are before them,
        hidden ones (`._a.wav`) and all others a line of text.
    rate, channels : int
        Of the sound files.
    seconds : float
        Length of a sound file; shorter than 0.1 it can be read but not evaluated.
    """
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        suffix = path.suffix.lower()
        if path.name.startswith(".") or suffix not in (".wav", *FORMATS):
            path.write_text(f"{path.name}\n", encoding="utf-8")
            continue
        noise = np.random.default_rng(number).integers(-3000, 3000, (round(seconds * rate), channels), np.int16)
        if suffix == ".wav":
            _write_wave(path, noise, rate)
        else:
            soundfile.write(path, noise, rate, format=FORMATS[suffix])
    return folder


def _write_wave(path: Path, samples: np.ndarray, rate: int) -> None:
    """A WAV file of 16 bits, in half of soundfile's time."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(samples.shape[1])
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.astype("<i2").tobytes())
