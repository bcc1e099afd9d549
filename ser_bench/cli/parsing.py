"""What is named on the command line and in a file, for each command; what has no effect on it is refused.

In:   arguments, a configuration file.
Out:  keys of a configuration, where those of the command line override those of the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from ser_bench.cli.options import DEFAULTS
from ser_bench.cli.output import warn
from ser_bench.config import check_keys, read_file
from ser_bench.errors import WrongCall, unknown
from ser_bench.utils.formatting import number_of


class Command(click.Command):
    """A command that refuses an option of `run` that has no effect on it, and says what the option is for."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, or say why an option is refused."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            from ser_bench.api.options import PURPOSES, purpose_of

            key = next((option.name for option in _options_of_run(ctx) if error.option_name in option.opts), None)
            if key is None or key not in PURPOSES:
                raise
            raise WrongCall(f"{self.name}: {error.option_name} has no effect here: {purpose_of(key)}") from None


class Commands(click.Group):
    """A group that suggests the nearest command for one that it does not have."""

    command_class = Command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find the command, or say which was probably meant."""
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise unknown("command", args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ser-bench", message="ser-bench %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error; may stand anywhere.")
def cli(debug: bool) -> None:
    """Benchmark hand-crafted features for speaker-independent speech emotion recognition.

    ser-bench turns a folder of emotional speech into a leaderboard of feature set x classifier: nested, speaker-independent
    cross-validation; every score with a 95% confidence interval.

    \b
    Try it now, without any data:        ser-bench run
    On a folder of your own:             ser-bench run path/to/ravdess
    Two feature sets, one model:         ser-bench run path/to/emodb -f egemaps -f mfcc -m svm
    What it would do, and how long:      ser-bench run path/to/emodb --dry-run
    """


def _options_of_run(ctx: click.Context) -> list[click.Parameter]:
    group = ctx.find_root().command
    run = group.get_command(ctx, "run") if isinstance(group, click.Group) else None
    return run.params if run else []


def keys_of(command: str, given: dict[str, Any], *, idle: Sequence[str] = ()) -> dict[str, Any]:
    """The keys that the file and the command line name; those of the command line override those of the file.

    Of the file only those that the command uses are taken, and none that is `idle` this time; a warning names the others unless they
    have their default value.
    """
    file = given.pop("config", None)
    named = check_keys({key: value for key, value in given.items() if value not in (None, ())}, source="the command line")
    if file is None:
        return named
    from ser_bench.api.options import USED

    values, used = read_file(file), USED[command] - {*idle}
    unused = [key for key, value in values.items() if key not in used and value != getattr(DEFAULTS, key, None)]
    if unused:
        warn([f"--config {file}: {number_of(len(unused), 'key has', 'keys have')} no effect on {command}: {', '.join(unused)}"])
    return {key: value for key, value in values.items() if key in used} | named
