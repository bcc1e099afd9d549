"""Pages, and what is copied of them, hold names as text: in a real browser no name runs, loads or hides, or turns the text around it."""

import csv
import io
import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from markdown_it import MarkdownIt

from ser_bench.errors import printable
from ser_bench.evaluation.analysis_folders import AblationFolder, AuditFolder, CrossFolder
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.reports import publish_ablation, publish_audit, publish_cross
from ser_bench.reports.index_page import write_index
from ser_bench.utils.atomic import restored
from ser_bench.utils.formatting import escaped_for_tex
from tests.evaluation import test_merge
from tests.reports import fabricate, test_ablation, test_audit, test_index_page, test_predictions_page
from tests.reports.conftest import show
from tests.reports.test_copy import KEPT, copied

RUNS = "<img src=x onerror='window.ran=1'>"
NAMES = {
    "made up": f"</title></style></script><script>window.ran=1</script>{RUNS}",
    "egemaps": "=cmd|'/C calc'!A0",
    "spectral+mfcc": "\"'><svg onload=window.ran=1> {{ 7*7 }} {% raw %}",
    "svm": "\\input{/etc/passwd} $x^2$ 50%_a_ & #1 ~^ `q` ?` v.250",
    "rf": "[l](http://x.example) ![p](http://x.example/p.png) *b* | x;=1+1 --",
    "mlp": "\u202egnp.evil\u202c -.250",
    "xgb": f"-@+ {RUNS} \\",
    "anger": f"a\u2067ng\x1b[31mer{RUNS}",
    "fear": "</td></tr></table>fe\"ar' onmouseover=window.ran=1 x='",
    "neutral": "javascript:window.ran=1",
    "f0": f"${{window.ran=1}}{RUNS}",
    **{f"s{n}": f"{n}</title>{RUNS}&amp;" for n in range(8)},
}
"""What tables of tests hold, and what stands there instead."""


