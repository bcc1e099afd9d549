"""Outer and inner cross-validation folds, grouped by speaker.

In:   voices, labels and, where known, genders of the clips, and a `Protocol`, which `--cv` is read into once.
Out:  a fold number for each clip.
Rule: a voice is never on both sides of a split; `check_apart` raises `SpeakerLeak` otherwise. It is called for every outer fold before
      anything is fitted (`plan.split`), for every unit again (`nested_cv`), and for every inner fold (`search`).
      Only `random:K` and the splits of recipes, which exist to show what they cost, are exempt, and marked LEAKY wherever they appear.

A *voice* is a speaker, or several who share audio and are therefore never separated (`corpora.duplicates`). Voices count by where they
first speak, not by their names: clips stand in the order of their content, so that how a speaker is called moves no fold.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.errors import WorkFailed, WrongCall, quoted
from ser_bench.utils.formatting import number_of

if TYPE_CHECKING:
    import pandas as pd


LOSO_LIMIT = 12
MOST_FOLDS, MOST_SPEAKERS = 1000, 100_000
SENTENCE_GROUPS = 5
WITH_SENTENCES = "+sentence"
CV_FORMS = f"auto, loso, group:K, predefined (each also with {WITH_SENTENCES}, and with @N to train on N speakers) or random:K"

PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("dev", "devel", "development", "val", "valid", "validation"), "dev"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""What the parts of one fixed split are called, in any case."""
NEVER = -1
"""The outer fold of a clip that no fold holds out: those of a fixed split that are not its test part."""


class SpeakerLeak(WorkFailed):
    """A voice on both sides of a split: this stops a run, whatever else is going well."""


@dataclass(frozen=True)
class Protocol:
    """How clips are split for evaluating: what `--cv` says, read once by `parse_cv`, and asked from then on.

    Parameters
    ----------
    kind : {'auto', 'loso', 'group', 'predefined', 'random', 'published', 'cross'}
        ``auto`` is only ever asked for: `resolve_cv` says which it is. No `--cv` can ask for the last two: a recipe's split
        (`evaluation.published`), and one corpus held out by another (`analyses.cross_corpus`).
    folds : int or None
        Number of outer folds where the kind needs one.
    text : bool
        Whether what is held out is said in no training clip either: text-independent.
    max_speakers : int
        How many speakers of each fold's training part are used for training; 0 is all.
    draw : int
        Which of several random sets of so many speakers it is.
    """

    kind: str
    folds: int | None = None
    text: bool = False
    max_speakers: int = 0
    draw: int = 0

    def __post_init__(self) -> None:
        if self.kind == "random" and self.suffix:
            raise WrongCall(f"--cv cannot be '{self}': use {CV_FORMS}")

    def __str__(self) -> str:
        folds, draw = f":{self.folds}" if self.folds else "", f", draw {self.draw + 1}" if self.draw else ""
        return f"{self.kind}{folds}{self.suffix}{draw}"

    @property
    def suffix(self) -> str:
        """What is asked besides the kind of split: ``+sentence``, ``@8``, both or nothing."""
        return f"{WITH_SENTENCES if self.text else ''}{f'@{self.max_speakers}' if self.max_speakers else ''}"

    @property
    def leaky(self) -> bool:
        """Whether clips of one speaker may stand on both sides."""
        return self.kind in {"random", "published"}

    @property
    def words(self) -> str:
        """What it does, in words, of one that a run can have.

        >>> parse_cv("group:6+sentence@8").words
        'speaker-grouped cross-validation, and what they say is said in no training clip, 8 of the others for training'
        """
        training = f", {self.max_speakers} of the others for training" if self.max_speakers else ""
        return f"{PROTOCOLS[self.kind]}{TEXT_INDEPENDENT if self.text else ''}{training}"


def parse_cv(text: str) -> Protocol:
    """Read what `--cv` says, or a table's column `cv`.

    >>> str(parse_cv("group:6")), parse_cv("loso+sentence").text, parse_cv("group:6@8").max_speakers
    ('group:6', True, 8)
    """
    match = re.fullmatch(r"(?:(auto|loso|predefined)|(group|random):(\d+))(\+sentence)?(?:@(\d+))?", text)
    if not match:
        raise WrongCall(f"--cv cannot be '{quoted(text)}': use {CV_FORMS}")
    single, counted, k, sentences, most = match.groups()
    folds = _count(text, k, "folds", MOST_FOLDS) if counted else None
    return Protocol(
        single or counted, folds, text=bool(sentences), max_speakers=_count(text, most, "training speakers", MOST_SPEAKERS) if most else 0
    )


