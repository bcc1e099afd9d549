"""Labels that lie in a table beside or above the recordings: found, read, counted, and refused where they cannot be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from ser_bench.corpora import apply_labels, known_readers, load_corpus, scheme_named
from ser_bench.corpora.label_tables import TableReader
from ser_bench.evaluation.splits import SpeakerLeak, fixed_parts, outer_folds, parse_cv
from tests.corpora.distributed import PODCAST, TREES, read, refusal
from tests.corpora.trees import make_tree

TABLES = sorted(name for name, reader in known_readers().items() if issubclass(reader, TableReader))


def test_every_corpus_with_a_table_has_a_tree() -> None:
    assert set(TABLES) <= set(TREES)


@pytest.mark.parametrize("name", [name for name in TABLES if known_readers()[name].needed])
def test_a_missing_table_is_one_line_that_says_which_and_where(name: str, tmp_path: Path) -> None:
    folder = make_tree(tmp_path / "a/b/corpus", TREES[name].rows)
    sought = {"iemocap": "dialog/EmoEvaluation/Ses01F_impro01.txt", "meld": "dev_sent_emo.csv", "msp-improv": "Evaluation.txt"}
    said = refusal(name, folder)
    assert sought.get(name, known_readers()[name].tables[0]) in said
    assert str(folder) in said
    assert f"up to {tmp_path / 'a'}" in said


def test_a_table_is_found_from_the_recordings_own_folder(trees: dict[str, Path]) -> None:
    assert len(read("msp-podcast", trees["msp-podcast"] / "Audios").clips) == 5
    assert len(read("iemocap", trees["iemocap"] / "Session1/sentences/wav").clips) == 2
    assert len(read("meld", trees["meld"] / "MELD.Raw/train/train_splits").clips) == 2
    assert len(read("nemo", trees["nemo"] / "nEMO-main/samples").clips.columns) == 9


def test_a_table_is_not_looked_for_further_above(tmp_path: Path) -> None:
    folder = make_tree(tmp_path / "a/b/c", TREES["msp-podcast"].rows)
    (tmp_path / "labels_consensus.csv").write_text(PODCAST, encoding="utf-8")
    assert "is neither in the folders of the recordings nor above them" in refusal("msp-podcast", folder)
    (tmp_path / "labels_consensus.csv").rename(tmp_path / "a/labels_consensus.csv")
    assert len(read("msp-podcast", folder).clips) == 5


def test_what_has_no_label_is_counted_and_named(trees: dict[str, Path]) -> None:
    iemocap, podcast, meld = (" | ".join(load_corpus(trees[name]).warnings) for name in ("iemocap", "msp-podcast", "meld"))
    assert "1 clip is left out for want of a label: raters do not agree (1)" in iemocap
    assert "1 clip is left out for want of a label: raters do not agree (1)" in podcast
    assert "1 clip of an unknown speaker counts as one speaker for each of 1 podcast" in podcast
    assert "1 file has no row in test_sent_emo.csv and is left out: MELD.Raw/test/output_repeated_splits_test/dia0_utt9.wav" in meld
    assert "1 of 6 rows of labels has no file here: dia0_utt1 (dev_sent_emo.csv)" in meld
    assert "1 clip that several people speak is left out: Ross and Joey" in meld


def test_files_whose_table_is_missing_are_counted(tmp_path: Path) -> None:
    folder = make_tree(tmp_path, TREES["iemocap"].rows)
    for file in list(TREES["iemocap"].tables)[:1]:
        (folder / file).parent.mkdir(parents=True)
        (folder / file).write_text(TREES["iemocap"].tables[file], encoding="utf-8")
    corpus = load_corpus(folder)
    assert len(corpus.clips) == 2
    assert any("1 file has no table of labels (dialog/EmoEvaluation/Ses05M_script01_1b.txt) and is left" in w for w in corpus.warnings)


def test_without_its_table_nemo_is_read_from_its_names(tmp_path: Path) -> None:
    corpus = load_corpus(make_tree(tmp_path, TREES["nemo"].rows))
    assert corpus.clips["emotion"].tolist() == ["anger", "surprise"]
    assert [w for w in corpus.warnings if w.startswith("data.tsv is neither in") and w.endswith("what only it says is not known")]


def test_a_row_counts_more_than_a_name_and_the_difference_is_counted(tmp_path: Path) -> None:
    folder = make_tree(tmp_path, [*TREES["nemo"].rows, "nEMO-main/samples/KS0_fear_17.wav"])
    text = TREES["nemo"].tables["nEMO-main/data.tsv"].replace("\tanger\t", "\tfear\t").replace("        WR0", "XX0")
    (folder / "data.tsv").write_text(text, encoding="utf-8")
    corpus = load_corpus(folder)
    said = corpus.clips.set_index("speaker")["emotion"].to_dict()
    assert said == {"EB0": "fear", "KS0": "fear", "XX0": "surprise"}
    assert "1 file name says another emotion than the row, which counts: nEMO-main/samples/EB0_anger_1.wav" in corpus.warnings
    assert any(w.startswith("1 file name says another speaker than the row") for w in corpus.warnings)
    assert any(w.startswith("1 file has no row in data.tsv: ") for w in corpus.warnings)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("EmoClass", "Label"), "no column 'EmoClass'"),
        (("MSP-PODCAST_0002_0040", "MSP-PODCAST_0002_0039"), "1 name has rows that differ, such as 'MSP-PODCAST_0002_0039'"),
        ((",N,", ",,"), ""),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(change: tuple[str, str], said: str, tmp_path: Path) -> None:
    folder = make_tree(tmp_path, TREES["msp-podcast"].rows)
    (folder / "labels_consensus.csv").write_text(PODCAST.replace(*change), encoding="utf-8")
    if said:
        assert said in refusal("msp-podcast", folder)
    else:
        assert "1 clip is left out for want of a label: no emotion (1)" in load_corpus(folder).warnings


def test_a_table_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    folder = make_tree(tmp_path, TREES["emns"].rows)
    (folder / "metadata.csv").write_bytes(b"audio_recording|emotion\nrecorded_audio_3aCYrjz.wav|\xff\n")
    assert refusal("emns", folder) == f"cannot read {folder / 'metadata.csv'}: line 2 is not UTF-8; save it as UTF-8"


def test_labels_of_nothing_that_is_there_are_refused(tmp_path: Path) -> None:
    folder = make_tree(tmp_path, ["Audios/MSP-PODCAST_9999_0001.wav", "Audios/MSP-PODCAST_9999_0002.wav"])
    (folder / "labels_consensus.csv").write_text(PODCAST, encoding="utf-8")
    assert "no clip has a label: 2 files have no row in labels_consensus.csv" in refusal("msp-podcast", folder)


def test_a_text_that_is_no_table_of_labels_is_refused(tmp_path: Path) -> None:
    folder = make_tree(tmp_path, [*TREES["msp-improv"].rows, "Evaluation.txt"])
    assert f"{folder / 'Evaluation.txt'}: no line of it is a row of the labels of msp-improv" in refusal("msp-improv", folder)


@pytest.mark.parametrize("name", ["iemocap", "msp-improv"])
def test_a_session_is_a_fold_that_shares_no_speaker(name: str, trees: dict[str, Path]) -> None:
    clips = load_corpus(trees[name]).clips
    folds = outer_folds(clips.assign(voice=clips["speaker"]), parse_cv("predefined"), 0)
    assert sorted(set(folds)) == [0, 1]
    assert clips.groupby("speaker")["fold"].nunique().max() == 1


def test_official_partitions_of_msp_podcast_are_one_fixed_split(trees: dict[str, Path]) -> None:
    clips = load_corpus(trees["msp-podcast"]).clips
    parts = fixed_parts(clips, parse_cv("predefined"))
    assert parts is not None
    assert parts.tolist() == ["test", "train", "train", "dev", "test"]


def test_official_partitions_of_meld_share_speakers_and_are_refused(trees: dict[str, Path]) -> None:
    clips = load_corpus(trees["meld"]).clips
    with pytest.raises(SpeakerLeak, match="Chandler"):
        outer_folds(clips.assign(voice=clips["speaker"]), parse_cv("predefined"), 0)


def test_the_usual_four_classes_of_iemocap_join_excitement(trees: dict[str, Path]) -> None:
    assert sorted(apply_labels(load_corpus(trees["iemocap"]).clips, scheme_named("big4"))["emotion"]) == ["anger", "happiness", "neutral"]


def test_clips_of_meld_of_no_partition_are_refused(tmp_path: Path) -> None:
    assert "train, dev or test" in refusal("meld", make_tree(tmp_path / "clips", ["dia0_utt0.wav", "dia0_utt1.wav"]))
