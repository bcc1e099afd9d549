"""Processes that end with the one that started them, and what they share in memory.

In:   nothing: a worker calls `end_with` as it starts; a command, `stop_on_signals` and `clear_shared`.
Out:  a folder for arrays that workers share, held by this process as long as it lives.
Rule: whatever ends this process, a signal that cannot be caught too, its workers end within seconds, and what they shared is gone: at
      once where loky's tracker lives on, else when the next command starts. Nothing is cleared that a living process holds, or that is
      not certainly ours.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from functools import cache
from pathlib import Path

from ser_bench.utils.atomic import clear_abandoned, hold

OBJECTS_BETWEEN_COLLECTIONS = 500_000
"""Python's default is 700. Imports alone leave 200,000 objects, none ever freed; of those of a run, some thousand are in cycles."""
SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_TO_END = 10
PREFIX = "ser-bench-"
SHARED_MEMORY = Path("/dev/shm")
ENOUGH = 2 << 30
"""Shared memory is used where so many bytes of it are free, as joblib does."""
PR_SET_PDEATHSIG = 1


class Stopped(KeyboardInterrupt):
    """A signal that asks this process to end; `exit_code` is the shell's for it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


_asked: list[KeyboardInterrupt] = []


def stop_on_signals() -> None:
    """Have signals that ask this process to end raise `Stopped` in it, and Ctrl-C `KeyboardInterrupt`; `asked_to_stop` remembers them.

    A second signal other than Ctrl-C ends the process at once, and so does too long a wait. What is ignored stays so: `nohup` keeps
    its promise.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _stop)


def asked_to_stop() -> KeyboardInterrupt | None:
    """What a signal raised in this process, if one came: a library may have caught it, and failed in its own words."""
    return _asked[-1] if _asked else None


def _interrupt(*_: object) -> None:
    _asked.append(KeyboardInterrupt())
    raise _asked[-1]


def _stop(number: int, _: object) -> None:
    signal.signal(number, signal.SIG_DFL)
    if sys.platform != "win32":
        signal.alarm(SECONDS_TO_END)
    _asked.append(Stopped(number))
    raise _asked[-1]


def collect_rarely() -> None:
    """Have Python look for cycles to free less often, and at its end not at all: the system takes all memory then.

    With what a thousand modules define, looking takes a quarter of a short command's time.
    """
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)


def end_with(parent: int, at_once: bool) -> None:
    """Have this process, a worker, end when its parent does, and leave Ctrl-C to the parent.

    Parameters
    ----------
    parent : int
        The parent's process id.
    at_once : bool
        Whether Linux may be asked to kill this process with the thread that started it, even in the midst of compiled code: only where
        that is the main thread, as others may end before their process.
    """
    collect_rarely()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if at_once and sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_watch, args=[parent], daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    os._exit(1)


def with_this_process() -> dict[str, object]:
    """Arguments of an executor whose workers end with this process."""
    return {"initializer": end_with, "initargs": (os.getpid(), threading.current_thread() is threading.main_thread())}


def end_workers() -> None:
    """End this process's workers now, whatever they are doing."""
    # joblib keeps them for its next call, and would wait for them at the end.
    loky = sys.modules.get("joblib.externals.loky.reusable_executor")
    executor = getattr(loky, "_executor", None)
    if executor is not None:
        executor.terminate(kill_workers=True)


@cache
def shared_folder() -> str | None:
    """A folder of this process for arrays that its workers share; None where joblib is to choose one."""
    if sys.platform == "win32":
        return None
    where = _where()
    where.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=where))
    held = contextlib.ExitStack()
    held.enter_context(hold(folder))
    atexit.register(_let_go, folder, held)
    return str(folder)


def _let_go(folder: Path, held: contextlib.ExitStack) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    held.close()


def _where() -> Path:
    """Where joblib would share arrays: the folder that the user names, memory where there is enough, else that of temporary files."""
    if named := os.environ.get("JOBLIB_TEMP_FOLDER"):
        return Path(named)
    with contextlib.suppress(OSError):
        state = os.statvfs(SHARED_MEMORY)
        if state.f_bavail * state.f_frsize > ENOUGH and os.access(SHARED_MEMORY, os.W_OK):
            return SHARED_MEMORY
    return Path(tempfile.gettempdir())


def clear_shared() -> list[str]:
    """Remove what killed processes of ours shared: folders of arrays, and semaphores. Returns the names of what held anything."""
    if sys.platform == "win32":
        return []
    full = {path.name for path in _where().glob(f"{PREFIX}*") if any(_entries(path))}
    gone = clear_abandoned(_where(), f"{PREFIX}*")
    return [path.name for path in gone if _clear_semaphores(path.name) or path.name in full]


def _entries(folder: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return os.listdir(folder)
    return []


def _clear_semaphores(name: str) -> int:
    """Remove the semaphores of the process that made a folder of that name; returns how many."""
    made_by = re.match(rf"{PREFIX}(\d+)-", name)
    if not made_by or _lives(int(made_by[1])):
        return 0
    mine = [path for path in SHARED_MEMORY.glob(f"sem.loky-{made_by[1]}-*") if path.stat().st_uid == os.getuid()]
    for path in mine:
        path.unlink(missing_ok=True)
    return len(mine)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
