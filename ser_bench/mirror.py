"""Copies of Optuna's studies in a database, for optuna-dashboard to show while a run goes on.

Rule: nothing is ever read back, and no result waits for the database or fails with it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_bench.errors import WrongCall

if TYPE_CHECKING:
    import optuna

SECONDS_TO_WAIT = 60
"""For a SQLite file that another process is writing to."""


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
            self.error = _first_line(error)

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
        raise WrongCall(
            f"--storage {hide_password(url)} cannot be opened: {_first_line(error)}; a file would be sqlite:///studies.db"
        ) from None


def whole_url(url: str) -> str:
    """The URL with the path of a SQLite file made absolute, as workers may have other working folders.

    >>> whole_url("postgresql://me@host/studies")
    'postgresql://me@host/studies'
    """
    scheme, slashes, path = url.partition("sqlite:///")
    return f"{slashes}{Path(path).absolute()}" if not scheme and slashes and not path.startswith((":", "/")) else url


def hide_password(text: str) -> str:
    """The text without the passwords of URLs in it.

    >>> hide_password("--storage mysql://me:secret@host/db")
    '--storage mysql://me:***@host/db'
    """
    return re.sub(r"(://[^:/@\s]*):[^@\s]+@", r"\1:***@", text)


def _first_line(error: Exception) -> str:
    return f"{error}".strip().partition("\n")[0] or type(error).__name__
