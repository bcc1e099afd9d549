"""The command line: commands called with what is given, every error as one line and an exit code.

In:   the arguments of a process.
Out:  its exit code: 0, 1 for work that failed, 2 for a wrong call.
Rule: an error is one line on stderr; a traceback is shown under ``--debug`` alone.
"""

from __future__ import annotations

import sys
import warnings

import click

from ser_bench.cli.commands import cli
from ser_bench.cli.output import say, warn, write
from ser_bench.errors import SerBenchError, printable
from ser_bench.evaluation.study_storage import without_command_secrets
from ser_bench.utils.formatting import number_of
from ser_bench.utils.processes import Stopped, asked_to_stop, clear_shared, end_workers, stop_on_signals
from ser_bench.utils.streams import CLOSED, Steady, steady_streams


def main() -> None:
    """Run the command line; every error is one line on stderr, exit 2 for a wrong call, 1 for work that failed, 128 + n for a signal n."""
    stdout = steady_streams()
    warnings.formatwarning = lambda message, *_, **__: f"warning: {printable(str(message))}\n"
    stop_on_signals()
    if left := clear_shared():
        killed = number_of(len(left), "killed process", "killed processes")
        warn([f"shared memory that {killed} of ser-bench left behind was cleared: {', '.join(left)}"])
    try:
        _run(stdout)
    finally:
        end_workers()


def _run(stdout: Steady) -> None:
    try:
        cli.main([argument for argument in sys.argv[1:] if argument != "--debug"], standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        write(error.format_message())
    except (click.Abort, KeyboardInterrupt) as error:
        _stopped(error.__cause__ or error)
    except Exception as error:
        if asked := asked_to_stop():
            _stopped(asked)
        _fail(*_explain(error))
    stdout.flush()
    if stdout.fault:
        say(f"ser-bench: not all could be written to stdout ({stdout.fault}); files are complete", err=True)
        sys.exit(0 if stdout.fault == CLOSED else 1)


def _explain(error: Exception) -> tuple[str, int]:
    """What to say of an error, and the exit code."""
    if isinstance(error, click.ClickException):
        return error.format_message(), error.exit_code
    if isinstance(error, SerBenchError):
        return str(error), error.exit_code
    if isinstance(error, OSError):
        return f"{error}; what is finished is kept: make room, or choose another --out or --cache, and run the same command again", 1
    if isinstance(error, MemoryError):
        return "not enough memory; what is finished is kept: use fewer --jobs, or more memory, and run the same command again", 1
    return f"{type(error).__name__}: {error} (with --debug: where)", 1


def _stopped(why: BaseException) -> None:
    """Say that the command was stopped; click takes a file that ends too early for that, too, which is an error."""
    if isinstance(why, EOFError):
        _fail(f"{type(why).__name__}: {why} (with --debug: where)", 1)
    code = why.exit_code if isinstance(why, Stopped) else 130
    _fail("stopped; finished work is kept: the same command goes on from here", code)


def _fail(message: str, code: int) -> None:
    if "--debug" in sys.argv:
        raise
    say(f"ser-bench: {' '.join(without_command_secrets(message, sys.argv[1:]).split())}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
