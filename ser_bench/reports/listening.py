"""Where a run's clips can be listened to.

In:   a run's configuration, and where its page will lie.
Out:  an address for each clip whose audio lies where the configuration says.
Rule: audio is linked, never copied. Where it is not found there is no address: the page is then without players, not broken.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ser_bench.corpora import audio_folder

if TYPE_CHECKING:
    import pandas as pd


def addresses(configuration: str, page: Path, clips: pd.DataFrame) -> dict[str, str]:
    """What a page can link to: the address of each clip whose file is there, a span with its seconds.

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
        folder = audio_folder(source, config.get("cache", "features"))
        beside = None if Path(source).expanduser().is_absolute() else page
        spoken = [(str(clip), about, folder / _file_name(clip, about)) for clip, about in clips.to_dict("index").items()]
        found = {clip: _address(file, beside) + _span(about) for clip, about, file in spoken if file.is_file()}
        if found:
            return found
    return {}


def _file_name(clip: Any, about: Mapping[Any, Any]) -> str:
    """The file of a clip, whose name ends in ``#start-end`` where it is a span."""
    return str(clip).rpartition("#")[0] if _seconds(about, "start") or _seconds(about, "end") else str(clip)


def _span(about: Mapping[Any, Any]) -> str:
    """The seconds of a span, as an address tells them to a player."""
    start, end = (_seconds(about, side) for side in ("start", "end"))
    return f"#t={start or 0}{end and f',{end}'}" if start or end else ""


def _seconds(about: Mapping[Any, Any], side: str) -> str:
    """A side of a span; empty where it is open, and where the clip is a whole file."""
    value = about.get(side)
    return "" if value is None or value != value else f"{value:.12g}"


def _address(file: Path, page: Path | None) -> str:
    """Relative to the page's folder where there is one to be relative to."""
    if page is not None:
        try:
            return quote(Path(os.path.relpath(file, page)).as_posix())
        except ValueError:  # another drive
            pass
    return file.absolute().as_uri()
