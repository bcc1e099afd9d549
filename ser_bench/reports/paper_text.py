"""A run as two paragraphs that can stand in a paper: how scores were obtained, and what they are.

In:   a run's tables.
Out:  sentences with what each cites; as text, as LaTeX, and what is cited as BibTeX.
Rule: every number is the leaderboard's, with its interval; what was not compared, did not finish or leaks is said to be so. Effect sizes
      are differences in UAR, whose intervals are those of the tests.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ser_bench.config import EMOTION
from ser_bench.errors import printable, unknown
from ser_bench.evaluation.environment import corpus_title
from ser_bench.evaluation.evidence import EXTERNAL, ROW_KEY, swaps_of
from ser_bench.evaluation.leaderboard import ALPHA, BLOCK, lines_of, not_significantly_worse
from ser_bench.evaluation.splits import TRACKS, fixed_parts, parse_cv
from ser_bench.reports.bibliography import Reference, bibtex, in_words, kept, software
from ser_bench.reports.board_text import resolution_of, roughly
from ser_bench.utils.formatting import escaped_for_tex, format_score, interval, listed, number_of, p_words, plural, records

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.evaluation.run_folder import RunTables

FORMS = ("text", "latex", "bibtex")
LISTED = 5
"""So many systems that are not significantly different from the best are named, with their differences."""
MODELS = {
    "svm": ("chang2011libsvm", "pedregosa2011scikit"),
    "logreg": ("pedregosa2011scikit",),
    "rf": ("breiman2001random",),
    "xgb": ("chen2016xgboost",),
    "mlp": ("kingma2015adam",),
    "dense": ("paszke2019pytorch",),
    "cnn": ("paszke2019pytorch",),
}
TOOLKITS = {"opensmile": "eyben2010opensmile", "librosa": "mcfee2015librosa"}
"""Of the libraries that feature sets are computed with, those that are cited."""


class Sentence(NamedTuple):
    """One sentence, without its full stop, and what it cites."""

    text: str
    references: Sequence[Reference] = ()


def paper_text(run: RunTables, form: str = "text") -> str:
    """Both paragraphs of a run as text or LaTeX, or as BibTeX what they cite.

    Raises
    ------
    WrongCall
        For a form that is none of `FORMS`.
    """
    if form not in FORMS:
        raise unknown("form", form, FORMS)
    paragraphs = method(run), results(run)
    if form == "bibtex":
        return bibtex(reference for paragraph in paragraphs for sentence in paragraph for reference in sentence.references)
    return "\n\n".join(as_latex(paragraph) if form == "latex" else as_text(paragraph) for paragraph in paragraphs if paragraph) + "\n"


def as_text(sentences: Sequence[Sentence]) -> str:
    """A paragraph in which citations stand in brackets behind what they are cited for."""
    named = ("; ".join(dict.fromkeys(reference.cited for reference in sentence.references if reference.cited)) for sentence in sentences)
    cited = [f" ({names})" if names else "" for names in named]
    return " ".join(f"{printable(sentence.text)}{cite}." for sentence, cite in zip(sentences, cited, strict=True))


def as_latex(sentences: Sequence[Sentence]) -> str:
    r"""A paragraph for LaTeX: specials escaped, p-values as formulas, a ``\cite`` where something is cited."""
    keys = (",".join(dict.fromkeys(reference.key for reference in sentence.references)) for sentence in sentences)
    cited = [rf"~\cite{{{names}}}" if names else "" for names in keys]
    return " ".join(f"{_with_formulas(sentence.text)}{cite}." for sentence, cite in zip(sentences, cited, strict=True))


def _with_formulas(text: str) -> str:
    r"""Text for LaTeX in which a p with its value is a formula.

    >>> print(_with_formulas("a_b & 5%, p < .001"))
    a\_b \& 5\%, $p < .001$
    """
    parts = re.split(r"(\bp [=<] 1?\.\d+)", text)
    return "".join(f"${part}$" if at % 2 else escaped_for_tex(part) for at, part in enumerate(parts))


def title_of(run: RunTables) -> str:
    """The corpus's name as its owners write it."""
    return corpus_title(run.environment)


def target_of(run: RunTables) -> str:
    """What was predicted; runs of earlier versions, which do not say, predicted emotions."""
    return str(run.environment["corpus"].get("target", EMOTION))


