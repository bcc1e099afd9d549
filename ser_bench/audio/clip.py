"""One clip: from the bytes of a file to mono float32 samples, or a named reason why not.

In:   a file, or the bytes of one, and the segment of it that is meant.
Out:  a `Clip`, which keeps what extractors share (resampled signals, spectra), or `Unusable` with its reason.
Rule: whether a clip is used is decided here, on its audio alone, before any extractor has seen it:
      a regular file, readable, finite, not constant, from 100 ms to an hour. Want of memory is no fault of a clip: it is raised.

Whoever needs both key and samples reads the file once: ``data = read_bytes(path)``, ``key_of(data)``, ``decode(data)``.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ser_bench.audio.mpeg import has_length, with_length
from ser_bench.utils.regular_files import check_regular

if TYPE_CHECKING:
    import soundfile

T = TypeVar("T")

SHORTEST_MS = 100
LONGEST_S = 3600
MOST_SAMPLES = 1 << 28
"""Of a clip, all channels together: 1 GB as they are decoded."""
LOWEST_RATE, HIGHEST_RATE = 1_000, 768_000
MOST_MP3_SAMPLES = 32
"""Samples a channel that a byte of MP3 may stand for: at 8 kbit/s and 24 kHz it is 24."""
LARGEST_BLOCK = 1 << 22
"""Samples, of all channels together, that are decoded at a time."""
NO_MEMORY = 17
"""What libsndfile calls its want of memory."""
TOO_LONG = (
    f"longer than a clip may be, {LONGEST_S // 60} minutes and {MOST_SAMPLES:,} samples of all channels together: cut it, or mark segments"
)
POINTER = b"version https://git-lfs.github.com/spec/"


class Unusable(Exception):
    """A clip that cannot be evaluated.

    Parameters
    ----------
    reason : str
        One short phrase, such as ``missing file`` or ``shorter than 100 ms``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Clip:
    """One utterance as sound.

    Parameters
    ----------
    samples : array of float32, shape (n,)
        The mean of all channels.
    rate : int
        Samples a second.
    channels : int
        How many the file has.
    note : str
        What a reader should know of the file, such as that it ends before its header says.
    """

    def __init__(self, samples: np.ndarray, rate: int, channels: int = 1, note: str = "") -> None:
        self.samples = samples
        self.rate = rate
        self.channels = channels
        self.note = note
        self._made: dict[Hashable, Any] = {}

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.rate

    @property
    def digest(self) -> str:
        """What the ear would be given, as 32 hexadecimal digits: equal for equal samples and rate, whatever the file's format."""
        return self.once("digest", lambda: _hex(np.ascontiguousarray(self.samples).tobytes(), str(self.rate).encode()))

    def at(self, rate: int) -> np.ndarray:
        """The signal at another rate, computed once.

        Parameters
        ----------
        rate : int
            Samples a second.

        Returns
        -------
        array of float32, shape (ceil(n * rate / self.rate),)
            Resampled by soxr's ``HQ``: what ``librosa.load(path, sr=rate)`` returns. Shared by all who ask: not to be written to.
        """
        if rate == self.rate:
            return self.samples
        return self.once(("at", rate), lambda: resample(self.samples, self.rate, rate))

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value that goes by `key`, made at the first call and kept for as long as the clip is.

        >>> clip = Clip(np.zeros(1600, np.float32), 16_000)
        >>> clip.once("peak", lambda: 0.5), clip.once("peak", lambda: 0.7)
        (0.5, 0.5)
        """
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]


def read_clip(path: str | Path, start: float | None = None, end: float | None = None) -> Clip:
    """Decode a file, or a segment of one.

    Parameters
    ----------
    path : str or Path
        WAV, FLAC, OGG or MP3.
    start, end : float, optional
        Seconds. None or not a number: the file's beginning, its end.

    Raises
    ------
    Unusable
    """
    return decode(read_bytes(path), start, end)


def content_key(path: str | Path, start: float | None = None, end: float | None = None) -> str:
    """What a clip is known by in the store: `key_of` the file's bytes.

    Raises
    ------
    Unusable
        Where the file cannot be read.
    """
    return key_of(read_bytes(path), start, end)


def read_bytes(path: str | Path) -> bytes:
    """All bytes of a file.

    Raises
    ------
    Unusable
        Where there is no such file, or none that may be read: also for what is no regular file, and for files of more than 2 GB.
    """
    try:
        check_regular(path)
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise Unusable("missing file") from None
    except IsADirectoryError:
        raise Unusable("a folder, not a file") from None
    except PermissionError:
        raise Unusable("no permission to read it") from None
    except OSError as error:
        raise Unusable(f"unreadable: {error.strerror or error}") from None
    except MemoryError:
        raise Unusable("not enough memory to read it") from None
    except ValueError as error:
        # No file can go by such a name: it holds a null byte, say.
        raise Unusable(f"unreadable: {error}") from None


def key_of(data: bytes, start: float | None = None, end: float | None = None) -> str:
    """A hash of a file's bytes and the segment, 32 hexadecimal digits: nothing of path, label or position.

    A segment that ends with its file, or after it, is the one without an end: tables that write whole files' lengths down and those that
    do not are of the same clips.

    >>> key_of(b"sound") == key_of(b"sound", 0.0, None) != key_of(b"sound", 0.0, 1.5)
    True
    """
    start, end = _given(start) or None, _given(end)
    end = None if end is not None and _reaches_end(data, end) else end
    segment = "" if start is None and end is None else f"#{start}-{end}"
    return _hex(data, segment.encode())


def _reaches_end(data: bytes, end: float) -> bool:
    """Whether a moment is the end of a file or after it; not of what is no audio."""
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(with_length(data))) as file:
            return end * file.samplerate >= file.frames - 0.5
    except soundfile.LibsndfileError:
        return False


def decode(data: bytes, start: float | None = None, end: float | None = None) -> Clip:
    """Bytes of an audio file to a clip, or the reason why not.

    A header that promises more than the file holds, and a segment that ends after it, yield what is there. A clip may last an hour and have
    2^28 samples, all channels together; of an MP3, what stands before a segment counts as well.

    Parameters
    ----------
    data : bytes
    start, end : float, optional
        As in `read_clip`.

    Raises
    ------
    Unusable
    MemoryError
    """
    import soundfile

    check_beginning(data)
    try:
        with soundfile.SoundFile(io.BytesIO(with_length(data))) as file:
            rate = check_rate(file)
            channels, held = _read_segment(file, len(data), _given(start) or 0.0, _given(end))
            note = _note(data, file, held)
    except soundfile.LibsndfileError as error:
        raise unusable_as(error) from None
    samples = channels[:, 0] if channels.shape[1] == 1 else channels.mean(axis=1)
    check_usable(samples, rate)
    return Clip(samples, rate, channels.shape[1], note)


def resample(samples: np.ndarray, rate: float, new_rate: float) -> np.ndarray:
    """Samples at another rate, exactly as ``librosa.resample`` does by default.

    Parameters
    ----------
    samples : array of float32, shape (n,)
    rate, new_rate : float
        Samples a second.

    Returns
    -------
    array of float32, shape (ceil(n * new_rate / rate),)
    """
    import soxr

    n = math.ceil(len(samples) * (new_rate / rate))
    resampled = soxr.resample(samples, rate, new_rate, quality="HQ")[:n]
    return np.pad(resampled, (0, n - len(resampled)))


def _read_segment(file: soundfile.SoundFile, size: int, start: float, end: float | None) -> tuple[np.ndarray, float]:
    """Samples between two moments, shape (n, channels), and where the file ended, in seconds; infinity where it went on."""
    first, last = _segment(file, start, end)
    # After a seek libmpg123 may decode other samples, and soundfile seeks after each read: one read, from the beginning.
    is_mp3 = file.format == "MP3"
    block = MOST_MP3_SAMPLES * size if is_mp3 else max(LARGEST_BLOCK // file.channels, 1)
    if is_mp3 or not file.seekable():  # some codecs, such as GSM 6.10, can only be read on
        samples = _read(file, last, block)[first:]
    else:
        file.seek(first)
        samples = _read(file, last - first, block)
    ended = first + len(samples)
    return samples, ended / file.samplerate if ended < last else math.inf


def _segment(file: soundfile.SoundFile, start: float, end: float | None) -> tuple[int, int]:
    """The first sample that is meant, and the one after the last."""
    if start < 0:
        raise Unusable(f"starts at {start:g} s, before its file")
    if end is not None and end <= start:
        raise Unusable(f"ends at {end:g} s, before it starts")
    first = round(min(start * file.samplerate, file.frames))
    if first and first >= file.frames:
        raise Unusable(f"starts at {start:g} s, after the end of its file")
    return first, file.frames if end is None else round(min(end * file.samplerate, file.frames))


def _read(file: soundfile.SoundFile, wanted: int, block: int) -> np.ndarray:
    """So many samples or what is left, shape (n, channels); a header may promise any number, so a block at a time."""
    blocks: list[np.ndarray] = []
    left = min(MOST_SAMPLES // file.channels, LONGEST_S * file.samplerate)
    while wanted > 0 and (not blocks or len(blocks[-1]) == block):
        blocks.append(file.read(min(wanted, block, left + 1), dtype="float32", always_2d=True))
        wanted, left = wanted - len(blocks[-1]), left - len(blocks[-1])
        if left < 0:
            raise Unusable(TOO_LONG)
    return blocks[0] if len(blocks) == 1 else np.concatenate([np.empty((0, file.channels), np.float32), *blocks])


def _note(data: bytes, file: soundfile.SoundFile, held: float) -> str:
    """That a file holds less than its header promises, in seconds; for WAV libsndfile knows it, and keeps it to itself."""
    promised = file.frames / file.samplerate
    if sizes := _wav_data(data):
        promised, held = promised * sizes[0] / sizes[1], promised
    elif file.format == "MP3" and not has_length(data):
        # No header says how long it is: what libsndfile reports is a guess, or what its frames come to.
        return ""
    if not promised - held > 0.001:
        return ""
    return f"its header promises {promised:.2f} s, and it holds {held:.2f} s"


def _wav_data(data: bytes) -> tuple[int, int] | None:
    """How many bytes a WAV's data chunk says it has and how many it can have; None where it does not say, or has none."""
    at = 12
    while data[:4] == b"RIFF" and at + 8 < len(data):
        size, there = int.from_bytes(data[at + 4 : at + 8], "little"), len(data) - at - 8
        if data[at : at + 4] == b"data":
            # A recorder that could not know the length in advance wrote none, or the largest.
            return None if size in (0, 0xFFFFFFFF, 0x7FFFFFFF) else (size, min(size, there))
        at += 8 + size + size % 2
    return None


