"""A run with nothing to do: what it came to, as its folder has it.

In:   a plan, whose units have their hashes.
Out:  the `Results` that the same plan came to before, or None where anything is still to be done.
Rule: they are taken only if the plan is the same to the last bit, clips, configuration, code and libraries included, and if every file
      of the run folder and of its units is as it was written; then they are equal to those that would be computed. Runs with failed
      units or a time limit, and those whose figures were drawn with a warning, are never taken.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_bench.config import to_toml
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.evaluation.units import result_path
from ser_bench.reports.made import digest_of, keep, kept, made_quietly
from ser_bench.results import Results

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.evaluation.plan import Plan

KEY = "results"
TABLES = ("cells", "leaderboard", "resolutions", "findings", "learning", "conditions")
"""What is kept with all digits: files of tables that people read have four."""


def recall(planned: Plan) -> Results | None:
    """What a plan came to, if all of it is done."""
    from ser_bench.reports import write_page

    folder = _folder(planned)
    what = kept(folder.path, KEY, _source(planned), _names(folder, planned))
    if what is None:
        return None
    tables: dict[str, Any] = {name: _restored(what[name]) for name in TABLES}
    write_page(folder)  # made again where an audit beside the run is new
    return Results(
        folder=folder.path,
        predictions=folder.read_predictions(),
        trials=folder.read_trials(),
        skipped=planned.data.skipped,
        warnings=what["warnings"],
        fitted=0,
        reused=len(planned.units),
        spent={},
        failures=[],
        refits=folder.read_refits(),
        seconds=planned.data.seconds,
        unchanged=True,
        **tables,
    )


def remember(planned: Plan, found: Results) -> None:
    """Keep what a plan came to for `recall`."""
    folder = RunFolder(found.folder)
    if not (found.failures or planned.config.time_limit) and made_quietly(folder.path, [folder.PAGE, *_figures(folder)]):
        what = {name: _plain(getattr(found, name)) for name in TABLES} | {"warnings": found.warnings}
        keep(folder.path, KEY, _source(planned), _names(folder, planned), what)


def _folder(planned: Plan) -> RunFolder:
    return RunFolder.named(planned.data.corpus.name, planned.config, [unit.hash for unit in planned.units])


def _source(planned: Plan) -> str:
    """A digest of all that results are a function of, beside the files of finished units."""
    import pyarrow as pa

    data = planned.data
    clips = pa.Table.from_pandas(data.eval_set.clips)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, clips.schema) as stream:
        stream.write_table(clips)
    conditions = {name: {label: matrix.fingerprint for label, matrix in sets.items()} for name, sets in data.conditions.items()}
    about = [data.warnings, data.sources, conditions, [unit.hash for unit in planned.units]]
    facts = repr((data.corpus.facts, data.corpus.protocol, data.scheme, data.differences, data.eval_set.copy))
    return digest_of(to_toml(planned.config), json.dumps(about), facts, data.skipped.to_csv(), sink.getvalue().to_pybytes())


def _names(folder: RunFolder, planned: Plan) -> list[str]:
    """The files of a run's folder, and of its units; not its page, which also shows what lies beside and has a record of its own."""
    tables = [path.name for path in folder.files if path != folder.page] if folder.path.is_dir() else []
    units = Path("..", "units")
    given = sorted(path.relative_to(folder.path).as_posix() for path in folder.tables.glob("*.parquet"))
    return [*tables, *given, *_figures(folder), *sorted({result_path(units, unit).as_posix() for unit in planned.units})]


def _figures(folder: RunFolder) -> list[str]:
    """The files of a run's figures, seen from its folder, those of every style among them."""
    files = (path for path in folder.figures.rglob("*") if path.is_file() and not path.name.startswith("."))
    return [path.relative_to(folder.path).as_posix() for path in files]


def _plain(table: pd.DataFrame | None) -> list[Any] | None:
    """A table as JSON has it: of each column its name, its type, and its values with all digits."""
    if table is None:
        return None
    columns = ((str(name), str(table[name].dtype), table[name].astype(object)) for name in table)
    return [[name, dtype, column.where(column.notna(), None).tolist()] for name, dtype, column in columns]


def _restored(columns: list[Any] | None) -> pd.DataFrame | None:
    """The table that `_plain` was given."""
    import pandas as pd

    return None if columns is None else pd.DataFrame({name: pd.Series(values, dtype=dtype) for name, dtype, values in columns})
