"""What is heard of a file, and why some files are not."""

import io
import os
import struct
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from ser_bench.audio.clip import Clip, Unusable, content_key, decode, key_of, read_bytes, read_clip

RATE = 16_000


def noise(seconds: float = 0.5, channels: int = 1, rate: int = RATE) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal((round(seconds * rate), channels)).astype(np.float32)


def encode(samples: np.ndarray, rate: int = RATE, **options: str) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, **{"format": "WAV", **options})
    return buffer.getvalue()


def reason(data: bytes, *segment: float) -> str:
    with pytest.raises(Unusable) as caught:
        decode(data, *segment)
    return caught.value.reason


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_every_supported_format_is_decoded_as_librosa_decodes_it(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"clip.{suffix}"
    soundfile.write(path, noise(channels=2), RATE)
    clip = read_clip(path)
    np.testing.assert_allclose(clip.samples, librosa.load(path, sr=None)[0], atol=1e-6)
    assert (clip.samples.dtype, clip.rate, clip.channels) == (np.float32, RATE, 2)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100])
def test_resampling_equals_librosa(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "clip.wav"
    soundfile.write(path, noise(0.51), RATE)
    np.testing.assert_allclose(read_clip(path).at(rate), librosa.load(path, sr=rate)[0], atol=1e-6)


def test_real_speech_resamples_as_librosa_does(real_corpora: Path) -> None:
    path = real_corpora / "ravdess/Actor_01/03-01-05-01-01-01-01.flac"
    np.testing.assert_allclose(read_clip(path).at(RATE), librosa.load(path, sr=RATE)[0], atol=1e-6)


def test_resampling_is_done_once() -> None:
    clip = decode(encode(noise()))
    assert clip.at(8_000) is clip.at(8_000)
    assert clip.at(RATE) is clip.samples


@given(cut=st.floats(0.1, 0.4))
def test_segments_that_meet_share_no_sample_and_lose_none(cut: float) -> None:
    whole = decode(data := encode(noise()))
    parts = [decode(data, None, cut).samples, decode(data, cut, None).samples]
    np.testing.assert_array_equal(np.concatenate(parts), whole.samples)


def test_a_codec_that_can_only_be_read_on_yields_segments() -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, noise(), RATE, format="WAV", subtype="GSM610")
    whole = decode(buffer.getvalue())
    np.testing.assert_array_equal(decode(buffer.getvalue(), 0.2, 0.35).samples, whole.samples[round(0.2 * RATE) : round(0.35 * RATE)])


def test_a_segment_that_ends_after_its_file_yields_what_is_there() -> None:
    for end in (9.0, 1e300, np.inf):
        assert decode(encode(noise(0.5)), 0.3, end).seconds == pytest.approx(0.2)


def test_what_a_table_leaves_open_means_the_whole_file() -> None:
    data = encode(noise())
    assert len(decode(data, float("nan"), float("nan")).samples) == len(decode(data).samples)
    assert key_of(data, float("nan"), float("nan")) == key_of(data)


@pytest.mark.parametrize("promised", [10**6, 0xFFFFFFFF])
def test_a_header_that_promises_more_than_there_is_yields_what_is_there(promised: int) -> None:
    data = encode(noise(0.5))
    at = data.index(b"data") + 4
    longer = data[:at] + struct.pack("<I", promised) + data[at + 4 :]
    np.testing.assert_array_equal(decode(longer).samples, decode(data).samples)


