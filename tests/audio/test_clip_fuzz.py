"""Damaged files: whatever the bytes, there is a clip or a reason, and nothing else."""

import io
import tracemalloc

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_bench.audio.clip import Clip, Unusable, decode

RATE = 16_000
TONE = (0.3 * np.sin(0.1 * np.arange(RATE // 2))).astype(np.float32)
KINDS = [("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "FLOAT"), ("WAVEX", "PCM_16"), ("FLAC", "PCM_16")]
KINDS += [("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")]


def encoded(format: str, subtype: str, channels: int = 1) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.stack([TONE] * channels, axis=1), RATE, format=format, subtype=subtype)
    return buffer.getvalue()


FILES = [encoded(*kind) for kind in KINDS]
PLACES = st.one_of(st.integers(0, 200), st.integers(0, 60_000))
EXTREMES = st.sampled_from(
    [
        value.to_bytes(width, order)
        for width in (2, 4)
        for order in ("little", "big")
        for value in (0, 1, (1 << 8 * width - 1) - 1, 1 << 8 * width - 1, (1 << 8 * width) - 1)
    ]
)
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), PLACES, st.integers(0, 7)),
        st.tuples(st.just("write"), PLACES, st.binary(min_size=1, max_size=8)),
        st.tuples(st.just("insert"), PLACES, st.binary(min_size=1, max_size=8)),
        st.tuples(st.just("write"), PLACES, EXTREMES),
        st.tuples(st.just("cut"), PLACES, st.none()),
    ),
    min_size=1,
    max_size=4,
)


def damaged(data: bytes, changes: list[tuple]) -> bytes:
    changed = bytearray(data)
    for kind, place, what in changes:
        place = min(place, max(len(changed) - 1, 0))
        if kind == "flip" and changed:
            changed[place] ^= 1 << what
        elif kind == "write":
            changed[place : place + len(what)] = what
        elif kind == "insert":
            changed[place:place] = what
        elif kind == "cut":
            del changed[place:]
    return bytes(changed)


def heard(data: bytes) -> Clip | str:
    try:
        return decode(data)
    except Unusable as error:
        return error.reason


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(FILES), CHANGES)
def test_a_damaged_file_is_a_clip_or_has_a_reason(data, changes):
    outcome = heard(damaged(data, changes))
    if isinstance(outcome, str):
        assert len(outcome.splitlines()) == 1
    else:
        assert np.isfinite(outcome.samples).all()
        assert len(outcome.at(RATE)) <= len(outcome.samples) * 16