def method(run: RunTables) -> list[Sentence]:
    """How scores were come by."""
    first = run.leaderboard.iloc[0]
    said = [_corpus(run), _folds(run), _systems(run)]
    if first["budget"] == EXTERNAL:
        said += [Sentence("The predictions were made elsewhere, each clip's without its fold by the word of whoever made them")]
    else:
        tuned = f"Hyperparameters were tuned with {number_of(first['trials'], 'Optuna trial')} {_searched_on(run)}"
        said += [Sentence(tuned, kept("akiba2019optuna"))]
        said += [Sentence(f"Features were {_scaling(run)}, and the held-out clips predicted once")]
        said += _augmented(run)
    overlap, cited = _overlap(run)
    uar = (
        "The unweighted average recall (UAR) is pooled over folds; its 95% confidence interval (CI) is over speakers (jackknife, Wilson's "
        f"bounds with Student's t), {overlap}"
    )
    return [*said, Sentence(uar, kept("efron1993introduction", "wilson1927probable", *cited)), _computed(run)]


def _computed(run: RunTables) -> Sentence:
    """Which ser-bench it was; runs of earlier versions do not say which commit."""
    made = run.environment.get("computed", {"ser_bench": run.environment["ser_bench"], "commit": ""})
    commit = f" (commit {made['commit']})" if made["commit"] else ""
    return Sentence(f"The evaluation was run with ser-bench {made['ser_bench']}{commit}", [software(str(made["ser_bench"]))])


def _corpus(run: RunTables) -> Sentence:
    """The corpus, and what of it is evaluated."""
    first, corpus, target = run.leaderboard.iloc[0], run.environment["corpus"], target_of(run)
    classes = f"{len(corpus['emotions'])} {'emotions' if target == EMOTION else f'classes of {target}'}"
    clips = f"{first['clips']:,} clips of {first['speakers']} speakers with {classes} ({', '.join(corpus['emotions'])})"
    return Sentence(f"The data are {clips} from {title_of(run)}", in_words(corpus["citation"]))


def _folds(run: RunTables) -> Sentence:
    """In which folds clips are evaluated."""
    first = run.leaderboard.iloc[0]
    n_folds = run.predictions["fold"].nunique() if len(run.predictions) else 0
    seeds = "" if first["seeds"] == 1 else f", repeated with {first['seeds']} seeds"
    rest = run.environment["corpus"]["clips"] - first["clips"]
    fixed = f"; the other {rest:,} are trained on and never held out" if rest else ""
    return Sentence(f"They were evaluated in {number_of(n_folds, 'fold')}{seeds}: {parse_cv(first['cv']).words}{fixed}")


def _systems(run: RunTables) -> Sentence:
    """What is evaluated: feature sets with their sizes, and classifiers."""
    board = run.leaderboard
    if (board["budget"] == EXTERNAL).all():
        return Sentence(f"Systems: {listed(list(board['features'].unique()))}")
    sets = board.drop_duplicates("features")[["features", "dims"]].itertuples(index=False, name=None)
    # Beside rows whose predictions were made elsewhere, which have no size, sizes are read as text.
    sizes = ((features, int(dims) if str(dims).isdigit() else 0) for features, dims in sets)
    named = listed([f"{features} ({size:,} features)" if size else str(features) for features, size in sizes])
    models = [str(model) for model in board["model"].unique() if model != EXTERNAL]
    cited = [reference for source in run.environment["features"].values() for reference in in_words(_without_licence(source))]
    cited += kept(*(TOOLKITS[library] for part in run.environment["features"] for library in _libraries(part)))
    cited += kept(*(key for model in models for key in MODELS.get(model.partition("(")[0], ())))
    return Sentence(f"Feature sets: {named}; classifiers: {listed(models)}", cited)


def _without_licence(source: str) -> str:
    """A feature set's source as its extractor has it: `environment.json` has the licence behind it, in brackets."""
    return re.sub(r" \([^()]*\)$", "", source)


def _libraries(part: str) -> list[str]:
    """Of `TOOLKITS`, the library that a feature set is computed with; none of one that is not known here."""
    from ser_bench.features.sets import known_extractors

    extractor = known_extractors().get(part.partition("(")[0])
    return [name for name in TOOLKITS if extractor is not None and name in extractor.libraries][:1]


def _overlap(run: RunTables) -> tuple[str, tuple[str, ...]]:
    """What intervals allow for, as speakers who are held out train each other's models, and what is cited for it."""
    if run.predictions["fold"].nunique() == 1:
        return "given the one training part: no speaker who is evaluated trained any model", ()
    bound = "the largest correction that overlapping training sets can call for"
    refitted = set() if run.refits is None else set(run.refits[ROW_KEY].itertuples(index=False, name=None))
    done = run.leaderboard.loc[run.leaderboard["status"] != "failed", ROW_KEY]
    without = sum(cell not in refitted for cell in done.itertuples(index=False, name=None))
    if without == len(done):
        return f"with {bound}, as no row could be fitted again without pairs of folds", ("nadeau2003inference",)
    some = f", but for {number_of(without, 'row')} without refits, which have {bound}" if without else ""
    cited = ("bates2024cross", *(("nadeau2003inference",) if without else ()))
    return f"with a correction for overlapping training sets from refits without pairs of folds{some}", cited


