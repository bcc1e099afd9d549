"""An audit finds what is planted, and nothing where there is nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

import ser_bench
from ser_bench.analyses.audits import cramers_v
from ser_bench.analyses.audits.recording import _nearly_exact, header_properties
from ser_bench.audio.clip import Clip
from ser_bench.errors import WrongCall
from ser_bench.features.extractors.recording import Recording
from tests.analyses.audits.looking import look, said
from tests.analyses.audits.made import prepared
from tests.analyses.audits.made import table as table_of_clips
from tests.calling import call

EMOTIONS = ("anger", "fear", "sadness")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Noise of six speakers, in which no emotion can be heard: `clips.csv` and its audio."""
    rng = np.random.default_rng(0)
    rows = []
    for speaker in range(6):
        for number in range(12):
            path = f"{speaker}-{number}.wav"
            soundfile.write(tmp_path / path, rng.normal(0, 0.1, int(8000 * rng.uniform(0.3, 0.6))), 8000)
            rows.append((path, EMOTIONS[number % 3], f"s{speaker}"))
    pd.DataFrame(rows, columns=["path", "emotion", "speaker"]).to_csv(tmp_path / "clips.csv", index=False)
    return tmp_path


def table(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "clips.csv", dtype=str)


def rewrite(folder: Path, clips: pd.DataFrame) -> None:
    clips.to_csv(folder / "clips.csv", index=False)


def test_noise_has_no_errors_and_no_warnings(folder):
    found = look(folder)
    assert set(found.findings["kind"]) == {"note"}
    assert "could not be shown" in said(found, "note", "recording")
    assert "could not be shown" in said(found, "note", "spectrum")
    assert found.summary["speakers"] == "6, with 12 clips each"


def test_an_offset_that_goes_with_an_emotion_is_a_warning(folder):
    for path in table(folder).query("emotion == 'anger'")["path"]:
        samples, rate = soundfile.read(folder / path)
        soundfile.write(folder / path, samples + 0.05, rate)
    assert "emotion is predicted by recording properties alone" in said(look(folder), "warning", "recording")


def test_a_format_that_goes_with_an_emotion_is_a_warning(folder):
    clips = table(folder)
    for row in clips.index[clips["emotion"] == "fear"]:
        path = clips.loc[row, "path"]
        soundfile.write(folder / path.replace("wav", "flac"), *soundfile.read(folder / path))
        clips.loc[row, "path"] = path.replace("wav", "flac")
    rewrite(folder, clips)
    assert "differing here: constant offset and format, encoding" in said(look(folder), "warning", "recording")


def test_an_encoding_that_goes_with_an_emotion_is_a_warning_though_the_samples_do_not_show_it(folder):
    for path in table(folder).query("emotion == 'fear'")["path"]:
        before = soundfile.read(folder / path)
        soundfile.write(folder / path, *before, subtype="PCM_24")
        np.testing.assert_array_equal(soundfile.read(folder / path)[0], before[0])
    assert "and format, encoding" in said(look(folder), "warning", "recording")


def test_bits_a_second_count_where_they_are_set_and_not_where_the_voice_sets_them(tmp_path):
    rng = np.random.default_rng(0)

    def encode(name: str, share: float, **how: object) -> str:
        sound = rng.normal(0, 0.1, int(16_000 * rng.uniform(1, 2)))
        soundfile.write(tmp_path / name, sound * (np.arange(len(sound)) < share * len(sound)), 16_000, **how)
        return str(tmp_path / name)

    low, high = ([encode(f"{at}-{n}.mp3", 1, compression_level=at) for n in range(5)] for at in (0.9, 0.1))
    varied = [encode(f"{n}.ogg", n / 30) for n in range(20, 31)]
    shrunk = [encode(f"{n}.flac", n / 10) for n in (2, 10)]
    assert header_properties(low + high)[:, -1].tolist() == [1] * 5 + [2] * 5
    assert set(header_properties(varied)[:, -1]) == {1}
    assert header_properties(shrunk).tolist() == [[1], [1]]
    assert header_properties(shrunk + low)[:, -1].tolist() == [0, 0] + [1] * 5


def test_loudness_that_goes_with_an_emotion_is_a_note(folder):
    clips = table(folder)
    for path, emotion in clips[["path", "emotion"]].itertuples(index=False):
        samples, rate = soundfile.read(folder / path)
        soundfile.write(folder / path, samples * {"anger": 1.0, "fear": 0.5, "sadness": 0.25}[emotion], rate)
    told = said(look(folder), "note", "delivery")
    assert "emotion is predicted by loudness, duration, leading and trailing silence" in told
    assert "no run of these clips in --out to compare with" in told


