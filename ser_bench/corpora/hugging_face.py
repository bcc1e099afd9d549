"""A data set as Hugging Face distributes it: a folder of Parquet files (shards) with a column of audio.

In:   the folder, and which configuration and columns are meant where it leaves a choice.
Out:  a `Corpus` whose audio is unpacked into the cache (`unpacking`); classes by their names, splits as `fold`.
Rule: what a shard says of its own columns counts before what lies beside it. No cell is printed: a row is named by its number and file.

Format: https://huggingface.co/docs/datasets/audio_load
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from ser_bench.corpora.base import Corpus, ReadingOptions
from ser_bench.corpora.columns import name_columns
from ser_bench.corpora.distributed import (
    drop_unlabelled,
    folds_of,
    leads_out,
    listed,
    refuse_long,
    refuse_nameless,
    short_errors,
    tables_asked_for,
)
from ser_bench.corpora.manifest import make_corpus
from ser_bench.corpora.unpacking import MISSING, UnpackedAudio, unpack, unpacked_folder
from ser_bench.errors import WrongCall, quoted
from ser_bench.utils.formatting import number_of
from ser_bench.utils.headers import entry, parse_json, parse_yaml, read_json
from ser_bench.utils.regular_files import check_regular
from ser_bench.utils.tables import as_text

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

METADATA = b"huggingface"
INFO, INFOS, CARD = "dataset_info.json", "dataset_infos.json", "README.md"
"""Files beside the shards that say what their columns are, in the order in which they are asked."""
SHARD_NAME = re.compile(r"(?P<split>.+?)-\d{5}-of-\d{5}(-[0-9a-f]+)?")
DEEPEST = 3
"""Folders below the data set's, such as ``data`` or ``default/train``."""
UNLABELLED = -1
"""What a class is where a split keeps its labels to itself."""
DEFAULT = "default"
OWN_PATH = "path_in_table"
"""What a column is called that has the name of the one that says where a clip's audio is."""


class Shard(NamedTuple):
    """A Parquet file of a data set.

    Parameters
    ----------
    path : Path
    table : str
        The configuration that it belongs to.
    split : str
        Such as ``train``; empty where nothing says.
    """

    path: Path
    table: str
    split: str


def holds_shards(folder: Path) -> bool:
    """Whether a folder has Parquet files with audio in them, or named by a column of them."""
    return any(audio_columns(path) for path in _parquet_files(folder))


def read_shards(folder: Path, options: ReadingOptions, cache: Path) -> Corpus:
    """The corpus of a folder of shards.

    Parameters
    ----------
    folder : Path
    options : ReadingOptions
        The configuration as its table, columns (`path` is the column of audio), and the target.
    cache : Path
        Where audio is unpacked.

    Raises
    ------
    WrongCall
        Naming the shard, the column or the row that cannot be meant.
    WorkFailed
        Where the cache cannot be written.
    """
    with short_errors(folder):
        shards = _choose(folder, options)
        parts = [_read(folder, shard, options, cache) for shard in shards]
        table, lines = _joined(folder, shards, parts)
        said = {ours: theirs for ours, theirs in options.columns.items() if ours != "path"}
        table, target, understood = name_columns(table, replace(options, columns=said), folder)
        where = _row_names(shards, [part for part, _ in parts])
        refuse_long(table, where, folder)
        table, where, unlabelled = drop_unlabelled(table, target, where)
        refuse_nameless(table, where, folder)
        name = re.sub(r"[^\w.-]+", "-", folder.name) or "data"
        corpus = make_corpus(table, folder, clips_folder(folder, cache), name, ReadingOptions(target=target))
        return replace(corpus, warnings=(*understood, *corpus.warnings, *lines, *unlabelled))


def refuse_arrow(folder: Path) -> None:
    """Refuse a data set that was saved in Arrow files, and say how to have it in Parquet."""
    if any((folder / name).is_file() for name in ("state.json", "dataset_dict.json")) and any(folder.glob("**/*.arrow")):
        raise WrongCall(f"{folder}: a data set in Arrow files is not read; write it as Parquet, each split with its to_parquet()")


