"""A folder below the folder of results: what all kinds of them hold, and how a table lies in one.

In:   where it is; what was asked for, what it was done with.
Out:  `ResultFolder`; `RunFolder` and the folders of analyses (`analysis_folders`) derive from it, and each knows the names, columns and
      types of its files.
Rule: every file is written whole or not at all. What cannot be read raises OSError where it is not there, `Damaged` where it is not as it
      was written.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from ser_bench.config import RunConfig, labels_copy, to_toml
from ser_bench.evaluation.environment import environment
from ser_bench.evaluation.plan import PreparedData
from ser_bench.evaluation.score_tables import write_scores
from ser_bench.utils.atomic import clear_abandoned, read_csv, read_parquet, write_csv, write_text
from ser_bench.utils.named_tables import FOLDER

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.evaluation.run_folder import Run


@dataclass(frozen=True)
class TableFile:
    """A table of a folder.

    Parameters
    ----------
    name : str
        Of its file.
    columns : tuple of str
        All of a CSV file, in this order; of a Parquet file, which knows their types, those that it always has.
    reading : mapping of str to object
        Of a CSV file, its types and what a blank is, as options of pandas.
    added : mapping of str to scalar
        Columns that earlier versions did not write, and what their rows have there.
    """

    name: str
    columns: tuple[str, ...]
    reading: Mapping[str, Any] = field(default_factory=dict)
    added: Mapping[str, Any] = field(default_factory=dict)


SKIPPED = TableFile("skipped.csv", ("clip", "reason"), {"dtype": str})
FINDINGS = TableFile("findings.csv", ("kind", "check", "what"), {"keep_default_na": False})
CONFIGURATION, ENVIRONMENT, MADE = "run.toml", "environment.json", "made.json"


@dataclass(frozen=True, order=True)
class ResultFolder:
    """A folder: the one way to its files.

    Parameters
    ----------
    path : Path
    """

    path: Path

    PAGE: ClassVar[str]
    """The file of its page, of kinds that have one."""
    MARK: ClassVar[str]
    """The file that a folder of its kind is known by, in an order: those of analyses may hold a configuration as well."""

    @classmethod
    def named(cls, name: str, config: RunConfig, covered: list[str]) -> Self:
        """Where tables lie: a name, such as the corpus's, and a hash of the configuration and of what else their rows depend on."""
        name = re.sub(r"[^\w-]+", "_", name).strip("_")
        digest = hashlib.blake2b(json.dumps([config.result_keys(), covered]).encode(), digest_size=4).hexdigest()
        return cls(Path(config.out) / f"{name}-{digest}")

    @classmethod
    def all_in(cls, out: Path) -> list[Self]:
        """The folders of its kind right below another, in the order of their names."""
        return sorted(cls(file.parent) for file in out.glob(f"*/{cls.MARK}"))

    @property
    def known(self) -> bool:
        """Whether it is there, by the file that its kind is known by."""
        return (self.path / self.MARK).is_file()

    @property
    def page(self) -> Path:
        """Where its page lies."""
        return self.path / self.PAGE

    @property
    def figures(self) -> Path:
        """Where its figures lie."""
        return self.path / "figures"

    @property
    def tables(self) -> Path:
        """Where tables lie that were handed in."""
        return self.path / FOLDER

    @property
    def environment(self) -> Path:
        """Where it says of itself what it was made with."""
        return self.path / ENVIRONMENT

    @property
    def written_at(self) -> float:
        """When it was written, in seconds since 1970: its environment, or without one the file that its kind is known by."""
        stamped = self.environment if self.environment.is_file() else self.path / self.MARK
        return stamped.stat().st_mtime

    @property
    def files(self) -> list[Path]:
        """Its files, but for hidden ones and the record of what reports were made from."""
        return sorted(path for path in self.path.iterdir() if path.is_file() and path.name != MADE and not path.name.startswith("."))

    def lacks(self, *names: str) -> str:
        """The first of some files that is not there; empty where all are."""
        return next((name for name in names if not (self.path / name).is_file()), "")

    def write_page(self, text: str) -> None:
        """Write the page."""
        write_text(self.page, text)

    def write_made(self, record: dict[str, Any]) -> None:
        """Write what its reports were made from."""
        write_text(self.path / MADE, json.dumps(record, indent=2, sort_keys=True) + "\n")

    def read_made(self) -> dict[str, Any]:
        """Read what its reports were made from; nothing where that cannot be read."""
        try:
            return dict(json.loads((self.path / MADE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return {}

    def write_terms(self, prepared: PreparedData, config: RunConfig, run: Run | None = None, **said: str) -> dict[str, Any]:
        """Write what was asked for and what it was done with, which is returned, with what is `said` besides.

        Of a `run`, its seconds and warnings are written, which are more than those of the data. One for which nothing was fitted now keeps
        the date and commit that it was computed at. Tables that were handed in are kept, too, so that the configuration can be repeated.
        """
        before = self.read_about()
        for table in config.tables:
            table.keep(self.path)
        if prepared.scheme.own:
            write_text(self.path / labels_copy(config.labels), prepared.scheme.to_toml())
        write_text(self.path / CONFIGURATION, to_toml(config))  # which names the files above
        known = prepared if run is None else run
        metadata = environment(prepared, seconds=known.seconds, warnings=known.warnings) | said
        if run is not None and not run.fitted and before:
            metadata.pop("computed")
            metadata |= {key: value for key, value in before.items() if key == "computed"}  # earlier versions did not write it
        self.write_environment(metadata)
        return metadata

    def write_environment(self, metadata: dict[str, Any]) -> None:
        """Write `environment.json`; what killed processes left in the folder goes."""
        for place in (self.path, self.tables, self.figures, *self.figures.glob("*/")):
            clear_abandoned(place)
        write_text(self.environment, json.dumps(metadata, indent=2, ensure_ascii=False) + "\n")

    def read_environment(self) -> dict[str, Any]:
        """Read `environment.json`."""
        return dict(json.loads(self.environment.read_text(encoding="utf-8")))

    def read_about(self) -> dict[str, Any]:
        """What the folder says of itself; nothing where that cannot be read."""
        try:
            return self.read_environment()
        except (OSError, ValueError, TypeError):
            return {}

    def write_skipped(self, skipped: pd.DataFrame) -> None:
        """Write which clips were left out, and why."""
        write_csv(skipped, self.skipped)

    @property
    def skipped(self) -> Path:
        """Where it says which clips were left out."""
        return self.path / SKIPPED.name

    def read_skipped(self) -> pd.DataFrame:
        """Read which clips were left out, and why."""
        return self._read(SKIPPED)

    def write_findings(self, findings: pd.DataFrame) -> None:
        """Write what was found out about the corpus."""
        write_scores(findings, self.path / FINDINGS.name)

    def read_findings(self) -> pd.DataFrame:
        """Read what was found out about the corpus; empty where nobody looked."""
        return self._read_or_none(FINDINGS)

    def _read(self, file: TableFile) -> pd.DataFrame:
        """A table as the present version would have written it, as far as its columns tell."""
        path = self.path / file.name
        if path.suffix == ".parquet":
            return read_parquet(path)
        table = read_csv(path, **file.reading)
        return table.assign(**{name: value for name, value in file.added.items() if name not in table})

    def _read_or_none(self, file: TableFile) -> pd.DataFrame:
        """A table; without rows where it is not there."""
        import pandas as pd

        return pd.DataFrame(columns=list(file.columns)) if self.lacks(file.name) else self._read(file)
