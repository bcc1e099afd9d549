"""An MP3 that does not say how long it is is read to its end."""

import io

import numpy as np
import pytest
import soundfile

from ser_bench.audio.clip import decode
from ser_bench.audio.mpeg import has_length, next_frame, with_length

RATES = (16_000, 44_100)


def stream(first: float, then: float, rate: int, channels: int = 1, mode: str = "VARIABLE") -> bytes:
    """Four seconds of noise at a level and four at another, as an MP3 with its tag."""
    rng = np.random.default_rng(0)
    sound = np.concatenate([level * rng.standard_normal((4 * rate, channels)) for level in (first, then)])
    buffer = io.BytesIO()
    soundfile.write(buffer, sound.astype(np.float32), rate, format="MP3", bitrate_mode=mode, compression_level=0.3)
    return buffer.getvalue()


def untagged(data: bytes) -> bytes:
    """Without its first frame, which is the tag."""
    frame = next_frame(data, 0)
    assert frame is not None
    return data[: frame.at] + data[frame.at + frame.size :]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("channels", [1, 2])
def test_a_stream_of_falling_bit_rate_is_read_whole_without_its_tag(rate, channels):
    data = untagged(stream(0.2, 1e-5, rate, channels))
    assert not has_length(data)
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        assert file.frames < 6 * rate  # what is guessed
    assert decode(data).seconds == pytest.approx(8, abs=0.2)
    assert decode(data, 3.0, 7.0).seconds == 4.0
    assert decode(b"ID3\x03\0\0\0\0\x02\0" + bytes(256) + data).seconds == pytest.approx(8, abs=0.2)


@pytest.mark.parametrize("data", [stream(0.2, 1e-5, 16_000), untagged(stream(0.2, 0.2, 16_000, mode="CONSTANT")), b"RIFF\xff\xfb", b""])
def test_what_says_its_length_or_is_guessed_right_is_left_as_it_is(data):
    assert with_length(data) is data