def test_an_emotion_that_its_spectrum_gives_away_almost_without_error_is_named():
    eval_set = prepared(table_of_clips()).eval_set
    predicted = eval_set.codes.copy()
    assert _nearly_exact(eval_set, predicted)[0] == "'anger' (F1 1.00)"
    others = predicted != 1
    predicted[others] = np.random.default_rng(0).permutation(predicted[others])
    assert _nearly_exact(eval_set, predicted) == ["'fear' (F1 1.00)"]
    two = prepared(table_of_clips(emotions=("anger", "fear"))).eval_set
    assert _nearly_exact(two, two.codes) == []


def test_another_microphone_or_a_low_pass_moves_the_spectrum_and_no_property_of_the_file():
    from scipy.signal import butter, sosfilt

    sound = np.random.default_rng(0).normal(0, 0.1, 16_000)
    clips = [Clip(x.astype(np.float32), 16_000) for x in (sound, sosfilt(butter(4, 4000, fs=16_000, output="sos"), sound))]
    extractor = Recording()
    before, after = (dict(zip(extractor.columns, extractor(clip), strict=True)) for clip in clips)
    assert after["spectrum.whole.06000hz"] < before["spectrum.whole.06000hz"] - 20
    assert after["recording.rate.hz"] == before["recording.rate.hz"]


def test_delivery_is_a_warning_where_it_rivals_the_best_row_of_a_run(folder):
    clips = table(folder)
    for path, emotion in clips[["path", "emotion"]].itertuples(index=False):
        samples, rate = soundfile.read(folder / path)
        soundfile.write(folder / path, samples * {"anger": 1.0, "fear": 0.5, "sadness": 0.25}[emotion], rate)
    small = {"features": "recording", "models": "logreg", "trials": 1, "inner": 2, "seeds": 1, "jobs": 1, "learning_curves": False}
    ser_bench.run(folder / "clips.csv", cache=str(folder / "store"), out=str(folder / "results"), **small)
    told = said(look(folder), "warning", "delivery")
    assert "that is more than the best system has above chance" in told


def test_a_corpus_copied_into_itself_is_named(folder):
    clips = table(folder)
    (folder / "again").mkdir()
    for path in clips["path"]:
        shutil.copy(folder / path, folder / "again" / path)
    rewrite(folder, pd.concat([clips, clips.assign(path="again/" + clips["path"])]))
    told = said(look(folder), "warning", "copies")
    assert told.startswith("72 clips (50%): the corpus seems to be copied into itself; the first: again/0-0.wav: duplicate of 0-0.wav")


def test_the_same_audio_under_two_speakers_is_a_warning_and_under_two_emotions_an_error(folder):
    shutil.copy(folder / "0-0.wav", folder / "3-0.wav")
    shutil.copy(folder / "1-0.wav", folder / "1-1.wav")
    found = look(folder)
    assert "0-0.wav (s0) = 3-0.wav (s3)" in said(found, "warning", "identical audio")
    assert "1-0.wav (anger) = 1-1.wav (fear)" in said(found, "error", "identical audio")
    assert found.findings["kind"].iloc[0] == "error"
    assert not said(look(folder, allow_conflicts=True), "error", "identical audio")


def test_clips_of_one_length_are_told(folder):
    for path in table(folder)["path"][:40]:
        soundfile.write(folder / path, np.random.default_rng(1).permutation(soundfile.read(folder / path)[0])[:2400], 8000)
    assert "56% of the clips last exactly 0.300 s" in said(look(folder), "warning", "durations")


