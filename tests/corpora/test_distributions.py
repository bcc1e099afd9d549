"""Corpora of acted speech are read as they are distributed, and as copies of them lie about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import product
from pathlib import Path

import pytest

from ser_bench.corpora import Corpus, known_readers, load_corpus
from tests.corpora.trees import make_tree

SHORT = 0.01
STRAYS = ("._03-01-03-01-01-01-01.wav", ".DS_Store", "README.md", "Thumbs.db", "__MACOSX/._a01.wav")
"""What archives and file managers leave."""


def named(corpus: str, names: Iterable[str]) -> Corpus:
    """What a reader makes of names of files that need not be there."""
    return known_readers()[corpus]().read(Path("nowhere"), sorted(names))


def ravdess(channel: str, actors: Iterable[int], emotions: Iterable[int]) -> list[str]:
    """The names of speech (01) or song (02): neutral in one intensity, all else in two."""
    levels = {emotion: (1,) if emotion == 1 else (1, 2) for emotion in emotions}
    return [
        f"Actor_{actor:02}/03-{channel}-{emotion:02}-{level:02}-{sentence:02}-{take:02}-{actor:02}.wav"
        for actor, emotion in product(actors, levels)
        for level, sentence, take in product(levels[emotion], (1, 2), (1, 2))
    ]


SPEECH = ravdess("01", range(1, 25), range(1, 9))
SONG = ravdess("02", [actor for actor in range(1, 25) if actor != 18], range(1, 7))
SAVEE = [
    f"{actor}/{emotion}{number:02}.wav"
    for actor, emotion in product(("DC", "JE", "JK", "KL"), ("a", "d", "f", "h", "n", "sa", "su"))
    for number in range(1, 31 if emotion == "n" else 16)
]
TESS = [
    f"{actress}_{folder}/{actress}_{word}_{emotion}.wav"
    for actress, (folder, emotion), word in product(
        ("OAF", "YAF"),
        [*((e, e) for e in ("angry", "disgust", "fear", "happy", "neutral", "sad")), ("pleasant_surprise", "ps")],
        [f"word{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(200)],
    )
]
ESD = [
    f"{speaker:04}/{folder}/{part}/{speaker:04}_{350 * at + number:06}.wav"
    for speaker, (at, folder) in product(range(1, 21), enumerate(("Neutral", "Angry", "Happy", "Sad", "Surprise")))
    for number, part in ((1, "evaluation"), (21, "test"), (51, "train"), (350, "train"))
]


@pytest.mark.parametrize(("names", "clips", "speakers"), [(SPEECH, 1440, 24), (SONG, 1012, 23), ([*SPEECH, *SONG], 2452, 24)])
def test_ravdess_has_the_official_counts_of_speech_song_or_both(names: list[str], clips: int, speakers: int) -> None:
    corpus = named("ravdess", names)
    assert corpus.facts is not None
    assert (len(corpus.clips), corpus.clips["speaker"].nunique()) == (corpus.facts.clips, corpus.facts.speakers) == (clips, speakers)
    assert bool(corpus.facts.published) == (names is SPEECH)
    assert not corpus.warnings


@pytest.mark.parametrize("form", ["{0}", "speech/{0}", "{1}", "RAVDESS data/{0}"])
def test_ravdess_is_read_flat_by_actor_and_nested(tmp_path: Path, form: str) -> None:
    some = SPEECH[::97] + SONG[::97]
    names = [form.format(name, Path(name).name) for name in some]
    corpus = load_corpus(make_tree(tmp_path, [*names, *STRAYS], seconds=SHORT))
    assert (corpus.name, len(corpus.clips), corpus.ignored, corpus.warnings) == ("ravdess", len(some), (), ())
    assert set(corpus.clips["kind"]) == {"speech", "song"}


def test_ravdess_in_upper_case_stereo_and_with_video_beside(tmp_path: Path) -> None:
    make_tree(tmp_path / "audio", [name.replace(".wav", ".WAV") for name in SPEECH[::101]], seconds=SHORT)
    make_tree(tmp_path / "stereo", SPEECH[1::101], channels=2, seconds=SHORT)
    make_tree(tmp_path / "video", [name.replace("03-01", "01-01").replace(".wav", ".mp4") for name in SPEECH[::101]])
    corpus = load_corpus(tmp_path)
    assert len(corpus.clips) == len(SPEECH[::101]) + len(SPEECH[1::101])
    (told,) = corpus.warnings
    assert told.endswith(f"such as {sorted((tmp_path / 'video').rglob('*.mp4'))[0].relative_to(tmp_path).as_posix()}")


def test_savee_has_its_official_counts() -> None:
    corpus = named("savee", [f"AudioData/{name}" for name in SAVEE])
    assert corpus.facts is not None
    assert (len(corpus.clips), corpus.clips["speaker"].nunique()) == (corpus.facts.clips, corpus.facts.speakers)
    assert Counter(corpus.clips["emotion"])["neutral"] == 120
    assert {*Counter(corpus.clips["emotion"]).values()} == {60, 120}
    assert set(corpus.clips.columns) == {"path", "emotion", "speaker", "original", "gender", "language", "sentence"}


def test_savee_is_the_same_by_actor_and_all_in_one_folder(tmp_path: Path) -> None:
    some = SAVEE[::17]
    by_actor = load_corpus(
        make_tree(tmp_path / "a", [*(f"AudioData/{name}" for name in some), "AudioData/Info.txt", *STRAYS], seconds=SHORT)
    )
    flat = load_corpus(make_tree(tmp_path / "b", ["ALL/" + name.replace("/", "_") for name in some], seconds=SHORT))
    columns = ["emotion", "speaker", "original", "sentence"]
    assert by_actor.clips[columns].to_numpy().tolist() == flat.clips[columns].to_numpy().tolist()
    assert (by_actor.name, by_actor.ignored, by_actor.warnings) == ("savee", (), ())


def test_savee_as_video_is_read_by_speaker_where_its_sound_was_saved(tmp_path: Path) -> None:
    corpus = load_corpus(make_tree(tmp_path, ["AudioVisualClip/DC/a1.wav", "AudioVisualClip/JE/su12.wav"], seconds=SHORT))
    assert corpus.clips[["speaker", "emotion", "sentence"]].to_numpy().tolist() == [["DC", "anger", "a01"], ["JE", "surprise", "su12"]]


def test_tess_has_its_official_counts_with_the_misnamed_file() -> None:
    names = [name.replace("OAF_wordaa_neutral", "OA_bite_neutral") for name in TESS]
    corpus = named("tess", [f"TESS Toronto emotional speech set data/{name}" for name in names])
    assert corpus.facts is not None
    assert (len(corpus.clips), corpus.clips["speaker"].nunique()) == (corpus.facts.clips, corpus.facts.speakers)
    assert set(Counter(corpus.clips["emotion"]).values()) == {400}
    assert set(corpus.clips["speaker"]) == {"OAF", "YAF"}
    assert not corpus.warnings


def test_tess_with_its_capitals_and_spellings(tmp_path: Path) -> None:
    names = [
        "OAF_Fear/OAF_back_fear.wav",
        "OAF_Pleasant_surprise/OAF_back_ps.wav",
        "YAF_pleasant_surprised/YAF_back_ps.WAV",
        "OAF_Sad/OAF_back_sad.wav",
    ]
    corpus = load_corpus(make_tree(tmp_path / "TESS", [f"TESS Toronto data/{name}" for name in names], seconds=SHORT))
    assert corpus.clips["emotion"].tolist() == ["fear", "surprise", "sadness", "surprise"]
    assert not corpus.warnings


def test_esd_tells_emotion_sentence_language_and_gender_from_the_number() -> None:
    corpus = named("esd", ESD)
    assert not corpus.warnings
    assert set(Counter(zip(corpus.clips["emotion"], corpus.clips["language"], strict=True)).values()) == {40}
    assert corpus.clips.groupby("language")["speaker"].nunique().to_dict() == {"en": 10, "zh": 10}
    assert corpus.clips.drop_duplicates("speaker")["gender"].value_counts().to_dict() == {"female": 10, "male": 10}
    assert corpus.clips.groupby("sentence")["emotion"].nunique().unique().tolist() == [5]
    assert corpus.clips["part"].value_counts().to_dict() == {"train": 200, "evaluation": 100, "test": 100}


def test_esd_is_read_flat_too_and_numbers_that_do_not_occur_are_left_out(tmp_path: Path) -> None:
    names = [*(Path(name).name for name in ESD[::31]), "0011_001751.wav"]
    corpus = load_corpus(make_tree(tmp_path, names, seconds=SHORT))
    assert (corpus.name, len(corpus.clips), corpus.ignored) == ("esd", len(names) - 1, ("0011_001751.wav",))
    assert set(corpus.clips["part"]) == {""}


def test_emodb_knows_seven_emotions_and_no_other(tmp_path: Path) -> None:
    names = [f"wav/{speaker}a01{letter}a.wav" for speaker in ("03", "08") for letter in "WLEAFTN"]
    corpus = load_corpus(make_tree(tmp_path, [*names, "wav/03a01Xa.wav", "lablaut/03a01Wa.lablaut", "erklaerung.txt"], seconds=SHORT))
    assert sorted(set(corpus.clips["emotion"])) == ["anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness"]
    assert corpus.ignored == ("wav/03a01Xa.wav",)


def test_cremad_in_two_formats_with_video_beside(tmp_path: Path) -> None:
    stems = [f"{actor}_DFA_{emotion}_XX" for actor in (1001, 1091) for emotion in ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")]
    names = [
        f"{folder}/{stem}.{suffix}"
        for folder, suffix in (("AudioWAV", "wav"), ("AudioMP3", "mp3"), ("VideoFlash", "flv"))
        for stem in stems
    ]
    corpus = load_corpus(make_tree(tmp_path, names))
    assert (corpus.name, len(corpus.clips)) == ("cremad", 24)
    assert corpus.warnings == ("12 files of other formats are left out (.flv 12), such as VideoFlash/1001_DFA_ANG_XX.flv",)


def test_a_file_in_the_folder_of_another_speaker_or_emotion_is_named(tmp_path: Path) -> None:
    names = ["Actor_02/03-01-05-01-01-01-01.wav", "Actor_02/03-01-05-01-01-01-02.wav", "sorted/happy/03-01-04-01-01-01-02.wav"]
    corpus = load_corpus(make_tree(tmp_path, names, seconds=SHORT))
    assert corpus.clips["speaker"].tolist() == ["01", "02", "02"]
    assert corpus.warnings == (
        "1 clip lies in the folder of another speaker than its name says, which counts: Actor_02/03-01-05-01-01-01-01.wav (01, folder 02)",
        "1 clip lies in the folder of another emotion than its name says, which counts: "
        "sorted/happy/03-01-04-01-01-01-02.wav (sadness, folder happiness)",
    )


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["f1/gio-f1-b1.wav", "f1/tri-f2-b1.wav"], "speaker than its name says, which counts: f1/tri-f2-b1.wav (f2, folder f1)"),
        (
            ["OAF_Sad/OAF_a_sad.wav", "OAF_Sad/YAF_a_angry.wav"],
            "speaker than its name says, which counts: OAF_Sad/YAF_a_angry.wav (YAF, folder OAF)",
        ),
        (["OAF_Sad/OAF_a_sad.wav", "OAF_Sad/YAF_a_angry.wav"], "OAF_Sad/YAF_a_angry.wav (anger, folder sadness)"),
        (["0011/Sad/0011_001100.wav", "0012/Sad/0012_000001.wav"], "0012/Sad/0012_000001.wav (neutral, folder sadness)"),
        (["angry/03a01Wa.wav", "Sad/08a01Na.wav"], "Sad/08a01Na.wav (neutral, folder sadness)"),
    ],
)
def test_folders_are_held_against_names_in_every_corpus(tmp_path: Path, names: list[str], told: str) -> None:
    assert any(told in line for line in load_corpus(make_tree(tmp_path, names, seconds=SHORT)).warnings)
