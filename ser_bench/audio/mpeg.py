"""MP3 streams that do not say how long they are, given the tag that says it.

In:   the bytes of an MP3 file.
Out:  the same bytes, with a first frame that tells its length where none does and the bit rate of the first lets decoders guess too short a
      one: they then read all of it.
Rule: no frame of sound is changed. Layout of frames: ISO/IEC 11172-3 and 13818-3; of the tag: the Xing/Info header that LAME documents.
"""

from __future__ import annotations

from typing import NamedTuple

ID3 = b"ID3"
TAGS = (b"Xing", b"Info", b"VBRI")
KBITS = {
    True: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Kilobits per second by their number in a header from 1 up, of MPEG 1 and of its half rates."""
RATES = (44_100, 48_000, 32_000)
HALVED = {3: 1, 2: 2, 0: 4}
"""What divides `RATES`, by the number of the version: MPEG 1, 2 and 2.5."""
COUNT_FOLLOWS = 1
"""Of the tag's flags."""


class Frame(NamedTuple):
    """A frame of layer III.

    Where it begins, its bytes, its bit rate, the bytes before its sound's data, and what all frames of a stream share.
    """

    at: int
    size: int
    kbits: int
    side: int
    kind: bytes


def with_length(data: bytes) -> bytes:
    """An MP3 whose length can be read, rather than guessed.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    bytes
        As given, where there is a tag, no stream of frames, or a first frame of no higher bit rate than the others have.
    """
    if data[:1] != b"\xff" and data[:3] != ID3:
        return data
    first = next_frame(data, _after_id3(data))
    if first is None or has_length(data):
        return data
    count, kbits = 0, 0
    frame: Frame | None = first
    while frame is not None:
        count, kbits = count + 1, kbits + frame.kbits
        frame = next_frame(data, frame.at + frame.size, first.kind)
    if first.kbits * count <= kbits:  # what is guessed is no shorter
        return data
    head = data[first.at : first.at + 4]
    tag = TAGS[1] + COUNT_FOLLOWS.to_bytes(4, "big") + count.to_bytes(4, "big")
    # The highest rate, so that there is room; without a checksum, which would be another one.
    head = bytes((head[0], head[1] | 1, (head[2] & 0x0D) | 0xE0, head[3]))
    size = _frame(head, 0).size  # type: ignore[union-attr]
    told = (head + bytes(first.side) + tag).ljust(size, b"\0")
    return data[: first.at] + told + data[first.at :]


def has_length(data: bytes) -> bool:
    """Whether the first frame is a tag that tells how many there are."""
    first = next_frame(data, _after_id3(data))
    return first is not None and any(tag in data[first.at : first.at + 64] for tag in TAGS)


def next_frame(data: bytes, at: int, kind: bytes | None = None) -> Frame | None:
    """The first frame from a place on, of that kind where one is given; None where there is none.

    What begins like a frame is one where another follows it, or the end.
    """
    while (at := data.find(b"\xff", at)) >= 0:
        frame = _frame(data, at)
        if frame and kind in (None, frame.kind):
            follower = _frame(data, at + frame.size)
            if at + frame.size >= len(data) - 4 or (follower and follower.kind == frame.kind) or data[at + frame.size :][:3] == b"TAG":
                return frame
        at += 1
    return None


def _frame(data: bytes, at: int) -> Frame | None:
    """What a header there says; None where it is none of layer III."""
    if at + 4 > len(data) or data[at] != 0xFF or data[at + 1] & 0xE6 != 0xE2:
        return None
    version, bits, rate = (data[at + 1] >> 3) & 3, data[at + 2] >> 4, (data[at + 2] >> 2) & 3
    if version == 1 or rate == 3 or bits in (0, 15):
        return None
    full, mono = version == 3, data[at + 3] >> 6 == 3
    kbits = KBITS[full][bits - 1]
    size = (144 if full else 72) * kbits * 1000 // (RATES[rate] // HALVED[version]) + ((data[at + 2] >> 1) & 1)
    side = (17 if mono else 32) if full else (9 if mono else 17)
    return Frame(at, size, kbits, side, bytes((version, rate)))


def _after_id3(data: bytes) -> int:
    """Where the sound can begin: after a tag of ID3 version 2, whose length is four times seven bits."""
    if data[:3] != ID3 or len(data) < 10:
        return 0
    length = 0
    for byte in data[6:10]:
        length = length << 7 | byte & 0x7F
    return 10 + length
