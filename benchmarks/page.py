"""Size of a run's page, by part, and how soon it is drawn, with up to 200 rows.

    python benchmarks/page.py --systems 40 200

Predictions are made up: systems of rising skill on clips of 24 speakers and eight emotions, each with probabilities, trials and a learning
curve; a clip's sound is noise, which pictures pack worst. The page is made as a run makes it. It is to be below 3 MB with 40 systems, and
to be drawn in less than a second with 200. Drawn: milliseconds that Chromium's main thread works from the call to the end of the first
layout, and from there to the end of that with all details open; the fewest of three loads.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import soundfile

from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.evaluation.scoring import score_run
from ser_bench.reports import publish

EMOTIONS = ("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
SECONDS, RATE = 0.5, 16_000
HARD = 30
"""One clip of so many is recognised by no system."""
LAY_OUT = "document.documentElement.getBoundingClientRect();"
OPEN = "for (const part of document.querySelectorAll('details')) part.open = true;"


def make_clips(speakers: int, each: int, corpus: Path) -> pd.DataFrame:
    """A table of clips, a fold per speaker, whose files are noise."""
    rng = np.random.default_rng(0)
    rows = [(f"{s:02}/{i:03}.wav", EMOTIONS[i % len(EMOTIONS)], f"{s:02}", s) for s in range(speakers) for i in range(each)]
    for clip, *_ in rows:
        (corpus / clip).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(corpus / clip, rng.normal(0, 0.1, int(SECONDS * RATE)), RATE)
    table = pd.DataFrame(rows, columns=["clip", "emotion", "speaker", "fold_0"]).set_index("clip")
    return table.assign(seconds=SECONDS, voice=table["speaker"], gender=np.where(table["fold_0"] % 2, "female", "male"))


def predict(clips: pd.DataFrame, named: dict[str, Any], skill: float, seed: int) -> pd.DataFrame:
    """Predictions of a system that is right with probability `skill`, and as sure as that."""
    rng = np.random.default_rng(seed)
    truth = clips["emotion"].map(EMOTIONS.index).to_numpy()
    p = rng.dirichlet(np.ones(len(EMOTIONS)), len(clips)) * (1 - skill) + skill * np.eye(len(EMOTIONS))[truth]
    p *= np.where(rng.random((len(clips), 1)) < skill, 1, rng.random((len(clips), len(EMOTIONS))))
    p[::HARD] = np.roll(p[::HARD].max(1, keepdims=True) * np.eye(len(EMOTIONS))[truth[::HARD]], 1, axis=1) + 0.01
    p /= p.sum(1, keepdims=True)
    known = {f"p.{emotion}": p[:, at] for at, emotion in enumerate(EMOTIONS)}
    told = {name: clips[name].to_numpy() for name in ("speaker", "voice", "emotion")}
    predicted = np.array(EMOTIONS)[p.argmax(1)]
    return pd.DataFrame(
        {**named, "seed": 0, "fold": clips["fold_0"].to_numpy(), "clip": clips.index, **told, "predicted": predicted, **known}
    )


def evaluate(clips: pd.DataFrame, systems: int, cv: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cells of so many systems on clips with a column `fold_0`, and their predictions."""
    names = [
        {"corpus": "made up", "features": f"set{at // 8:02}+mfcc", "model": f"model{at % 8}", "track": "train"} for at in range(systems)
    ]
    skills = np.linspace(0.3, 0.6, systems)
    predictions = pd.concat(
        [predict(clips, name, skill, at) for at, (name, skill) in enumerate(zip(names, skills, strict=True))], ignore_index=True
    )
    about: dict[str, Any] = {
        "labels": "all",
        "dims": 988,
        "cv": cv,
        "speakers": clips["voice"].nunique(),
        "clips": len(clips),
        "budget": "smoke",
        "trials": 5,
        "seeds": 1,
    }
    told: dict[str, Any] = {"status": "ok", "reason": "", "notes": [[]] * systems, "seconds": np.geomspace(1, 900, systems)}
    return pd.DataFrame(names).assign(**about, **told), predictions


