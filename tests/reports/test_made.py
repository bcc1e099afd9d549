"""Reports of an unchanged run are left as they are; whatever they are made from makes them again."""

import json
import os
import shutil
import warnings
from pathlib import Path

import pytest

from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.reports import made
from tests.reports import fabricate
from tests.small import with_pages


@pytest.fixture(scope="module", autouse=True)
def looked_at():
    """Figures are made again as pages are."""
    with with_pages():
        yield


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """A run's folder with its reports, and what `publish` takes beside the folder."""
    folder = tmp_path_factory.mktemp("once") / "run"
    made._code.cache_clear()  # other tests have other libraries
    told = fabricate.write_run(folder)
    fabricate.publish(RunFolder(folder), *told)
    return folder, told


@pytest.fixture
def published(once, tmp_path):
    """A copy of it, and a way to publish it again that tells which of its reports were written."""
    folder, told = Path(shutil.copytree(once[0], tmp_path / "run")), once[1]
    files = [folder / "report.html", folder / "figures" / "leaderboard.svg"]

    def again():
        made._code.cache_clear()
        before = [file.stat().st_ino if file.exists() else 0 for file in files]
        fabricate.publish(RunFolder(folder), *told)
        return [file.name for file, inode in zip(files, before, strict=True) if file.stat().st_ino != inode]

    return folder, again


def test_reports_of_an_unchanged_run_are_left(published):
    folder, again = published
    before = (folder / "report.html").read_bytes()
    assert again() == []
    about = json.loads((folder / "environment.json").read_text())
    (folder / "environment.json").write_text(json.dumps(about | {"stages": {"units": 99.0}}))
    assert again() == []
    assert (folder / "report.html").read_bytes() == before


@pytest.mark.parametrize("name", ["run.toml", "environment.json", "skipped.csv", "trials.parquet", "clips.parquet"])
def test_a_page_is_made_again_when_a_file_that_it_is_made_from_changes(published, name, monkeypatch):
    folder, again = published
    data = (folder / name).read_bytes()
    if name == "environment.json":
        data = json.dumps(json.loads(data) | {"python": "3.99"}).encode()
    if name == "run.toml":
        data += b"\n# said besides\n"
    if name == "skipped.csv":
        data += b"z.wav,silence\n"
    if name.endswith(".parquet"):
        monkeypatch.setattr(made, "versions", lambda libraries: {"pandas": name})  # the same rows are the same bytes: another library
    (folder / name).write_bytes(data)
    assert "report.html" in again()
    monkeypatch.undo()


def test_a_page_that_was_changed_lost_or_damaged_is_made_again(published):
    folder, again = published
    page, picture = folder / "report.html", folder / "figures" / "leaderboard.svg"
    whole = page.read_bytes()
    page.write_text("<html>")
    picture.unlink()
    assert again() == ["report.html", "leaderboard.svg"]
    assert page.read_bytes() == whole
    (folder / "made.json").write_text("[")
    assert again() == ["report.html", "leaderboard.svg"]


def test_other_code_and_other_libraries_make_reports_again(published, monkeypatch):
    _, again = published
    monkeypatch.setattr(made, "versions", lambda libraries: {"matplotlib": "0"})
    assert again() == ["report.html", "leaderboard.svg"]
    assert again() == []


def test_an_audit_beside_makes_a_page_again(published):
    folder, again = published
    beside = folder.parent / "audit"
    beside.mkdir()
    (beside / "audit.html").write_text("")
    (beside / "environment.json").write_text((folder / "environment.json").read_text())
    (beside / "findings.csv").write_text("kind,check,what\nnote,clips,something\n")
    assert again() == ["report.html"]
    assert again() == []
    (beside / "findings.csv").write_text("kind,check,what\nnote,clips,something else\n")
    assert again() == ["report.html"]


def test_what_is_made_with_a_warning_is_warned_of_again(tmp_path):
    def make():
        (tmp_path / "a").write_text("made")
        warnings.warn("a letter is lacking", stacklevel=1)

    for _ in range(2):
        with pytest.warns(UserWarning, match="a letter is lacking"):
            assert made.make_if_changed(tmp_path, ["a"], "source", make)


@pytest.mark.parametrize("kind", [DeprecationWarning, PendingDeprecationWarning, ResourceWarning])
def test_what_a_library_tells_developers_makes_nothing_again(tmp_path, kind):
    def make():
        warnings.warn("an old name", kind, stacklevel=1)
        (tmp_path / "a.svg").write_text("<svg/>")

    with pytest.warns(kind, match="an old name"):
        assert made.make_if_changed(tmp_path, ["a.svg"], "source", make)
    assert not made.make_if_changed(tmp_path, ["a.svg"], "source", make)


def test_audio_that_is_lost_or_changed_makes_a_page_again(tmp_path):
    folder = tmp_path / "run"
    fabricate.write_run(folder)
    clip = tmp_path / "corpus" / "s0" / "0.wav"
    (folder / "run.toml").write_text(f"corpus = [{json.dumps(str(tmp_path / 'corpus'))}]\n")
    without = made.page_source(RunFolder(folder))
    clip.parent.mkdir(parents=True)
    clip.write_bytes(b"RIFF")
    found = made.page_source(RunFolder(folder))
    os.utime(clip, ns=(1, 1))
    assert len({without, found, made.page_source(RunFolder(folder))}) == 3
