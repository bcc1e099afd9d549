"""No audio on both sides of a split: copies, renamed copies, shared voices, conflicting labels."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_bench.audio.clip import read_clip
from ser_bench.corpora import load_corpus, resolve_duplicates
from ser_bench.corpora.duplicates import join_voices
from ser_bench.errors import WrongCall

COLUMNS = ["clip", "digest", "speaker", "emotion"]


def table(*rows: str) -> pd.DataFrame:
    return pd.DataFrame([row.split() for row in rows], columns=COLUMNS).set_index("clip")


def test_without_twins_nothing_changes() -> None:
    twins = resolve_duplicates(clips := table("a.wav 1 A anger", "b.wav 2 B fear"))
    pd.testing.assert_frame_equal(twins.clips.drop(columns="voice"), clips)
    assert twins.clips["voice"].tolist() == ["A", "B"]
    assert (len(twins.skipped), twins.warnings) == (0, [])
    assert list(twins.skipped.columns) == ["clip", "reason", "counts"]


def test_a_corpus_copied_into_itself_is_used_once_whatever_the_row_order() -> None:
    rows = ["a.wav 1 A anger", "b.wav 2 B fear", "copy/a.wav 1 A anger", "copy/b.flac 2 B fear", "copy/copy/a.wav 1 A anger"]
    for order in (rows, rows[::-1]):
        twins = resolve_duplicates(table(*order))
        assert sorted(twins.clips.index) == ["a.wav", "b.wav"]
        assert twins.skipped.set_index("clip")["reason"].to_dict() == {
            "copy/a.wav": "duplicate of a.wav",
            "copy/b.flac": "duplicate of b.wav",
            "copy/copy/a.wav": "duplicate of a.wav",
        }
        assert not twins.skipped["counts"].any()
        assert twins.warnings == []


def test_segments_of_one_stem_are_copies_when_they_sound_alike() -> None:
    twins = resolve_duplicates(table("a.wav#0-1 1 A anger", "a.wav#1-2 1 A anger", "b.wav 2 B fear"))
    assert twins.skipped["clip"].tolist() == ["a.wav#1-2"]


def test_a_number_sign_in_a_file_s_name_is_part_of_its_stem() -> None:
    clips = table("a#1.wav 1 A anger", "a#2.wav 1 A anger", "b.wav 2 B fear")
    twins = resolve_duplicates(clips.assign(path=[f"/corpus/{clip}" for clip in clips.index]))
    assert twins.skipped.empty
    assert "two names of one speaker" in twins.warnings[0]


def test_the_same_audio_under_another_stem_is_kept_with_a_warning() -> None:
    twins = resolve_duplicates(table("a.wav 1 A anger", "z.wav 1 A anger", "b.wav 2 B fear"))
    assert len(twins.clips) == 3
    assert twins.warnings == ["the same audio under two names of one speaker: a.wav = z.wav"]


def test_audio_of_two_speakers_is_used_once_and_they_share_a_voice() -> None:
    rows = ["a.wav 1 A anger", "b.wav 1 B anger", "b2.wav 2 B fear", "c.wav 2 C fear", "c2.wav 4 C fear", "d.wav 3 D fear"]
    for order in (rows, rows[::-1]):
        twins = resolve_duplicates(table(*order))
        assert twins.clips["voice"].to_dict() == {"a.wav": "A+B+C", "b2.wav": "A+B+C", "c2.wav": "A+B+C", "d.wav": "D"}
        assert twins.clips["speaker"].to_dict() == {"a.wav": "A", "b2.wav": "B", "c2.wav": "C", "d.wav": "D"}
        assert twins.skipped.set_index("clip")["reason"].to_dict() == {"b.wav": "duplicate of a.wav", "c.wav": "duplicate of b2.wav"}
        told = "a.wav (A) = b.wav (B); b2.wav (B) = c.wav (C)"
        assert twins.warnings == [f"the same audio under two speakers, who count as one voice; one copy is used: {told}"]


def test_a_corpus_copied_under_new_speakers_is_used_once() -> None:
    rows = [f"{copy}{n}.wav {n} {copy}{n // 4} anger" for copy in "ab" for n in range(16)]
    twins = resolve_duplicates(table(*rows))
    assert list(twins.clips.index) == [f"a{n}.wav" for n in range(16)]
    assert sorted(set(twins.clips["voice"])) == ["a0+b0", "a1+b1", "a2+b2", "a3+b3"]


def test_a_copy_of_a_shared_clip_still_joins_its_voice() -> None:
    twins = resolve_duplicates(table("a.wav 1 A anger", "copy/a.wav 1 A anger", "b.wav 1 B anger", "b2.wav 3 B anger", "c.wav 2 C fear"))
    assert twins.skipped["clip"].tolist() == ["b.wav", "copy/a.wav"]
    assert twins.clips["voice"].tolist() == ["A+B", "A+B", "C"]


def segments(*rows: tuple[str, str, str, float, float]) -> pd.DataFrame:
    """Segments of `long.wav` of other samples each, as a manifest has them, not a number where a side is open."""
    clips = pd.DataFrame(rows, columns=["clip", "speaker", "emotion", "start", "end"]).set_index("clip")
    return clips.assign(path="/corpus/long.wav", digest=list(clips.index))


def test_segments_that_overlap_by_more_than_half_are_used_once() -> None:
    twins = resolve_duplicates(
        segments(("p", "A", "anger", 0, 2), ("q", "A", "anger", 0.9, 3), ("r", "A", "anger", 2, 4), ("s", "A", "anger", 3, 4))
    )
    assert list(twins.clips.index) == ["p", "r"]
    assert twins.skipped["reason"].tolist() == [
        "duplicate of p (overlapping segments of one file)",
        "duplicate of r (overlapping segments of one file)",
    ]
    assert twins.warnings == ["the same audio in overlapping segments of one file, of which one is used: p = q; r = s"]


def test_speakers_of_overlapping_segments_are_one_voice() -> None:
    twins = resolve_duplicates(
        segments(("p", "A", "anger", 0, 2), ("q", "B", "anger", 0.9, 3), ("r", "B", "fear", 5, 6), ("s", "C", "fear", 6, 7))
    )
    assert twins.clips["voice"].to_dict() == {"p": "A+B", "r": "A+B", "s": "C"}
    assert "one voice; one copy is used: p (A) = q (B)" in twins.warnings[0]


def test_a_file_and_a_segment_of_it_are_the_same_audio() -> None:
    open_ended = float("nan")
    rows = [("f", "A", "anger", open_ended, open_ended), ("f#1-2", "B", "anger", 1, 2), ("f#3-", "A", "anger", 3, open_ended)]
    for clips in (segments(*rows), segments(*rows).assign(seconds=[5.0, 1.0, 2.0])):
        twins = resolve_duplicates(clips)
        assert list(twins.clips.index) == ["f"]
        assert twins.clips["voice"].tolist() == ["A+B"]


def test_overlapping_segments_under_two_emotions_are_refused() -> None:
    clips = segments(("p", "A", "anger", 0, 2), ("q", "A", "fear", 0.9, 3))
    with pytest.raises(WrongCall, match=r"two emotions: p \(anger\) = q \(fear\)"):
        resolve_duplicates(clips)
    assert len(resolve_duplicates(clips, allow_conflicts=True).clips) == 2


def test_segments_that_share_less_are_used_and_told_of() -> None:
    twins = resolve_duplicates(segments(("p", "A", "anger", 0, 2), ("q", "B", "fear", 1.5, 3), ("r", "B", "fear", 3, 4)))
    assert len(twins.clips) == 3
    assert twins.clips["voice"].tolist() == ["A", "B", "B"]
    assert [line.rpartition(": ")[2] for line in twins.warnings] == ["p (A) = q (B)", "p (anger) = q (fear)"]


def test_segments_of_two_files_are_not_compared() -> None:
    clips = segments(("p", "A", "anger", 0, 2), ("q", "B", "anger", 0, 2)).assign(path=["/corpus/a.wav", "/corpus/b.wav"])
    assert len(resolve_duplicates(clips).clips) == 2


def test_one_stem_in_two_formats_is_used_once_in_the_lossless_one() -> None:
    clips = table("AudioMP3/x.mp3 1 A anger", "AudioWAV/x.wav 2 A anger", "AudioWAV/y.wav 3 A anger").assign(seconds=[2.1, 2.0, 2.0])
    twins = resolve_duplicates(clips)
    assert list(twins.clips.index) == ["AudioWAV/x.wav", "AudioWAV/y.wav"]
    assert twins.skipped["reason"].tolist() == ["duplicate of AudioWAV/x.wav (one stem in two formats)"]
    assert "two formats" in twins.warnings[0]


def test_one_stem_in_two_formats_side_by_side_makes_two_speakers_one_voice() -> None:
    twins = resolve_duplicates(table("x.mp3 1 A anger", "x.wav 2 B anger", "y.wav 3 A anger"))
    assert twins.clips["voice"].to_dict() == {"x.wav": "A+B", "y.wav": "A+B"}


@pytest.mark.parametrize(
    ("rows", "seconds"),
    [
        (("A/01.mp3 1 A anger", "B/01.wav 2 B anger"), [2.0, 2.0]),  # a number in each speaker's folder
        (("s1/01.mp3 1 A anger", "s2/01.wav 2 A anger"), [2.0, 2.5]),  # not as long
        (("s1/01.wav 1 A anger", "s2/01.wav 2 A anger"), [2.0, 2.0]),  # one format
    ],
)
def test_one_stem_alone_makes_no_copy(rows: tuple[str, str], seconds: list[float]) -> None:
    twins = resolve_duplicates(table(*rows).assign(seconds=seconds))
    assert (len(twins.clips), twins.warnings) == (2, [])


def test_the_same_audio_under_two_emotions_is_refused_naming_both() -> None:
    clips = table("a.wav 1 A anger", "b.wav 1 A fear", "c.wav 2 B fear")
    with pytest.raises(WrongCall, match=r"a.wav \(anger\) = b.wav \(fear\).*--allow-conflicts"):
        resolve_duplicates(clips)
    twins = resolve_duplicates(clips, allow_conflicts=True)
    assert len(twins.clips) == 3
    assert twins.warnings == ["the same audio under two emotions: a.wav (anger) = b.wav (fear)"]


def test_many_twins_make_one_line() -> None:
    rows = [f"{prefix}{n}.wav {n} A anger" for n in range(9) for prefix in "xy"]
    twins = resolve_duplicates(table(*rows, "b.wav b B fear"))
    assert len(twins.warnings) == 1
    assert twins.warnings[0].endswith("x2.wav = y2.wav and 6 more")


groups = st.lists(st.sets(st.sampled_from("abcdefgh"), min_size=1, max_size=3), max_size=6)


@given(groups)
def test_voices_are_the_finest_partition_that_separates_no_group(together: list[set[str]]) -> None:
    voices = join_voices("abcdefgh", together)
    assert all(len({voices[speaker] for speaker in group}) == 1 for group in together)
    for voice in set(voices.values()):
        members = {speaker for speaker in voices if voices[speaker] == voice}
        assert voice == "+".join(sorted(members))
        reached = {min(members)}
        while grown := set().union(*(group for group in together if group & reached)) - reached:
            reached |= grown
        assert reached == members


@given(groups, st.randoms())
def test_voices_do_not_depend_on_the_order_of_sharing(together: list[set[str]], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = random.sample(together, len(together))
    assert join_voices("abcdefgh", together) == join_voices("abcdefgh", shuffled)


def test_the_twin_pair_of_the_official_ravdess_is_found(real_corpora: Path) -> None:
    clips = load_corpus(real_corpora / "ravdess").clips
    clips = clips[clips["speaker"].isin(["07", "08"]) & (clips["emotion"] == "happiness")]
    twins = resolve_duplicates(clips.assign(digest=[read_clip(path).digest for path in clips["path"]]))
    assert len(twins.clips) == len(clips)
    assert len(twins.warnings) == 1
    assert "03-01-03-01-02-01-07.flac = Actor_07/03-01-03-01-02-02-07.flac" in twins.warnings[0]


def test_ids_of_one_voice_share_what_each_of_them_shares() -> None:
    clips = table("a.wav 1 A anger", "b.wav 2 B fear", "c.wav 2 C fear", "d.wav 3 D fear").assign(voice=["A", "A", "C", "D"])
    twins = resolve_duplicates(clips)
    assert twins.clips["voice"].to_dict() == {"a.wav": "A+C", "b.wav": "A+C", "d.wav": "D"}
    assert twins.warnings[0] == "speaker ids that are one person by the column 'voice': A = B"


def test_a_copy_under_another_id_of_one_person_is_a_copy() -> None:
    twins = resolve_duplicates(table("a.wav 1 A anger", "copy/a.wav 1 B anger", "c.wav 2 C fear").assign(voice=["A", "A", "C"]))
    assert twins.skipped["clip"].tolist() == ["copy/a.wav"]
