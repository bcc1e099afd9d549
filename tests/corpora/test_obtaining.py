"""`ser-bench corpora get`: the licence first, then a corpus that is there whole, checked and counted, or a line that says what to do."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_bench.corpora import catalogue, get, obtaining
from ser_bench.corpora.base import Archive
from ser_bench.corpora.emodb import EmoDB
from ser_bench.errors import WorkFailed, WrongCall
from ser_bench.utils import download
from tests.calling import call
from tests.serving import Served, serving

NAMES = [f"{speaker}a0{take}{emotion}a.wav" for speaker in ("03", "08") for take in (1, 2) for emotion in "WN"]
FACTS = EmoDB.facts
assert FACTS is not None


def sound(number: int) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.random.default_rng(number).normal(0, 0.1, 400), 16_000, format="WAV")
    return file.getvalue()


SOUNDS = {name: sound(number) for number, name in enumerate(NAMES)}


def zipped(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as whole:
        for name, content in files.items():
            whole.writestr(name, content)
    return file.getvalue()


ZIP = zipped({f"wav/{name}": content for name, content in SOUNDS.items()})


@pytest.fixture
def server(monkeypatch, tmp_path) -> Iterator[tuple[str, dict[str, Served]]]:
    """A server with a small EMO-DB in an archive, which its reader's facts name, with its size and checksum."""
    monkeypatch.setattr(download, "PAUSE", 0.0)
    monkeypatch.chdir(tmp_path)
    with serving(file=Served(ZIP)) as (url, files):
        archive = Archive(f"{url}/file", "download.zip", len(ZIP), f"md5:{hashlib.md5(ZIP).hexdigest()}")
        monkeypatch.setattr(EmoDB, "facts", replace(FACTS, clips=len(NAMES), speakers=2, archives=(archive,)))
        yield url, files


