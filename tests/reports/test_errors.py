"""Hardest utterances: which clips, in which order, with a player where there is audio."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.reports.errors import MOST_CLIPS, block_errors
from tests.evaluation.test_misclassified import rows
from tests.reports import fabricate
from tests.reports.conftest import looking, show, visible
from tests.reports.test_players import spoken


def test_leaky_rows_are_not_asked():
    board = pd.DataFrame({"corpus": "made up", "features": "egemaps", "model": ["svm", "rf"], "track": "train", "status": ["ok", "leaky"]})
    both = pd.concat([rows("fear"), rows("anger", system="rf")])
    assert block_errors(board, both, pd.DataFrame(), {})["total"] == 1
    assert block_errors(board[1:], both, pd.DataFrame(), {}) is None


def test_a_block_that_errs_nowhere_together_lists_nothing():
    board = pd.DataFrame({"corpus": "made up", "features": "egemaps", "model": ["svm"], "track": "train", "status": ["ok"]})
    told = block_errors(board, rows("anger", "anger"), pd.DataFrame(), {})
    assert (told["total"], told["hardest"], told["pairs"]) == (0, [], [])


def test_the_list_is_cut_and_the_total_told():
    board = pd.DataFrame({"corpus": "made up", "features": "egemaps", "model": ["svm"], "track": "train", "status": ["ok"]})
    told = block_errors(board, rows(*["fear"] * 50), pd.DataFrame(), {})
    assert (told["total"], len(told["hardest"])) == (50, MOST_CLIPS)


def page_of(browser: Any, folder: Path, corpus: Path | None = None) -> Any:
    cells, found, baselines = fabricate.write_run(folder)
    if corpus:
        (folder / "run.toml").write_text(f'corpus = ["{corpus.as_posix()}"]\n')
    # Nobody recognises the first three clips; the audio of two is there.
    hard = found["clip"].isin(["s0/0.wav", "s0/1.wav", "s0/2.wav"])
    found.loc[hard, "predicted"] = found.loc[hard, "emotion"].map({"anger": "fear", "fear": "neutral", "neutral": "fear"})
    found.to_parquet(folder / "predictions.parquet", index=False)
    fabricate.publish(RunFolder(folder), cells, found, baselines)
    show(browser, folder / "report.html")
    return browser


def test_a_player_stands_only_where_the_audio_is_and_asks_for_nothing_unpressed(browser, tmp_path):
    spoken(tmp_path / "corpus", "s0/0.wav", "s0/1.wav")
    page = page_of(browser, tmp_path / "run", tmp_path / "corpus")
    first = page.find_element("css selector", "table.hardest")
    listed = {row.find_element("css selector", "th").text.split()[0]: row for row in first.find_elements("css selector", "tbody tr")}
    assert {"s0/0.wav", "s0/1.wav", "s0/2.wav"} <= set(listed)
    players = {clip: row.find_elements("css selector", "audio") for clip, row in listed.items()}
    assert {clip for clip, found in players.items() if found} == {"s0/0.wav", "s0/1.wav"}
    assert page.get_log("browser") == []
    assert page.execute_script("return performance.getEntriesByType('resource').length") == 0
    played = (
        "const [player, done] = arguments; player.oncanplay = () => done(player.duration); player.onerror = () => done(-1); player.load()"
    )
    page.execute_script("arguments[0].preload = 'auto'", players["s0/0.wav"][0])
    assert page.execute_async_script(played, players["s0/0.wav"][0]) == pytest.approx(0.1, abs=0.01)


def test_where_the_audio_is_absent_there_is_no_player_and_the_list_stands(browser, tmp_path):
    page = page_of(browser, tmp_path / "run")
    assert not page.find_elements("css selector", "audio, .player")
    assert len(visible(page, "table.hardest")) == 2
    text = page.find_element("css selector", "#errors-1 ~ p").text
    assert text.startswith("Not recognised by any of the 3 ranked systems: ")


def test_on_a_phone_true_and_predicted_emotion_stand_below_the_clip_beside_its_picture(browser, tmp_path):
    spoken(tmp_path / "corpus", "s0/0.wav", "s0/1.wav")
    page = page_of(browser, tmp_path / "run", tmp_path / "corpus")
    with looking(page, "light", 390):
        clips = [row for row in visible(page, "table.hardest th[scope=row]") if row.text.split()[0] == "s0/0.wav"]
        said = page.execute_script("return getComputedStyle(arguments[0], '::after').content", clips[0])
        assert re.fullmatch(r'"anger \u2192 \w+ \d+%"', said)
        picture = visible(page, "table.hardest td.look")[0]
        assert picture.rect["x"] + picture.rect["width"] <= 390
        player = visible(page, "table.hardest audio")[0]
        assert player.rect["x"] + player.rect["width"] <= 390, "what is played is on the screen, too"
    with looking(page, "light", 1024):
        beyond = "const part = document.querySelector('.scroll:has(table.hardest)'); return part.scrollWidth - part.clientWidth"
        assert page.execute_script(beyond) <= 0, "with pictures and players all columns fit a small laptop"
        assert len(visible(page, "table.hardest audio")) == len(page.find_elements("css selector", "table.hardest audio")) > 0