def test_an_emotion_that_goes_with_the_speaker_is_told(folder):
    clips = table(folder)
    own = [EMOTIONS[int(speaker[1]) // 2] for speaker in clips["speaker"]]
    clips["emotion"] = np.where(np.arange(len(clips)) % 4 > 0, own, clips["emotion"])
    rewrite(folder, clips)
    assert "emotion is associated with the speaker" in said(look(folder), "warning", "confounds")


def test_an_emotion_of_a_single_speaker_is_told(folder):
    clips = table(folder)
    clips.loc[0, "emotion"] = "boredom"
    rewrite(folder, clips)
    assert "'boredom' is only ever shown by one speaker" in said(look(folder), "warning", "confounds")


@pytest.mark.parametrize(("broken", "kind"), [(18, "warning"), (19, "error")])
def test_clips_that_cannot_be_used_are_counted(folder, broken, kind):
    for path in table(folder)["path"][::-1][:broken]:
        (folder / path).write_bytes(b"")
    assert said(look(folder, max_skipped=0.25), kind, "unusable clips").startswith(f"{broken} (")


def test_sentences_on_both_sides_are_told_and_unknown_ones_too(folder):
    assert "not known" in said(look(folder), "note", "sentences")
    rewrite(folder, table(folder).assign(sentence=["a", "b"] * 36))
    assert said(look(folder), "note", "sentences").startswith("2 of 2 sentences")


def test_the_command_line_ends_with_one_where_a_run_would_stop(folder):
    shutil.copy(folder / "1-0.wav", folder / "1-1.wav")
    done = call("audit", folder / "clips.csv", "--jobs", 1, "--cache", folder / "store", "-o", folder / "found.csv", cwd=folder)
    assert done.returncode == 1
    assert "error: identical audio" in done.stdout
    assert "1 error that a run stops for; the first: clips: the same audio under two emotions" in done.stderr
    assert pd.read_csv(folder / "found.csv").columns.tolist() == ["corpus", "kind", "check", "what"]


PAIR = "Actor_07/03-01-03-01-02-01-07.flac = Actor_07/03-01-03-01-02-02-07.flac"


def test_some_of_ravdess_has_one_identical_pair_and_no_take_for_another(real_corpora, tmp_path):
    how = {"cache": str(tmp_path / "features"), "out": str(tmp_path), "jobs": 1}
    where = "speaker in ['07', '08'] and emotion in ['happiness', 'sadness', 'neutral']"
    found = ser_bench.audit(real_corpora / "ravdess", where=where, **how)
    assert PAIR in said(found, "warning", "identical audio")
    assert not said(found, "warning", "near-identical audio")


@pytest.mark.thorough
def test_a_sixth_of_ravdess_has_one_identical_pair_and_no_take_for_another_and_emodb_lacks_three_emotions(real_corpora, tmp_path):
    """Of the whole corpora `benchmarks/copies.py` tells."""
    how = {"cache": str(tmp_path / "features"), "out": str(tmp_path), "jobs": 1}
    ravdess = ser_bench.audit(real_corpora / "ravdess", where="speaker in ['05', '06', '07', '08']", **how)
    emodb = ser_bench.audit(real_corpora / "emodb", **how)
    assert PAIR in said(ravdess, "warning", "identical audio")
    assert not any(said(found, "warning", "near-identical audio") for found in (ravdess, emodb))
    assert "emotion is associated with 'intensity' ('neutral' has only 'normal')" in said(ravdess, "warning", "columns")
    for found in (ravdess, emodb):
        assert not said(found, "warning", "labels")
        assert not said(found, "warning", "spectrum")
        assert not said(found, "warning", "confounds")
    assert "error" not in set(emodb.findings["kind"])
    assert "3 of 7 emotions are missing" in said(emodb, "note", "official facts")
    assert "196 of the official 535 files are absent" in said(emodb, "note", "official facts")


def test_cramers_v_knows_independence_and_dependence() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 4, (2, 4000)).astype(str)
    assert cramers_v(a, b) < 0.05
    assert cramers_v(a, a) == pytest.approx(1, abs=0.01)
    mixed = np.where(rng.random(4000) < 0.5, a, b)
    assert 0.3 < cramers_v(a, mixed) < 0.7


def test_speakers_of_very_unequal_weight_are_warned_of(folder):
    assert said(look(folder), "note", "effective number of speakers") == "6.0 for 6 speakers with 12 clips each"
    clips = table(folder)
    rewrite(folder, clips[(clips["speaker"] < "s2") | (clips.groupby("speaker").cumcount() < 3)])
    assert "is 4.0 (6 speakers with 3 to 12 clips each)" in said(look(folder), "warning", "effective number of speakers")


def test_names_that_may_be_one_are_errors_and_joined_ones_warnings(folder):
    clips = table(folder)
    clips.loc[clips["speaker"] == "s5", "speaker"] = "s04"
    clips.loc[0, ["speaker", "emotion"]] = "S0", "Fear\u200b"
    rewrite(folder, clips)
    found = look(folder)
    assert "'s04' (12 clips) and 's4' (12 clips) may be one" in said(found, "error", "names")
    assert "'S0' (1) as 's0'" in said(found, "warning", "names and labels")
    with pytest.raises(WrongCall, match="--allow-similar-names"):
        ser_bench.splits(folder / "clips.csv", cache=str(folder / "store"))
