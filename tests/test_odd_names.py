"""Names that others chose stand where they stand and do nothing: no formula, markup, link, spreadsheet cell or terminal command."""

import contextlib
import csv
import json
import re
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ser_bench
from ser_bench.cli import main
from ser_bench.corpora import load_corpus
from ser_bench.corpora.names import plain
from ser_bench.errors import LONGEST_QUOTE, SerBenchError
from ser_bench.features.sets import _check_numbers
from ser_bench.utils.atomic import read_csv
from tests.small import SMALL

pytestmark = pytest.mark.usefixtures("pages")
NAMES = [
    ["$x^2$", "a+b", "=1+1", "<b>bold</b>"],
    ["a|b", "\"q\" 'r' `s`", "two\nlines", "\U0001f600 \u200fabc"],
    ["$\\frac{", "@SUM(A1)", "'=2", "\x1b[31mred\x1b[0m;\t=1"],
    ["[l](http://x.y)", "-1", "_a_ *b* ~c~ &lt;", "%s {0} \\n"],
]
SOME = [pytest.param(names, marks=[pytest.mark.thorough] if place % 2 else []) for place, names in enumerate(NAMES)]
"""Every second, and all with `make test-thorough`: for analyses that write by the same functions as a run, which has them all."""


def odd(speech: Path, folder: Path, names: list[str], name: str = "odd", speakers: slice = slice(0, 4)) -> Path:
    """The clips of the fixture `speech` with these emotions and speakers, in files that are called so as well."""
    table = pd.read_csv(speech / "corpus" / "clips.csv", dtype=str)
    known = dict(zip(sorted(table["emotion"].unique()), names, strict=False))
    voices = dict(zip(sorted(table["speaker"].unique()), names, strict=False))
    table = table[table["speaker"].isin(sorted(voices)[speakers]) & table["emotion"].isin(known)]
    folder.mkdir(exist_ok=True)
    rows = []
    for place, row in enumerate(table.to_dict("records")):
        file = f"{place} {names[place % 4].replace('/', ' ')}.wav"
        shutil.copy(speech / "corpus" / row["path"], folder / file)
        rows.append({"path": file, "emotion": known[row["emotion"]], "speaker": voices[row["speaker"]], "gender": row["gender"]})
    pd.DataFrame(rows).to_parquet(folder / f"{name}.parquet", index=False)
    return folder / f"{name}.parquet"


def tame(folder: Path) -> None:
    """No file that people open holds what would do something there."""
    for path in folder.rglob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            cells = [cell for row in list(csv.reader(file))[1:] for cell in row]
        for cell in cells:
            assert cell[:1] not in set("=+@\t\r"), (path, cell)
            assert cell[:1] != "-" or float(cell) <= 0, (path, cell)
    for path in folder.rglob("*.html"):
        assert "<b>bold" not in path.read_text(encoding="utf-8"), path
    for path in folder.rglob("*.md"):
        text = path.read_text(encoding="utf-8")
        for trap in ("[l](http:", "*b*", "&lt;", "$x^2$", "<b>", "\x1b", "`s`"):
            assert not re.search(r"(?<!\\)" + re.escape(trap), text), (path, trap)


@pytest.mark.parametrize("names", NAMES, ids=range(len(NAMES)))
@pytest.mark.filterwarnings("ignore:.*drawn as boxes")
@pytest.mark.usefixtures("every_kind_of_picture")
def test_a_run_and_an_audit_of_odd_names(speech, tmp_path, names):
    where = {"out": str(tmp_path / "out"), "cache": str(speech / "store")}
    manifest = odd(speech, tmp_path / "corpus", names)
    emotions = sorted(load_corpus(manifest).clips["emotion"].unique())
    run = ser_bench.run(manifest, **SMALL, **where)
    assert run.leaderboard["status"].tolist() == ["ok"]
    assert sorted(run.predictions["emotion"].unique()) == emotions
    read = read_csv(run.folder / "findings.csv", keep_default_na=False)
    assert set(read["what"][:-1]) <= set(ser_bench.audit(manifest, jobs=1, **where).findings["what"])
    assert ser_bench.leaderboard([run.folder], to=tmp_path / "merged").leaderboard["uar"].tolist() == run.leaderboard["uar"].tolist()
    assert (run.folder / "figures" / "leaderboard.png").is_file()
    tame(tmp_path)


@pytest.mark.parametrize("names", SOME, ids=range(len(NAMES)))
@pytest.mark.filterwarnings("ignore:.*drawn as boxes")
def test_corpora_with_odd_names_judge_each_other_by_the_right_chance(speech, tmp_path, names):
    one = odd(speech, tmp_path / "a", names, "one", slice(0, 2))
    other = odd(speech, tmp_path / "b", names, "other", slice(2, 4))
    found = ser_bench.cross([one, other], **SMALL, out=str(tmp_path / "out"), cache=str(speech / "store"))
    assert found.emotions == sorted(load_corpus(one).clips["emotion"].unique())
    text = (found.folder / "cross.md").read_text(encoding="utf-8")
    assert f"chance .{1000 // len(found.emotions)}" in text
    tame(tmp_path)


