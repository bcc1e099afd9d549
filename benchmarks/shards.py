"""Parquet shards with audio in them: memory and time to load a data set as a corpus, which unpacks it into the cache, and to load it again.

    python benchmarks/shards.py [--gigabytes 2] [--shard 500] [--rows 100]

The data set is synthetic and the same every time: clips of three seconds of noise as WAV files of 16 kHz, rows of bytes and path, a class
and a speaker. `--rows` of a row group are what writers decide: 100 is what Hugging Face's library does for audio, 1000 what it did before.
Printed: highest resident memory of the process in MB (Linux), that of one that imports the same and loads nothing, and seconds.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile

RATE, SECONDS = 16_000, 3
AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
EMOTIONS = ["anger", "fear", "neutral"]
INFO = {"info": {"features": {"audio": {"_type": "Audio"}, "emotion": {"_type": "ClassLabel", "names": EMOTIONS}}}}
LOAD = "from ser_bench.corpora import load_corpus; print(len(load_corpus(sys.argv[1], cache=sys.argv[2]).clips))"
IMPORTS = "import pandas, pyarrow.parquet, ser_bench.corpora.hugging_face"
MEASURE = """
import json, pathlib, sys, time
began = time.perf_counter()
{work}
status = dict(line.split(":", 1) for line in pathlib.Path("/proc/self/status").read_text().splitlines())
print(json.dumps({{"mb": int(status["VmHWM"].split()[0]) / 1000, "seconds": time.perf_counter() - began}}))
"""


def clip(number: int) -> dict[str, bytes | str]:
    """A row's audio: noise, which no compression makes smaller."""
    file = io.BytesIO()
    noise = np.random.default_rng(number).integers(-8000, 8000, RATE * SECONDS, np.int16)
    soundfile.write(file, noise, RATE, format="WAV")
    return {"bytes": file.getvalue(), "path": f"clip-{number:06d}.wav"}


def make(folder: Path, gigabytes: float, shard: float, group: int) -> int:
    """Write shards of `shard` MB with `group` rows per row group; returns the bytes of all."""
    each = max(1, int(shard * 1e6 / (RATE * SECONDS * 2)))
    shards = max(1, round(gigabytes * 1e3 / shard))
    folder.mkdir()
    for number in range(shards):
        rows = range(number * each, (number + 1) * each)
        about: dict[str, list[int] | list[str]] = {"emotion": [row % 3 for row in rows], "speaker": [f"s{row % 8}" for row in rows]}
        schema = pa.schema([("audio", AUDIO), ("emotion", pa.int64()), ("speaker", pa.string())], {"huggingface": json.dumps(INFO)})
        with pq.ParquetWriter(folder / f"train-{number:05d}-of-{shards:05d}.parquet", schema) as writer:
            for start in range(0, each, group):
                part = rows[start : start + group]
                columns = {name: values[start : start + group] for name, values in about.items()}
                table = pa.table({"audio": pa.array(map(clip, part), AUDIO), **columns}, schema=schema)
                writer.write_table(table, row_group_size=group)
    return sum(file.stat().st_size for file in folder.iterdir())


def measure(work: str, *arguments: str) -> dict[str, float]:
    """The highest resident memory and the seconds of a process that does this."""
    done = subprocess.run([sys.executable, "-c", MEASURE.format(work=work), *arguments], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=2.0, help="of all shards")
    parser.add_argument("--shard", type=float, default=500.0, help="MB of a shard")
    parser.add_argument("--rows", type=int, default=100, help="of a row group")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        began = time.perf_counter()
        size = make(Path(name, "data"), options.gigabytes, options.shard, options.rows)
        about = f"shards of {options.shard:g} MB, {options.rows} rows per row group"
        print(f"{size / 1e9:.2f} GB in {about}; made in {time.perf_counter() - began:.0f} s")
        for what, work in (("imports alone", IMPORTS), ("first", LOAD), ("again", LOAD)):
            found = measure(work, str(Path(name, "data")), str(Path(name, "cache")))
            print(f"{what:14} {found['mb']:7.0f} MB {found['seconds']:7.1f} s")


if __name__ == "__main__":
    main()
