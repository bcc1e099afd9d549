"""What was named, or handed in, as sounds.

In:   arguments: files, folders, patterns, ``-`` for standard input; from Python paths and arrays.
Out:  a `Sound` for each, in the order in which they were named; those of a folder or pattern in sorted order.
Rule: what cannot be found is a sound with a reason, so that the others are predicted; what a folder holds beside them is counted and
      named.
"""

from __future__ import annotations

import glob
import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from ser_bench.audio.clip import HIGHEST_RATE, LOWEST_RATE
from ser_bench.bundle.extraction import File, FileBytes, Samples, Sound, Span, StandardInput, Unreadable
from ser_bench.errors import WrongCall, quoted
from ser_bench.utils.formatting import number_of, plural
from ser_bench.utils.regular_files import LARGEST_FILE

STDIN = "-"


def named_sounds(arguments: Iterable[str], left_out: list[str]) -> list[Sound]:
    """The sounds that a command line names, none of them read yet.

    Parameters
    ----------
    arguments : iterable of str
    left_out : list of str
        What is left out is added to it, a line per folder.

    Raises
    ------
    WrongCall
        Where standard input is named twice, or is a terminal.
    """
    arguments = list(arguments)
    if arguments.count(STDIN) > 1:
        raise WrongCall("- is standard input, which can be read once: name it once")
    if STDIN in arguments and (sys.stdin is None or sys.stdin.isatty()):
        raise WrongCall(
            "- reads a WAV file from standard input, and nothing is piped into it: such as  sox in.mp3 -t wav - | ser-bench predict MODEL -"
        )
    found = [sound for argument in arguments for sound in _named(argument, left_out)]
    sounds = list({sound.span.name: sound for sound in found}.values())
    if len(sounds) < len(found):
        left_out.append(f"{number_of(len(found) - len(sounds), 'recording is', 'recordings are')} named more than once and predicted once")
    return sounds


def _named(argument: str, left_out: list[str]) -> list[Sound]:
    if argument == STDIN:
        return [Sound(Span("stdin"), StandardInput())]
    if os.path.isdir(argument):
        return _in_folder(argument, left_out)
    if not os.path.lexists(argument) and glob.has_magic(argument):
        found = sorted(glob.glob(argument, recursive=True))
        beside = [sound for path in found for sound in (_in_folder(path, left_out) if os.path.isdir(path) else [_file(path)])]
        return beside or [Sound(Span(argument), Unreadable("no file is called so"))]
    return [_file(argument)]


def _file(path: str) -> Sound:
    return Sound(Span(path), File(path))


def _in_folder(folder: str, left_out: list[str]) -> list[Sound]:
    """The audio files of a folder at any depth."""
    from ser_bench.corpora.files import OTHER_SUFFIXES, SUFFIXES, find_audio

    kinds = ", ".join(SUFFIXES)
    if others := find_audio(Path(folder), OTHER_SUFFIXES):
        n = len(others)
        left_out.append(
            f"{folder}: {number_of(n, 'file')} of other kinds than {kinds} {plural(n, 'is', 'are')} left out, such as {others[0]}"
        )
    paths = [os.path.join(folder, name) for name in find_audio(Path(folder))]
    return [_file(path) for path in paths] or [Sound(Span(folder), Unreadable(f"a folder without audio ({kinds})"))]


def standard_input() -> BinaryIO:
    """What is piped into this process, as bytes."""
    return cast(BinaryIO, getattr(sys.stdin, "buffer", sys.stdin))


def read_whole(sounds: Iterable[Sound], stream: BinaryIO | None = None) -> Iterator[Sound]:
    """The same sounds, standard input read to its end."""
    for sound in sounds:
        if not isinstance(sound.source, StandardInput):
            yield sound
            continue
        data = (stream or standard_input()).read(LARGEST_FILE + 1)
        too_long = Unreadable(f"more than {LARGEST_FILE >> 30} GB: use --window")
        yield sound._replace(source=too_long if len(data) > LARGEST_FILE else FileBytes(data))


def handed_in(audio: Any, rate: int | None) -> list[Sound]:
    """The sounds of a call from Python; what is left out of folders is warned of.

    Parameters
    ----------
    audio : str, Path, array, or a sequence of such
        Files, folders, patterns; samples of shape (n,) or (n, channels), floating-point with full scale at 1, or integers, whose full
        scale is their type's.
    rate : int, optional
        Samples per second, of arrays.

    Raises
    ------
    WrongCall
        For anything else, and for arrays without a rate.
    """
    several = isinstance(audio, Sequence) and not isinstance(audio, str | bytes) and not _is_numbers(audio)
    sounds: list[Sound] = []
    left_out: list[str] = []
    for number, one in enumerate(audio if several else [audio], start=1):
        if isinstance(one, str | os.PathLike):
            sounds += _named(os.fspath(one), left_out)
        else:
            sounds.append(Sound(Span(f"array {number}" if several else "array"), Samples(samples_of(one), _checked(rate))))
    for line in left_out:
        warnings.warn(line, stacklevel=4)
    return sounds


def _is_numbers(audio: Sequence[Any]) -> bool:
    return bool(len(audio)) and all(isinstance(one, int | float | np.number) for one in audio[:2])


def samples_of(array: Any) -> np.ndarray:
    """Samples as a clip has them: mono, float32, shape (n,).

    >>> samples_of(np.array([[0, 16384], [-32768, 0]], np.int16)).tolist()
    [0.25, -0.5]

    Raises
    ------
    WrongCall
        For what is no sound.
    """
    try:
        samples = np.asarray(array)
    except ValueError:
        raise WrongCall("audio: an array of samples has the shape (n,) or (n, channels)") from None
    if samples.dtype.kind not in "iuf" or samples.ndim not in (1, 2):
        raise WrongCall(
            f"audio: samples are numbers of shape (n,) or (n, channels), not {quoted(samples.dtype)} of shape {samples.shape}; "
            "or name files"
        )
    if samples.ndim == 2 and samples.shape[1] > samples.shape[0]:
        raise WrongCall(f"audio: an array of shape {samples.shape} has more channels than samples: hand in its transpose, (n, channels)")
    if samples.dtype.kind == "u":
        raise WrongCall(f"audio: samples of type {samples.dtype} have no known zero: hand in signed integers, or floating-point numbers")
    if samples.dtype.kind == "i":
        samples = samples / -float(np.iinfo(samples.dtype).min)
    samples = np.ascontiguousarray(samples, np.float32)
    return samples if samples.ndim == 1 else samples.mean(axis=1)


def _checked(rate: int | None) -> int:
    if rate is None:
        raise WrongCall("rate: say how many samples per second the array has, such as rate=16000")
    if not LOWEST_RATE <= rate <= HIGHEST_RATE or rate != int(rate):
        raise WrongCall(f"rate: {quoted(rate)} is not a whole number from {LOWEST_RATE:,} to {HIGHEST_RATE:,} Hz")
    return int(rate)
