"""A folder becomes a corpus, or one line that says why not."""

from pathlib import Path

import pytest

from ser_bench.corpora import CorpusInfo, FileNameReader, catalogue, known_readers, load_corpus
from ser_bench.corpora.files import find_audio
from ser_bench.errors import WrongCall
from ser_bench.utils import plugins
from tests.corpora.trees import make_tree

RAVDESS = ["03-01-05-02-01-02-16.wav", "03-01-03-01-02-01-07.wav", "03-02-02-01-02-01-07.wav"]


class Quartet(FileNameReader):
    name = "quartet"
    pattern = r"(?P<speaker>AB|CD|EF|GH)[_/](?P<emotion>sa|su|a|d|f|h|n)(?P<sentence>\d\d)"
    emotions = {"a": "anger", "f": "fear", "h": "happy"}
    constants = {"gender": "male", "language": "en"}
    protocol = "loso"
    facts = CorpusInfo(clips=480, speakers=4, rate=44_100, licence="free", citation="Doe (2009)", obtain="ask")


class EntryPoint:
    name, value, dist = "quartet", "quartet:Quartet", None

    def load(self) -> type[FileNameReader]:
        return Quartet


@pytest.fixture
def quartet_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "_entries", lambda kind: [EntryPoint()] if kind == "corpora" else [])