def _count(text: str, digits: str, what: str, most: int) -> int:
    """A number in a protocol's name, from 2 to `most`."""
    digits = digits.lstrip("0")
    if len(digits) > len(str(most)) or not 2 <= int(digits or 0) <= most:
        raise WrongCall(f"--cv {quoted(text)}: it takes 2 to {most:,} {what}")
    return int(digits)


def resolve_cv(asked: Protocol, customary: str | None, voices: np.ndarray) -> Protocol:
    """The protocol that is meant for this corpus.

    ``auto`` is the corpus's customary protocol; where there is none, or it needs more speakers than there are, leave-one-speaker-out
    up to 12 speakers and six speaker groups above.
    """
    n_voices = len(np.unique(voices))
    protocol = asked
    if asked.kind == "auto":
        usual = parse_cv(customary) if customary else None
        if usual is None or (usual.folds or 0) > n_voices:
            usual = Protocol("loso") if n_voices <= LOSO_LIMIT else Protocol("group", 6)
        protocol = replace(usual, text=asked.text or usual.text, max_speakers=asked.max_speakers or usual.max_speakers)
    if protocol.kind == "random" and protocol.folds is not None and protocol.folds > len(voices):
        raise WrongCall(f"--cv {protocol}: {protocol.folds} folds need as many clips, and there are {len(voices)}; use fewer")
    if protocol.kind == "group" and protocol.folds is not None and protocol.folds > n_voices:
        raise WrongCall(f"--cv {protocol}: {protocol.folds} speaker groups need as many speakers, and there are {n_voices}; use --cv loso")
    if protocol.max_speakers >= n_voices:
        raise WrongCall(f"--cv {protocol}: there are only {n_voices} speakers, of whom some are held out; train on fewer")
    return protocol


def outer_folds(clips: pd.DataFrame, protocol: Protocol, seed: int) -> np.ndarray:
    """The outer fold of each clip.

    Parameters
    ----------
    clips : DataFrame
        Clip table with `emotion`, `voice`, and optionally `gender`, `sentence` and `fold`.
    protocol : Protocol
    seed : int

    Returns
    -------
    array of int, shape (n_clips,)
        Where sentences are held out too, a fold is what some speakers say of some sentences. `NEVER` for what a fixed split does not test.

    Raises
    ------
    WrongCall
        Where a predefined split is asked for and the corpus has none, or sentences are to be held out that are not known.
    SpeakerLeak
        Where a predefined split separates a speaker's clips.
    """
    speakers = speaker_folds(clips, protocol, seed)
    if not protocol.text:
        return speakers
    sentences, held = _sentence_groups(clips, seed), speakers != NEVER
    folds = np.full(len(clips), NEVER)
    folds[held] = np.unique((speakers * (sentences.max() + 1) + sentences)[held], return_inverse=True)[1]
    return folds


def training_clips(clips: pd.DataFrame, protocol: Protocol, folds: np.ndarray, fold: int | None, seed: int) -> np.ndarray:
    """Which clips are used for training while a fold is held out.

    Those of other folds, or of other voices that say other sentences; all of them, or those of some voices drawn at random.

    Parameters
    ----------
    clips : DataFrame
        Clip table, as `outer_folds` takes it.
    folds : array of int, shape (n_clips,)
        What `outer_folds` gave.
    fold : int or None
        Without one, nothing is held out.
    seed : int

    Returns
    -------
    array of bool, shape (n_clips,)
    """
    held = np.zeros(len(folds), bool) if fold is None else folds == fold
    train = folds == NEVER if (folds == NEVER).any() else ~held
    if protocol.text:
        said = clips[held]
        train = train & np.logical_and(*(~clips[column].isin(said[column]).to_numpy() for column in ("voice", "sentence")))
    if protocol.max_speakers:
        voices, first_held = numbered(clips["voice"].to_numpy(str)), int(np.argmax(held))
        draw = [protocol.draw] if protocol.draw else []
        drawn = np.random.default_rng(derive_seed(seed, "learnt from", first_held, *draw)).permutation(np.unique(voices[train]))
        train &= np.isin(voices, drawn[: protocol.max_speakers])
    return train


