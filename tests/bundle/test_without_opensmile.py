"""Feature sets that need no openSMILE: what is told of them, and what measures a new clip by them, never asks for it."""

import sys

import numpy as np
import pytest

from ser_bench.audio.clip import key_of, read_bytes
from ser_bench.audio.preprocessing import Preprocessing
from ser_bench.features.base import Extractor
from ser_bench.features.sets import parse_features
from ser_bench.features.worker import Task, extract_clips


@pytest.mark.parametrize(("features", "needed"), [("audioemotion26", False), ("mfcc", False), ("spectral", False), ("egemaps", True)])
def test_a_new_clip_is_measured_without_opensmile_where_a_set_does_not_have_it(features, needed, speech, monkeypatch):
    for name in [*filter(lambda name: name.partition(".")[0] == "opensmile", sys.modules)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opensmile", None)
    (extractor,) = parse_features(features).parts
    assert isinstance(extractor, Extractor)
    path = str(min((speech / "corpus").rglob("*.wav")))
    (result,) = extract_clips([Task(key_of(read_bytes(path)), path, None, None, Preprocessing(), [extractor])])
    if needed:
        assert "import of opensmile halted" in result.unread
    else:
        assert (result.unread, result.unusable) == ("", "")
        assert np.isfinite(result.vectors[extractor.label][1]).all()