@pytest.mark.parametrize("names", SOME, ids=range(len(NAMES)))
def test_folds_come_back_from_csv_with_their_names_and_are_scored(speech, tmp_path, names, capsys, monkeypatch):
    where = {"out": str(tmp_path / "out"), "cache": str(speech / "store"), "jobs": 1}
    manifest = odd(speech, tmp_path / "corpus", names)
    folds = ser_bench.splits(manifest, cache=where["cache"], jobs=1)
    path = tmp_path / "folds.csv"
    monkeypatch.setattr("sys.argv", ["ser-bench", "splits", str(manifest), "--cache", where["cache"], "--jobs", "1", "-o", str(path)])
    main.main()
    assert read_csv(path, dtype=str)[["clip", "speaker", "emotion"]].equals(folds[["clip", "speaker", "emotion"]].astype("str"))
    read_csv(path, dtype=str).assign(predicted=lambda t: t["emotion"])[["clip", "predicted"]].to_csv(tmp_path / "plain.csv", index=False)
    assert ser_bench.score(tmp_path / "plain.csv", manifest, **where).leaderboard["uar"].tolist() == [1.0]


@pytest.mark.parametrize("names", SOME, ids=range(len(NAMES)))
@pytest.mark.filterwarnings("ignore:.*drawn as boxes")
def test_an_ablation_a_plan_and_a_score_of_odd_names(speech, tmp_path, names):
    """Groups, columns, tables and systems are called so as well."""
    where = {"out": str(tmp_path / "out"), "cache": str(speech / "store")}
    manifest = odd(speech, tmp_path / "corpus", names)
    clips = load_corpus(manifest).clips
    words = [name.replace("\n", " ").replace("/", " ").strip() for name in names]
    rng = np.random.default_rng(0)
    own = pd.DataFrame(rng.normal(size=(len(clips), 3)), index=clips.index, columns=[f"{word}.{word}" for word in words[:3]])
    table = tmp_path / f"{words[0].replace('+', ' ')} t.parquet"
    own.to_parquet(table)
    asked = {**SMALL, "trials": 1, "features": str(table)}
    found = ser_bench.ablate(manifest, modes="alone", importance=False, **asked, **where)
    assert sorted(found.table["group"])[1:] == sorted(word.partition(".")[0] for word in words[:3])
    assert (found.folder / "figures" / "ablation.svg").is_file()
    clips["emotion"].rename("predicted").reset_index().to_parquet(tmp_path / "p.parquet")
    scored = ser_bench.score(tmp_path / "p.parquet", manifest, name=names[1], jobs=1, **where)
    assert scored.leaderboard["uar"].tolist() == [1.0]
    run = ser_bench.run(manifest, learning_curves=False, **asked, **where)
    assert len(ser_bench.plan_study(run.folder, to=tmp_path / "plan"))
    tame(tmp_path)


@settings(max_examples=25)
@given(st.lists(st.text(min_size=1, max_size=300), min_size=4, max_size=4, unique_by=lambda name: plain(name)))
def test_no_message_about_a_manifest_is_long_or_more_than_a_line(names):
    """Whatever emotions and speakers are called, what is refused is refused in a line that shows no more than their beginnings."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        rows = [{"path": f"{i}.wav", "emotion": names[i % 2], "speaker": names[2 + i % 2]} for i in range(8)]
        pd.DataFrame(rows).to_parquet(folder / "m.parquet", index=False)
        for call in (ser_bench.splits, ser_bench.audit):
            with pytest.raises(SerBenchError) as caught:
                call(folder / "m.parquet", cache=str(folder / "store"), out=str(folder / "out"), jobs=1)
            said = str(caught.value)
            assert not any(name[:LONGEST_QUOTE] in said for name in names if len(name) > LONGEST_QUOTE)
            assert len(said) < 2000


def test_no_control_character_reaches_a_terminal(speech, tmp_path, capsys, monkeypatch):
    names = ["\x1b]0;title\x07", "\u202egnp", "[red]x[/red]", "a\nser-bench: fake"]
    manifest = odd(speech, tmp_path / "corpus", names)
    for command in (["audit", str(manifest), "--jobs", "1"], ["run", str(manifest), "--where", "emotion == '\x1b[31m'"]):
        monkeypatch.setattr("sys.argv", ["ser-bench", *command, "--out", str(tmp_path / "out"), "--cache", str(tmp_path / "store")])
        with contextlib.suppress(SystemExit):
            main.main()
        said = "".join(capsys.readouterr())
        assert not {letter for letter in said if letter != "\n" and not letter.isprintable() and letter != "\u200d"}, said
        assert not any(line.startswith("ser-bench: fake") for line in said.splitlines())
        assert "\\x1b" in said


@pytest.mark.parametrize("letter", ["\0", "\ud800"], ids=["NUL", "half of a pair"])
def test_a_character_that_no_file_of_text_holds_is_refused_where_it_is_read(tmp_path, letter):
    """Before hours of work, and not by the file that could not be written after them."""
    rows = [{"path": f"{number}.wav", "emotion": ("fear", "anger")[number % 2], "speaker": f"s{number % 3}"} for number in range(6)]
    (tmp_path / "m.jsonl").write_text("\n".join(json.dumps(row) for row in [*rows, {**rows[0], "emotion": f"fe{letter}ar"}]))
    with pytest.raises(SerBenchError, match=r"line 7 .*no file of text can: 'emotion: fe\\"):
        load_corpus(tmp_path / "m.jsonl")
    if letter == "\0":  # which Parquet can hold
        for column, called in (("emotion", "emotion"), ("speaker", "speaker"), ("path", "clip")):
            pd.DataFrame([*rows, {**rows[0], "path": "7.wav", column: f"no{letter}word"}]).to_parquet(tmp_path / "m.parquet")
            with pytest.raises(SerBenchError, match=rf"{called} 'no\\x00word' \(clip .*no file of text can"):
                load_corpus(tmp_path / "m.parquet")
        with pytest.raises(SerBenchError, match=r"column 'a\\x00\.mean'.*no file of text can"):
            _check_numbers(tmp_path, pd.DataFrame({f"a{letter}.mean": [1.0]}))