@pytest.mark.parametrize("part", ["start", "end"])
def test_a_truncated_wav_yields_what_is_there(part: str) -> None:
    data = encode(noise(0.5))
    segment = (0.1, None) if part == "start" else (None, 0.4)
    assert decode(data[: len(data) // 2], *segment).seconds < 0.3


def test_unusable_audio_is_named_by_its_fault() -> None:
    broken = noise()
    broken[7] = np.nan
    assert reason(b"") == "empty file"
    assert reason(b"not a sound" * 99).startswith("not audio")
    assert reason(encode(noise(0))) == "no samples"
    assert reason(encode(noise(0.099))) == "shorter than 100 ms"
    assert reason(encode(0 * noise())) == "constant"
    assert reason(encode(0 * noise() + 0.5)) == "constant"
    assert reason(encode(broken, subtype="FLOAT")) == "not finite"
    assert reason(encode(noise(0.5)), 0.6) == "starts at 0.6 s, after the end of its file"
    assert reason(encode(noise(0.5)), 0.3, 0.2) == "ends at 0.2 s, before it starts"
    assert reason(encode(noise(0.5)), -0.1) == "starts at -0.1 s, before its file"
    assert reason(encode(noise(0.5)), np.inf) == "starts at inf s, after the end of its file"
    assert reason(encode(noise(0)), 0.0, 0.2) == "no samples"


@pytest.mark.parametrize("length", [1, RATE // 100])
def test_a_sound_too_short_to_judge_says_so(length: int) -> None:
    assert reason(encode(noise()[:length])) == "shorter than 100 ms"


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_one_sample_that_is_not_finite_makes_a_clip_unusable(value: float, subtype: str) -> None:
    broken = noise(channels=2)
    broken[7, 1] = value
    assert reason(encode(broken, subtype=subtype)) == "not finite"


def test_channels_that_cancel_out_are_constant() -> None:
    assert reason(encode(np.hstack([noise(), -noise()]), subtype="FLOAT")) == "constant"


def test_exactly_100_ms_are_enough() -> None:
    assert decode(encode(noise(0.1))).seconds == 0.1


def test_files_that_cannot_be_read_are_named_by_their_fault(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="missing file"):
        read_clip(tmp_path / "nowhere.wav")
    with pytest.raises(Unusable, match="a folder, not a file"):
        read_clip(tmp_path)
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(Unusable, match="a folder, not a file"):
        read_clip(tmp_path / "folder.wav")
    (tmp_path / "text.wav").write_text("Kids are talking by the door\n" * 99)
    with pytest.raises(Unusable, match="not audio that can be decoded: Format not recognised"):
        read_clip(tmp_path / "text.wav")


@pytest.mark.parametrize("name", ["n" * 300 + ".wav", "null\0byte.wav", "lone\ud800.wav"])
def test_a_name_that_no_file_can_have_is_a_reason_of_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unusable) as caught:
        read_clip(tmp_path / name)
    assert len(caught.value.reason.splitlines()) == 1


@pytest.mark.parametrize("name", ["ärgerlich.wav", "怒り 01.wav", "غضب.wav", "😡.wav"])
def test_names_in_any_script_are_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(encode(noise()))
    assert read_clip(tmp_path / name).seconds == 0.5


def test_a_very_long_path_is_read(tmp_path: Path) -> None:
    folder = tmp_path.joinpath(*["speaker" * 20] * 10)
    folder.mkdir(parents=True)
    (folder / "clip.wav").write_bytes(encode(noise()))
    assert len(str(folder)) > 1_400
    assert read_clip(folder / "clip.wav").seconds == 0.5


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="whoever is root may read everything")
def test_a_file_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    path = tmp_path / "clip.wav"
    path.write_bytes(encode(noise()))
    path.chmod(0)
    with pytest.raises(Unusable, match="no permission"):
        read_bytes(path)


def test_key_depends_on_bytes_and_segment_and_not_on_the_path(tmp_path: Path) -> None:
    a, b = tmp_path / "a.wav", tmp_path / "b.wav"
    for path in (a, b):
        path.write_bytes(encode(noise()))
    segments = [(None, None), (0.1, None), (None, 0.1), (0.1, 0.2)]
    assert [content_key(a, *segment) for segment in segments] == [content_key(b, *segment) for segment in segments]
    assert len({content_key(a, *segment) for segment in segments}) == len(segments)
    assert key_of(encode(noise(0.4))) != content_key(a)


def test_digest_is_the_sound_whatever_the_format() -> None:
    samples = np.round(noise() * 32767).astype(np.int16)
    wav, flac = decode(encode(samples)), decode(encode(samples, format="FLAC"))
    assert wav.digest == flac.digest
    assert wav.digest != Clip(wav.samples, 8_000).digest
    assert wav.digest != Clip(wav.samples[1:], RATE).digest


@pytest.mark.skipif(os.name == "nt", reason="pipes have no names there")
def test_what_is_no_regular_file_is_refused_by_name_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.wav")
    (tmp_path / "zero.wav").symlink_to("/dev/zero")
    for name, kind in (("x.wav", "a pipe"), ("zero.wav", "a device")):
        with pytest.raises(Unusable, match=f"{kind}, not a regular file"):
            read_bytes(tmp_path / name)


def test_a_sparse_file_of_60_gb_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "large.wav").open("wb") as file:
        file.truncate(60 << 30)
    with pytest.raises(Unusable, match=r"a file of 60\.0 GB, where at most 2 GB are read"):
        read_bytes(tmp_path / "large.wav")


@pytest.mark.parametrize("kind", ["FLAC", "WAV", "MP3"])
def test_a_clip_longer_than_a_clip_may_be_is_refused_and_a_segment_of_it_is_not(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ser_bench.audio.clip.LONGEST_S", 2)
    data = encode(noise(3.0), format=kind)
    assert reason(data).startswith("longer than a clip may be")
    assert decode(data, 0.5, 1.5).seconds == 1.0
    monkeypatch.setattr("ser_bench.audio.clip.MOST_SAMPLES", 100)
    assert reason(encode(noise(0.5))).startswith("longer than a clip may be")


def test_silence_that_was_packed_ten_thousandfold_is_refused_before_it_is_unpacked() -> None:
    data = encode(np.zeros((3_700_000, 1), np.float32), 1000, format="FLAC")
    assert reason(data).startswith("longer than a clip may be, 60 minutes")


def test_a_git_lfs_pointer_says_what_to_do() -> None:
    assert "git lfs pull" in reason(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 73456\n")


def test_want_of_memory_is_no_fault_of_a_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(soundfile.SoundFile):
        def read(self, *_: object, **__: object) -> np.ndarray:
            raise soundfile.LibsndfileError(17)

    monkeypatch.setattr(soundfile, "SoundFile", Full)
    with pytest.raises(MemoryError):
        decode(encode(noise()))
