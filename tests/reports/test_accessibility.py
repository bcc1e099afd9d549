"""Nothing on the pages that axe-core calls serious or critical, in light and in dark, on a desk and on a phone."""

import json
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from ser_bench.evaluation.analysis_folders import AblationFolder, AuditFolder
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.reports import publish_ablation, publish_audit
from tests.evaluation import test_merge
from tests.reports import fabricate, test_ablation, test_audit, test_index_page, test_predictions_page
from tests.reports.conftest import looking, show
from tests.reports.test_players import spoken


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of each kind, the report with all that can lie beside it."""
    folder = tmp_path_factory.mktemp("pages")
    run = fabricate.write_run(folder / "run")
    spoken(folder / "corpus", *fabricate.clips().index)
    (folder / "run" / "run.toml").write_text(f'corpus = ["{(folder / "corpus").as_posix()}"]\n')
    publish_audit(AuditFolder(folder / "audit"), "made up", {"clips": "12"}, test_audit.FINDINGS, test_audit.gap(), test_audit.ABOUT)
    publish_ablation(AblationFolder(folder / "ablation"), test_ablation.table(), test_ablation.importance(), test_ablation.ABOUT)
    same = {"corpus": json.loads((folder / "run" / "environment.json").read_text())["corpus"], "protocol": None}
    for name, about in (("audit", test_audit.ABOUT), ("ablation", test_ablation.ABOUT)):
        RunFolder(folder / name).write_environment(about | same)
    fabricate.publish(RunFolder(folder / "run"), *run)
    merged = test_merge.over_corpora(folder / "merging", 3).folder
    index = test_index_page.results(folder / "results")
    return {
        "report": folder / "run" / "report.html",
        "audit": folder / "audit" / "audit.html",
        "merged": merged / "leaderboard.html",
        "ablation": folder / "ablation" / "ablation.html",
        "cross": index / "cross" / "cross.html",
        "index": index / "index.html",
        "recipe": fabricate.write_recipe(folder / "recipe"),
        "predictions": test_predictions_page.published(folder / "predicted"),
    }


def violations(browser: Any) -> list[str]:
    """What axe-core finds on the page that the browser shows, all of it opened."""
    browser.execute_script("for (const part of document.querySelectorAll('details')) part.open = true")
    browser.execute_script(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = browser.execute_async_script("const done = arguments[0]; axe.run().then(result => done(result.violations))")
    return [
        f"{one['id']} ({one['impact']}): {node['html'][:160]} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:3]
    ]


# Each page in the light or in the dark, on a desk or on a phone; the report, which has most of what pages are made of, in two ways.
LOOKS = [("report", "light", 1280), ("report", "dark", 390), ("audit", "light", 390), ("merged", "dark", 1280), ("ablation", "light", 1280)]
LOOKS += [
    ("cross", "dark", 390),
    ("index", "light", 390),
    ("ablation", "dark", 390),
    ("recipe", "dark", 1280),
    ("predictions", "light", 390),
]
OTHERS = [
    (name, *look)
    for name in ("report", "audit", "merged", "ablation", "cross", "index", "recipe", "predictions")
    for look in product(("light", "dark"), (390, 1280))
]
LOOKS += [pytest.param(*look, marks=pytest.mark.thorough) for look in OTHERS if look not in LOOKS]


@pytest.mark.parametrize(("name", "scheme", "width"), LOOKS)
def test_axe_finds_nothing_serious(browser, pages, name, scheme, width):
    with looking(browser, scheme, width):
        show(browser, pages[name])
        assert name != "report" or (browser.find_elements("css selector", "#gap-1") and browser.find_elements("css selector", "#groups"))
        found = violations(browser)
    assert found == []
