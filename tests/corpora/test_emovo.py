"""EMOVO is read from its file names."""

from pathlib import Path

from ser_bench.corpora import load_corpus
from tests.corpora.trees import make_tree


def test_emovo_tells_emotion_actor_gender_and_sentence(tmp_path: Path) -> None:
    corpus = load_corpus(make_tree(tmp_path, ["f1/gio-f1-b1.wav", "f1/rab-f1-n5.WAV", "m2/tri-m2-d1.wav"]))
    assert (corpus.name, corpus.protocol, corpus.ignored) == ("emovo", "loso", ())
    assert corpus.clips["emotion"].tolist() == ["happiness", "anger", "sadness"]
    assert corpus.clips["speaker"].tolist() == ["f1", "f1", "m2"]
    assert corpus.clips["gender"].tolist() == ["female", "female", "male"]
    assert corpus.clips["sentence"].tolist() == ["b1", "n5", "d1"]
    assert set(corpus.clips["language"]) == {"it"}


def test_the_real_emovo_has_its_official_counts(real_corpora: Path) -> None:
    corpus = load_corpus(real_corpora / "emovo")
    assert corpus.facts is not None
    assert (len(corpus.clips), corpus.clips["speaker"].nunique()) == (corpus.facts.clips, corpus.facts.speakers)
    assert set(corpus.clips.groupby(["speaker", "emotion"]).size()) == {14}
