"""Feature sets that need no openSMILE: what `predict` measures a new clip by never asks for it."""

import sys
import threading

import numpy as np
import pytest

from ser_bench.audio.preprocessing import Preprocessing
from ser_bench.bundle.extraction import ExtractionSetup, File, Sound, Span, extract_batch
from ser_bench.bundle.levels import LEVELS
from ser_bench.features.base import Extractor
from ser_bench.features.sets import parse_features


@pytest.mark.parametrize(("features", "needed"), [("audioemotion26", False), ("mfcc", False), ("spectral", False), ("egemaps", True)])
def test_a_new_clip_is_measured_without_opensmile_where_a_set_does_not_have_it(features, needed, speech, monkeypatch):
    for name in [*filter(lambda name: name.partition(".")[0] == "opensmile", sys.modules)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opensmile", None)
    monkeypatch.setattr("ser_bench.features.extractors.opensmile._sessions", threading.local())  # others' tests may have set some up
    (extractor,) = parse_features(features).parts
    assert isinstance(extractor, Extractor)
    path = str(min((speech / "corpus").rglob("*.wav")))
    ((_, result),) = extract_batch([(0, Sound(Span("clip"), File(path)), ExtractionSetup(Preprocessing(), [extractor, LEVELS]))])
    if needed:
        assert "import of opensmile halted" in result.unread
    else:
        assert (result.unread, result.unusable) == ("", "")
        assert np.isfinite(result.vectors[extractor.label][1]).all()
