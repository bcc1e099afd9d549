"""What is judged: a corpus as a table of clips, whatever its files look like.

In:   a folder of recordings, a manifest, or the name of the embedded corpus.
Out:  a `Corpus`: one row a clip with path, emotion and speaker, and what else the corpus tells.
Rule: a folder's reader is recognised from its files; what no reader understands is named, never dropped in silence.

A corpus is added by one file with a `FileNameReader`: a grammar of file names, and facts.
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ser_bench.config import TRACKS
from ser_bench.corpora.labels import name_emotion
from ser_bench.corpora.names import first, join_spellings
from ser_bench.errors import WrongCall, unknown
from ser_bench.utils import plugins, spec

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.corpora.synthetic import Tones

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
OTHER_SUFFIXES = (
    *(".3gp", ".aac", ".aif", ".aifc", ".aiff", ".amr", ".ape", ".au", ".avi", ".caf", ".m4a", ".mkv", ".mov", ".mp2", ".mp4", ".mpc"),
    *(".nist", ".opus", ".sph", ".snd", ".spx", ".voc", ".w64", ".webm", ".wma", ".wv"),
)
"""Files that hold sound and are not looked for."""
MANIFEST_SUFFIXES = (".csv", ".parquet")


@dataclass(frozen=True)
class Published:
    """What somebody else's system reached on all of a corpus.

    Parameters
    ----------
    name : str
    source : str
        Who published it, and by which protocol.
    uar, war : float
        NaN for what was not told.
    leaky : bool
        Whether speakers stood in training and test.
    track : {'train', 'speaker'}
        Where its scaling statistics came from, and so the track whose rows may be read against it.

    Raises
    ------
    WrongCall
        For an unknown track.
    """

    name: str
    source: str
    uar: float = math.nan
    war: float = math.nan
    leaky: bool = False
    track: str = "train"

    def __post_init__(self) -> None:
        if self.track not in TRACKS:
            raise unknown("track", self.track, TRACKS)


@dataclass(frozen=True)
class Facts:
    """What is publicly known of a corpus.

    Parameters
    ----------
    clips, speakers : int
        As officially released.
    rate : int
        Samples a second, as released.
    licence, citation, obtain : str
        On which terms, by whom, and where to get it.
    human : float, optional
        Listeners' unweighted average recall, where measured.
    human_source : str
        Who measured it, and how.
    published : tuple of Published
    """

    clips: int
    speakers: int
    rate: int
    licence: str
    citation: str
    obtain: str
    human: float | None = None
    human_source: str = ""
    published: tuple[Published, ...] = ()


@dataclass(frozen=True, eq=False)
class Corpus:
    """Clips to judge on.

    Parameters
    ----------
    name : str
    clips : DataFrame
        One row a clip, sorted by its index `clip`: the path relative to `folder`, with ``#start-end`` for a span.
        Columns `path` (absolute), `emotion`, `speaker`, `original` (the corpus's own word or code for the emotion), and where
        known `gender`, `sentence`, `intensity`, `session`, `language`, `start`, `end` (s), `fold`, or others of the corpus's own.
        All but `start`, `end` and `recognised` (the share of listeners who heard the emotion that was meant) are text.
    folder : Path
    protocol : str, optional
        The customary one: ``loso``, ``group:6``.
    facts : Facts, optional
    ignored : tuple of str
        Audio files of the folder whose names the reader does not understand.
    warnings : tuple of str
        What was left out, joined or read as something else, one line each.
    """

    name: str
    clips: pd.DataFrame
    folder: Path
    protocol: str | None = None
    facts: Facts | None = None
    ignored: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class FileNameReader:
    """A grammar of file names: subclass it with class attributes and nothing else, in most cases.

    Attributes
    ----------
    name : str
    pattern : str
        Regular expression, searched in the path relative to the corpus folder (``/`` between folders).
        Its named groups become columns; `speaker` and `emotion` must be among them.
    emotions : mapping of str to str
        The corpus's codes to nouns; a code that is missing here keeps its own word.
    always : mapping of str to str
        Columns that are the same for every clip.
    protocol : str, optional
        The customary one.
    facts : Facts, optional
    """

    name: ClassVar[str]
    pattern: ClassVar[str]
    emotions: ClassVar[Mapping[str, str]] = {}
    always: ClassVar[Mapping[str, str]] = {}
    protocol: ClassVar[str | None] = None
    facts: ClassVar[Facts | None] = None

    def matches(self, files: list[str]) -> dict[str, dict[str, str]]:
        """The files that the grammar understands, with what their names say."""
        found = ((file, re.search(self.pattern, file)) for file in files)
        return {file: match.groupdict(default="") for file, match in found if match}

    def read(self, folder: Path, files: list[str]) -> Corpus:
        """The corpus of a folder.

        Parameters
        ----------
        folder : Path
        files : list of str
            Its audio files, relative to it.
        """
        import pandas as pd

        said = self.matches(files)
        clips = pd.DataFrame.from_dict(said, orient="index").assign(**self.always)
        clips["path"] = [str(folder / file) for file in said]
        clips["original"] = clips["emotion"]
        clips["emotion"] = [name_emotion(self.emotions.get(code, code)) for code in clips["original"]]
        clips = arrange(self.complete(clips, folder))
        heard = human_recall(clips)
        facts = replace(self.facts, human=heard) if self.facts and heard is not None else self.facts
        ignored = tuple(file for file in files if file not in said)
        return Corpus(self.name, clips, folder, self.protocol, facts, ignored)

    def complete(self, clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
        """The table with columns that follow from others, or from a file beside the recordings: for subclasses."""
        return clips


def load_corpus(source: str | Path, *, cache: str | Path = "features") -> Corpus:
    """A corpus from where it lies.

    Parameters
    ----------
    source : str or Path
        A folder, a manifest (``.csv``, ``.parquet``), or ``tones``, the embedded corpus, with parameters or
        without: ``tones(speakers=4)``.
    cache : str or Path
        Where the embedded corpus is kept once made.

    Raises
    ------
    WrongCall
        Where there is nothing to read, nobody recognises it, or it has a single speaker or emotion.
    """
    corpus = _read(source, Path(cache))
    clips, joined = join_spellings(corpus.clips)
    corpus = replace(corpus, clips=clips, warnings=(*corpus.warnings, *joined))
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


def human_recall(clips: pd.DataFrame) -> float | None:
    """Listeners' unweighted average recall on these clips; None where `recognised` is not known for every emotion.

    >>> import pandas as pd
    >>> human_recall(pd.DataFrame({"emotion": ["anger", "anger", "fear"], "recognised": [1.0, 0.8, 0.5]}))
    0.7
    """
    if "recognised" not in clips:
        return None
    recall = clips.groupby("emotion")["recognised"].mean()
    return None if recall.isna().any() else round(float(recall.mean()), 4)


def arrange(clips: pd.DataFrame) -> pd.DataFrame:
    """A clip table as the contract has it: rows sorted by clip, required columns first."""
    first = ["path", "emotion", "speaker", "original"]
    others = [column for column in clips.columns if column not in first]
    return clips[first + others].rename_axis("clip").sort_index()


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
    lost = sorted({said["speaker"] for said in reader.matches(others).values()} - set(corpus.clips["speaker"]))
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
