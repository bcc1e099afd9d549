"""Small audio files for tests of corpora."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile


def write_audio(folder: Path, names: Iterable[str]) -> Path:
    """A tenth of a second of noise under each name; returns the folder."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = np.random.default_rng(number).normal(0, 0.1, 1600)
        soundfile.write(path, samples, 16_000, format={".mp3": "MP3", ".ogg": "OGG", ".flac": "FLAC"}.get(path.suffix.lower(), "WAV"))
    return folder