def check_beginning(data: bytes) -> None:
    """Refuse a file of which the first bytes say that it is no audio.

    Raises
    ------
    Unusable
    """
    if not data:
        raise Unusable("empty file")
    if data.startswith(POINTER):
        raise Unusable("a Git LFS pointer, not the audio itself: fetch it by git lfs pull")


def check_rate(file: soundfile.SoundFile) -> int:
    """A file's rate, if it is one that somebody can mean.

    Raises
    ------
    Unusable
    """
    rate = int(file.samplerate)
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise Unusable(f"a rate of {rate} Hz, where {LOWEST_RATE} to {HIGHEST_RATE} can be meant")
    return rate


def unusable_as(error: soundfile.LibsndfileError) -> Unusable:
    """What libsndfile says of a file, in one line; of some damaged MP3 it says that there is none, and that is left out.

    Raises
    ------
    MemoryError
        Where that is what it lacks.
    """
    if error.code == NO_MEMORY:
        raise MemoryError from None
    fault, said = "not audio that can be decoded", str(error.error_string)
    return Unusable(fault if said.startswith("File does not exist") else f"{fault}: {' '.join(said.split()).rstrip('.')}")


def check_usable(samples: np.ndarray, rate: int) -> None:
    """Refuse what cannot be evaluated.

    Raises
    ------
    Unusable
        Where there are no samples, too few, one that is not finite, or only equal ones.
    """
    if not len(samples):
        raise Unusable("no samples")
    if not np.isfinite(samples).all():
        raise Unusable("not finite")
    if len(samples) * 1000 < SHORTEST_MS * rate:
        raise Unusable(f"shorter than {SHORTEST_MS} ms")
    if samples.min() == samples.max():
        raise Unusable("constant")


def _given(moment: float | None) -> float | None:
    """None also for what a table holds where nothing is said."""
    return None if moment is None or math.isnan(moment) else float(moment)


def _hex(*parts: bytes) -> str:
    hashed = hashlib.blake2b(digest_size=16)
    for part in parts:
        hashed.update(part)
    return hashed.hexdigest()
