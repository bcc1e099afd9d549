"""Whatever is left out is named by every command, on the terminal and in its folder; and nothing else is blamed for it."""

from pathlib import Path

import pandas as pd
import pytest
import soundfile

import ser_bench
from ser_bench.cli import main
from ser_bench.errors import WorkFailed, WrongCall
from ser_bench.features import extract as room
from tests.small import SMALL, WITHOUT_CURVES


def corpus(speech: Path, folder: Path, name: str, speakers: slice, broken: bool = True) -> Path:
    """The clips of some speakers, the first of whom has one that is no audio."""
    table = pd.read_csv(speech / "corpus" / "clips.csv", dtype=str)
    table = table[table["speaker"].isin(sorted(table["speaker"].unique())[speakers])]
    table["path"] = [str(speech / "corpus" / path) for path in table["path"]]
    folder.mkdir(exist_ok=True)
    if broken:
        (folder / "c1.wav").write_text("broken")
        table.iloc[0, table.columns.get_loc("path")] = str(folder / "c1.wav")
    table.to_csv(folder / f"{name}.csv", index=False)
    return folder / f"{name}.csv"


def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    monkeypatch.setattr("sys.argv", ["ser-bench", *map(str, arguments), "--jobs", "1"])
    main.main()
    return " ".join("".join(capsys.readouterr()).split())


@pytest.mark.parametrize("command", ["ablate", "cross", "splits"])
def test_a_clip_that_is_left_out_is_named_on_the_terminal_and_in_the_folder(speech, tmp_path, monkeypatch, capsys, command):
    one = corpus(speech, tmp_path / "a", "one", slice(0, 2))
    fast = ["-f", "spectral", "-m", "logreg", "--trials", "1", "--inner", "2", "--seeds", "1", "--out", tmp_path / "out"]
    where = ["--cache", tmp_path / "store"]
    more: dict[str, list[object]] = {
        "ablate": [one, *fast, "--mode", "alone", "--no-importance"],
        "cross": ["--train", one, "--test", corpus(speech, tmp_path / "b", "other", slice(2, 4), broken=False), *fast, "--track", "train"],
        "splits": [one, "-o", tmp_path / "folds.csv"],
    }
    said = say(monkeypatch, capsys, command, *more[command], *where)
    assert "c1.wav: not audio that can be decoded" in said
    assert command == "splits" or "skipped.csv" in said
    for skipped in tmp_path.glob("out/*/skipped.csv"):
        assert "c1.wav" in pd.read_csv(skipped)["clip"].iloc[0]
        (told,) = [*skipped.parent.glob("ablation.md"), *skipped.parent.glob("cross.md")]
        assert "1 clip skipped, such as" in told.read_text(encoding="utf-8")
    assert command == "splits" or list(tmp_path.glob("out/*/skipped.csv"))


def test_clips_of_emotions_that_one_corpus_lacks_are_counted(speech, tmp_path):
    one, other = (corpus(speech, tmp_path, name, slice(at, at + 2), broken=False) for name, at in (("one", 0), ("other", 2)))
    table = pd.read_csv(other, dtype=str)
    gone = table["emotion"].iloc[0]
    table[table["emotion"] != gone].to_csv(other, index=False)
    found = ser_bench.cross([one, other], **SMALL, track="train", out=str(tmp_path / "out"), cache=str(tmp_path / "store"))
    told = f"one: 4 clips of classes that not all corpora have are left out: {gone} (4)"
    assert told in found.warnings
    assert told in (found.folder / "cross.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("why", ["emotions", "names", "protocol"])
def test_what_labels_names_and_folds_do_not_allow_is_refused_before_anything_is_extracted(speech, tmp_path, monkeypatch, why):
    one = corpus(speech, tmp_path, "one", slice(0, 2), broken=False)
    other = corpus(speech, tmp_path / "elsewhere", "one" if why == "names" else "other", slice(2, 4), broken=False)
    if why == "emotions":
        table = pd.read_csv(other, dtype=str)
        table.assign(emotion=[f"mood{i % 2}" for i in range(len(table))]).to_csv(other, index=False)
    monkeypatch.setattr(room, "_compute", lambda *_: pytest.fail("extracted"))
    with pytest.raises(WrongCall, match=r"in common|both called|without leaks"):
        ser_bench.cross([one, other], **{**SMALL, "cv": "random:2" if why == "protocol" else "auto"}, cache=str(tmp_path / "store"))


@pytest.mark.parametrize("command", ["audit", "run", "splits", "ablate"])
def test_missing_files_are_missing_files_in_every_command(speech, tmp_path, command):
    manifest = corpus(speech, tmp_path, "one", slice(0, 2), broken=False)
    table = pd.read_csv(manifest, dtype=str)
    table.assign(path=[f"gone/{number}.wav" for number in range(len(table))]).to_csv(manifest, index=False)
    options = {"cache": str(tmp_path / "store"), "jobs": 1, **({} if command == "splits" else {"out": str(tmp_path / "out")})}
    with pytest.raises(WorkFailed, match=r"clips are unusable \(the first: gone/0\.wav: missing file\)"):
        getattr(ser_bench, command)(manifest, **options)


def test_what_is_left_where_files_are_missing_is_not_blamed(speech, tmp_path):
    manifest = corpus(speech, tmp_path, "one", slice(0, 2), broken=False)
    table = pd.read_csv(manifest, dtype=str)
    first = table["emotion"] == table["emotion"].iloc[0]
    gone = [f"gone/{number}.wav" for number in range(len(table))]
    table.assign(path=table["path"].where(first, gone)).to_csv(manifest, index=False)
    with pytest.raises(WorkFailed, match=r"missing file\), and what is left shows '.*' as its only emotion; the reasons: missing file"):
        ser_bench.audit(manifest, out=str(tmp_path / "out"), cache=str(tmp_path / "store"), jobs=1)


@pytest.mark.usefixtures("pages")
def test_clips_far_over_full_scale_or_inaudible_are_counted_by_a_run_its_page_and_an_audit(speech, tmp_path):
    manifest = corpus(speech, tmp_path, "one", slice(0, 4), broken=False)
    table = pd.read_csv(manifest, dtype=str)
    for row, gain in ((0, 32768), (1, 1e-5)):
        samples, rate = soundfile.read(table["path"].iloc[row])
        soundfile.write(tmp_path / f"{row}.wav", samples * gain, rate, subtype="FLOAT")
        table.loc[table.index[row], "path"] = f"{row}.wav"
    table.to_csv(manifest, index=False)
    options = {"out": str(tmp_path / "out"), "cache": str(tmp_path / "store")}
    run = ser_bench.run(manifest, **WITHOUT_CURVES, **options)
    levels = [line for line in run.warnings if "full scale" in line]
    assert [line.partition(",")[0] for line in levels] == [
        "1 clip reaches more than 6 dB over full scale",
        "1 clip stays more than 60 dB below full scale",
    ]
    assert "1 clip reaches more than 6 dB over full scale" in (run.folder / "report.html").read_text(encoding="utf-8")
    found = ser_bench.audit(manifest, jobs=1, **options).findings
    assert found.loc[found["check"] == "levels", "what"].tolist() == levels