def renamed(value: Any) -> Any:
    """A value, table or mapping with each name as `NAMES` has it; of columns the class behind `p.`, of clips the folder."""
    if isinstance(value, pd.DataFrame):
        return value.rename(columns=renamed, index=renamed).map(renamed)
    if isinstance(value, dict):
        return {renamed(key): renamed(inner) for key, inner in value.items()}
    if not isinstance(value, str):
        return value
    if value.startswith("p."):
        return f"p.{renamed(value[2:])}"
    folder, slash, clip = value.partition("/")
    return f"{NAMES[folder]}{slash}{clip}" if slash and folder in NAMES else NAMES.get(value, value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder, its page, an audit's and an ablation's, and the merged page of three such runs, all of hostile names."""
    folder = tmp_path_factory.mktemp("hostile")
    run = folder / "run"
    tables = [renamed(table) for table in fabricate.write_run(run)]
    for name in ("predictions", "refits", "clips", "trials"):
        renamed(pd.read_parquet(run / f"{name}.parquet")).to_parquet(run / f"{name}.parquet")
    renamed(pd.read_csv(run / "learning.csv")).to_csv(run / "learning.csv", index=False)
    (run / "environment.json").write_text(json.dumps(renamed(json.loads((run / "environment.json").read_text()))))
    fabricate.publish(RunFolder(run), *tables)
    about = {**test_audit.ABOUT, "command": RUNS, "corpus": {"emotions": [1, 2], "citation": RUNS, "licence": RUNS}}
    findings = pd.DataFrame([("note", RUNS, NAMES["made up"])], columns=["kind", "check", "what"])
    publish_audit(AuditFolder(folder / "audit"), NAMES["made up"], {RUNS: RUNS}, findings, test_audit.gap(), about)
    tried, leaned = (renamed(table) for table in (test_ablation.table(), test_ablation.importance()))
    publish_ablation(AblationFolder(folder / "ablation"), tried, leaned, {**test_ablation.ABOUT, "warnings": [RUNS], "tuned": RUNS})
    systems = [(NAMES["egemaps"], NAMES["svm"]), (NAMES["spectral+mfcc"], NAMES["rf"]), (NAMES["mlp"], NAMES["xgb"])]
    fabricate.write_recipe(folder / "recipe", renamed)
    classes = [NAMES[name] for name in ("anger", "fear", "neutral")]
    predicted = test_predictions_page.published(
        folder / "predicted", classes=classes, clips=[NAMES["s0"], NAMES["egemaps"]], note=RUNS, title=NAMES["made up"]
    )
    predicted.parent.rename(folder / "predicted" / "page")
    across = renamed(test_index_page.crossed().replace({"one": "made up", "<i>two": "spectral+mfcc"}))
    RunFolder(folder / "cross").write_environment(
        {"corpora": [{"name": NAMES["made up"], "title": NAMES["made up"], "clips": 9, "speakers": 2, "citation": RUNS}]}
    )
    publish_cross(CrossFolder(folder / "cross"), across, across[["train"]], [NAMES["anger"], NAMES["fear"]], [RUNS])
    skills = {system: 0.9 - 0.25 * place for place, system in enumerate(systems)}
    made = [fabricate.write_ranked_run(folder / f"run{c}", skills, corpus=f"{c}{NAMES['made up']}") for c in range(3)]
    test_merge.merge(folder, *made)
    write_index(folder)
    return folder


PAGES = {
    "run/report.html": [*[*NAMES][:-9], "s0", "s7"],
    "merged/leaderboard.html": ["made up", "egemaps", "spectral+mfcc", "svm", "rf", "mlp", "xgb"],
    "audit/audit.html": ["made up"],
    "ablation/ablation.html": ["made up", "egemaps", "svm", "f0"],
    "cross/cross.html": ["made up", "egemaps", "svm", "rf", "anger"],
    "index.html": ["made up", "egemaps", "svm"],
    "recipe/recipe.html": ["anger", "fear", "neutral", "svm"],
    "predicted/page/predictions.html": ["anger", "fear", "neutral", "s0", "egemaps"],
}


@pytest.mark.parametrize(("page", "held"), PAGES.items(), ids=PAGES)
def test_names_of_a_page_are_text_and_do_nothing(browser, folder, page, held):
    show(browser, folder / page)
    browser.execute_script("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    for event in ("mouseover", "click"):
        browser.execute_script(f"document.querySelectorAll('td, th, text').forEach(x => x.dispatchEvent(new Event('{event}')))")
    assert browser.execute_script("return window.ran") is None
    assert browser.get_log("browser") == []
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert not browser.find_elements("css selector", "img, [onerror], [onload], [onmouseover], a[href^='javascript']")
    text = browser.execute_script("return document.body.textContent")
    missing = [name for name in held if printable(NAMES[name]) not in text]
    assert not missing
    assert not re.search(r"[\u202a-\u202e\u2066-\u2069\x1b]", (folder / page).read_text(encoding="utf-8"))


@pytest.fixture
def page(browser: Any, folder: Path) -> Any:
    show(browser, folder / "run" / "report.html")
    browser.execute_script(KEPT)
    return browser


def on_page(name: str) -> str:
    return " ".join(printable(NAMES[name]).split())


def test_a_hostile_name_is_filtered_by_and_copied_as_csv_without_a_formula(page):
    select = page.find_element("css selector", 'select[data-by="features"]')
    page.execute_script(
        "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input', {bubbles: true}))", select, on_page("egemaps")
    )
    rows = list(csv.DictReader(io.StringIO(copied(page, "csv"))))
    assert {restored(row["features"]) for row in rows} == {on_page("egemaps")}
    assert {restored(row["model"]) for row in rows} == {on_page("svm"), on_page("rf")}
    cells = [part for row in rows for cell in row.values() for part in re.split("[;\t]", cell)]
    assert not [cell for cell in cells if re.match(r"\s*[=+@-]", cell) and not re.fullmatch(r"-?[\d.]+", cell)]


def test_a_hostile_name_is_text_in_the_markdown_that_is_copied(page):
    html = rendered(copied(page, "markdown"))
    cells = [unescape(re.sub("<[^>]*>", "", cell)) for cell in re.findall("<td[^>]*>(.*?)</td>", html)]
    assert {on_page(name) for name in ("egemaps", "spectral+mfcc", "svm", "rf", "xgb")} <= set(cells)


def rendered(text: str) -> str:
    """Markdown as HTML, in which no name became an element."""
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    ours = r"/?(?:table|thead|tbody|tr|th|td|strong|p|h[1-3]|em|code|ul|li|br(?=>))\b|img src=\"figures/"
    assert not re.findall(rf"<(?!{ours})[^>]*>", html)
    return html


def test_a_hostile_name_is_text_in_the_latex_that_is_copied(page):
    assert set(tex_commands(copied(page, "latex"))) <= COMMANDS
    paper = page.execute_script("return document.getElementById('paper-latex').textContent")
    assert set(tex_commands(re.sub(r"~\\cite\{[\w,]+\}|\$p [=<] 1?\.\d+\$", "", paper))) <= COMMANDS
    assert escaped_for_tex(NAMES["svm"]) in paper


COMMANDS = {
    *(
        "begin",
        "end",
        "centering",
        "small",
        "setlength",
        "tabcolsep",
        "caption",
        "toprule",
        "midrule",
        "bottomrule",
        "textbf",
        "\\",
        "%",
        "&",
        "$",
        "#",
        "_",
        "{",
        "}",
    ),
    *(f"text{name}" for name in ("backslash", "asciitilde", "asciicircum", "less", "greater", "bar", "asciigrave")),
}


def tex_commands(text: str) -> list[str]:
    """The commands of a LaTeX text, which closes what it opens and has no bare special but what its tables need."""
    found, depth, columns = [], 0, None
    text = re.sub(r"^%.*\n", "", text)
    for token in re.finditer(r"\\([a-zA-Z]+|.)|\$\\(?:pm|Delta|geq)\$|[{}$#^_~%&`]|--|\n", text):
        part = token.group()
        depth += (part == "{") - (part == "}")
        assert depth >= 0
        if part.startswith("\\"):
            found.append(token[1])
        assert not re.fullmatch(r"[$#^_~%`]|--", part), text[token.start() - 30 : token.end() + 30]
    assert depth == 0
    for row in re.findall(r"^.*\\\\$", text, flags=re.M):
        n = len(re.findall(r"(?<!\\)&", row))
        assert n == (columns := n if columns is None else columns)
    return found


def test_the_tokenizer_sees_what_a_name_would_do():
    for text in ("50% of", "a_b", "$x$", "#1", "{", "}", "x~", "a--b", "a & b \\\\\nc \\\\"):
        with pytest.raises(AssertionError):
            tex_commands(text)
    assert not set(tex_commands("\\input{x}")) <= COMMANDS


def test_a_switch_to_per_cent_leaves_names_alone(page):
    sentence = page.find_element("css selector", "p.verdict")
    assert on_page("svm") in sentence.text
    page.find_element("css selector", "#percent").click()
    assert on_page("svm") in sentence.text
    assert re.search(r"UAR \d\d\.\d \(95% CI \[\d\d\.\d, ", sentence.text)


def test_files_of_a_run_hold_no_formula_and_no_markup(folder):
    for file in (file for file in folder.rglob("*.csv") if file.name not in {"learning.csv", "references.csv"}):  # the test's own
        for row in csv.reader(io.StringIO(file.read_text(encoding="utf-8"))):
            assert not [cell for cell in row if re.match(r"[=+@\t\r]", cell)], file
    for file in folder.rglob("*.md"):
        assert not re.search(r"[\u202a-\u202e\x1b]", rendered(file.read_text(encoding="utf-8"))), file
    for file in folder.rglob("*.svg"):
        text = file.read_text(encoding="utf-8")
        assert not re.search("<img|<script", text), file