def clips_folder(folder: Path, cache: Path) -> Path:
    """The folder that clips of a data set are named relative to: where audio is unpacked, if the shards hold any."""
    shards = (path for path in _parquet_files(folder) if audio_columns(path))
    held = any(_holds_audio(field.type) for path in shards for field in _schema(path))
    return unpacked_folder(cache) if held else folder


def audio_columns(path: Path) -> list[str]:
    """The columns of a Parquet file that hold audio, or name files of it; none where it is no Parquet file."""
    import pyarrow as pa

    try:
        schema = _schema(path)
    except WrongCall:
        return []
    features, sharded = _own_features(schema, path), SHARD_NAME.fullmatch(path.stem) is not None
    named = {name for name in schema.names if entry(features, name, "_type") == "Audio" or (sharded and name == "audio")}
    texts = {field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)}
    return [field.name for field in schema if _holds_audio(field.type) or field.name in named & texts]


def _holds_audio(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return pa.types.is_struct(kind) and any(
        part.name == "bytes" and (pa.types.is_binary(part.type) or pa.types.is_large_binary(part.type)) for part in kind
    )


def _parquet_files(folder: Path) -> Iterator[Path]:
    """Parquet files of a folder and those below it, hidden ones left out, in order."""
    for parent, folders, names in os.walk(folder):
        depth = len(Path(parent).relative_to(folder).parts)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if depth < DEEPEST else []
        yield from (Path(parent, name) for name in sorted(names) if name.lower().endswith(".parquet") and not name.startswith("."))


def _choose(folder: Path, options: ReadingOptions) -> list[Shard]:
    """The shards of the configuration that is meant."""
    shards = [_shard(folder, path) for path in _parquet_files(folder) if audio_columns(path)]
    known = list(dict.fromkeys(shard.table for shard in shards))
    if not options.table and len(known) > 1:
        raise WrongCall(f"{folder}: several configurations could be meant: {listed(known)}; choose with --table NAME")
    asked = tables_asked_for(options.table, known, folder) if options.table else known
    return [shard for shard in shards if shard.table in asked]


def _shard(folder: Path, path: Path) -> Shard:
    """A file with its configuration and split: as the card says, else by its name and folders."""
    relative = path.relative_to(folder)
    for config in entry(_card(folder), "configs") or ():
        files = entry(config, "data_files") or ()
        for said in files if isinstance(files, list) else [files]:
            patterns = said.get("path") if isinstance(said, dict) else said
            patterns = patterns if isinstance(patterns, list) else [patterns]
            if any(isinstance(pattern, str) and fnmatch.fnmatch(relative.as_posix(), pattern) for pattern in patterns):
                split = str(entry(said, "split") or "") or _split_of(relative)
                return Shard(path, str(entry(config, "config_name") or DEFAULT), split)
    folders = [part for part in relative.parts[:-1] if part != "data" and part != _split_of(relative)]
    return Shard(path, "/".join(folders) or DEFAULT, _split_of(relative))


def _split_of(relative: Path) -> str:
    """The split that a file's name says, else that of its folder where the name is a number."""
    named = SHARD_NAME.fullmatch(relative.stem)
    if named:
        return named["split"]
    if re.fullmatch(r"[\d_-]+", relative.stem) and len(relative.parts) > 1:
        return relative.parts[-2].removeprefix("partial-")
    return relative.stem


def _card(folder: Path) -> dict[str, Any]:
    """What stands before the text of ``README.md``; nothing where that cannot be read."""
    try:
        check_regular(folder / CARD)
        with (folder / CARD).open(encoding="utf-8", errors="replace") as file:
            text = file.read(1 << 20)
        head = re.match(r"---\s*\n(.*?)\n---", text, re.DOTALL)
        return parse_yaml(head[1], folder / CARD) if head else {}
    except (OSError, WrongCall):
        return {}


def _features(folder: Path, shard: Shard, schema: pa.Schema) -> dict[str, Any]:
    """What is known of a shard's columns, by name: from itself, else from files beside it."""
    own = _own_features(schema, shard.path)
    if own:
        return own
    for place in dict.fromkeys((shard.path.parent, folder)):
        if (place / INFO).is_file() and isinstance(found := entry(read_json(place / INFO), "features"), dict):
            return found
        if (place / INFOS).is_file() and isinstance(found := entry(read_json(place / INFOS), shard.table, "features"), dict):
            return found
    about = entry(_card(folder), "dataset_info")
    for info in about if isinstance(about, list) else [about]:
        if entry(info, "config_name") in (None, shard.table):
            said = entry(info, "features")
            return {str(entry(one, "name")): _feature(one) for one in said if isinstance(one, dict)} if isinstance(said, list) else {}
    return {}


def _own_features(schema: pa.Schema, path: Path) -> dict[str, Any]:
    try:
        found = entry(parse_json((schema.metadata or {}).get(METADATA, b"{}"), path), "info", "features")
    except WrongCall:
        return {}
    return found if isinstance(found, dict) else {}


def _feature(said: dict[str, Any]) -> dict[str, Any]:
    """A column as a card describes it, in the words of the other files."""
    names = entry(said, "dtype", "class_label", "names")
    if isinstance(names, dict):
        numbered = sorted((int(number), name) for number, name in names.items() if str(number).isdigit())
        names = [name for _, name in numbered]
    return {"_type": "ClassLabel", "names": names} if isinstance(names, list) else {"_type": str(entry(said, "dtype"))}


def _schema(path: Path) -> pa.Schema:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        check_regular(path, 1 << 40)
        with path.open("rb") as file:
            return pq.read_schema(file)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise WrongCall(f"cannot read {path}: {quoted(' '.join(str(error).split()))}") from None


def _read(folder: Path, shard: Shard, options: ReadingOptions, cache: Path) -> tuple[pd.DataFrame, list[UnpackedAudio]]:
    """A shard's rows with their audio as `path`, and what was unpacked."""
    schema = _schema(shard.path)
    column = _audio_column(shard.path, options.columns.get("path"))
    rows = unpack(shard.path, column, cache) if _holds_audio(schema.field(column).type) else None
    table, left_out = _plain_columns(shard.path, schema, keep=column if rows is None else None)
    for name, feature in _features(folder, shard, schema).items():
        if entry(feature, "_type") == "ClassLabel" and name in table:
            table[name] = _class_names(table[name], entry(feature, "names"), shard.path)
    paths = [row.path for row in rows] if rows is not None else _file_names(table[column], shard.path)
    _refuse_outside(paths, folder, shard.path)
    places = [_place(path, folder, shard.path) for path in paths]
    if rows is not None:
        home = unpacked_folder(cache)
        places = [str(home / row.name) if row.name else place for row, place in zip(rows, places, strict=True)]
    table = table.drop(columns=column, errors="ignore").rename(columns={"path": OWN_PATH}).assign(path=places)
    table.attrs["left_out"] = {name: kind for name, kind in left_out.items() if name != column}
    return table, rows or []


def _audio_column(path: Path, said: str | None) -> str:
    found = audio_columns(path)
    if said is not None and said not in found:
        raise WrongCall(f"{path}: '{quoted(said)}' is no column of audio (found: {listed(found)})")
    if said is None and len(found) > 1 and "audio" not in found:
        raise WrongCall(f"{path}: several columns of audio: {listed(found)}; choose with --columns path=COLUMN")
    return said or ("audio" if "audio" in found else found[0])


def _plain_columns(path: Path, schema: pa.Schema, keep: str | None) -> tuple[pd.DataFrame, dict[str, str]]:
    """The columns of text, numbers and times; and what the others are, by name."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    binary = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_nested)
    left_out = {field.name: str(field.type).partition("<")[0] for field in schema if any(test(field.type) for test in binary)}
    columns = [name for name in schema.names if name not in left_out]
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            read = file.read(columns, use_threads=False) if columns else pa.table({"": pa.nulls(file.metadata.num_rows)})
            return read.to_pandas(ignore_metadata=True).drop(columns=[""] if not columns else []), left_out
    except (OSError, ValueError, pa.ArrowException) as error:
        raise WrongCall(f"cannot read {path}: {quoted(' '.join(str(error).split()))}") from None


def _class_names(values: pd.Series, names: Any, path: Path) -> pd.Series:
    """A column of classes by name; nothing where a row has none."""
    from pandas.api.types import is_numeric_dtype

    if not isinstance(names, list) or not is_numeric_dtype(values):
        return values
    known = dict(enumerate(map(str, names)))
    wrong = values.notna() & ~values.isin([*known, UNLABELLED])
    if wrong.any():
        row = int(wrong.to_numpy().argmax()) + 1
        raise WrongCall(
            f"{path}: row {row} has class {values.iloc[row - 1]:g} of '{quoted(values.name)}', which has {len(known)} (0 to "
            f"{len(known) - 1}); {number_of(int(wrong.sum()), 'row')} in all"
        )
    return values.map(known).astype(object).where(lambda found: found.notna(), "")


def _refuse_outside(paths: Sequence[str], folder: Path, shard: Path) -> None:
    """Refuse rows whose audio would be read from outside of the folder."""
    wrong = [(row, path) for row, path in enumerate(paths, start=1) if path and not _within(path, folder) and leads_out(path)]
    if wrong:
        row, path = wrong[0]
        raise WrongCall(
            f"{shard}: row {row} names audio outside of the folder ('{quoted(path, 40)}'), which is not read; "
            f"{number_of(len(wrong), 'row')} in all; a manifest of your own may name files anywhere"
        )


def _within(path: str, folder: Path) -> bool:
    """Whether an absolute path is one of the folder's."""
    return "\0" not in path and ".." not in PurePosixPath(path).parts and Path(path).is_relative_to(folder)


def _file_names(column: pd.Series, shard: Path) -> list[str]:
    """A column of files; where it has none, a name that no file has."""
    text = as_text(column)
    return [path or f"{shard.stem}/row-{row:06d}" for row, path in enumerate(text, start=1)]


def _place(path: str, folder: Path, shard: Path) -> str:
    """Where a row's file lies whose bytes are not in the shard: relative to the folder, or to the shard's own."""
    places = [folder / path, shard.parent / path]
    return str(next((place for place in places if os.path.exists(place)), places[0]))  # pathlib would raise for a name that is too long


def _row_names(shards: Sequence[Shard], parts: Sequence[pd.DataFrame]) -> list[str]:
    """What messages call each row: its number in its shard, and its file."""
    names = []
    for shard, part in zip(shards, parts, strict=True):
        files = (quoted(Path(path).name, 40) for path in part["path"])
        names += [f"row {row} of {shard.path.name} ('{file}')" for row, file in enumerate(files, start=1)]
    return names


def _joined(
    folder: Path, shards: Sequence[Shard], tables: Sequence[tuple[pd.DataFrame, list[UnpackedAudio]]]
) -> tuple[pd.DataFrame, list[str]]:
    """One table of all shards with `fold` or `split`, and what a reader should know."""
    import pandas as pd

    parts = [part for part, _ in tables]
    table = pd.concat(parts, ignore_index=True)
    table.attrs["left_out"] = {name: kind for part in parts for name, kind in part.attrs["left_out"].items()}
    splits = [shard.split for shard, part in zip(shards, parts, strict=True) for _ in range(len(part))]
    folds = folds_of(dict.fromkeys(splits))
    name = "fold" if folds else "split"
    if name not in table and len(set(splits)) > 1:
        table[name] = [folds[split] for split in splits] if folds else splits
    rows = [row for _, some in tables for row in some]
    size = sum(row.size for row in rows if row.size != MISSING)
    whence = number_of(len(shards), "Parquet file")
    unpacked = f"the audio of {whence} is unpacked into the cache: {number_of(len(rows), 'row')}, {size / 1e6:,.1f} MB"
    lines = [unpacked] if rows else []
    if silent := sum(row.size == MISSING and not row.path for row in rows):
        lines.append(f"{number_of(silent, 'row has', 'rows have')} no audio")
    if others := [path.name for path in _parquet_files(folder) if not audio_columns(path)]:
        told = number_of(len(others), "Parquet file without audio is", "Parquet files without audio are")
        lines.append(f"{told} not read, such as {quoted(others[0])}")
    if OWN_PATH in table:
        lines.append(f"the column 'path' of the data set is kept as '{OWN_PATH}'")
    return table, lines