def change(monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    """Give the archive other facts."""
    facts = EmoDB.facts
    assert facts is not None
    monkeypatch.setattr(EmoDB, "facts", replace(facts, archives=(replace(facts.archives[0], **changes),)))  # type: ignore[arg-type]


def hidden(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_corpus_is_downloaded_unpacked_and_counted(server, tmp_path):
    got = get("emodb", accept_licence=True, progress=False)
    assert (got.folder, got.differences) == (tmp_path / "emodb", [])
    assert list(got.corpus.clips.index) == [f"wav/{name}" for name in sorted(NAMES)]
    assert hidden(tmp_path) == ["emodb"]
    source = (tmp_path / "emodb" / "SOURCE.txt").read_text()
    assert "free for research with citation" in source
    assert hashlib.sha256(ZIP).hexdigest() in source


def test_a_second_call_downloads_nothing(server):
    for _ in range(2):
        get("emodb", to="here", accept_licence=True, progress=False)
    assert len(server[1]["/file"].asked) == 1


def test_a_stopped_download_goes_on_and_leaves_no_half_corpus(server, tmp_path):
    files = server[1]
    files["/file"].drops_after, files["/file"].ranges = 1_000, False
    with pytest.raises(WorkFailed, match="the same command goes on there"):
        get("emodb", accept_licence=True, progress=False)
    assert hidden(tmp_path) == [".emodb-download"]
    files["/file"].drops_after, files["/file"].ranges = 0, True
    get("emodb", accept_licence=True, progress=False)
    assert files["/file"].asked[-1] == "bytes=1000-"
    assert hidden(tmp_path) == ["emodb"]


def test_wrong_bytes_make_no_corpus(server, tmp_path):
    server[1]["/file"].content = ZIP[::-1]
    with pytest.raises(WorkFailed, match="not the checksum that is published"):
        get("emodb", accept_licence=True, progress=False)
    assert not (tmp_path / "emodb").exists()


def test_an_archive_without_checksum_that_cannot_be_unpacked_is_fetched_again(server, monkeypatch):
    change(monkeypatch, checksum="", size=0)
    server[1]["/file"].content = ZIP[: len(ZIP) // 2]
    with pytest.raises(WorkFailed, match=r"download\.zip is no archive"):
        get("emodb", accept_licence=True, progress=False)
    server[1]["/file"].content = ZIP
    assert get("emodb", accept_licence=True, progress=False).differences == []


def test_what_differs_from_the_release_is_counted(server, monkeypatch):
    facts = EmoDB.facts
    assert facts is not None
    monkeypatch.setattr(EmoDB, "facts", replace(facts, clips=535, speakers=10))
    found = get("emodb", accept_licence=True, progress=False).differences
    assert found == ["8 clips instead of the released 535", "2 speakers instead of the released 10"]


def test_what_is_not_confirmed_of_a_release_is_no_difference(server, monkeypatch):
    facts = EmoDB.facts
    assert facts is not None
    monkeypatch.setattr(EmoDB, "facts", replace(facts, clips=535, speakers=10, unconfirmed=("speakers",)))
    found = get("emodb", accept_licence=True, progress=False).differences
    assert found == ["8 clips instead of the released 535"]


def test_what_is_another_corpus_is_refused(server, monkeypatch):
    content = zipped({f"03-01-0{e}-01-01-01-0{a}.wav": sound(e * a) for e in (1, 3) for a in (1, 2)})
    server[1]["/file"].content = content
    change(monkeypatch, checksum="", size=0)
    with pytest.raises(WorkFailed, match="as emodb is recognised as ravdess"):
        get("emodb", accept_licence=True, progress=False)


def test_a_folder_that_holds_something_else_is_left_alone(server, tmp_path):
    (tmp_path / "emodb").mkdir()
    (tmp_path / "emodb" / "mine.txt").write_text("mine")
    with pytest.raises(WrongCall, match="holds something else: name a new folder with --to"):
        get("emodb", accept_licence=True, progress=False)
    assert server[1]["/file"].asked == []


def test_nothing_is_asked_for_before_the_licence_is_accepted(server):
    with pytest.raises(WrongCall, match=r"free for research with citation.*accept_licence=True"):
        get("emodb", progress=False)
    done = call("corpora", "get", "emodb")
    assert done.returncode == 2
    assert "free for research with citation" in done.stdout
    assert "--yes says that it is" in done.stderr
    assert server[1]["/file"].asked == []


def test_the_command_shows_the_licence_first_and_says_what_may_come_next(server, tmp_path):
    done = call("corpora", "get", "emodb", "--to", tmp_path / "there", "--yes")
    assert done.returncode == 0, done.stderr
    told = " ".join(done.stdout.split())
    assert told.index("licence free for research") < told.index("emodb: 8 clips of 2 speakers, as released, in")
    assert "MD5 published" in told
    assert f"ser-bench run {tmp_path / 'there'}" in told


def test_of_a_corpus_that_is_to_be_asked_for_the_owner_and_the_request_are_told(monkeypatch):
    monkeypatch.setattr(EmoDB, "facts", replace(FACTS, archives=(), obtain="https://example.org", request="sign the form"))
    done = call("corpora", "get", "emodb", "--yes")
    assert done.returncode == 1
    assert "sign the form at https://example.org" in done.stderr
    assert "free for research with citation" in done.stdout


def test_a_built_in_corpus_and_an_unknown_one_are_no_downloads():
    assert "tones is built in" in call("corpora", "get", "tones", "--yes").stderr
    assert "did you mean 'emodb'?" in call("corpora", "get", "emodbb").stderr


def test_a_repository_with_git_lfs_gives_its_audio_and_checks_every_file(server, monkeypatch, tmp_path):
    url, files = server
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"
    held = {f"repo-main/wav/{n}": pointer.format(hashlib.sha256(c).hexdigest(), len(c)).encode() for n, c in SOUNDS.items()}
    files["/file"].content = zipped({**held, "repo-main/erkennung.txt": b"table", "repo-main/video/x.mp4": b"large"})
    files |= {f"/media/wav/{name}": Served(content) for name, content in SOUNDS.items()}
    broken = files[f"/media/wav/{NAMES[0]}"]
    broken.content = sound(99)
    change(monkeypatch, kind="git-lfs", files=f"{url}/media/", keep="*/wav/*|*.txt", size=0, checksum="")
    with pytest.raises(WorkFailed, match=f"{NAMES[0]}: what came has not the checksum"):
        get("emodb", accept_licence=True, progress=False)
    broken.content = SOUNDS[NAMES[0]]
    got = get("emodb", accept_licence=True, progress=False)
    assert {name: (got.folder / "wav" / name).read_bytes() for name in NAMES} == SOUNDS
    assert hidden(got.folder) == ["SOURCE.txt", "erkennung.txt", "wav"]
    assert {len(files[f"/media/wav/{name}"].asked) for name in NAMES[1:]} == {1}


def test_a_dataverse_gives_its_files_and_checks_every_one(server, monkeypatch):
    url, files = server
    listed = [
        {"directoryLabel": "wav", "dataFile": {"id": i, "filename": n, "filesize": len(c), "md5": hashlib.md5(c).hexdigest()}}
        for i, (n, c) in enumerate(SOUNDS.items())
    ]
    files["/file"].content = json.dumps({"data": {"latestVersion": {"files": listed}}}).encode()
    files |= {f"/access/{i}": Served(content) for i, content in enumerate(SOUNDS.values())}
    change(monkeypatch, kind="dataverse", files=f"{url}/access/", keep="*.wav", size=0, checksum="")
    got = get("emodb", accept_licence=True, progress=False)
    assert {name: (got.folder / "wav" / name).read_bytes() for name in NAMES} == SOUNDS


def test_a_list_that_is_none_any_more_is_named(server, monkeypatch):
    server[1]["/file"].content = b"<html>moved</html>"
    change(monkeypatch, kind="dataverse", size=0, checksum="")
    with pytest.raises(WorkFailed, match="is no list of files any more"):
        get("emodb", accept_licence=True, progress=False)


def test_the_catalogue_has_a_licence_an_owner_and_emotions_of_every_corpus_and_fits_80_columns():
    for row in catalogue():
        assert all(row[column] for column in ("clips", "speakers", "licence", "citation", "obtain")), row["corpus"]
    printed = call("corpora").stdout
    assert printed == call("corpora", "list").stdout
    assert max(map(len, printed.splitlines())) <= 80
    assert "ser-bench corpora get ravdess (208 MB)" in printed


def test_every_archive_is_on_the_web_and_its_checksum_is_one():
    for name, reader in obtaining.known_readers().items():
        for archive in reader.facts.archives if reader.facts else ():
            assert archive.url.startswith(("http://", "https://")), name
            algorithm, _, digits = archive.checksum.partition(":")
            assert len(digits) == {"": 0, "md5": 32, "sha256": 64}[algorithm], name
            assert bool(archive.files) == (archive.kind != "archive"), name