def write_run(folder: Path, clips: pd.DataFrame, systems: int, cv: str) -> float:
    """Write a run of so many systems with its page; returns the CPU time that the reports took."""
    run = RunFolder(folder / "run")
    run.path.mkdir()
    cells, predictions = evaluate(clips, systems, cv)
    names = cells[["corpus", "features", "model", "track"]]
    params = json.dumps({"C": 8.77, "gamma": 0.217, "kernel": "rbf"})
    trials = predictions[[*names, "seed", "fold"]].drop_duplicates()
    trials = trials.assign(trial=0, state="complete", score=0.5, params=params, seconds=0.1, chosen=True)
    run.write_predictions(predictions)
    run.write_trials(trials)
    clips.to_parquet(run.path / "clips.parquet")
    run.write_skipped(pd.DataFrame({"clip": [], "reason": []}))
    curve = pd.DataFrame({"speakers": [4, 8, 16, 23], "draws": 3, "sd_draws": 0.01, "uar": [0.3, 0.4, 0.45, 0.5]})
    run.write_learning(names.merge(curve.assign(uar_low=curve["uar"] - 0.05, uar_high=curve["uar"] + 0.05), how="cross"))
    (run.path / "run.toml").write_text(f"corpus = [{json.dumps(str(folder / 'corpus'))}]\n", encoding="utf-8")
    run.write_environment(environment(clips))
    lines = [("made up", "all", "", "chance", "chance", 1 / len(EMOTIONS), 1 / len(EMOTIONS), "8 emotions")]
    began = time.process_time()
    references = pd.DataFrame(lines, columns=["corpus", "labels", "track", "name", "kind", "uar", "war", "source"])
    scored = score_run(cells, predictions, None, clips, references)
    run.write_scored(scored)
    publish(run, scored, predictions)
    return time.process_time() - began


def environment(clips: pd.DataFrame) -> dict[str, Any]:
    """What a run says of itself."""
    counts = {emotion: int(n) for emotion, n in clips["emotion"].value_counts().items()}
    size = {"clips": len(clips), "speakers": clips["voice"].nunique(), "emotions": counts, "hours": 1.0}
    corpus = {"name": "made up", "title": "Made up", **size, "licence": "", "citation": "Doe (2026), Made up"}
    return {"ser_bench": "0", "python": "3", "versions": {}, "warnings": [], "command": "", "features": {}, "corpus": corpus}


def parts_of(page: str) -> dict[str, int]:
    """Bytes of a page's sections, and of what else it has."""
    found = {name: len(text.encode()) for name, text in re.findall(r'<section aria-labelledby="([\w-]+)">(.*?)</section>', page, re.S)}
    return {**found, "others": len(page.encode()) - sum(found.values())}


@contextmanager
def browser(profile: str) -> Iterator[Any]:
    """A headless Chromium; None where there is none."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        yield None
        return
    from selenium import webdriver

    settings = webdriver.ChromeOptions()
    settings.binary_location = str(shutil.which("chromium"))
    for flag in ("headless", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "window-size=1440,900", f"user-data-dir={profile}"):
        settings.add_argument(f"--{flag}")
    driver = webdriver.Chrome(settings, webdriver.ChromeService(shutil.which("chromedriver")))
    driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    try:
        yield driver
    finally:
        driver.quit()


def draw(driver: Any, page: Path) -> tuple[float, float]:
    """Milliseconds of work until a page is laid out, and from there until it is with all details open."""
    driver.get("about:blank")
    began = worked(driver)
    driver.get(page.as_uri())
    driver.execute_script(LAY_OUT)
    drawn = worked(driver)
    driver.execute_script(OPEN + LAY_OUT)
    return drawn - began, worked(driver) - drawn


def worked(driver: Any) -> float:
    """Milliseconds that the main thread has worked."""
    told = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return 1000 * next(one["value"] for one in told if one["name"] == "TaskDuration")


def main() -> None:
    """Print a line per number of systems."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", type=int, nargs="+", default=[40, 200])
    parser.add_argument("--speakers", type=int, default=24)
    parser.add_argument("--each", type=int, default=60, help="clips per speaker")
    parser.add_argument("--keep", type=Path, help="also copy the pages to this folder")
    options = parser.parse_args()
    for systems in options.systems:
        with tempfile.TemporaryDirectory() as name, browser(f"{name}/profile") as driver:
            clips = make_clips(options.speakers, options.each, Path(name) / "corpus")
            seconds = write_run(Path(name), clips, systems, "loso")
            page = RunFolder(Path(name) / "run").page
            sizes = parts_of(page.read_text(encoding="utf-8"))
            told = ", ".join(f"{part} {size / 1e3:.1f}" for part, size in sizes.items())
            drawn = "no chromium here" if driver is None else "drawn in {:.0f} ms, opened in {:.0f} ms".format(*fastest(driver, page))
            print(
                f"{systems} systems: {sum(sizes.values()) / 1e6:.2f} MB (kB: {told}); reports made in {seconds:.1f} s; {drawn}", flush=True
            )
            if options.keep:
                options.keep.mkdir(parents=True, exist_ok=True)
                shutil.copy(page, options.keep / f"{systems}.html")


def fastest(driver: Any, page: Path) -> tuple[float, ...]:
    """The fastest of three draws, of either kind."""
    return tuple(min(times) for times in zip(*(draw(driver, page) for _ in range(3)), strict=True))


if __name__ == "__main__":
    main()
