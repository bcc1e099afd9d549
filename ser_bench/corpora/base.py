"""What is evaluated: a corpus as a table of clips, whatever its files look like.

In:   a folder of recordings, a manifest, or the name of the embedded corpus.
Out:  a `Corpus`: one row per clip with path, emotion and speaker, and what else the corpus tells.
Rule: a folder's reader is recognised from its files; what no reader understands is named, never dropped in silence.

A corpus is added by one file with a `FileNameReader`: a grammar of file names, and facts.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from ser_bench.config import EMOTION, TRACKS, Frames
from ser_bench.corpora.folder_names import disagreements
from ser_bench.corpora.labels import name_emotion
from ser_bench.errors import printable, unknown
from ser_bench.utils.formatting import number_of
from ser_bench.utils.named_tables import NamedTable
from ser_bench.utils.renamed import carry_over

if TYPE_CHECKING:
    import pandas as pd


ARCHIVES = ("archive", "git-lfs", "dataverse")


@dataclass(frozen=True)
class PublishedResult:
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
class Archive:
    """A file of a corpus that may be downloaded freely.

    Parameters
    ----------
    url : str
    name : str
        What the file is called.
    size : int
        Bytes; 0 where not published.
    checksum : str
        As published, such as ``md5:bc69...`` or ``sha256:...``; empty where none is.
    kind : {'archive', 'git-lfs', 'dataverse'}
        A ZIP or tar archive, or a file to be kept as it is; a ZIP of a repository that may keep its audio in Git LFS; or a Dataverse's list
        of the files of a data set. The last two hold size and checksum of every file that is elsewhere.
    files : str
        Of the last two: the address below which the files are, each by its path or number.
    keep : str
        Which files of it are kept, as patterns of their paths: ``*/AudioWAV/*.wav|*.csv``. All without.

    Raises
    ------
    WrongCall
        For an unknown kind.
    """

    url: str
    name: str
    size: int = 0
    checksum: str = ""
    kind: str = "archive"
    files: str = ""
    keep: str = "*"

    def __post_init__(self) -> None:
        if self.kind not in ARCHIVES:
            raise unknown("kind of archive", self.kind, ARCHIVES)


@dataclass(frozen=True)
class CorpusInfo:
    """What is publicly known of a corpus.

    Parameters
    ----------
    clips, speakers : int
        As officially released.
    rate : int
        Samples a second, as released.
    licence, citation, obtain : str
        On which terms, by whom, and where to get it.
    seconds : float, optional
        All clips together, as released.
    release : str
        Which release these are the facts of, where there are several.
    human : float, optional
        Listeners' unweighted average recall, where measured.
    human_source : str
        Who measured it, and how.
    published : tuple of PublishedResult
    archives : tuple of Archive
        What `ser-bench corpora get` downloads; none where the owners want to be asked.
    size : int
        Bytes of what is to be downloaded; 0 where not known, or where `archives` tell.
    request : str
        What to ask the owners for, and how, where that is more than a download from `obtain`.
    languages : str
        Of the speech, such as ``en, zh``; empty where the reader's `constants` tell.
    unconfirmed : tuple of {'clips', 'speakers', 'rate'}
        Which of these a copy as its owners released it may have otherwise: they are not held against a folder.
    title : str
        The name as its owners write it.
    """

    clips: int
    speakers: int
    rate: int
    licence: str
    citation: str
    obtain: str
    human: float | None = None
    human_source: str = ""
    published: tuple[PublishedResult, ...] = ()
    archives: tuple[Archive, ...] = ()
    size: int = 0
    request: str = ""
    languages: str = ""
    seconds: float | None = None
    release: str = ""
    unconfirmed: tuple[str, ...] = ()
    title: str = ""

    def differs(self, what: str, here: int) -> bool:
        """Whether a folder has otherwise what is known for sure of the release.

        >>> facts = CorpusInfo(535, 10, 16_000, "", "", "", unconfirmed=("rate",))
        >>> facts.differs("clips", 339), facts.differs("speakers", 10), facts.differs("rate", 48_000)
        (True, False, False)
        """
        return what not in self.unconfirmed and here != getattr(self, what)


@dataclass(frozen=True)
class ReadingOptions:
    """How a source is read where it leaves a choice.

    Parameters
    ----------
    columns : mapping of str to str
        Which of its columns are meant: ours to theirs.
    table : str, optional
        Which of its tables.
    target : str
        The column whose values are predicted.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    table: str | None = None
    target: str = EMOTION


class Origin(NamedTuple):
    """Where a corpus was loaded from, as it was named, a digest of its clips as they were then (`digest_of`), and how it was read."""

    source: str | NamedTable
    digest: str
    options: ReadingOptions = ReadingOptions()


@dataclass(frozen=True, eq=False, repr=False)
class Corpus:
    """Clips to evaluate on.

    Parameters
    ----------
    name : str
    clips : DataFrame
        One row per clip, sorted by its index `clip`: the path relative to `folder`, with ``#start-end`` for a segment.
        Columns `path` (absolute), `emotion`, `speaker`, `original` (the corpus's own word or code for the emotion), and where
        known `gender`, `sentence`, `intensity`, `session`, `language`, `start`, `end` (s), `fold`, or others of the corpus's own.
        All but `start`, `end` and `recognised` (the share of listeners who heard the true emotion) are text.
    folder : Path
    protocol : str, optional
        The customary one: ``loso``, ``group:6``.
    facts : CorpusInfo, optional
    ignored : tuple of str
        Audio files of the folder whose names the reader does not understand.
    warnings : tuple of str
        What was left out, joined or read as something else, one line each.
    origin : Origin, optional
        Where it was loaded from.
    target : str
        The column whose values `emotion` holds; where it is not ``emotion``, `corpus_emotion` holds the corpus's emotions if it has any.
    """

    name: str
    clips: pd.DataFrame
    folder: Path
    protocol: str | None = None
    facts: CorpusInfo | None = None
    ignored: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    origin: Origin | None = None
    target: str = EMOTION

    @property
    def reading(self) -> dict[str, Any]:
        """How its source was read, as `load_corpus` takes it: what a run of it writes down, to be repeated."""
        return asdict(self.origin.options if self.origin else ReadingOptions(target=self.target))

    @property
    def given(self) -> NamedTable | None:
        """The table that it was made of, where that was handed in."""
        return self.origin.source if self.origin and isinstance(self.origin.source, NamedTable) else None

    def __str__(self) -> str:
        """What names it on a command line and in ``run.toml``: where it was loaded from, else its folder."""
        return str(self.origin.source if self.origin else self.folder)

    def __repr__(self) -> str:
        counts = ", ".join(number_of(self.clips[column].nunique(), column) for column in ("speaker", "emotion") if column in self.clips)
        return printable(f"<Corpus {self.name}: {number_of(len(self.clips), 'clip')}, {counts}, from {self}>")


Source = str | Path | Corpus | Frames
"""A folder, a manifest or ``tones``; what was loaded from it; or the table of a manifest as a DataFrame."""


class FileNameReader:
    """A grammar of file names: subclass it with class attributes and nothing else, in most cases.

    Attributes
    ----------
    name : str
    pattern : str
        Regular expression, searched in the path relative to the corpus folder (``/`` between folders).
        Its named groups become columns; `speaker` and `emotion` must be among them.
    folders : str
        Regular expression, searched in the path of the folder that a file lies in, whose groups `speaker` and `emotion` are compared with
        what the file's name says (`folder_names`).
    emotions : mapping of str to str
        The corpus's codes to nouns; a code that is missing here keeps its own word.
    constants : mapping of str to str
        Columns that are the same for every clip.
    protocol : str, optional
        The customary one.
    facts : CorpusInfo, optional
    target : str
        What its group `emotion` says, where that is no emotion.
    ratings : tuple of str
        Columns that rate the emotion otherwise than its label does, such as `valence`: audits do not take them for something else that is
        associated with it.
    """

    name: ClassVar[str]
    pattern: ClassVar[str]
    folders: ClassVar[str] = ""
    emotions: ClassVar[Mapping[str, str]] = {}
    constants: ClassVar[Mapping[str, str]] = {}
    protocol: ClassVar[str | None] = None
    facts: ClassVar[CorpusInfo | None] = None
    target: ClassVar[str] = EMOTION
    ratings: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        carry_over(cls, {"always": "constants", "complete": "derive_columns"})

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
        clips, warnings = self.look_up(pd.DataFrame.from_dict(said, orient="index"), folder)
        clips = clips.assign(**self.constants)
        clips["path"] = [str(folder / file) for file in clips.index]
        clips["original"] = clips["emotion"]
        clips["emotion"] = [name_emotion(self.emotions.get(code, code)) for code in clips["original"]]
        clips = normalise_columns(self.derive_columns(clips, folder))
        heard = human_recall(clips)
        facts = replace(self.facts, human=heard) if self.facts and heard is not None else self.facts
        ignored = tuple(file for file in files if file not in said)
        told = (*warnings, *disagreements(clips, self.folders, self.emotions))
        return Corpus(self.name, clips, folder, self.protocol, facts, ignored, told, target=self.target)

    def look_up(self, clips: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, list[str]]:
        """What the file names say, with what tables beside them say, and a warning of each loss: for `label_tables.TableReader`."""
        return clips, []

    def derive_columns(self, clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
        """The table with columns that follow from others, or from a file beside the recordings: for subclasses."""
        return clips


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


def normalise_columns(clips: pd.DataFrame) -> pd.DataFrame:
    """A clip table as the contract has it: rows sorted by clip, required columns first."""
    first = ["path", "emotion", "speaker", "original"]
    others = [column for column in clips.columns if column not in first]
    return clips[first + others].rename_axis("clip").sort_index()


def digest_of(clips: pd.DataFrame) -> str:
    """Sixteen hex digits of a clip table: of its rows, their order, and what its columns are called."""
    return hashlib.blake2b(clips.to_csv().encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
