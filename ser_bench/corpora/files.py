"""Audio files below a folder.

In:   a folder.
Out:  the paths of what may be a corpus's clips, in order.
Rule: what cannot be listed or named is an error, never left out in silence.
"""

from __future__ import annotations

import os
from pathlib import Path

from ser_bench.errors import WrongCall

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")

OTHER_SUFFIXES = (
    *(".3gp", ".aac", ".aif", ".aifc", ".aiff", ".amr", ".ape", ".au", ".avi", ".caf", ".flv", ".m4a", ".m4v", ".mkv", ".mov", ".mp2"),
    *(".mp4", ".mpc", ".mpeg", ".mpg", ".nist", ".opus", ".sph", ".snd", ".spx", ".voc", ".w64", ".webm", ".wma", ".wmv", ".wv"),
)
"""Files that hold sound and are not looked for."""

VIDEO_SUFFIXES = (".3gp", ".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv")
"""Those of them that hold pictures, and often come with the same sound as a file of its own."""

MANIFEST_SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")


def find_audio(folder: Path, suffixes: tuple[str, ...] = SUFFIXES) -> list[str]:
    """Audio files of a folder with these suffixes at any depth, relative to it, in sorted order; hidden files and folders do not count.

    Raises
    ------
    WrongCall
        Where a folder cannot be listed.
    """
    files, seen = [], set()
    for parent, folders, names in os.walk(folder, onerror=_refuse, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:  # a link back to a folder above would be followed for ever
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = Path(parent).relative_to(folder)
        files += [(here / name).as_posix() for name in names if not name.startswith(".") and name.lower().endswith(suffixes)]
    for file in files:
        if not file.isprintable() and any("\udc80" <= letter <= "\udcff" for letter in file):
            raise WrongCall(f"{folder}: the name of {file!a} is not UTF-8; rename the file")
    return sorted(files)


def _refuse(error: OSError) -> None:
    raise WrongCall(f"cannot list {error.filename}: {error.strerror}")
