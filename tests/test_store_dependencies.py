"""What tables and rows of the store depend on, and what they do not: docs/hashes.md, each line tried by changing it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ser_bench
from ser_bench.audio.augmentation import Noise
from ser_bench.audio.clip import key_of
from ser_bench.audio.preprocessing import Preprocessing
from ser_bench.features import parse_features
from ser_bench.features.base import fingerprint_of
from ser_bench.features.extractors.mfcc import Mfcc
from ser_bench.features.store import feature_store as shelves
from ser_bench.features.store import table as stores
from ser_bench.features.store.feature_store import FeatureStore
from ser_bench.utils import spec


def fingerprint(extractor: str = "mfcc", **heard: Any) -> str:
    (part,) = parse_features(extractor).parts
    return FeatureStore(Path("nowhere"), {part.label: part}, Preprocessing(**heard)).fingerprint(part.label)


HEARD = [{"offset": 0.1}, {"duration": 1.0}, {"trim": 30.0}, {"variant": "gain"}, {"variant": "noise(snr=10)"}, {"variant": "noise(snr=5)"}]


def test_a_table_of_the_store_depends_on_the_extractor_and_how_clips_are_heard():
    made = [fingerprint(), fingerprint("mfcc(n_mfcc=13)"), fingerprint("mfcc(rate=8000)"), fingerprint("spectral")]
    made += [fingerprint(**heard) for heard in HEARD]
    assert len(set(made)) == len(made)


def test_a_table_of_the_store_depends_on_versions_of_code_and_libraries(monkeypatch):
    made = [fingerprint(), fingerprint(variant="noise")]
    monkeypatch.setattr(Noise, "version", 99)
    made.append(fingerprint(variant="noise"))
    monkeypatch.setattr(Mfcc, "version", 99)
    made.append(fingerprint())
    monkeypatch.setattr(stores, "STORE_VERSION", 99)
    made.append(fingerprint())
    for library in Mfcc.libraries:
        monkeypatch.setattr(spec, "_installed", lambda name, mine=library: "9" if name == mine else "0")
        made.append(fingerprint())
    assert len(set(made)) == len(made)


def heard_table(**heard: Any) -> str:
    return FeatureStore(Path("nowhere"), {}, Preprocessing(**heard)).audio.folder.name


def test_what_is_known_of_a_clip_s_audio_depends_on_the_window_alone(monkeypatch):
    made = [heard_table(), *(heard_table(**heard) for heard in HEARD[:3])]
    assert heard_table(variant="gain") == made[0]
    monkeypatch.setattr(shelves, "AUDIO_VERSION", 99)
    made.append(heard_table())
    for library in ("soundfile", "numpy"):
        monkeypatch.setattr(spec, "_installed", lambda name, mine=library: "9" if name == mine else "0")
        made.append(heard_table())
    assert len(set(made)) == len(made)


def test_a_row_of_the_store_depends_on_a_file_s_bytes_and_the_segment():
    made = [key_of(b"one"), key_of(b"other"), key_of(b"one", 0.5), key_of(b"one", 0.5, 1.0), key_of(b"one", None, 1.0)]
    assert len(set(made)) == len(made)


def test_a_part_of_the_store_depends_on_no_place(speech, tmp_path):
    names = []
    for store in ("one", "other/deeper"):
        ser_bench.extract(ser_bench.load_corpus(speech / "corpus" / "clips.csv"), "spectral", cache=tmp_path / store, jobs=1)
        names.append({path.relative_to(tmp_path / store) for path in (tmp_path / store).rglob("spectral-*/part-*.parquet")})
    assert names[0] == names[1] != set()


def test_the_order_of_what_a_fingerprint_covers_does_not_count():
    assert fingerprint_of({"a": 1, "b": [1, 2]}) == fingerprint_of({"b": [1, 2], "a": 1}) != fingerprint_of({"a": 1, "b": [2, 1]})