def speaker_folds(clips: pd.DataFrame, protocol: Protocol, seed: int) -> np.ndarray:
    """The fold of each clip as far as speakers decide it; as `outer_folds`."""
    voices, labels = clips["voice"].to_numpy(str), clips["emotion"].to_numpy(str)
    if protocol.kind == "loso":
        return numbered(voices)
    if protocol.kind == "predefined":
        return _predefined(clips, voices, fixed_parts(clips, protocol))
    assert protocol.folds is not None
    if protocol.leaky:
        return random_folds(labels, protocol.folds, seed)
    genders = clips["gender"].to_numpy(str) if "gender" in clips else None
    return voice_folds(voices, labels, protocol.folds, seed, genders=genders)


def fixed_parts(clips: pd.DataFrame, protocol: Protocol) -> np.ndarray | None:
    """The part of each clip, ``train``, ``dev`` or ``test``, where a predefined split has nothing else; None of any other split.

    >>> import pandas as pd
    >>> fixed_parts(pd.DataFrame({"fold": ["Train", "valid", "test"]}), parse_cv("predefined")).tolist()
    ['train', 'dev', 'test']
    """
    if protocol.kind != "predefined" or "fold" not in clips:
        return None
    parts = [PARTS.get(str(fold).strip().casefold(), "") for fold in clips["fold"]]
    return np.array(parts) if {"train", "test"} <= set(parts) and "" not in parts else None


def inner_folds(voices: np.ndarray, labels: np.ndarray, k: int, seed: int, *, random: bool = False) -> np.ndarray:
    """The inner fold of each training clip: min(k, voices) groups of voices, or random ones inside a random split."""
    if random:
        return random_folds(labels, k, seed)
    return voice_folds(voices, labels, min(k, len(np.unique(voices))), seed)


def voice_folds(voices: np.ndarray, labels: np.ndarray, k: int, seed: int, *, genders: np.ndarray | None = None) -> np.ndarray:
    """Put whole voices into k folds, alike in clips, labels and, where known, genders.

    Voices go one by one, the largest first, into the fold where they least increase the sum of squared
    shares of every label (and gender) and of all clips; `seed` orders voices of equal size. Names of voices do not count,
    the order in which they first appear does.

    Returns
    -------
    array of int, shape (n_clips,)

    >>> voice_folds(np.array(list("aabbccdd")), np.array(list("xyxyxyxy")), 2, 0).reshape(4, 2).T.tolist()[0].count(0)
    2
    """
    who = numbered(voices)
    n_voices = who.max() + 1
    traits = [labels] if genders is None else [labels, genders]
    columns = [np.zeros(len(voices), int), *(np.unique(t, return_inverse=True)[1] for t in traits)]
    counts = np.hstack([np.stack([np.bincount(c[who == v], minlength=c.max() + 1) for v in range(n_voices)]) for c in columns])
    shares = counts / counts.sum(0)
    order = np.random.default_rng(seed).permutation(n_voices)
    order = order[np.argsort(-counts[order, 0], kind="stable")]
    held = np.zeros((k, shares.shape[1]))
    fold_of = np.empty(n_voices, int)
    for voice in order:
        fold_of[voice] = np.argmin(np.round(held @ shares[voice], 12))
        held[fold_of[voice]] += shares[voice]
    return fold_of[who]


