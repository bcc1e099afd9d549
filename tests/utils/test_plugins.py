"""What other packages bring stops nothing that is built in, and takes nobody's place."""

import sys
from importlib.metadata import EntryPoint

import numpy as np
import pytest

import ser_bench.utils.plugins as room
from ser_bench.features import Extractor
from ser_bench.features.extractors.audioemotion26 import AudioEmotion26


class Theirs(Extractor):
    """Of a built-in set's name."""

    name, version, source, rate, columns = "audioemotion26", 1, "theirs", 16_000, ("a.b",)  # type: ignore[assignment]

    def __call__(self, clip: object) -> np.ndarray:
        return np.zeros(1, np.float32)


@pytest.fixture
def bring(monkeypatch, tmp_path):
    """Have a package bring what this says."""

    def arrange(value: str, code: str = "") -> None:
        (tmp_path / "exits.py").write_text(code)
        monkeypatch.syspath_prepend(tmp_path)
        sys.modules.pop("exits", None)
        room._leave_out.cache_clear()
        monkeypatch.setattr(room, "entry_points", lambda group: [EntryPoint("x", value, group)] if "extractors" in group else [])

    return arrange


@pytest.mark.parametrize(("value", "code"), [("nomodule:X", ""), ("exits:X", "import sys; sys.exit(3)"), ("exits:X", "1 / 0")])
def test_one_that_fails_at_import_is_named_once_and_stops_nothing(bring, value, code):
    bring(value, code)
    with pytest.warns(UserWarning, match=f"extractors: 'x' of .* is left out: importing {value} failed") as said:
        found = [room.discover("extractors", Extractor, "ser_bench.features.extractors") for _ in range(2)]
    assert "mfcc" in found[1]
    assert len(said) == 1


def test_one_that_takes_a_built_in_name_is_named_and_left_out(bring):
    bring(f"{__name__}:Theirs")
    with pytest.warns(UserWarning, match="the name 'audioemotion26' is taken"):
        assert room.discover("extractors", Extractor, "ser_bench.features.extractors")["audioemotion26"] is AudioEmotion26
