"""A folder of recordings, with no table that tells what they are.

In:   a folder, and the readers of file names.
Out:  a corpus, or several where it holds the files of several.
Rule: sound in formats that are not read, of each corpus, is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from ser_bench.corpora.base import Corpus, FileNameReader
from ser_bench.corpora.files import OTHER_SUFFIXES, SUFFIXES, VIDEO_SUFFIXES, find_audio
from ser_bench.corpora.names import first
from ser_bench.corpora.recognition import Recognised, recognise
from ser_bench.errors import WrongCall
from ser_bench.utils.formatting import number_of


def read_recordings(folder: Path, known: Mapping[str, type[FileNameReader]], chosen: str = "") -> list[Corpus]:
    """The corpora in a folder, the largest first.

    Parameters
    ----------
    folder : Path
    known : mapping of str to type of FileNameReader
        The readers by name.
    chosen : str
        The corpus to read; all without.

    Raises
    ------
    WrongCall
        Where there is no audio, or nobody recognises it.
    """
    files = find_audio(folder)
    if not files:
        others = find_audio(folder, OTHER_SUFFIXES)
        are = number_of(len(others), "file of another format is", "files of other formats are")
        there = f"; {are} there ({_kinds(others)}): convert to WAV or FLAC" if others else ""
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
    are = number_of(len(others), "file of another format is", "files of other formats are")
    told = f"{are} left out ({_kinds(others)}), such as {others[0]}"
    if lost:
        speakers = f"without them there is nothing of {number_of(len(lost), 'speaker')}: {first(sorted(lost))}"
        return [f"{told}; convert to WAV or FLAC; {speakers}"]
    beside = all(file.lower().endswith(VIDEO_SUFFIXES) for file in others)
    return [told if beside else f"{told}; convert to WAV or FLAC"]


def _kinds(files: list[str]) -> str:
    """Suffixes with how many files have each."""
    counts = Counter(Path(file).suffix.lower() for file in files)
    return ", ".join(f"{suffix} {n}" for suffix, n in sorted(counts.items()))
