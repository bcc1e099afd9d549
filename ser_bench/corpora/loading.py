"""A corpus from where it lies: a folder that a reader recognises, a manifest, or the embedded one.

In:   a path or a name.
Out:  a `Corpus`, or of a folder in which several were put together as many (`recognition`); ``FOLDER#NAME`` is the one of that name.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.config import Loaded
from ser_bench.corpora.base import Corpus, FileNameReader, Origin, Source, digest_of
from ser_bench.corpora.files import MANIFEST_SUFFIXES, OTHER_SUFFIXES, SUFFIXES, VIDEO_SUFFIXES, find_audio
from ser_bench.corpora.given import take
from ser_bench.corpora.names import first, join_spellings
from ser_bench.corpora.recognition import Recognised, recognise
from ser_bench.errors import WrongCall
from ser_bench.utils import plugins, spec
from ser_bench.utils.calls import named_arguments

if TYPE_CHECKING:
    from ser_bench.corpora.synthetic import Tones

CHOICE = "#"
"""What stands between a folder of several corpora and the name of one."""


@named_arguments()
def load_corpus(source: Source | Loaded, *, cache: str | Path = "features") -> Corpus:
    """A corpus from where it lies.

    Parameters
    ----------
    source : str, Path or Corpus
        A folder, a manifest (``.csv``, ``.parquet``), or ``tones``, the embedded corpus, with parameters or
        without: ``tones(speakers=4)``; ``FOLDER#NAME``, one of the corpora that a folder holds. A `Corpus` is checked; it may have
        been changed since it was loaded.
    cache : str or Path
        Where the embedded corpus is kept once made.

    Raises
    ------
    WrongCall
        Where there is nothing to read, nobody recognises it, it holds several corpora, or it has a single speaker or emotion.
    """
    found = load_corpora(source, cache=cache)
    if len(found) > 1:
        held = ", ".join(f"{corpus.name} ({len(corpus.clips)} clips)" for corpus in found)
        raise WrongCall(f"{source} holds several corpora: {held}; name one, such as {found[0]}, or the folder that it lies in")
    return found[0]


@named_arguments()
def load_corpora(source: Source | Loaded, *, cache: str | Path = "features") -> list[Corpus]:
    """The corpora of a source, the largest first: as many as a folder holds files of. Parameters and errors as `load_corpus`."""
    if isinstance(source, Corpus):
        return [_complete(take(source), source)]
    read = _read(str(source) if isinstance(source, Loaded) else source, Path(cache))
    folder = str(source).rstrip("/")
    return [_complete(corpus, source if len(read) == 1 else f"{folder}{CHOICE}{corpus.name}") for corpus in read]


def _complete(corpus: Corpus, source: Source | Loaded) -> Corpus:
    """A corpus with names spelt in one way, and with its origin."""
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
    path = _folder_and_choice(source)[0]
    return path.parent if path.suffix.lower() in MANIFEST_SUFFIXES else path


def known_readers() -> dict[str, type[FileNameReader]]:
    """All readers by name, those of other packages too."""
    return plugins.discover("corpora", FileNameReader, "ser_bench.corpora")


def _read(source: str | Path, cache: Path) -> list[Corpus]:
    from ser_bench.corpora import manifest

    if embedded := _named_tones(source):
        return [embedded.corpus(cache)]
    path, chosen = _folder_and_choice(source)
    if path.is_dir():
        return _read_folder(path, chosen)
    if not path.exists():
        raise WrongCall(f"no such corpus: {source}; name a folder of recordings, a manifest (.csv, .parquet) or 'tones'")
    if path.suffix.lower() in MANIFEST_SUFFIXES:
        return [manifest.read_manifest(path)]
    raise WrongCall(f"{source} is neither a folder nor a manifest (.csv, .parquet)")


def _folder_and_choice(source: str | Path) -> tuple[Path, str]:
    """The path that is meant, and of a folder of several corpora the one that is named after a ``#``: no file has that whole name."""
    path = Path(os.path.abspath(Path(source).expanduser()))
    whole, _, chosen = path.name.rpartition(CHOICE)
    folder = path.parent / whole
    return (path, "") if path.exists() or not whole or not folder.is_dir() else (folder, chosen)


def _named_tones(source: str | Path) -> Tones | None:
    """The embedded corpus, where that is what is named."""
    from ser_bench.corpora import synthetic

    if not isinstance(source, str) or not re.match(r"\s*tones\s*(\(|$)", source):
        return None
    name, parameters = spec.parse(source)
    return spec.build("corpus", synthetic.Tones, name, parameters)


def _read_folder(folder: Path, chosen: str) -> list[Corpus]:
    known = known_readers()
    if chosen:
        plugins.find("corpus", chosen, known)
    files = find_audio(folder)
    if not files:
        others = find_audio(folder, OTHER_SUFFIXES)
        there = f"; {len(others)} file(s) of other formats are there ({_kinds(others)}): convert them to WAV or FLAC" if others else ""
        raise WrongCall(f"no audio in {folder}: looked for {', '.join(SUFFIXES)} at any depth{there}")
    return [_read_part(folder, part, alone=len(part.files) == len(files)) for part in recognise(folder, files, known, chosen)]


def _read_part(folder: Path, part: Recognised, *, alone: bool) -> Corpus:
    """A corpus that was recognised, whether or not it is alone in its folder."""
    corpus = part.reader.read(folder, part.files)
    others = find_audio(folder, OTHER_SUFFIXES)
    said = part.reader.matches(others)
    lost = {names["speaker"] for names in said.values() if "speaker" in names} - set(corpus.clips["speaker"])
    told = _other_formats(others if alone else list(said), lost)
    return replace(corpus, warnings=(*part.remarks, *corpus.warnings, *told))


def _other_formats(others: list[str], lost: Collection[str]) -> list[str]:
    """A warning that counts sound files of formats that are not looked for, and speakers who have no other."""
    if not others:
        return []
    told = f"{len(others)} file(s) of other formats are left out ({_kinds(others)}), such as {others[0]}"
    if lost:
        speakers = f"without them there is nothing of {len(lost)} speaker(s): {first(sorted(lost))}"
        return [f"{told}; convert them to WAV or FLAC; {speakers}"]
    beside = all(file.lower().endswith(VIDEO_SUFFIXES) for file in others)
    return [told if beside else f"{told}; convert them to WAV or FLAC"]


def _kinds(files: list[str]) -> str:
    """Suffixes with how many files have each."""
    counts = Counter(Path(file).suffix.lower() for file in files)
    return ", ".join(f"{suffix} {n}" for suffix, n in sorted(counts.items()))