@pytest.mark.parametrize("kind", range(3))
def test_a_wav_that_ends_before_its_header_says_is_used_and_says_so(kind):
    data = FILES[kind]
    clip = decode(data[: len(data) // 2])
    assert 0.2 < clip.seconds < 0.3
    assert clip.note == f"its header promises 0.50 s, and it holds {clip.seconds:.2f} s"


@pytest.mark.parametrize("bytes_a_second", [0, 1, 0xFFFFFFFF])
def test_what_is_said_of_a_cut_wav_does_not_hang_on_the_byte_rate_it_states(bytes_a_second):
    data = bytearray(encoded("WAV", "PCM_16"))
    data[28:32] = bytes_a_second.to_bytes(4, "little")
    assert decode(bytes(data[: 44 + 8_000])).note == "its header promises 0.50 s, and it holds 0.25 s"


def test_a_segment_of_a_cut_wav_says_it_too():
    data = encoded("WAV", "PCM_16")
    assert decode(data[: 44 + 8_000], 0.1, 0.2).note == "its header promises 0.50 s, and it holds 0.25 s"


def test_a_cut_mp3_says_so():
    data = encoded("MP3", "MPEG_LAYER_III")
    assert decode(data[: len(data) // 2]).note.startswith("its header promises 0.50 s, and it holds 0.")


def test_nothing_is_said_of_a_whole_file():
    assert {decode(data).note for data in FILES} == {""}
    assert decode(encoded("WAV", "PCM_16") + b"LIST\x04\0\0\0INFO").note == ""


def test_nothing_is_said_of_an_mp3_whose_length_no_header_states():
    buffer = io.BytesIO()
    sound = np.concatenate([np.zeros(2 * RATE), 0.5 * np.random.default_rng(0).standard_normal(2 * RATE)])
    with soundfile.SoundFile(buffer, "w", RATE, 1, format="MP3", bitrate_mode="VARIABLE", compression_level=0.5) as file:
        file.write(sound)
    data = buffer.getvalue()
    second_frame = data.index(data[:2], data.index(b"Xing"))
    clip = decode(data[second_frame:])
    # Without its header the encoder's padding is heard too.
    assert (clip.seconds, clip.note) == (pytest.approx(4.1, abs=0.1), "")


def test_a_damaged_mp3_is_not_said_to_be_missing():
    data = encoded("MP3", "MPEG_LAYER_III")
    assert heard(data[:8] + bytes(len(data) - 8)) == "not audio that can be decoded"


@pytest.mark.parametrize("kind", [*KINDS, ("FLAC", "PCM_16", 8)])
def test_a_header_that_promises_the_most_it_can_takes_little_memory(kind):
    whole = encoded(*kind)
    tracemalloc.start()
    try:
        for place in range(4, 64):
            for promised in (b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x04", b"\xff\xff"):
                heard(whole[:place] + promised + whole[place + len(promised) :])
        assert tracemalloc.get_traced_memory()[1] < 64e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("rate", [1, 999, 4_000_000])
def test_a_rate_that_cannot_be_meant_is_refused(rate):
    data = bytearray(encoded("WAV", "PCM_16"))
    data[24:28] = rate.to_bytes(4, "little")
    with pytest.raises(Unusable, match=f"a rate of {rate} Hz"):
        decode(bytes(data))


@pytest.mark.parametrize(
    ("rate", "channels", "subtype"),
    [(8_000, 1, "PCM_16"), (192_000, 1, "PCM_16"), (RATE, 1, "PCM_24"), (RATE, 1, "DOUBLE"), (48_000, 2, "FLOAT"), (48_000, 6, "PCM_24")],
)
def test_every_usual_rate_depth_and_number_of_channels_is_used(rate, channels, subtype):
    sound = 0.3 * np.sin(2 * np.pi * 440 * np.arange(rate // 2) / rate)
    buffer = io.BytesIO()
    soundfile.write(buffer, np.stack([sound] * channels, axis=1), rate, format="WAV", subtype=subtype)
    clip = decode(buffer.getvalue())
    assert (clip.rate, clip.channels, clip.seconds, clip.note) == (rate, channels, 0.5, "")
    np.testing.assert_allclose(clip.samples, sound, atol=1e-4)
    assert np.abs(clip.at(RATE)).max() == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("kind", [*KINDS, ("FLAC", "PCM_16", 2), ("MP3", "MPEG_LAYER_III", 2)])
def test_a_file_longer_than_a_block_is_decoded_whole(kind, monkeypatch):
    data = encoded(*kind)
    whole = decode(data).samples
    monkeypatch.setattr("ser_bench.audio.clip.LARGEST_BLOCK", 1_000)
    np.testing.assert_allclose(decode(data).samples, whole, atol=1e-6)
    assert decode(data).note == ""


@pytest.mark.parametrize("kind", [*KINDS, ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III", 2)])
@pytest.mark.parametrize("start", [0.05, 0.13, 0.25, 0.38])
def test_a_segment_is_cut_from_the_whole(kind, start):
    data = encoded(*kind)
    part = decode(data, start, start + 0.11).samples
    first = round(start * RATE)
    assert len(part) == round((start + 0.11) * RATE) - first
    np.testing.assert_allclose(part, decode(data).samples[first : first + len(part)], atol=1e-3)
