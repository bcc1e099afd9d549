"""Processes that begin with libraries imported: a server imports them once per process of tests, and forks itself for each.

For what becomes of a process that is killed, stopped, or not alone. How one begins, and what it imports, is for tests that start `python`.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import sys
import types
from functools import cache
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext

LIBRARIES = [
    "click",
    "distributed",
    "jinja2",
    "joblib",
    "matplotlib.figure",
    "optuna",
    "pandas",
    "pyarrow.parquet",
    "pytest",
    "rich.progress",
    "scipy.optimize",
    "scipy.signal",
    "sklearn.linear_model",
    "sklearn.svm",
    "soundfile",
]
"""What most of them import; nothing of ours, so that each may take it from where it likes."""


@cache
def server() -> ForkServerContext:
    """The server of this process of tests, which begins with the first that it forks."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LIBRARIES)
    return context


class Process:
    """A process in a session of its own, as `subprocess.Popen` shows one."""

    def __init__(self, process: BaseProcess) -> None:
        self._process = process
        self.pid: int = process.pid  # type: ignore[assignment]

    def poll(self) -> int | None:
        """The exit code, or minus the signal that ended it; None while it runs."""
        return self._process.exitcode

    def wait(self) -> int:
        self._process.join()
        return self._process.exitcode  # type: ignore[return-value]

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def start(
    *arguments: object,
    code: str = "",
    cwd: Any = None,
    env: dict[str, str] | None = None,
    stdout: Any = os.devnull,
    stderr: Any = os.devnull,
) -> Process:
    """`ser-bench` with these arguments, or as `python -c` does, code with them; what is said goes to files."""
    line = ["-c" if code else "ser-bench", *map(str, arguments)]
    given = (line, code, cwd or Path.cwd(), {**os.environ, **(env or {})}, stdout, stderr)
    begun = server().Process(target=_begin, args=given, daemon=False)
    begun.start()
    process = Process(begun)
    atexit.register(process.kill)  # which would be waited for
    return process


def _begin(line: list[str], code: str, cwd: Path, env: dict[str, str], stdout: Any, stderr: Any) -> None:
    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    for stream, file in ((1, stdout), (2, stderr)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    os.fsync = lambda handle: None  # as in the tests' own process: no test cuts the power
    os.sync = lambda: None
    sys.argv = line
    sys.path[:0] = ["", *filter(None, env.get("PYTHONPATH", "").split(os.pathsep))]
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]  # those of that folder, if it has any
    sys.modules["__main__"] = main = types.ModuleType("__main__")
    try:
        if code:
            exec(compile(code, "<code>", "exec"), vars(main))
        else:
            from ser_bench.__main__ import main as command

            command()
    finally:
        atexit._run_exitfuncs()
