"""A corpus from where it lies: a folder that a reader recognises, a manifest, or the embedded one.

In:   a path or a name.
Out:  a `Corpus`.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.config import Loaded
from ser_bench.corpora.base import Corpus, FileNameReader, Origin, Source, digest_of
from ser_bench.corpora.files import MANIFEST_SUFFIXES, OTHER_SUFFIXES, SUFFIXES, find_audio
from ser_bench.corpora.given import take
from ser_bench.corpora.names import first, join_spellings
from ser_bench.errors import WrongCall
from ser_bench.utils import plugins, spec
from ser_bench.utils.calls import named_arguments

if TYPE_CHECKING:
    from ser_bench.corpora.synthetic import Tones


@named_arguments()
def load_corpus(source: Source | Loaded, *, cache: str | Path = "features") -> Corpus:
    """A corpus from where it lies.

    Parameters
    ----------
    source : str, Path or Corpus
        A folder, a manifest (``.csv``, ``.parquet``), or ``tones``, the embedded corpus, with parameters or
        without: ``tones(speakers=4)``. A `Corpus` is checked; it may have been changed since it was loaded.
    cache : str or Path
        Where the embedded corpus is kept once made.

    Raises
    ------
    WrongCall
        Where there is nothing to read, nobody recognises it, or it has a single speaker or emotion.
    """
    corpus = take(source) if isinstance(source, Corpus) else _read(str(source) if isinstance(source, Loaded) else source, Path(cache))
    clips, joined = join_spellings(corpus.clips)
    origin = corpus.origin if isinstance(source, Corpus) else Origin(str(source), digest_of(clips))
    corpus = replace(corpus, clips=clips, warnings=(*corpus.warnings, *joined), origin=origin)
    for column, what in (("speaker", "speakers"), ("emotion", "emotions")):
        found = corpus.clips[column].unique()
        if len(found) < 2:
            raise WrongCall(f"{source}: '{found[0]}' is the only {column}; at least two {what} are needed")
    return corpus


def audio_folder(source: str | Path, cache: str | Path = "features") -> Path:
    """The folder that the clips of a corpus are named relative to, whether or not it is there; parameters as in `load_corpus`."""
    if embedded := _named_tones(source):
        return embedded.folder(Path(cache).absolute())
    path = Path(os.path.abspath(Path(source).expanduser()))
    return path.parent if path.suffix.lower() in MANIFEST_SUFFIXES else path


def known_readers() -> dict[str, type[FileNameReader]]:
    """All readers by name, those of other packages too."""
    return plugins.discover("corpora", FileNameReader, "ser_bench.corpora")


def _read(source: str | Path, cache: Path) -> Corpus:
    from ser_bench.corpora import manifest

    if embedded := _named_tones(source):
        return embedded.corpus(cache)
    path = Path(os.path.abspath(Path(source).expanduser()))
    if path.is_dir():
        return _read_folder(path)
    if not path.exists():
        raise WrongCall(f"no such corpus: {source}; name a folder of recordings, a manifest (.csv, .parquet) or 'tones'")
    if path.suffix.lower() in MANIFEST_SUFFIXES:
        return manifest.read_manifest(path)
    raise WrongCall(f"{source} is neither a folder nor a manifest (.csv, .parquet)")


def _named_tones(source: str | Path) -> Tones | None:
    """The embedded corpus, where that is what is named."""
    from ser_bench.corpora import synthetic

    if not isinstance(source, str) or not re.match(r"\s*tones\s*(\(|$)", source):
        return None
    name, parameters = spec.parse(source)
    return spec.build("corpus", synthetic.Tones, name, parameters)


def _read_folder(folder: Path) -> Corpus:
    files = find_audio(folder)
    if not files:
        raise WrongCall(f"no audio in {folder}: looked for {', '.join(SUFFIXES)} at any depth")
    reader = _recognise(folder, files)
    corpus = reader.read(folder, files)
    return replace(corpus, warnings=(*corpus.warnings, *_other_formats(folder, reader, corpus)))


def _other_formats(folder: Path, reader: FileNameReader, corpus: Corpus) -> list[str]:
    """A warning that counts sound files of formats that are not looked for, and speakers who have no other."""
    others = find_audio(folder, OTHER_SUFFIXES)
    if not others:
        return []
    kinds = Counter(Path(file).suffix.lower() for file in others)
    lost = sorted({said.get("speaker", "") for said in reader.matches(others).values()} - {"", *corpus.clips["speaker"]})
    speakers = f"; without them there is nothing of {len(lost)} speaker(s): {first(lost)}" if lost else ""
    counts = ", ".join(f"{suffix} {n}" for suffix, n in sorted(kinds.items()))
    return [f"{len(others)} file(s) of other formats are left out ({counts}), such as {others[0]}; convert them to WAV or FLAC{speakers}"]


def _recognise(folder: Path, files: list[str]) -> FileNameReader:
    known = known_readers()
    counts = {name: len(reader().matches(files)) for name, reader in known.items()}
    most = max(counts.values(), default=0)
    best = [name for name, count in counts.items() if count == most]
    way_out = "write a manifest: a CSV file with columns path, emotion, speaker"
    if 2 * most <= len(files):
        near = f" ({best[0]} would explain {most})" if most else ""
        raise WrongCall(f"{folder}: nobody recognises its {len(files)} audio files{near}; known are {', '.join(known)}. Else {way_out}")
    if len(best) > 1:
        raise WrongCall(f"{folder}: {' and '.join(best)} recognise its files alike; {way_out}")
    return known[best[0]]()
