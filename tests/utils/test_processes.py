"""Whatever ends a process, its workers end with it, and what they shared is cleared; nothing of a living one is touched."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ser_bench.utils import processes
from ser_bench.utils.atomic import hold
from tests import warm

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

PATIENCE = 120
"""Seconds until a test gives up waiting for what has to come."""

WORK = """
import os, sys, time
import numpy as np
from ser_bench.utils.parallel import Workers, in_parallel

def busy(array, told):
    open(os.path.join(told, str(os.getpid())), "w").close()
    while True:
        time.sleep(0.05)

calls = ((np.zeros(1 << 18), sys.argv[1]) for _ in range(2))
list(in_parallel(busy, calls, Workers(2)))
"""


def alive(process: int) -> bool:
    """Whether it runs: one that has ended and that nobody has asked for is none."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(what) -> bool:
    end = time.monotonic() + PATIENCE
    while not what() and time.monotonic() < end:
        time.sleep(0.1)
    return what()


def in_session(session: int) -> list[int]:
    """What still runs of it."""
    rows = subprocess.run(["ps", "-eo", "sid,pid,stat", "--no-headers"], capture_output=True, text=True, check=True).stdout
    return [int(pid) for sid, pid, state in map(str.split, rows.splitlines()) if int(sid) == session and not state.startswith("Z")]


@pytest.fixture
def at_work(tmp_path):
    """A process whose two workers are busy, and how to ask whom it has begotten."""
    shared = tmp_path / "shared"
    told = tmp_path / "told"
    shared.mkdir()
    told.mkdir()
    main = warm.start(told, code=WORK, env={"JOBLIB_TEMP_FOLDER": str(shared)})
    assert wait_until(lambda: len(list(told.iterdir())) == 2), "no workers"
    yield main, [int(path.name) for path in told.iterdir()], shared
    os.killpg(main.pid, signal.SIGKILL)
    main.wait()


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="no /proc here")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_when_their_parent_is_killed_and_what_they_shared_is_cleared(at_work, number, monkeypatch):
    main, workers, shared = at_work
    assert any(shared.rglob("*.pkl")), "nothing is shared"
    main.send_signal(number)
    main.wait()
    assert wait_until(lambda: not any(alive(worker) for worker in workers))
    monkeypatch.setenv("JOBLIB_TEMP_FOLDER", str(shared))
    assert wait_until(lambda: not processes.clear_shared() and not list(shared.iterdir()))
    assert wait_until(lambda: not list(Path("/dev/shm").glob(f"sem.loky-{main.pid}-*")))


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="no /proc here")
def test_what_a_killed_session_left_is_named_and_cleared_by_the_next_command(at_work, monkeypatch):
    main, workers, shared = at_work
    os.killpg(main.pid, signal.SIGKILL)  # loky's tracker, too
    main.wait()
    assert wait_until(lambda: not any(alive(worker) for worker in workers))
    left = [path.name for path in shared.iterdir()]
    assert [name.startswith(f"ser-bench-{main.pid}-") for name in left] == [True]
    monkeypatch.setenv("JOBLIB_TEMP_FOLDER", str(shared))
    os.utime(shared / left[0], (0, 0))
    assert processes.clear_shared() == left
    assert not list(shared.iterdir())
    assert not list(Path("/dev/shm").glob(f"sem.loky-{main.pid}-*"))


def test_nothing_is_cleared_that_is_held_or_not_ours(tmp_path, monkeypatch):
    monkeypatch.setenv("JOBLIB_TEMP_FOLDER", str(tmp_path))
    held, other = tmp_path / "ser-bench-1-held", tmp_path / "joblib_memmapping_folder_1_a"
    for folder in (held, other):
        folder.mkdir()
        (folder / "array").write_text("numbers")
        os.utime(folder, (0, 0))
    with hold(held):
        assert processes.clear_shared() == []
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([held.name, other.name])


def test_what_is_ignored_stays_ignored():
    script = """
import os, signal
from ser_bench.utils.processes import Stopped, stop_on_signals
signal.signal(signal.SIGHUP, signal.SIG_IGN)
stop_on_signals()
os.kill(os.getpid(), signal.SIGHUP)
try:
    os.kill(os.getpid(), signal.SIGTERM)
except Stopped as stopped:
    print(stopped.exit_code, signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
"""
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "143 True\n"


def test_work_that_is_broken_off_leaves_no_complaint_of_shared_arrays(tmp_path):
    script = tmp_path / "broken.py"
    script.write_text("""
import numpy as np
from ser_bench.utils.parallel import Workers, in_parallel
from ser_bench.utils.processes import end_workers

if __name__ == "__main__":
    results = in_parallel(np.sum, [(np.full(200_000, float(n)),) for n in range(4)], Workers(2))
    next(results)
    end_workers()
""")
    done = subprocess.run(
        [sys.executable, script],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "resource_tracker" not in done.stderr


def test_a_process_that_ends_looks_through_nothing_that_it_leaves() -> None:
    code = (
        "import atexit, gc\n"
        "from ser_bench.utils.processes import collect_rarely\n"
        "atexit.register(lambda: print('looked at', len(gc.get_objects())))\n"
        "collect_rarely()\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(told.split()[-1]) < 10  # what was made since
