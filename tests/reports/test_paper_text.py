"""Method and results as text for a paper: every sentence is true of the run, whatever came of it, and can be pasted anywhere."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ser_bench.errors import WrongCall
from ser_bench.evaluation.run_folder import RunFolder, RunTables
from ser_bench.reports.bibliography import in_words
from ser_bench.reports.paper_text import as_text, method, paper_text, results
from tests.reports.conftest import show, visible


@pytest.fixture(scope="module")
def run(folder: Path) -> RunTables:
    return RunFolder(folder).read()


def told(run: RunTables, keep: Any = None, **changes: object) -> str:
    """The paragraph of results of some rows of a run, changed."""
    board = run.leaderboard if keep is None else run.leaderboard[keep(run.leaderboard)]
    return as_text(results(replace(run, leaderboard=board.assign(**changes))))


def ranked(board: Any) -> Any:
    return (board["track"] == "train") & (board["status"] == "ok")


def test_the_best_is_named_with_its_interval_and_each_other_with_its_difference(run):
    best, second, worst = (row for _, row in run.leaderboard[ranked(run.leaderboard)].iterrows())
    said = told(run, ranked)
    score = f"UAR {best['uar']:.3f} (95% CI [{best['uar_low']:.3f}, {best['uar_high']:.3f}])"
    assert said.startswith(f"The best of 3 systems was egemaps with {best['model']}: {score}, ".replace("0.", "."))
    assert "chance is .333 and human listeners reach .900" in said
    for row in (second, worst):
        difference = f"UAR {row['behind']:.3f} below, 95% CI [{row['behind_low']:.3f}, {row['behind_high']:.3f}], p "
        assert difference.replace("0.", ".") in said
    assert "(128 swaps of all systems' predictions" in said


def test_systems_are_like_the_best_from_the_level_on_and_worse_below_it(run):
    said = told(run, ranked, p_vs_best=[float("nan"), 0.05, 0.0499])
    assert re.search(r"1 of 2 others is not significantly different from it: \S+ with \S+ \(", said)
    assert re.search(r"1 of 2 others is significantly worse: \S+ with \S+ \(.*p = \.050\)", said)


def test_a_single_other_system_is_called_that(run):
    two = told(run, lambda board: ranked(board) & (board["features"] == "egemaps"))
    assert "The best was compared with the other system by" in two
    assert re.search(r"The other, egemaps with \w+ \(UAR .*\), is (not significantly different|significantly worse)", two)


def test_a_tie_is_a_difference_of_nothing(run):
    said = told(run, ranked, behind=[float("nan"), 0.0, 0.0], behind_low=-0.1, behind_high=0.1, p_vs_best=[float("nan"), 1.0, 1.0])
    assert said.count("UAR .000 below, 95% CI [-.100, .100], p = 1.000") == 2
    assert "significantly worse" not in said


def test_with_one_system_nothing_is_compared(run):
    said = told(run, lambda board: ranked(board) & (board["model"] == "rf"))
    assert said.startswith("A single system was ranked, egemaps with rf: UAR ")
    assert said.endswith("With a single system nothing was compared.")


def test_where_no_comparison_came_out_that_is_said(run):
    assert "The systems were not compared with each other." in told(run, ranked, p_vs_best=float("nan"))


def test_what_few_speakers_cannot_show_is_said(run):
    few = replace(run, resolutions=run.resolutions.assign(speakers=4, smallest_p=0.125))
    assert "With 4 speakers no p below .125 is possible: no difference can be shown." in told(few, ranked)


def test_leaky_and_failed_systems_are_no_results(run):
    said = told(run)
    assert "1 system evaluated with the same speakers in training and test (LEAKY) reached UAR" in said
    assert "<b>odd</b> with xgb could not be evaluated: a fit failed." in said
    leaky = told(run, lambda board: board["status"] == "leaky")
    assert "The best" not in leaky
    assert "nothing is ranked." in leaky


def test_where_every_system_failed_that_is_all_there_is_to_say(run):
    assert told(run, lambda board: board["status"] == "failed") == "<b>odd</b> with xgb could not be evaluated: a fit failed."


def test_predictions_made_elsewhere_are_said_to_be(run):
    board = run.leaderboard[ranked(run.leaderboard)].assign(model="external", budget="external")
    said = as_text(method(replace(run, leaderboard=board)))
    assert "The predictions were made elsewhere" in said
    assert "Optuna" not in said
    assert "The best of 3 systems was egemaps: UAR " in as_text(results(replace(run, leaderboard=board)))


def test_each_track_has_its_own_best(run):
    said = told(run, lambda board: board["status"] == "ok")
    assert "With features standardised with training-set statistics (loso), the best of 3" in said
    assert "With features TRANSDUCTIVE" in said


def test_latex_has_no_bare_special_and_cites_what_bibtex_lists(run):
    odd = replace(run, leaderboard=run.leaderboard.assign(features=r"a_b\input{x}$%&#~^|"))
    tex, entries = paper_text(odd, "latex"), paper_text(odd, "bibtex")
    assert r"a\_b\textbackslash{}input\{x\}\$\%\&\#\textasciitilde{}\textasciicircum{}\textbar{} with" in tex
    bare = re.sub(r"\\cite\{[\w,]+\}|\$p [=<] 1?\.\d+\$|\$\\pm\$|\\text\w+\{\}|\\[&%$#_{}]|~(?=\\cite)|~$", "", tex)
    bare = bare.replace("~", "")
    assert not re.search(r"[\\&%$#_{}^|<>]", bare)
    cited = {key for keys in re.findall(r"\\cite\{([\w,]+)\}", tex) for key in keys.split(",")}
    assert cited == set(re.findall(r"^@\w+\{(\w+),$", entries, re.M))
    assert {"westfall1993resampling", "chen2016xgboost", "eyben2010opensmile", "ser_bench"} <= cited


def test_every_entry_of_bibtex_closes_what_it_opens(run):
    environment = run.environment | {
        "corpus": run.environment["corpus"] | {"citation": "Doe & Roe (2020), A {half-open corpus\\. Here & there"}
    }
    entries = paper_text(replace(run, environment=environment), "bibtex")
    assert "author = {Doe and Roe}" in entries
    for entry in entries.strip().split("\n\n"):
        assert entry.count("{") == entry.count("}")


@pytest.mark.parametrize(
    ("citation", "key", "cited"),
    [
        ("Burkhardt et al. (2005), A database of German emotional speech. Interspeech", "burkhardt2005database", "Burkhardt et al., 2005"),
        ("Livingstone & Russo (2018), The Ryerson Audio-Visual Database", "livingstone2018ryerson", "Livingstone and Russo, 2018"),
        ("Noriy, Yang & Zhang (2023), EMNS /Imz/ corpus: an emotive dataset. arXiv:2305.13137", "noriy2023emns", "Noriy et al., 2023"),
    ],
)
def test_a_citation_in_words_becomes_a_reference(citation, key, cited):
    (found,) = in_words(citation)
    assert (found.key, found.cited) == (key, cited)


def test_every_corpus_and_feature_set_with_a_year_is_cited():
    from ser_bench.corpora import known_readers
    from ser_bench.features.sets import known_extractors

    citations = [reader.facts.citation for reader in known_readers().values() if reader.facts]
    sources = [extractor.source for extractor in known_extractors().values()]
    for text in citations + sources:
        if re.match(r"(?!after )[^()]+ \(\d{4}\), ", text) and "Dataset (2019)" not in text:
            assert in_words(text), text


def test_an_unknown_form_is_refused(run):
    with pytest.raises(WrongCall, match="unknown form 'html'"):
        paper_text(run, "html")


def test_the_page_copies_text_latex_and_bibtex_with_numbers_in_per_cent_where_asked(browser, folder, run):
    show(browser, folder / "report.html")
    browser.execute_script("navigator.clipboard.writeText = async text => { window.taken = text; }")

    def taken(name: str) -> str:
        (button,) = [one for one in visible(browser, "section[aria-labelledby=method] button") if one.text == name]
        button.click()
        return browser.execute_script("return window.taken")

    assert taken("text") == f"{as_text(method(run))}\n\n{as_text(results(run))}"
    assert taken("BibTeX") == paper_text(run, "bibtex")
    fractions = taken("LaTeX")
    assert fractions == paper_text(run, "latex")
    browser.execute_script("document.getElementById('percent').click()")
    scores = re.compile(r"(?<!p = )(?<!p < )\.\d{3}")
    assert len(scores.findall(fractions)) > 10
    assert not scores.findall(taken("LaTeX"))
    assert re.findall(r"p [=<] \S+", taken("LaTeX")) == re.findall(r"p [=<] \S+", fractions)
