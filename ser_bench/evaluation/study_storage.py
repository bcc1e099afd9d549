"""Copies of Optuna's studies in a database, for optuna-dashboard to show while a run goes on.

In:   the URL of a database, and the trials of a unit's search as they end.
Out:  a study per unit in that database.
Rule: nothing is ever read back, and no result waits for the database or fails with it. No file and no message shows a password: a URL is
      read by SQLAlchemy's grammar, as the database is opened, and one that cannot be read is hidden whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from ser_bench.errors import WrongCall

if TYPE_CHECKING:
    import optuna
    import sqlalchemy

SECONDS_TO_WAIT = 60
"""For a SQLite file that another process is writing to."""
OPTION = "--storage"
HIDDEN = "***"
HARMLESS = frozenset(
    {"cache", "charset", "connect_timeout", "driver", "immutable", "mode", "nolock", "sslmode", "timeout", "uri", "user", "vfs"}
)
"""Keys of a URL's query that hold no secret."""
PLAIN = re.compile(r"[\w.,:/\\\[\]*~ +-]*")
"""What parts of a URL look like that was read as it was meant."""


class StudyCopy:
    """A study in a database that trials are added to, until the database fails; then `error` says why."""

    def __init__(self, url: str, name: str) -> None:
        self.url, self.name, self.error = url, name, ""
        self.study: optuna.Study | None = None

    def __call__(self, trial: optuna.trial.FrozenTrial) -> None:
        """Add a trial that has ended."""
        if self.error:
            return
        try:
            self.study = self.study or self._begin()
            self.study.add_trial(trial)
        except Exception as error:
            self.error = _why(error, self.url)

    def _begin(self) -> optuna.Study:
        import optuna

        storage = open_storage(self.url)
        if self.name in optuna.get_all_study_names(storage):
            optuna.delete_study(study_name=self.name, storage=storage)
        return optuna.create_study(storage=storage, study_name=self.name, direction="maximize")


def open_storage(url: str) -> Any:
    """The database with that URL, its tables made.

    Raises
    ------
    WrongCall
        Where there is none.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    patience = {"connect_args": {"timeout": SECONDS_TO_WAIT}} if url.startswith("sqlite") else {}
    try:
        return optuna.storages.RDBStorage(url, engine_kwargs=patience)
    except Exception as error:
        raise WrongCall(f"{OPTION} {shown_url(url)} cannot be opened: {_why(error, url)}; a file would be sqlite:///studies.db") from None


def whole_url(url: str) -> str:
    """The URL with the path of a SQLite file made absolute, as workers may have other working folders.

    >>> whole_url("postgresql://me@host/studies")
    'postgresql://me@host/studies'
    """
    scheme, slashes, path = url.partition("sqlite:///")
    return f"{slashes}{Path(path).absolute()}" if not scheme and slashes and not path.startswith((":", "/")) else url


def shown_url(url: str) -> str:
    """A database's URL as it may be shown: without its password, and without values of its query that are not known to be harmless.

    One that SQLAlchemy cannot read, or of which a part looks like none, is not shown at all.

    >>> shown_url("mysql://me:secret@host/db?charset=utf8&password=a%20b")
    'mysql://me:***@host/db?charset=utf8&password=***'
    >>> shown_url("mysql://me:secret@host:port/db")
    '***'
    """
    read = _read(url)
    if read is None:
        return HIDDEN
    user = f"{read.username or ''}{f':{HIDDEN}' if read.password is not None else ''}"
    place = f"{read.host or ''}{f':{read.port}' if read.port is not None else ''}"
    query = "&".join(f"{key}={value if key in HARMLESS else HIDDEN}" for key, value in _values(read))
    database = "" if read.database is None else f"/{read.database}"
    named = (read.drivername, read.username or "", place, database)
    if not all(PLAIN.fullmatch(part) for part in (*named, query.replace("=", "").replace("&", ""))):
        return HIDDEN
    return f"{read.drivername}://{f'{user}@' if user else ''}{place}{database}{f'?{query}' if query else ''}"


def without_secrets(text: str, url: str) -> str:
    """A message about a database without what `shown_url` hides of its URL, however it is written there."""
    text = text.replace(url, shown_url(url)) if url else text
    read = _read(url)
    if read is None:
        return text
    secrets = [value for key, value in _values(read) if key not in HARMLESS] + [str(read.password or "")]
    written = {form for secret in secrets for form in (secret, quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1])}
    for form in sorted(written - {""}, key=lambda form: (-len(form), form)):
        text = text.replace(form, HIDDEN)
    return text


def shown_command(arguments: Sequence[str]) -> list[str]:
    """The arguments of a command line, URLs of databases as `shown_url` shows them.

    >>> shown_command(["run", "--storage=mysql://me:a b@host/db", "--seed", "3"])
    ['run', '--storage=mysql://me:***@host/db', '--seed', '3']
    """
    shown = []
    for before, argument in zip(["", *arguments], arguments, strict=False):
        option, equals, value = argument.partition("=")
        if before == OPTION:
            shown.append(shown_url(argument))
        elif option == OPTION and equals:
            shown.append(f"{OPTION}={shown_url(value)}")
        else:
            shown.append(shown_url(argument) if "://" in argument and "@" in argument else argument)
    return shown


def without_command_secrets(text: str, arguments: Sequence[str]) -> str:
    """A message without what `shown_command` hides of the arguments that it may quote."""
    for argument, shown in zip(arguments, shown_command(arguments), strict=True):
        if argument != shown:
            url = argument.removeprefix(f"{OPTION}=")
            text = without_secrets(text, url).replace(argument, shown)
    return text


def _read(url: str) -> sqlalchemy.URL | None:
    """The parts of a URL; None where it is none."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        return None


def _values(url: sqlalchemy.URL) -> list[tuple[str, str]]:
    """The pairs of a URL's query."""
    return [(key, value) for key, values in url.normalized_query.items() for value in values]


def _why(error: Exception, url: str) -> str:
    """What a database says, as far as it is known what must not be shown of it."""
    return without_secrets(_first_line(error), url) if shown_url(url) != HIDDEN else "this is no URL of a database that can be read"


def _first_line(error: Exception) -> str:
    return f"{error}".strip().partition("\n")[0] or type(error).__name__