def numbered(names: np.ndarray) -> np.ndarray:
    """The number of each name, shape as `names`: 0 for the one that appears first, 1 for the next new one, and so on.

    >>> numbered(np.array(["zoe", "adam", "zoe", "mia"])).tolist()
    [0, 1, 0, 2]
    """
    _, first, codes = np.unique(names, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[codes]


def random_folds(labels: np.ndarray, k: int, seed: int) -> np.ndarray:
    """Clips dealt to k folds without a look at who speaks, each label spread evenly: the leak that the field publishes."""
    rng = np.random.default_rng(seed)
    dealt = np.lexsort((rng.random(len(labels)), labels))
    fold = np.empty(len(labels), int)
    fold[dealt] = np.arange(len(labels)) % k
    return fold


def halvings(n: int) -> list[int]:
    """Half of that many speakers, a quarter, and so on, as long as there are two.

    >>> halvings(20), halvings(3)
    ([10, 5, 2], [])
    """
    return [n >> times for times in range(1, n.bit_length() - 1)]


def fold_pairs(n_folds: int, most: int, turn: int = 0) -> list[tuple[int, int]]:
    """Up to `most` pairs of folds, in which every fold occurs about as often as every other: rounds of a round-robin tournament.

    Each `turn` goes on where the one before ended, and from the start again after the last pair.

    >>> fold_pairs(4, 4), fold_pairs(4, 4, turn=1)
    ([(0, 3), (1, 2), (1, 3), (0, 2)], [(2, 3), (0, 1), (0, 3), (1, 2)])
    """
    seats = list(range(n_folds - 1 + n_folds % 2))
    last, rounds = len(seats), []
    for shift in seats:
        circle = [*seats[shift:], *seats[:shift]]
        rounds += [(circle[0], last), *((circle[i], circle[-i]) for i in range(1, (last + 1) // 2))]
    pairs = [(min(pair), max(pair)) for pair in rounds if max(pair) < n_folds]
    most = min(most, len(pairs))
    return [pairs[(turn * most + number) % len(pairs)] for number in range(most)]


def check_apart(train: np.ndarray, test: np.ndarray) -> None:
    """Refuse a split that has a voice on both sides.

    Raises
    ------
    SpeakerLeak
        Naming the voices.
    """
    both = np.intersect1d(train, test)
    if len(both):
        names = ", ".join(both[:3]) + (f" and {len(both) - 3} more" if len(both) > 3 else "")
        raise SpeakerLeak(f"speaker on both sides of a split: {names}. Results from this split would not hold for unseen speakers")


def _sentence_groups(clips: pd.DataFrame, seed: int) -> np.ndarray:
    """Sentences in up to five groups, alike in clips and labels."""
    if "sentence" not in clips:
        raise WrongCall(f"--cv ...{WITH_SENTENCES}: the corpus does not tell which sentence is said; give the manifest a column 'sentence'")
    sentences = clips["sentence"].to_numpy(str)
    blank = np.char.strip(sentences) == ""
    if blank.any():
        told = number_of(blank.sum(), "clip has", "clips have")
        raise WrongCall(f"--cv ...{WITH_SENTENCES}: {told} no sentence, such as {clips.index[int(blank.argmax())]}")
    known = len(np.unique(sentences))
    if known < 2:
        raise WrongCall(f"--cv ...{WITH_SENTENCES}: '{sentences[0]}' is the only sentence; at least two are needed")
    return voice_folds(sentences, clips["emotion"].to_numpy(str), min(known, SENTENCE_GROUPS), seed)


def derive_seed(*parts: Any) -> int:
    """A seed below 2**31 that depends on the parts and on nothing else."""
    digest = hashlib.blake2b(json.dumps(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest) % 2**31


def _predefined(clips: pd.DataFrame, voices: np.ndarray, parts: np.ndarray | None) -> np.ndarray:
    if "fold" not in clips:
        raise WrongCall("--cv predefined: the corpus has no column 'fold'; name one in the manifest, or use another --cv")
    blank = clips["fold"].isna() | (clips["fold"].astype(str).str.strip() == "")
    if blank.any():
        told = number_of(blank.sum(), "clip has", "clips have")
        raise WrongCall(f"--cv predefined: {told} no fold, such as {clips.index[int(blank.to_numpy().argmax())]}")
    names, fold = np.unique(clips["fold"].to_numpy(str) if parts is None else parts, return_inverse=True)
    if len(names) < 2:
        raise WrongCall("--cv predefined: the column 'fold' names a single fold; at least two are needed")
    for number in range(len(names)):
        check_apart(voices[fold != number], voices[fold == number])
    return fold if parts is None else np.where(parts == "test", 0, NEVER)


TRACKS = {
    "train": "standardised with training-set statistics",
    "speaker": "TRANSDUCTIVE: standardised per speaker, with the test speakers' unlabelled clips",
    "none": "not standardised",
}

PROTOCOLS = {
    "loso": "leave-one-speaker-out cross-validation",
    "group": "speaker-grouped cross-validation",
    "predefined": "the corpus's own folds",
    "random": "LEAKY: a random split, with the same speakers in training and test",
}

TEXT_INDEPENDENT = ", and what they say is said in no training clip"
