"""The same audio more than once: which copy is used, whose voices belong together.

In:   a clip table with the digest of each clip's samples.
Out:  the clips to evaluate with their `voice`, the copies that are not, and what the user should know.
Rule: no audio may stand on both sides of a split. Speakers who share audio share a voice, and only voices are ever separated.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ser_bench.config import EMOTION
from ser_bench.corpora.same_audio import FORMATS, SAMPLES, SEGMENTS, SHARED, Same, overlaps, same_audio
from ser_bench.errors import WrongCall

if TYPE_CHECKING:
    import pandas as pd

NAMED = 3


class Occurrence(NamedTuple):
    """Audio that occurs more than once in one way: what is said of it, and whether it is an error unless that is allowed."""

    line: str
    conflict: bool = False


class Duplicates(NamedTuple):
    """Clips freed of their copies.

    Parameters
    ----------
    clips : DataFrame
        The clips to evaluate, in the order given, with the column `voice`: as the table says, or all of them that share audio (``A+B``).
    skipped : DataFrame
        Columns `clip`, `reason`, `counts` (False throughout: copies are no loss).
    occurrences : list of Occurrence
        What occurs more than once, one per way.
    remarks : list of str
        What else is to be known: ids of one person, segments that share a part.
    """

    clips: pd.DataFrame
    skipped: pd.DataFrame
    occurrences: list[Occurrence]
    remarks: list[str]

    @property
    def warnings(self) -> list[str]:
        """One line each."""
        return [*self.remarks, *(occurrence.line for occurrence in self.occurrences)]


class Decided(NamedTuple):
    """Pairs of the same audio, the clip that is used or comes first before the other, by what becomes of the latter."""

    copies: list[Same]
    crossing: list[Same]
    conflicts: list[Same]
    restemmed: list[Same]

    @property
    def dropped(self) -> dict[str, Same]:
        """The clips that are not used, each with its first pair."""
        return {pair.other: pair for pair in reversed([*self.copies, *self.crossing])}


def resolve_duplicates(clips: pd.DataFrame, *, allow_conflicts: bool = False, target: str = EMOTION) -> Duplicates:
    """Find what holds the same audio (as `same_audio` has it) and decide what becomes of it.

    - Same stem, speaker and emotion: the first by clip name is used, a lossless format before others; the others are skipped as its
      duplicates.
    - Equal samples under another stem: kept, with a warning. One speaker's clips are never separated, so neither are these.
    - Two speakers: used once, with a warning, and the speakers become one voice. Those whom the table gives one `voice` are that already.
    - Two emotions: one of the labels must be wrong.

    Parameters
    ----------
    clips : DataFrame
        Clip table with the column `digest`.
    allow_conflicts : bool
        Only warn of one audio under two emotions; all are used then.
    target : str
        What `emotion` holds.

    Raises
    ------
    WrongCall
        For one audio under two emotions.
    """
    import pandas as pd

    voices = voices_of(clips)
    pairs = same_audio(clips)
    decided = _decide(clips, pairs, voices)
    occurrences = _occurrences(clips, decided, allow_conflicts=allow_conflicts, target=target)
    dropped = decided.dropped
    reasons = [f"duplicate of {pair.one}" + (f" ({pair.why})" if pair.why != SAMPLES else "") for pair in dropped.values()]
    skipped = pd.DataFrame({"clip": list(dropped), "reason": reasons, "counts": False}).sort_values("clip", ignore_index=True)
    kept = clips.drop(index=list(dropped))
    joined = join_voices(voices.unique(), ([voices[pair.one], voices[pair.other]] for pair in pairs))
    return Duplicates(
        kept.assign(voice=voices[kept.index].map(joined)), skipped, occurrences, [*_warn_of_ids(clips), *_warn_of_parts(clips)]
    )


def _decide(clips: pd.DataFrame, pairs: list[Same], voices: pd.Series) -> Decided:
    """What becomes of each pair: of two clips that are used already, the one that comes later is not, unless its emotion is another."""
    decided = Decided([], [], [], [])
    unused: set[str] = set()
    emotions, stems = clips["emotion"].to_dict(), _stems(clips)
    for pair in pairs:
        if emotions[pair.one] != emotions[pair.other]:
            decided.conflicts.append(pair)
        elif pair.one in unused:
            continue
        elif voices[pair.one] != voices[pair.other]:
            decided.crossing.append(pair)
            unused.add(pair.other)
        elif pair.why == SAMPLES and stems[pair.one] != stems[pair.other]:
            decided.restemmed.append(pair)
        else:
            decided.copies.append(pair)
            unused.add(pair.other)
    return decided


def voices_of(clips: pd.DataFrame) -> pd.Series:
    """Whose voice each clip is as far as the table says: its column `voice`, where there is none the speaker."""
    return clips["voice" if "voice" in clips else "speaker"]


def join_voices(speakers: Iterable[str], together: Iterable[Iterable[str]]) -> dict[str, str]:
    """The voice of each speaker (or of each voice that the table names).

    Parameters
    ----------
    speakers : iterable of str
    together : iterable of iterables of str
        Those who share audio. Who shares with one shares with all that one shares with.

    >>> join_voices("abcd", [["a", "b"], ["c", "b"]])
    {'a': 'a+b+c', 'b': 'a+b+c', 'c': 'a+b+c', 'd': 'd'}
    """
    joint = {speaker: frozenset([speaker]) for speaker in speakers}
    for sharing in together:
        union = frozenset().union(*(joint[speaker] for speaker in sharing))
        joint |= dict.fromkeys(union, union)
    return {speaker: "+".join(sorted(sharers)) for speaker, sharers in joint.items()}


def _stems(clips: pd.DataFrame) -> dict[str, str]:
    """Each clip's file name without its ending. A file's own name may have a '#', which else begins a segment."""
    files = clips["path"] if "path" in clips else [clip.partition("#")[0] for clip in clips.index]
    return {clip: Path(file).stem for clip, file in zip(clips.index, files, strict=True)}


def _warn_of_ids(clips: pd.DataFrame) -> list[str]:
    """That the table makes one person of several speaker ids, and of which."""
    ids = clips["speaker"].groupby(voices_of(clips)).unique()
    several = [" = ".join(sorted(mine)) for mine in ids if len(mine) > 1]
    return [f"speaker ids that are one person by the column 'voice': {_enumerate(several)}"] if several else []


def _occurrences(clips: pd.DataFrame, decided: Decided, *, allow_conflicts: bool, target: str) -> list[Occurrence]:
    conflicts = _named(clips, decided.conflicts, "emotion")
    two = "two emotions" if target == EMOTION else f"two values of '{target}'"
    if conflicts and not allow_conflicts:
        raise WrongCall(f"the same audio under {two}: {conflicts}; correct the labels, or go on with --allow-conflicts")
    known = {why: _named(clips, [pair for pair in decided.copies if pair.why == why]) for why in (SEGMENTS, FORMATS)}
    others = {
        "the same audio under two speakers, who count as one voice; one copy is used": _named(clips, decided.crossing, "speaker"),
        "the same audio under two names of one speaker": _named(clips, decided.restemmed),
        **{f"the same audio in {why}, of which one is used": told for why, told in known.items()},
    }
    found = [Occurrence(f"the same audio under {two}: {conflicts}", conflict=True)] if conflicts else []
    return [*found, *(Occurrence(f"{what}: {told}") for what, told in others.items() if told)]


def _warn_of_parts(clips: pd.DataFrame) -> list[str]:
    """That segments share less than what makes them the same audio, under two speakers or emotions: they are used, and may be separated."""
    less = [Same(one, other, "") for one, other, share in overlaps(clips) if share <= SHARED]
    lines = []
    for column in ("speaker", "emotion"):
        values = clips[column].astype(str).to_dict()
        if crossing := [pair for pair in less if values[pair.one] != values[pair.other]]:
            told = _named(clips, crossing, column)
            lines.append(
                f"segments under two {column}s that share up to half of the shorter; all are used, and a split may part them: {told}"
            )
    return lines


def _named(clips: pd.DataFrame, pairs: list[Same], column: str = "") -> str:
    """All clips of each audio, ``a.wav = b.wav``, or with a column the first of each value: ``a.wav (anger) = b.wav (fear)``."""
    of: dict[str, dict[str, None]] = {}
    for one, other, _ in pairs:
        group = of.get(one, of.get(other, {}))
        group |= {one: None, other: None}
        of[one] = of[other] = group
    values = clips[column].astype(str).to_dict() if column else {}
    said = set()
    for group in of.values():
        names: dict[str, str] = {}
        for clip in group:
            value = values.get(clip, clip)
            names.setdefault(value, f"{clip} ({value})" if column else clip)
        said.add(" = ".join(names.values()))
    return _enumerate(sorted(said))


def _enumerate(found: list[str]) -> str:
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return "; ".join(found[:NAMED]) + more
