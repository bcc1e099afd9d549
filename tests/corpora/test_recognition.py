"""A folder is read by the reader that fits, several corpora in one folder by one each, and what is open is asked or said."""

from __future__ import annotations

from pathlib import Path

import pytest

from ser_bench.corpora import FileNameReader, known_readers, load_corpora, load_corpus
from ser_bench.corpora.files import find_audio
from ser_bench.corpora.recognition import recognise
from ser_bench.errors import WrongCall
from tests.corpora.distributed import TREES
from tests.corpora.trees import make_tree

SHORT = 0.01
RAVDESS = [f"Ravdess/audio_speech_actors_01-24/Actor_{a}/03-01-{e}-01-01-01-{a}.wav" for a in ("01", "02") for e in ("03", "05")]
CREMAD = [f"Crema/{a}_DFA_{e}_XX.wav" for a in (1001, 1002, 1003) for e in ("ANG", "SAD")]
TESS = [f"Tess/{a}_{e}/{a}_back_{e}.wav" for a in ("OAF", "YAF") for e in ("angry", "fear", "sad", "happy")]
SAVEE = [f"Savee/{a}_{e}01.wav" for a in ("DC", "JE") for e in ("a", "sa", "n", "su", "h")]
MERGED = [*RAVDESS, *CREMAD, *TESS, *SAVEE]


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four corpora in one folder, each in a folder of its own, with two files of none."""
    return make_tree(
        tmp_path_factory.mktemp("merged"), [*MERGED, "room tone.wav", "Tess/YAF_sad/backup of it.wav", "README.txt"], seconds=SHORT
    )


def refusal(source: Path | str) -> str:
    with pytest.raises(WrongCall) as caught:
        load_corpus(source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_four_corpora_in_one_folder_are_four(merged: Path) -> None:
    found = load_corpora(merged)
    assert [(corpus.name, len(corpus.clips)) for corpus in found] == [("savee", 10), ("tess", 8), ("cremad", 6), ("ravdess", 4)]
    assert all(not corpus.ignored for corpus in found)
    assert found[0].facts != found[1].facts
    for corpus in found:
        held, left = corpus.warnings
        assert held.endswith("each of which is read by itself: savee (10), tess (8), cremad (6), ravdess (4)")
        assert left.startswith("2 audio files")
        assert left.endswith("Tess/YAF_sad/backup of it.wav, room tone.wav")


def test_four_corpora_whose_files_lie_side_by_side_are_four(tmp_path: Path) -> None:
    found = load_corpora(make_tree(tmp_path, [Path(name).name for name in MERGED], seconds=SHORT))
    assert {corpus.name: len(corpus.clips) for corpus in found} == {"savee": 10, "tess": 8, "cremad": 6, "ravdess": 4}


def test_one_of_several_corpora_is_named_after_the_folder(merged: Path) -> None:
    for corpus in load_corpora(merged):
        again = load_corpus(str(corpus))
        assert str(again) == str(corpus) == f"{merged}#{corpus.name}"
        assert again.origin == corpus.origin
        assert again.clips.equals(corpus.clips)


def test_where_one_corpus_is_needed_those_found_are_named(merged: Path) -> None:
    said = refusal(merged)
    assert "holds several corpora: savee (10 clips), tess (8 clips), cremad (6 clips), ravdess (4 clips)" in said
    assert f"name one, such as {merged}#savee, or the folder that it lies in" in said


def test_a_part_that_is_not_there_is_refused(merged: Path) -> None:
    assert "none of its 30 audio files is named as those of emodb" in refusal(f"{merged}#emodb")
    assert "did you mean 'tess'" in refusal(f"{merged}#tes")
    assert "no such corpus" in refusal(f"{merged}/nowhere#tess")


def test_a_folder_with_a_number_sign_in_its_name_is_itself(tmp_path: Path) -> None:
    folder = make_tree(tmp_path / "speech#tess", SAVEE, seconds=SHORT)
    assert load_corpus(folder).name == "savee"
    assert load_corpus(f"{folder}#savee").name == "savee"


def test_files_of_one_speaker_among_others_are_strays_and_no_corpus(tmp_path: Path) -> None:
    corpus = load_corpus(make_tree(tmp_path, [*CREMAD, "DC_a01.wav", "DC_n01.wav"], seconds=SHORT))
    assert (corpus.name, corpus.ignored) == ("cremad", ("DC_a01.wav", "DC_n01.wav"))


def test_a_corpus_copied_into_itself_is_one(tmp_path: Path) -> None:
    corpus = load_corpus(make_tree(tmp_path, [*TESS, *(f"Tess copy/{name}" for name in TESS)], seconds=SHORT))
    assert (corpus.name, len(corpus.clips), corpus.warnings) == ("tess", 16, ())


class Broad(FileNameReader):
    name = "broad"
    pattern = r"(?:^|/)(?P<speaker>[a-zA-Z]{2})_(?P<emotion>[a-z]+)\d+\.\w+$"


class Alike(FileNameReader):
    name = "alike"
    pattern = r"(?:^|/)(?P<speaker>DC|JE)_(?P<emotion>[a-z]+)(?P<sentence>\d\d)\.\w+$"


class Savee(FileNameReader):
    name = "savee"
    pattern = r"(?:^|/)(?P<speaker>DC|JE)_(?P<emotion>[a-z]+)\d+\.\w+$"


def test_two_readers_that_understand_the_same_files_are_asked_about(tmp_path: Path) -> None:
    files = find_audio(make_tree(tmp_path, SAVEE, seconds=SHORT))
    known = {reader.name: reader for reader in (Alike, Savee)}
    with pytest.raises(WrongCall, match=f"alike and savee recognise its files alike; name {tmp_path}#alike or {tmp_path}#savee"):
        recognise(tmp_path, files, known)
    for name in known:
        (chosen,) = recognise(tmp_path, files, known, name)
        assert (chosen.reader.name, chosen.own) == (name, len(files))


def test_a_reader_of_more_files_wins_and_the_other_is_named(tmp_path: Path) -> None:
    files = find_audio(make_tree(tmp_path, [*SAVEE, "xy_a01.wav"], seconds=SHORT))
    (found,) = recognise(tmp_path, files, {reader.name: reader for reader in (Broad, Savee)})
    assert (found.reader.name, found.own) == ("broad", 11)
    assert found.remarks == (f"savee would read 10 of the 11 files as well; if that is what they are, name {tmp_path}#savee",)


def test_video_beside_is_counted_for_the_corpus_that_it_is_of(tmp_path: Path) -> None:
    videos = ["Crema/VideoFlash/1001_DFA_ANG_XX.flv", "Crema/VideoFlash/1004_DFA_ANG_XX.flv"]
    found = {corpus.name: corpus.warnings for corpus in load_corpora(make_tree(tmp_path, [*MERGED, *videos], seconds=SHORT))}
    assert not [line for line in found["tess"] if ".flv" in line]
    (told,) = (line for line in found["cremad"] if ".flv" in line)
    assert told.startswith("2 files of other formats are left out (.flv 2)")
    assert told.endswith("convert to WAV or FLAC; without them there is nothing of 1 speaker: 1004")


def test_video_alone_is_said_to_be_video(tmp_path: Path) -> None:
    said = refusal(make_tree(tmp_path, ["01-01-03-01-01-01-01.mp4", "01-01-03-01-01-01-02.MP4"]))
    assert "no audio in" in said
    assert said.endswith("2 files of other formats are there (.mp4 2): convert to WAV or FLAC")


@pytest.mark.parametrize("name", sorted(TREES))
def test_no_distribution_is_taken_for_another_corpus(name: str) -> None:
    known, files = known_readers(), sorted(TREES[name].rows)
    others = {other: len(reader().matches(files)) for other, reader in known.items() if other != name}
    assert len(known[name]().matches(files)) == len(files)
    assert {other: n for other, n in others.items() if 2 * n >= len(files)} == {}
