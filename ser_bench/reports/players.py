"""Where a run's clips can be listened to.

In:   a run's configuration, and where its page will lie.
Out:  the file, the segment and the address of each clip whose audio lies where the configuration says.
Rule: audio is linked, never copied. Where it is not found nothing is said of it: the page is then without players, not broken.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from ser_bench.corpora import audio_folder
from ser_bench.utils.named_tables import kept_beside

if TYPE_CHECKING:
    import pandas as pd


class AudioLink(NamedTuple):
    """Where a clip's audio lies.

    Parameters
    ----------
    file : Path
    start, end : float, optional
        Seconds; None where a segment is open, and where the clip is a whole file.
    address : str
        What a page links to, a segment with its seconds.
    """

    file: Path
    start: float | None
    end: float | None
    address: str


def sounds(configuration: str, page: Path, clips: pd.DataFrame) -> dict[str, AudioLink]:
    """Where the audio of each clip lies whose file is there.

    Parameters
    ----------
    configuration : str
        A run's ``run.toml``. A corpus named by a relative path is looked for from the current folder, as a run does, and linked
        relative to the page, so that both can move together.
    page : Path
        The folder in which the page will lie.
    clips : DataFrame
        As in ``clips.parquet``.
    """
    config = tomllib.loads(configuration)
    for source in config.get("corpus", ()):
        folder = Path.cwd() if kept_beside(source, page) else audio_folder(source, config.get("cache", "features"))
        beside = None if Path(source).expanduser().is_absolute() else page
        named = {str(clip): _sound(str(clip), about, folder, beside) for clip, about in clips.to_dict("index").items()}
        found = {clip: sound for clip, sound in named.items() if sound.file.is_file()}
        if found:
            return found
    return {}


def _sound(clip: str, about: Mapping[Any, Any], folder: Path, page: Path | None) -> AudioLink:
    """Where a clip's audio would lie in a folder; the name of one that is a segment ends in ``#start-end``."""
    start, end = (_seconds(about, side) for side in ("start", "end"))
    whole = start is None and end is None
    file = folder / (clip if whole else clip.rpartition("#")[0])
    return AudioLink(file, start, end, _address(file, page) + ("" if whole else _segment(start, end)))


def _seconds(about: Mapping[Any, Any], side: str) -> float | None:
    """A side of a segment; None where it is open, and where the clip is a whole file."""
    value = about.get(side)
    return None if value is None or value != value else float(value)


def _segment(start: float | None, end: float | None) -> str:
    """The seconds of a segment, as an address tells them to a player."""
    return f"#t={start or 0:.12g}" + ("" if end is None else f",{end:.12g}")


def _address(file: Path, page: Path | None) -> str:
    """Relative to the page's folder where there is one to be relative to, on the same drive."""
    if page is None or page.absolute().drive != file.absolute().drive:
        return file.absolute().as_uri()
    return quote(Path(os.path.relpath(file, page)).as_posix())
