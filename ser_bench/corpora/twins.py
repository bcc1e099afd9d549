"""The same audio more than once: which copy is used, whose voices belong together.

In:   a clip table with the digest of each clip's samples.
Out:  the clips to judge with their `voice`, the copies that are not, and what the user should know.
Rule: no audio may stand on both sides of a split. Speakers who share audio share a voice, and only voices are ever separated.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ser_bench.errors import WrongCall

if TYPE_CHECKING:
    import pandas as pd

NAMED = 3


class Twins(NamedTuple):
    """Clips freed of their copies.

    Parameters
    ----------
    clips : DataFrame
        The clips to judge, in the order given, with the column `voice`: as the table says, or all of them that share audio (``A+B``).
    skipped : DataFrame
        Columns `clip`, `reason`, `counts` (False throughout: copies are no loss).
    warnings : list of str
        One line each.
    """

    clips: pd.DataFrame
    skipped: pd.DataFrame
    warnings: list[str]


def resolve_twins(clips: pd.DataFrame, *, allow_conflicts: bool = False) -> Twins:
    """Find equal audio and decide what becomes of it.

    - Same stem, speaker and emotion: the first by clip name is used, the others are skipped as its duplicates.
    - Another stem: kept, with a warning. One speaker's clips are never separated, so neither are these.
    - Two speakers: kept, with a warning, and the speakers become one voice. Those whom the table gives one `voice` are that already.
    - Two emotions: one of the labels must be wrong.

    Parameters
    ----------
    clips : DataFrame
        Clip table with the column `digest`.
    allow_conflicts : bool
        Only warn of one audio under two emotions.

    Raises
    ------
    WrongCall
        For one audio under two emotions.
    """
    import pandas as pd

    ordered = clips.sort_index()
    # A file's own name may have a '#', which else begins a span.
    files = ordered["path"] if "path" in ordered else [clip.partition("#")[0] for clip in ordered.index]
    stems = [Path(file).stem for file in files]
    same = [ordered["digest"], pd.Series(stems, ordered.index), voices_of(ordered), ordered["emotion"]]
    first = pd.Series(ordered.index, ordered.index).groupby(same, sort=False).transform("first")
    copies = first.index[first != first.index]
    skipped = pd.DataFrame({"clip": list(copies), "reason": [f"duplicate of {first[clip]}" for clip in copies], "counts": False})

    kept = clips.drop(index=copies)
    groups = _shared(kept)
    warnings = _warn(groups, allow_conflicts=allow_conflicts)
    named = voices_of(kept)
    joined = join_voices(named.unique(), (named[group.index].unique() for group in groups))
    return Twins(kept.assign(voice=named.map(joined)), skipped, [*_warn_of_ids(kept), *warnings])


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


def _shared(clips: pd.DataFrame) -> list[pd.DataFrame]:
    """The clips of each audio that more than one clip has, sorted by clip."""
    repeated = clips[clips["digest"].duplicated(keep=False)].sort_index()
    return [group for _, group in repeated.groupby("digest", sort=False)]


def _warn_of_ids(clips: pd.DataFrame) -> list[str]:
    """That the table makes one person of several speaker ids, and of which."""
    ids = clips["speaker"].groupby(voices_of(clips)).unique()
    several = [" = ".join(sorted(mine)) for mine in ids if len(mine) > 1]
    return [f"speaker ids that are one person by the column 'voice': {_enumerate(several)}"] if several else []


def _warn(groups: list[pd.DataFrame], *, allow_conflicts: bool) -> list[str]:
    conflicts, crossing, restemmed = [], [], []
    for group in groups:
        if group["emotion"].nunique() > 1:
            conflicts.append(_name(group, "emotion"))
        elif group["speaker"].nunique() == 1:
            restemmed.append(" = ".join(group.index))
        if group["speaker"].nunique() > 1:
            crossing.append(_name(group, "speaker"))
    if conflicts and not allow_conflicts:
        raise WrongCall(f"the same audio under two emotions: {_enumerate(conflicts)}; correct the labels, or go on with --allow-conflicts")
    kinds = {
        "the same audio under two emotions": conflicts,
        "the same audio under two speakers, who count as one voice": crossing,
        "the same audio under two names of one speaker": restemmed,
    }
    return [f"{what}: {_enumerate(found)}" for what, found in kinds.items() if found]


def _name(group: pd.DataFrame, column: str) -> str:
    """The first clip of each value in a column: ``a.wav (anger) = b.wav (fear)``."""
    return " = ".join(f"{clip} ({value})" for clip, value in group.drop_duplicates(column)[column].items())


def _enumerate(found: list[str]) -> str:
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return "; ".join(found[:NAMED]) + more
