"""Faults survived: what is torn in a folder of results is named, and the same command makes it whole again; nobody else's stops it."""

import os
import shutil
import signal
import sys
import warnings

import click
import pandas as pd
import pytest

from ser_bench import api
from ser_bench.cli import main
from ser_bench.errors import WrongCall
from ser_bench.reports.rendering import INDEX
from ser_bench.utils import processes
from tests import small, warm
from tests.calling import call
from tests.small import SMALL, but_seconds, with_pages
from tests.utils.test_atomic import DAMAGES
from tests.utils.test_processes import in_session, wait_until

pytestmark = pytest.mark.usefixtures("pages")
TIMES = {"environment.json", "report.html", "leaderboard.csv", "leaderboard.md", "trials.parquet", "made.json"}
"""Files that say when, or how long."""


REFITTED = {**SMALL, "cv": "group:3"}
"""Folds enough for refits without two of them."""


ONE_DAMAGE = [name if name == "half" else pytest.param(name, marks=pytest.mark.thorough) for name in DAMAGES]
"""What is told like the others; all with `make test-thorough`, and of a run's own files."""


def evaluate(speech, out):
    """A run whose folder has every file that a run can write."""
    return small.evaluate(speech, out, **REFITTED, learning_curves=True)


@pytest.fixture(scope="module")
def whole(speech, tmp_path_factory):
    """A folder of results, and what each file of its run holds."""
    out = tmp_path_factory.mktemp("whole")
    with with_pages():
        folder = evaluate(speech, out).folder
    return out, {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_same_command_heals_a_run_whose_files_are_all_torn(speech, whole, tmp_path, damage):
    out, files = whole
    shutil.copytree(out, tmp_path / "out")
    torn = [path for path in (tmp_path / "out").rglob("*") if path.is_file() and path.name != INDEX]  # what is no index of ours stays
    for path in torn:
        path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        folder = evaluate(speech, tmp_path / "out").folder
    named = {str(warning.message).partition(" cannot be trusted")[0] for warning in said}
    assert named == {str(path) for path in torn}
    left = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".broken"]
    healed = {path.relative_to(folder): path.read_bytes().replace(bytes(tmp_path / "out"), bytes(out)) for path in left}
    assert healed.keys() == files.keys()
    same = [path for path in files if path.name not in TIMES]
    assert {path: healed[path] for path in same} == {path: files[path] for path in same}
    board = [pd.read_csv(place / "leaderboard.csv").drop(columns="seconds") for place in (folder, next(out.glob("*/report.html")).parent)]
    pd.testing.assert_frame_equal(*board)


def test_a_second_run_finds_nothing_torn(speech, whole, tmp_path, recwarn):
    out, _ = whole
    shutil.copytree(out, tmp_path / "out")
    assert evaluate(speech, tmp_path / "out").fitted == 0
    assert not [str(warning.message) for warning in recwarn.list]
    assert not list((tmp_path / "out").rglob("*.broken"))


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_run_that_is_stopped_leaves_no_process_and_goes_on_where_it_was(speech, whole, tmp_path):
    """One that is killed: `test_repeat.py`."""
    options = ["--out", tmp_path, "--cache", speech / "store", "--jobs", 2]
    how = [f"--{name}={value}" for name, value in REFITTED.items() if name not in {"jobs", "models"}]
    command = ["run", speech / "corpus" / "clips.csv", "-m", SMALL["models"], *how, *options]
    run = warm.start(*command, stderr=tmp_path / "told")
    assert wait_until(lambda: run.poll() is not None or next((tmp_path / "units").glob("*.parquet"), None))
    run.send_signal(signal.SIGTERM)
    assert run.wait() == 143
    told = (tmp_path / "told").read_text()
    assert "ser-bench: stopped; finished work is kept" in told.splitlines()[-1]
    assert "Traceback" not in told
    assert wait_until(lambda: not in_session(run.pid))
    assert (tmp_path / "units").exists()
    healed = evaluate(speech, tmp_path)
    assert healed.reused > 0
    (kept,) = whole[0].glob("*/leaderboard.csv")
    assert but_seconds(healed) == pd.read_csv(kept).drop(columns="seconds").to_csv()
    assert not [path for path in tmp_path.rglob("*") if path.suffix == ".broken" or path.match(".*-????????")]


def ablate(speech, out):
    options = {**SMALL, "features": "audioemotion26", "trials": 1, "out": str(out), "cache": str(speech / "store")}
    return api.ablate(speech / "corpus" / "clips.csv", modes="alone", **options)


@pytest.fixture(scope="module")
def with_neighbours(speech, whole, tmp_path_factory):
    """Results of a run, an audit and an ablation of the same clips."""
    out = tmp_path_factory.mktemp("beside") / "out"
    shutil.copytree(whole[0], out)
    with with_pages():
        api.audit(speech / "corpus" / "clips.csv", out=str(out), cache=str(speech / "store"), jobs=1)
        ablate(speech, out)
    return out