def _searched_on(run: RunTables) -> str:
    protocol = parse_cv(run.leaderboard["cv"].iloc[0])
    if protocol.leaky:
        return "inside the training part of each fold"
    parts = fixed_parts(run.clips, protocol)
    if parts is not None and "dev" in parts:
        return "on the dev part, which was then added to the training clips of the selected ones"
    return "on speaker-grouped inner folds of the training speakers"


def _augmented(run: RunTables) -> list[Sentence]:
    """How training clips were augmented, as the configuration has it; nothing where they were not."""
    asked = tomllib.loads(run.configuration)
    kinds, only, times = (asked.get(key) for key in ("augment", "augment_only", "augment_times"))
    if not kinds:
        return []
    clips = f"Training clips of {', '.join(only)}" if only else "Training clips"
    copies = f"each got {'a changed copy' if times == 1 else f'{times} changed copies'} by {' and by '.join(kinds)}"
    return [Sentence(f"{clips} were augmented in inner and outer folds alike: {copies}; validation and held-out clips stayed as they are")]


def _scaling(run: RunTables) -> str:
    words = {
        "train": "standardised with training-set statistics",
        "speaker": "standardised per speaker (transductive track)",
        "none": "not standardised",
    }
    return " or ".join(words[track] for track in run.leaderboard["track"].unique())


def results(run: RunTables) -> list[Sentence]:
    """What was found: of each block of the leaderboard its best, what is like it, and what is worse."""
    blocks = [block for _, block in run.leaderboard.groupby(BLOCK, sort=False)]
    return [sentence for block in blocks for sentence in _of_block(block, run, apart=len(blocks) > 1)]


def _of_block(block: pd.DataFrame, run: RunTables, *, apart: bool) -> Iterator[Sentence]:
    """The sentences of one block; `apart` says which it is, where there are several."""
    first = block.iloc[0]
    where = f"With features {TRACKS[first['track']]} ({first['cv']}), " if apart else ""
    ranked = [row for row in records(block) if row["status"] == "ok"]
    if ranked:
        yield _best(ranked, block, run, where)
        yield from _compared(ranked, resolution_of(block, run.resolutions), overlapping=run.predictions["fold"].nunique() > 1)
    leaky = [row for row in records(block) if row["status"] == "leaky"]
    if leaky:
        highest = max(row["uar"] for row in leaky)
        counted = number_of(len(leaky), "system")
        yield Sentence(
            f"{where}{counted} evaluated with the same speakers in training and test (LEAKY) reached UAR {format_score(highest)} at most; "
            "this does not hold for unseen speakers, and nothing is ranked"
        )
    failed = [_name(row) for row in records(block) if row["status"] == "failed"]
    if failed:
        yield Sentence(f"{where}{listed(failed)} could not be evaluated: {'fits' if len(failed) > 1 else 'a fit'} failed")


def _best(ranked: list[dict[str, Any]], block: pd.DataFrame, run: RunTables, where: str) -> Sentence:
    """The best system with its scores, and what guessing and listeners reach."""
    best = ranked[0]
    which = f"the best of {len(ranked)} systems was {_name(best)}" if len(ranked) > 1 else f"a single system was ranked, {_name(best)}"
    beside = [
        f"{name} {format_score(best[key])}"
        for name, key in (("weighted average recall", "war"), ("macro F1", "macro_f1"), ("AUC", "auc"))
        if not np.isnan(best[key])
    ]
    levels = {row["kind"]: row["uar"] for row in records(lines_of(block, run.references)) if row["kind"] in ("chance", "human")}
    words = {"chance": "chance is", "human": "human listeners reach"}
    against = listed([f"{words[name]} {format_score(uar)}" for name, uar in levels.items()]) if levels else ""
    score = f"UAR {format_score(best['uar'])} (95% CI {interval(best['uar_low'], best['uar_high'])})"
    said = f"{where}{which}: {score}, {listed(beside)}{f'; {against}' if against else ''}"
    return Sentence(said[0].upper() + said[1:])


