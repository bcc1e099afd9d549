"""Nobody's closed, full or narrow terminal ends a run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ser_bench.models import known_models

pytestmark = pytest.mark.skipif(os.name == "nt", reason="streams of a shell")


def say(redirection: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command's exit code and what is said with its streams redirected so."""
    command = f'"$0" -m ser_bench "$@" {redirection}'
    env = os.environ | variables
    return subprocess.run(["sh", "-c", command, sys.executable, *arguments], capture_output=True, text=True, env=env)


def test_a_closed_stdout_is_said_and_no_fault():
    done = say(">&-", "models")
    assert done.returncode == 0
    assert done.stderr.strip() == "ser-bench: not all could be written to stdout (it is closed); files are complete"


def test_a_closed_stderr_is_no_fault_and_no_file_gets_its_number(tmp_path):
    done = say("2>&-", "splits", "tones(speakers=4,emotions=3,takes=1)", "--cache", str(tmp_path / "store"), "--jobs", "1")
    assert done.returncode == 0
    assert done.stdout.startswith("clip,speaker,emotion")


def test_a_reader_who_has_had_enough_is_no_fault():
    done = say("| head -n 1", "models")
    assert (done.stdout, done.stderr) == (f"{min(known_models())}\n", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("arguments", [["models"], ["--help"]])
def test_a_full_stdout_is_one_line_and_exit_1(arguments):
    done = say(">/dev/full", *arguments)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "No space left on device" in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_letters_that_a_terminal_lacks_are_written_out(encoding):
    done = say("", "run", "日.csv", PYTHONIOENCODING=encoding)
    assert done.returncode == 2
    assert "no such corpus: \\u65e5.csv" in done.stderr


def test_an_interrupt_of_the_first_imports_is_one_line(tmp_path):
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt\n")
    done = say("", "models", PYTHONPATH=os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]))
    assert (done.returncode, done.stderr) == (130, "ser-bench: stopped before anything was begun\n")
