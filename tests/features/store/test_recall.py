"""Column names that a store holds are not asked of openSMILE; those of another version, or damaged ones, are not believed."""

import json

import pytest

from ser_bench.audio.preprocessing import Preprocessing
from ser_bench.features.extractors import opensmile
from ser_bench.features.extractors.opensmile import Gemaps
from ser_bench.features.store.feature_store import _feature_table


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """A store with what it says of GeMAPS; what was recalled before is forgotten, and openSMILE not to be asked."""
    table = _feature_table(tmp_path, Gemaps(), Preprocessing(offset=0.5))
    table.add({"key": ["a"], "reason": [""], "values": [[0.0] * len(Gemaps().columns)]})
    monkeypatch.setattr(opensmile, "_recalled", {})
    monkeypatch.setattr(opensmile, "_smile", lambda config: pytest.fail("openSMILE is asked"))
    return table


def test_names_in_a_store_are_not_asked_of_opensmile(stored, tmp_path):
    names = stored.about["columns"]
    assert _feature_table(tmp_path, Gemaps(), Preprocessing()).about["columns"] == names
    assert _feature_table(tmp_path, Gemaps(), Preprocessing(offset=0.5)).folder == stored.folder


@pytest.mark.parametrize(
    "harm",
    [
        lambda about: about | {"columns": about["columns"][::-1]},
        lambda about: about | {"libraries": about["libraries"] | {"opensmile": "2.4.0"}},
        lambda about: {},
        lambda about: [about],
    ],
)
def test_names_that_are_changed_or_of_another_version_are_not_believed(stored, harm):
    about = stored.folder / "extractor.json"
    about.write_text(json.dumps(harm(json.loads(about.read_text()))))
    Gemaps().recall(stored.folder.parent)
    assert not opensmile._recalled
