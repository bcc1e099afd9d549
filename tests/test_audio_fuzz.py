"""Damaged files: whatever the bytes, there is a clip or a reason, and nothing else."""

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_bench.audio import Clip, Unusable, decode

RATE = 16_000
TONE = (0.3 * np.sin(0.1 * np.arange(RATE // 2))).astype(np.float32)
KINDS = [("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "FLOAT"), ("WAVEX", "PCM_16"), ("FLAC", "PCM_16")]
KINDS += [("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")]


def encoded(format: str, subtype: str) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, TONE, RATE, format=format, subtype=subtype)
    return buffer.getvalue()


FILES = [encoded(*kind) for kind in KINDS]
PLACES = st.one_of(st.integers(0, 200), st.integers(0, 60_000))
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), PLACES, st.integers(0, 7)),
        st.tuples(st.just("write"), PLACES, st.binary(min_size=1, max_size=8)),
        st.tuples(st.just("insert"), PLACES, st.binary(min_size=1, max_size=8)),
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


def test_nothing_is_said_of_a_whole_file():
    assert {decode(data).note for data in FILES} == {""}


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