def _compared(ranked: list[dict[str, Any]], mine: pd.Series | None, *, overlapping: bool) -> Iterator[Sentence]:
    """How the other systems compare with the best: by which test, which are like it, which are worse, and what could have been shown."""
    if len(ranked) == 1:
        yield Sentence("With a single system nothing was compared")
        return
    if mine is not None and not np.isnan(mine["best"]):
        corrected = f"{format_score(mine['best'])} (95% CI {interval(mine['best_low'], mine['best_high'])})"
        said = f"Corrected for the best having been chosen on the same speakers by a bootstrap over speakers, its UAR is {corrected}"
        yield Sentence(said, kept("tsamardinos2018bootstrapping"))
    others = [row for row in ranked[1:] if not np.isnan(row["p_vs_best"])]
    if not others:
        yield Sentence("The systems were not compared with each other")
        return
    yield _test(others, overlapping=overlapping)
    yield from _like_and_worse(others)
    if mine is not None:
        yield from _equivalent(others, float(mine["rope"]))
        yield from _detectable(mine)


def _test(others: list[dict[str, Any]], *, overlapping: bool) -> Sentence:
    """The test of `scores.versus_best`."""
    swaps = swaps_of(int(others[0]["speakers"]))
    pairs = "the other system" if len(others) == 1 else f"each of {len(others)} other systems"
    scaled = ", distances scaled for overlapping training sets" if overlapping else ""
    return Sentence(
        f"The best was compared with {pairs} by a step-down permutation test ({swaps:,} swaps of all systems' predictions for a random "
        f"half of the speakers; statistic: the distance from the best to the worst system{scaled}), which keeps the family-wise error rate "
        "at 5% and allows for the best having been chosen from the same data",
        kept("westfall1993resampling", "hsu1996multiple"),
    )


def _like_and_worse(others: list[dict[str, Any]]) -> Iterator[Sentence]:
    """Which systems are not significantly different from the best, with their differences, and how far below it the others are."""
    like = [row for row in others if not_significantly_worse(row)]
    worse = [row for row in others if not not_significantly_worse(row)]
    of = f" of {len(others)} others"
    if len(others) == 1:
        (row,) = others
        found = "not significantly different from it" if like else "significantly worse"
        yield Sentence(f"The other, {_name(row)} ({_difference(row)}), is {found}")
        return
    if like:
        named = [f"{_name(row)} ({_difference(row)})" for row in like[:LISTED]]
        named += [f"{len(like) - LISTED} more"] if len(like) > LISTED else []
        yield Sentence(f"{len(like)}{of} {plural(len(like), 'is', 'are')} not significantly different from it: {listed(named)}")
    if worse:
        nearest, farthest = f"{_name(worse[0])} ({_difference(worse[0])})", max(row["behind"] for row in worse)
        which = f": {nearest}" if len(worse) == 1 else f", the nearest {nearest}, the farthest {format_score(farthest)} below the best"
        yield Sentence(f"{len(worse)}{of} {plural(len(worse), 'is', 'are')} significantly worse{which}")


def _difference(row: dict[str, Any]) -> str:
    """How far below the best a system is: the difference in UAR with its interval, and p."""
    within = interval(row["behind_low"], row["behind_high"])
    return f"UAR {format_score(row['behind'])} below, 95% CI {within}, {p_words(row['p_vs_best'])}"


def _equivalent(others: list[dict[str, Any]], rope: float) -> Iterator[Sentence]:
    """Which systems are shown to be as good as the best for practical purposes."""
    tested = [row for row in others if not np.isnan(row["p_equivalent"])]
    if not tested:
        return
    half = f"\u00b1{rope:g} UAR".replace("\u00b10.", "\u00b1.")
    shown = [_name(row) for row in tested if row["p_equivalent"] < ALPHA]
    which = f"{listed(shown)} {plural(len(shown), 'is', 'are')}" if shown else "None is"
    how = "two one-sided tests, corrected for all pairs of systems"
    yield Sentence(
        f"{which} shown to be equivalent to the best within {half} ({how})", kept("schuirmann1987comparison", "dunn1961multiple")
    )


def _detectable(mine: pd.Series) -> Iterator[Sentence]:
    """What so many speakers could have shown."""
    speakers, smallest_p, difference = mine[["speakers", "smallest_p", "smallest_difference"]]
    if smallest_p > ALPHA:
        yield Sentence(f"With {speakers} speakers no p below {format_score(smallest_p)} is possible: no difference can be shown")
    elif np.isfinite(difference):
        yield Sentence(f"The minimum detectable difference with {speakers} speakers is about {roughly(difference)} UAR at 80% power")
    elif np.isinf(difference):
        yield Sentence(f"These {speakers} speakers differ so much that no difference could have been shown")


def _name(row: dict[str, Any]) -> str:
    return f"{row['features']} with {row['model']}" if row["model"] != EXTERNAL else str(row["features"])
