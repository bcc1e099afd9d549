"""Databases that audb fetches: from a repository of this machine where audb is installed, and what is said where it is not."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import audformat
import pytest

from ser_bench.corpora import load_corpus
from ser_bench.corpora.audb_source import fetched_folder, named
from ser_bench.corpora.loading import audio_folder
from ser_bench.errors import WorkFailed, WrongCall
from tests.corpora.trees import make_tree

FILES = ["wav/a.wav", "wav/b.wav", "wav/c.wav", "wav/d.wav"]


def make(folder: Path) -> Path:
    """A database in audformat, with audio."""
    db = audformat.Database("made")
    for name, values in (("emotion", ["anger", "fear"] * 2), ("speaker", ["s0", "s0", "s1", "s1"])):
        db.schemes[name] = audformat.Scheme("str")
        db[name] = audformat.Table(audformat.filewise_index(FILES))
        db[name][name] = audformat.Column(scheme_id=name)
        db[name][name].set(values)
    db.save(make_tree(folder, FILES))
    return folder


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of a user whose only repository, a folder, has two versions of the database."""
    audb = pytest.importorskip("audb", reason="audb is not installed: pip install 'ser-bench[audb]'")
    (tmp_path / "host/repo").mkdir(parents=True)
    repository = audb.Repository("repo", str(tmp_path / "host"), "file-system")
    monkeypatch.setattr(audb.config, "REPOSITORIES", [repository])
    monkeypatch.setattr(audb.config, "CACHE_ROOT", str(tmp_path / "own"))
    monkeypatch.setattr(audb.config, "SHARED_CACHE_ROOT", str(tmp_path / "shared"))
    for version in ("1.9.0", "1.10.0"):
        audb.publish(make(tmp_path / version), version, repository, previous_version=None, verbose=False)
    return tmp_path / "cache"


def test_a_published_database_is_fetched_into_the_cache_and_read(published, capsys):
    corpus = load_corpus("audb:made@1.9.0", cache=published)
    assert (corpus.name, str(corpus), corpus.warnings) == ("made", "audb:made@1.9.0", ())
    assert list(corpus.clips.index) == FILES
    assert all(Path(path).is_relative_to(published) and Path(path).is_file() for path in corpus.clips["path"])
    assert audio_folder("audb:made@1.9.0", published) == corpus.folder
    assert not list(published.rglob("*/db.emotion.pkl"))
    assert not capsys.readouterr().out


def test_without_a_version_the_newest_is_read_and_named(published):
    load_corpus("audb:made@1.9.0", cache=published)
    corpus = load_corpus("audb:made", cache=published)
    assert corpus.warnings == ("the newest version of audb:made is 1.10.0; audb:made@1.10.0 names it for good",)
    assert audio_folder("audb:made", published) == corpus.folder
    assert corpus.folder.parts[-2] == "1.10.0"


def test_what_a_repository_does_not_have_is_one_line(published):
    with pytest.raises(WorkFailed, match="audb cannot fetch other: Cannot find"):
        load_corpus("audb:other", cache=published)
    with pytest.raises(WorkFailed, match=r"audb cannot fetch made: Cannot find version '3\.0\.0'"):
        load_corpus("audb:made@3.0.0", cache=published)


def test_without_audb_one_line_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "audb", None)
    with pytest.raises(WrongCall, match=r"^audb:emodb needs the package audb: pip install 'ser-bench\[audb\]'$"):
        load_corpus("audb:emodb", cache=tmp_path)


@pytest.mark.parametrize("source", ["audb:", "audb:../emodb", "audb:emodb@", "audb:emodb@../1", "audb:a b", "audb:..", "audb:emodb@1@2"])
def test_what_names_no_database_is_refused(tmp_path, source):
    with pytest.raises(WrongCall, match="audb:NAME or audb:NAME@VERSION"):
        load_corpus(source, cache=tmp_path)


def test_whatever_goes_wrong_within_audb_is_one_line(tmp_path, monkeypatch):
    def fails(*given: object, **how: Any) -> None:
        raise RuntimeError("no\nnetwork " + "x" * 5000)

    audb = SimpleNamespace(latest_version=lambda name: "1.0.0", load=fails)
    monkeypatch.setitem(sys.modules, "audb", audb)
    with pytest.raises(WorkFailed) as caught:
        load_corpus("audb:emodb", cache=tmp_path)
    assert str(caught.value).startswith("audb cannot fetch emodb: no network xxx")
    assert len(str(caught.value)) <= 300
    audb.load = lambda *given, **how: None
    with pytest.raises(WorkFailed, match="another process holds"):
        load_corpus("audb:emodb", cache=tmp_path)


def test_versions_are_ordered_by_their_numbers(tmp_path):
    for version in ("1.9.0", "1.10.0", "1.10.0-beta"):
        (tmp_path / f"audb/made/{version}/abc").mkdir(parents=True)
        (tmp_path / f"audb/made/{version}/abc/db.yaml").touch()
    database = named("audb:made")
    assert database is not None
    assert fetched_folder(database, tmp_path) == tmp_path / "audb/made/1.10.0/abc"
