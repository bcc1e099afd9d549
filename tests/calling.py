"""The command line in the tests' own process, which has imported what it needs: what it prints, and the code that it ends with."""

import io
import signal
import sys
import warnings
from subprocess import CompletedProcess
from typing import Any

import pytest

from ser_bench.__main__ import main


def call(*arguments: object, cwd: Any = None) -> CompletedProcess[str]:
    """`ser-bench` with these arguments, in a folder, on streams that are no terminal.

    What makes a process of its own (how it ends on signals, what it imports, whom it leaves behind) is for tests that start one.
    """
    line = ["ser-bench", *map(str, arguments)]
    out, err, code = io.StringIO(), io.StringIO(), 0
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setattr(sys, "argv", line)
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        patch.setenv("COLUMNS", "80")
        patch.setattr(warnings, "formatwarning", warnings.formatwarning)
        warnings.showwarning = lambda *about, **_: err.write(warnings.formatwarning(*about[:4]))  # type: ignore[assignment]
        if cwd is not None:
            patch.chdir(cwd)
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
    return CompletedProcess(line, code, out.getvalue(), err.getvalue())