@pytest.mark.parametrize("damage", ONE_DAMAGE)
def test_the_same_ablation_heals_its_own_files_and_stops_for_no_neighbour_s(speech, with_neighbours, tmp_path, damage):
    out = tmp_path / "out"
    shutil.copytree(with_neighbours, out)
    (folder,) = (path.parent for path in out.glob("*/ablation.csv"))
    table, arrays = (folder / "ablation.csv").read_bytes(), {path.name for path in out.glob("units/*.npz")}
    for path in [*out.glob("units/*.npz"), *folder.glob("*.*"), *out.glob("*/findings.csv"), *out.glob("*/learning.csv")]:
        path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        ablate(speech, out)
    told = " ".join(str(warning.message) for warning in said)
    assert all(name in told for name in arrays)
    assert (folder / "ablation.csv").read_bytes() == table
    assert "report.html stays as it is" in told


@pytest.mark.parametrize("damage", ONE_DAMAGE)
def test_a_run_is_stopped_by_nothing_that_lies_torn_beside_it(speech, with_neighbours, tmp_path, damage):
    out = tmp_path / "out"
    shutil.copytree(with_neighbours, out)
    (run,) = (path.parent for path in out.glob("*/report.html"))
    for folder in {path.parent for path in out.glob("*/environment.json")} - {run}:
        for path in folder.glob("*.csv"):
            path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with pytest.warns(UserWarning, match=r"-(ablation|audit)-\w+ is left out of what lies beside it: .* cannot be read"):
        assert evaluate(speech, out).fitted == 0


def test_a_leaderboard_leaves_out_the_run_that_is_torn_and_names_it(speech, whole, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(whole[0], out)
    (run,) = (path.parent for path in out.glob("*/report.html"))
    for name in ("clips.parquet", "predictions.parquet", "leaderboard.csv", "references.csv", "run.toml", "refits.parquet"):
        other = out / f"torn-{name.partition('.')[0]}"
        shutil.copytree(run, other)
        (other / name).write_bytes((other / name).read_bytes()[:-9])
        with pytest.raises(WrongCall, match=rf"{other.name} cannot be merged: .*{name} "):
            api.leaderboard([other], to=tmp_path / "merged")
    with pytest.warns(UserWarning, match=r"left out: .*torn-\w+ cannot be merged") as said:
        merged = api.leaderboard(out=out, to=tmp_path / "merged")
    assert len([warning for warning in said if "left out" in str(warning.message)]) == 6
    assert merged.leaderboard["runs"].tolist() == [[str(run)]]


@pytest.mark.parametrize(("error", "code", "words"), [(EOFError("no data"), 1, "EOFError: no data"), (KeyboardInterrupt(), 130, "stopped")])
def test_a_file_that_ends_too_early_is_nobody_s_interruption(monkeypatch, capsys, error, code, words):
    def fail(**_):
        raise error

    monkeypatch.setattr(sys, "argv", ["ser-bench", "models"])
    monkeypatch.setattr(main.cli.commands["models"], "callback", fail)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == code
    assert words in capsys.readouterr().err


def test_ctrl_c_that_a_library_makes_an_error_of_its_own_is_an_interruption_all_the_same(monkeypatch, capsys):
    def fail(**_):
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("a module failed to import") from None

    monkeypatch.setattr(processes, "_asked", [])
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(sys, "argv", ["ser-bench", "models"])
    monkeypatch.setattr(main.cli.commands["models"], "callback", fail)
    try:
        with pytest.raises(SystemExit) as ended:
            main.main()
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.value.code == 130
    assert "stopped; finished work is kept" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [["audit", "tones(speakers=4,takes=1)", "-o", "."], ["splits", "tones(speakers=4,takes=1)", "-o", "no/dir.csv"]]
)
def test_where_output_goes_is_looked_at_before_the_work(tmp_path, command):
    (tmp_path / "no").write_text("")
    done = call(*command, cwd=tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert not (tmp_path / "features").exists()


def test_every_command_that_writes_looks_at_its_folder_first(speech, tmp_path):
    (tmp_path / "file").write_text("")
    corpus, how = speech / "corpus" / "clips.csv", {"out": str(tmp_path / "file"), "cache": str(speech / "store")}
    for function in (api.audit, api.ablate, api.cross, lambda *a, **b: api.score("no.csv", *a, **b)):
        with pytest.raises(WrongCall, match=r"--out .*file cannot be written to"):
            function(corpus, **how)


def test_click_says_why_it_was_aborted():
    """What `_stopped` leans on."""

    @click.command()
    def command():
        raise EOFError

    with pytest.raises(click.Abort) as aborted:
        command.main([], standalone_mode=False)
    assert isinstance(aborted.value.__cause__, EOFError)