def refusal(source: Path | str) -> str:
    with pytest.raises(WrongCall) as caught:
        load_corpus(source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_ravdess_is_recognised_at_any_depth_and_in_any_format(tmp_path: Path) -> None:
    names = [f"speech/Actor_{n[-6:-4]}/{n}" for n in RAVDESS]
    names[1] = names[1].replace(".wav", ".FLAC")
    corpus = load_corpus(make_tree(tmp_path, names))
    assert (corpus.name, corpus.protocol, corpus.ignored) == ("ravdess", "group:6", ())
    assert list(corpus.clips.index) == sorted(names)
    assert corpus.clips.index.name == "clip"
    by_speaker = corpus.clips.set_index("original")
    assert by_speaker.loc["05", ["emotion", "speaker", "gender", "intensity", "kind"]].tolist() == [
        "anger",
        "16",
        "female",
        "strong",
        "speech",
    ]
    assert by_speaker.loc["02", ["emotion", "speaker", "gender", "intensity", "kind"]].tolist() == ["calm", "07", "male", "normal", "song"]


def test_the_real_ravdess_has_its_official_counts(real_corpora: Path) -> None:
    corpus = load_corpus(real_corpora / "ravdess")
    assert corpus.facts is not None
    assert (len(corpus.clips), corpus.clips["speaker"].nunique()) == (corpus.facts.clips, corpus.facts.speakers)
    assert corpus.clips["emotion"].value_counts().to_dict() == {
        "neutral": 96,
        **dict.fromkeys(("anger", "calm", "disgust", "fear", "happiness", "sadness", "surprise"), 192),
    }
    assert all(Path(path).is_absolute() and Path(path).is_file() for path in corpus.clips["path"])


def test_the_real_emodb_knows_its_genders_and_what_listeners_heard(real_corpora: Path) -> None:
    corpus = load_corpus(real_corpora / "emodb")
    assert corpus.clips["emotion"].value_counts().to_dict() == {"anger": 127, "neutral": 79, "happiness": 71, "sadness": 62}
    assert corpus.clips.groupby("gender")["speaker"].unique().map(sorted).to_dict() == {
        "female": ["08", "09", "13", "14", "16"],
        "male": ["03", "10", "11", "12", "15"],
    }
    assert corpus.clips.loc["wav/03a01Fa.wav", "recognised"] == 0.9
    assert corpus.facts is not None
    assert corpus.facts.human == pytest.approx(0.935, abs=0.001)


def test_emodb_without_its_listeners_table_has_no_human_figure(tmp_path: Path) -> None:
    corpus = load_corpus(make_tree(tmp_path / "wav", ["03a01Wa.wav", "08b02Nb.wav"]))
    assert "recognised" not in corpus.clips
    assert corpus.facts is not None
    assert corpus.facts.human is None


@pytest.mark.usefixtures("quartet_installed")
def test_a_reader_of_another_package_is_a_few_facts(tmp_path: Path) -> None:
    corpus = load_corpus(make_tree(tmp_path, ["AB/a01.wav", "AB/h02.wav", "GH_su03.wav"]))
    assert (corpus.name, corpus.protocol, corpus.facts) == ("quartet", "loso", Quartet.facts)
    assert corpus.clips["emotion"].tolist() == ["anger", "happiness", "su"]
    assert corpus.clips["original"].tolist() == ["a", "h", "su"]
    assert corpus.clips["sentence"].tolist() == ["01", "02", "03"]
    assert set(corpus.clips["gender"]) == {"male"}


def test_all_columns_are_text(tmp_path: Path) -> None:
    clips = load_corpus(make_tree(tmp_path, RAVDESS)).clips
    assert all(isinstance(value, str) for value in clips.to_numpy().ravel())
    assert list(clips.columns[:4]) == ["path", "emotion", "speaker", "original"]


def test_files_that_the_reader_does_not_understand_are_named(tmp_path: Path) -> None:
    corpus = load_corpus(make_tree(tmp_path, [*RAVDESS, "notes/room tone.wav"]))
    assert corpus.ignored == ("notes/room tone.wav",)
    assert len(corpus.clips) == 3


def test_hidden_files_and_other_files_are_no_audio(tmp_path: Path) -> None:
    make_tree(tmp_path, ["a.wav", "b/c.MP3"])
    for name in ("._a.wav", ".trash/d.wav", "a.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert find_audio(tmp_path) == ["a.wav", "b/c.MP3"]


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    make_tree(tmp_path / "elsewhere", ["a.wav"])
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/back").symlink_to(corpus)
    assert find_audio(corpus) == ["linked/a.wav"]


def test_a_wrong_source_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").touch()
    assert refusal(tmp_path / "nowhere").startswith("no such corpus")
    assert refusal(tmp_path / "empty").startswith("no audio in")
    assert "neither a folder nor a manifest" in refusal(tmp_path / "notes.txt")


def test_an_unknown_folder_is_told_the_way_out(tmp_path: Path) -> None:
    said = refusal(make_tree(tmp_path, ["a.wav", "b.wav"]))
    assert f"known are {', '.join(known_readers())}" in said
    assert "columns path, emotion, speaker" in said


def test_recognition_needs_a_clear_majority(tmp_path: Path) -> None:
    assert "ravdess would explain 3" in refusal(make_tree(tmp_path, [*RAVDESS, "a.wav", "b.wav", "c.wav"]))


def test_a_single_speaker_or_emotion_is_refused(tmp_path: Path) -> None:
    assert "'07' is the only speaker" in refusal(make_tree(tmp_path / "one", RAVDESS[1:]))
    assert "'fear' is the only emotion" in refusal(make_tree(tmp_path / "two", [f"03-01-06-01-01-01-0{n}.wav" for n in (1, 2)]))


def test_the_catalogue_lists_every_reader() -> None:
    rows = catalogue()
    assert {"cremad", "emodb", "ravdess", "tones"} <= {row["corpus"] for row in rows}
    assert [row["corpus"] for row in rows] == sorted(known_readers())
    assert all(row["obtain"] for row in rows)


def test_crema_d_tells_level_sentence_and_sex(tmp_path: Path) -> None:
    names = ["1001_DFA_ANG_XX.wav", "1001_IEO_HAP_LO.wav", "1002_IEO_SAD_HI.wav", "1002_TAI_NEU_X.wav"]
    folder = make_tree(tmp_path / "AudioWAV", names)
    (tmp_path / "VideoDemographics.csv").write_text("ActorID,Age,Sex\n1001,51,Male\n1002,21,Female\n", encoding="utf-8")
    corpus = load_corpus(folder)
    assert (corpus.name, corpus.protocol) == ("cremad", "group:6")
    assert corpus.clips["emotion"].tolist() == ["anger", "happiness", "sadness", "neutral"]
    assert corpus.clips["intensity"].tolist() == ["", "low", "high", ""]
    assert corpus.clips["gender"].tolist() == ["male", "male", "female", "female"]
    assert corpus.clips["sentence"].tolist() == ["DFA", "IEO", "IEO", "TAI"]


def test_files_of_other_formats_are_counted_with_the_speakers_they_would_be_of(tmp_path: Path) -> None:
    make_tree(tmp_path, RAVDESS)
    for name in ("03-01-05-02-01-02-01.opus", "03-01-05-02-01-02-02.m4a", "03-01-05-02-01-02-16.m4a"):
        (tmp_path / name).touch()
    (told,) = load_corpus(tmp_path).warnings
    assert "3 files of other formats are left out (.m4a 2, .opus 1)" in told
    assert "nothing of 2 speakers: 01, 02" in told
