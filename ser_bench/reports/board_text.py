"""The leaderboard as text: Markdown, tables of the terminal, and the words that pages take from here.

In:   a ranked leaderboard, what it is to be read against, what its speakers could have shown.
Out:  text.
Rule: no number stands without its interval, no row without what it may be compared with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.config import EMOTION
from ser_bench.evaluation.cautions import OUTLYING_SPEAKERS, note_words, outlying_words
from ser_bench.evaluation.environment import corpus_titles
from ser_bench.evaluation.leaderboard import ALPHA, BLOCK, is_compared, lines_of, not_significantly_worse
from ser_bench.evaluation.splits import TRACKS, parse_cv
from ser_bench.utils.formatting import (
    escaped,
    format_score,
    format_seconds,
    interval,
    number_of,
    p_value,
    p_words,
    plural,
    records,
    table_lines,
)
from ser_bench.utils.terminal import Part, TerminalTable

if TYPE_CHECKING:
    import pandas as pd

HEAD = ("rank", "features", "model", "UAR", "95% CI", "WAR", "macro F1", "AUC", "p (vs. best)")
WORDS = ("features", "model", "95% CI")
"""The columns of `HEAD` that are no single numbers."""
SPARED = ("AUC", "macro F1", "WAR")
"""The columns that a narrow terminal is without, the first of them first."""
STYLES = {"ok": "", "leaky": "red", "failed": "dim"}
NAMED = 100
"""So many letters of classes' names a title has, with what stands between them."""
CITED = "Cite the corrected UAR for the best of these systems, the measured one only for a system fixed in advance"
NOTHING: Mapping[str, Any] = MappingProxyType({})
"""What a folder says of itself that does not say anything."""


def blocks(board: pd.DataFrame, about: Mapping[str, Any] = NOTHING, qualifier: str = "") -> Iterator[tuple[str, pd.DataFrame]]:
    """The leaderboard in parts that may be compared within, each with a title that says what it is.

    Parameters
    ----------
    board : DataFrame
    about : mapping
        What its run's folder says of itself (`environment.json`): the corpus as its owners write it, and what is predicted; without, titles
        have the corpus's name and that of the label scheme alone.
    qualifier : str
        What titles say besides, where the same corpus, labels and protocol stand in another leaderboard next to it.
    """
    classes, titles = classes_words(about), corpus_titles([about])
    for _, block in board.groupby(BLOCK, sort=False):
        corpus, labels, track, cv = block.iloc[0][BLOCK]
        scheme = [] if classes and labels == "all" else [f"labels '{labels}'"]
        of = ", ".join([titles.get(corpus, corpus), *([classes] if classes else []), *scheme])
        what = f"{of}, {block['clips'].iloc[0]:,} clips of {block['speakers'].iloc[0]} speakers"
        yield f"{what}: {parse_cv(cv).words} ({cv}), {TRACKS[track]}{qualifier and f'; {qualifier}'}", block


def classes_words(about: Mapping[str, Any]) -> str:
    """What a run predicts, by name; empty where its folder does not say.

    Parameters
    ----------
    about : mapping
        What a run's folder says of itself (`environment.json`).

    Examples
    --------
    >>> classes_words({"corpus": {"emotions": {"anger": 9, "fear": 8, "neutral": 7}}})
    '3 emotions (anger, fear, neutral)'
    >>> classes_words({"corpus": {"emotions": ["female", "male"], "target": "gender"}})
    '2 classes of gender (female, male)'
    """
    corpus = about.get("corpus", {})
    names, target = list(corpus.get("emotions", ())), corpus.get("target", EMOTION)
    ends = np.cumsum([len(name) + len(", ") for name in names])
    shown = max(int((ends <= NAMED).sum()), 1)
    listed = ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")
    return f"{len(names)} {'emotions' if target == EMOTION else f'classes of {target}'} ({listed})" if names else ""


def to_markdown(
    board: pd.DataFrame, references: pd.DataFrame, resolutions: pd.DataFrame, *, about: Mapping[str, Any] = NOTHING, qualifier: str = ""
) -> str:
    """The leaderboard as Markdown, a table per block in groups of rows that cannot be distinguished from the best or can.

    Parameters
    ----------
    board, references, resolutions : DataFrame
        As `leaderboard.rank`, `leaderboard.references` and `leaderboard.resolutions` give them.
    about, qualifier
        As in `blocks`.
    """
    parts = []
    for title, block in blocks(board, about, qualifier):
        rows = []
        for name, group in groups(block):
            rows += [["", f"**{name}**", *[""] * (len(HEAD) - 1)]] if name else []
            named = ({**record, **{key: escaped(record[key]) for key in ("features", "model", "reason")}} for record in group)
            rows += [[*row_cells(record), format_seconds(record["seconds"])] for record in named]
        rows += [[*row["read"], ""] for row in selection_rows(block, resolutions)]
        lines = table_lines([*HEAD, "CPU time (s)"], rows, words=WORDS)
        told = [legend(block, references), *words_below(block, resolutions), *(note for note, _ in notes(block))]
        said = [part for line in told if line for part in (escaped(line), "")]
        parts.append("\n".join([f"**{escaped(title)}.**", "", *lines, "", *said]))
    return "\n".join(parts)


def groups(block: pd.DataFrame) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A block's rows by what can be said of them against the best, with a name for each group where there are several."""
    rows = records(block)
    several = is_compared(block)
    parts = {
        f"not significantly different from the best (p \u2265 {format_score(ALPHA, 2)})" if several else "ranked": [
            row for row in rows if not_significantly_worse(row)
        ],
        f"significantly below the best (p < {format_score(ALPHA, 2)})": [
            row for row in rows if row["status"] == "ok" and not not_significantly_worse(row)
        ],
        "not ranked": [row for row in rows if row["status"] != "ok"],
    }
    some = {name: part for name, part in parts.items() if part}
    for name, part in some.items():
        yield name if len(some) > 1 else "", part


def selection_rows(block: pd.DataFrame, resolutions: pd.DataFrame) -> list[dict[str, Any]]:
    """What a block's best row is worth on new speakers, as rows without a rank: the best as corrected, and the `selected` one."""
    mine = resolution_of(block, resolutions)
    ranked = int((block["status"] == "ok").sum())
    if mine is None or not is_compared(block):
        return []
    named = [
        ("best", f"best of {ranked}, corrected", "to be expected of the best on new speakers"),
        ("selected", "selected per fold", "in each fold, the system with the best inner score"),
    ]
    rows = []
    for key, name, about in named:
        uar, low, high = (float(mine[f"{key}{end}"]) for end in ("", "_low", "_high"))
        if not np.isnan(uar):
            read = ("", name, "", format_score(uar), interval(low, high), "", "", "", "")
            rows.append({"name": name, "about": about, "status": "worth", "uar": uar, "uar_low": low, "uar_high": high, "read": read})
    return rows


def verdict(block: pd.DataFrame, references: pd.DataFrame, resolutions: pd.DataFrame) -> list[str]:
    """What a block comes to, in two to five sentences; none where no row is ranked.

    The best row with its interval, and what it is worth as it was chosen; how far below it the second is, and how many others are as
    good; what guessing and listeners reach; which of the best row's two scores is to be cited.
    """
    ranked = [row for row in records(block) if row["status"] == "ok"]
    if not ranked:
        return []
    best, *cited = _best(ranked, resolution_of(block, resolutions))
    said = [best]
    compared = [row for row in ranked[1:] if not np.isnan(row["p_vs_best"])]
    if compared:
        said += [_second(compared[0])]
    if len(compared) > 1:
        said += [others_words(sum(map(not_significantly_worse, compared)), len(compared))]
    levels = {row["kind"]: row["uar"] for row in records(lines_of(block, references)) if row["kind"] in ("chance", "human")}
    words = [f"{'human listeners' if name == 'human' else name} {format_score(uar)}" for name, uar in levels.items()]
    said += [", ".join(words).capitalize(), *cited]
    return [f"{sentence}." for sentence in said if sentence]


def _best(ranked: list[dict[str, Any]], mine: pd.Series | None) -> Iterator[str]:
    """The best row with its scores, and, where they differ, which of them to cite."""
    best, several = ranked[0], len(ranked) > 1
    measured = f"{format_score(best['uar'])} (95% CI {interval(best['uar_low'], best['uar_high'])})"
    system = f"{best['features']} with {best['model']}"
    said = f"{f'Best of {len(ranked)} systems' if several else 'Single system'}: {system}, UAR {measured}"
    if mine is None or not several or np.isnan(mine["best"]):
        yield said
        return
    corrected, low, high = (float(mine[name]) for name in ("best", "best_low", "best_high"))
    honest = f"{format_score(corrected)} (95% CI {interval(low, high)})"
    if honest == measured:
        yield f"{said}; the same when corrected for having been chosen as the best"
        return
    yield f"{said}; corrected for having been chosen as the best, {honest}"
    if format_score(corrected) != format_score(best["uar"]):
        yield CITED


def others_words(like: int, others: int) -> str:
    """How many of the other systems are not shown to be worse than the best.

    >>> others_words(1, 3), others_words(3, 3), others_words(0, 3)
    ('1 of the 3 others is not significantly worse', 'None of the 3 others is significantly worse', 'All 3 others are significantly worse')
    """
    if others == 1:
        return f"The other is {'not ' if like else ''}significantly worse"
    if like == others:
        return f"None of the {others} others is significantly worse"
    if not like:
        return f"All {others} others are significantly worse"
    return f"{like} of the {others} others {plural(like, 'is', 'are')} not significantly worse"


def _second(row: dict[str, Any]) -> str:
    """How far below the best a row is, and whether that shows a difference."""
    behind = f"lower by {format_score(row['behind'])} (95% CI {interval(row['behind_low'], row['behind_high'])})"
    found = "not significantly different" if not_significantly_worse(row) else "significantly worse"
    return f"Second: {row['features']} with {row['model']}, {behind}, {p_words(row['p_vs_best'])}, {found}"


def selection_words(block: pd.DataFrame, resolutions: pd.DataFrame) -> str:
    """How the rows of `selection_rows` are to be read; empty where there are none."""
    rows = {row["name"] for row in selection_rows(block, resolutions)}
    mine = resolution_of(block, resolutions)
    if mine is None or not rows:
        return ""
    corrected = (
        "Best, corrected: the UAR to expect of the best row on new speakers, as it was chosen on these "
        "(bootstrap over speakers: chosen by those drawn, evaluated on the others)."
    )
    chosen = f" Selected per fold: in each fold the system with the best inner score ({mine['chosen']}): what choosing one so is worth."
    selected = chosen if "selected per fold" in rows else ""
    return corrected + selected


def equivalence_words(block: pd.DataFrame, resolutions: pd.DataFrame) -> str:
    """Which of a block's rows are as good as the best for practical purposes; empty where nothing is compared."""
    mine, tested = resolution_of(block, resolutions), block[block["p_equivalent"].notna()]
    if mine is None or tested.empty:
        return ""
    half = f"{float(mine['rope']):g}".removeprefix("0")
    region = f"within \u00b1{half} UAR (two one-sided tests, allowing for the best having been chosen)"
    shown = [row for row in records(tested) if row["p_equivalent"] < ALPHA]
    if shown:
        named = ", ".join(f"{row['features']} {row['model']} ({p_words(row['p_equivalent'])})" for row in shown)
        return f"Equivalent to the best {region}: {named}."
    near = records(tested)[int(tested["equivalent_within"].to_numpy().argmin())]
    narrowest = (
        f"the narrowest region that holds one is \u00b1{format_score(near['equivalent_within'])} ({near['features']} {near['model']})"
    )
    return f"No row is shown to be equivalent to the best {region}; {narrowest}. Not significantly different is not equivalent."


def resolution_of(block: pd.DataFrame, resolutions: pd.DataFrame) -> pd.Series | None:
    """The row of `resolutions` that a block has, if any."""
    found = np.logical_and.reduce([(resolutions[name] == block[name].iloc[0]).to_numpy(bool) for name in BLOCK])
    return resolutions.iloc[int(found.argmax())] if found.any() else None


def words_below(block: pd.DataFrame, resolutions: pd.DataFrame) -> list[str]:
    """What is said below a block of its best row, of rows that are as good, and of differences that its speakers could have shown."""
    said = (of(block, resolutions) for of in (selection_words, equivalence_words, resolution_words))
    return [words for words in said if words]


def resolution_words(block: pd.DataFrame, resolutions: pd.DataFrame) -> str:
    """What differences a block's speakers could have shown at all; empty where nothing or a single row is compared."""
    mine = resolution_of(block, resolutions)
    if mine is None or (block["status"] == "ok").sum() < 2:
        return ""
    speakers, smallest_p, difference = mine[["speakers", "smallest_p", "smallest_difference"]]
    if smallest_p > ALPHA:
        return f"With {speakers} speakers p \u2265 {format_score(smallest_p)} whatever the scores: no difference between rows can be shown."
    if np.isnan(difference):
        return ""
    if np.isinf(difference):
        return f"These {speakers} speakers differ so much that they could have shown no difference between rows."
    about = f"about {roughly(difference)} UAR for a typical system; smaller for one whose errors correlate with the best system's"
    return f"Minimum detectable difference with {speakers} speakers (80% power): {about}."


def roughly(difference: float) -> str:
    """A difference that is only known about: two digits."""
    return format_score(difference)[:-1]


def legend(block: pd.DataFrame, references: pd.DataFrame) -> str:
    """How a block's numbers are to be read, in two or three sentences."""
    first = block.iloc[0]
    seeds = spread_words(block) or "one seed"
    searched = f"Budget {first['budget']}: {number_of(first['trials'], 'trial')} inside the training speakers of each fold, {seeds}. "
    return (
        "UAR: unweighted average recall, pooled over held-out speakers, with a 95% confidence interval over speakers that allows for their "
        "having trained each other's models. p (vs. best): on new training and test speakers, were the row as good as the best; it allows "
        "for that, too, and for the best having been chosen from the same data. "
        f"{'' if first['budget'] == 'external' else searched}"
        f"CPU time: of one core, for search and fits. Reference levels: {reference_levels(block, references)}."
    )


def spread_words(block: pd.DataFrame) -> str:
    """What stands behind a block's scores where they are means over seeds; empty where there is one seed."""
    seeds = block["seeds"].iloc[0]
    return "" if seeds == 1 else f"mean of {seeds} seeds \u00b1 standard deviation between them"


def reference_levels(block: pd.DataFrame, references: pd.DataFrame) -> str:
    """What a block is read against, each with its source."""
    return "; ".join(reference_words(row) for row in records(lines_of(block, references)))


def reference_words(row: dict[str, Any]) -> str:
    """A line that scores are read against, in words: ``chance .250 (4 emotions)``."""
    return f"{reference_level(row)} ({row['source']})"


def reference_level(row: dict[str, Any]) -> str:
    """A line that scores are read against without its source: ``chance .250``."""
    score = f"WAR {format_score(row['war'])}" if np.isnan(row["uar"]) else format_score(row["uar"])
    return f"{row['name']} {score}"


def notes(block: pd.DataFrame) -> list[tuple[str, bool]]:
    """What a reader of a block's rows must know, each note with the rows that it is about, and whether its numbers are scores.

    A failed row tells its reason itself.
    """
    about: dict[str, list[dict[str, Any]]] = {}
    for row in records(block):
        for note in row["notes"]:
            about.setdefault(note, []).append(row)
    scored = int((block["status"] != "failed").sum())
    return [(f"{note} ({_whose(note, rows, scored)}).", note == OUTLYING_SPEAKERS) for note, rows in about.items()]


def _whose(note: str, rows: list[dict[str, Any]], scored: int) -> str:
    """The rows that a note is about, with the numbers that each of them has of it."""
    systems = [f"{row['features']} {row['model']}" for row in rows]
    if note == OUTLYING_SPEAKERS:
        return "; ".join(f"{system}: {outlying_words(row)}" for system, row in zip(systems, rows, strict=True))
    return "all rows" if len(rows) == scored > 1 else ", ".join(systems)


def own_notes(row: dict[str, Any]) -> list[tuple[str, bool]]:
    """As `notes`, of one row that stands alone; of a failed one the reason."""
    found = filter(None, [row["reason"], *row["notes"]])
    return [(note_words(note, row), note == OUTLYING_SPEAKERS) for note in found]


def terminal_tables(
    board: pd.DataFrame, references: pd.DataFrame, resolutions: pd.DataFrame, *, about: Mapping[str, Any] = NOTHING, qualifier: str = ""
) -> list[TerminalTable]:
    """The leaderboard for a terminal, a table per block, in groups and with parameters as `to_markdown`; reference levels stand last."""
    return [_terminal_table(title, block, references, resolutions) for title, block in blocks(board, about, qualifier)]


def _terminal_table(title: str, block: pd.DataFrame, references: pd.DataFrame, resolutions: pd.DataFrame) -> TerminalTable:
    parts = []
    for name, group in groups(block):
        # A reason may be long: it stands below the table.
        rows = [[cell.replace("**", "") for cell in row_cells(row | {"reason": ""})] for row in group]
        parts.append(Part(rows, [STYLES[row["status"]] for row in group], name))
    beside = [list(row["read"]) for row in selection_rows(block, resolutions)]
    beside += [_level_cells(row) for row in records(lines_of(block, references))]
    several = len(parts) > 1
    parts.append(Part(beside, ["italic"] * len(beside), "for comparison" if several and beside else ""))
    reasons = [f"FAILED {row['features']} {row['model']}: {row['reason']}" for row in records(block) if row["status"] == "failed"]
    levels = f"Reference levels: {reference_levels(block, references)}."
    below = [
        " ".join(verdict(block, references, resolutions)),
        *reasons,
        levels,
        *(note for note, _ in notes(block)),
        *words_below(block, resolutions),
    ]
    return TerminalTable(HEAD, parts, title, below, WORDS, names=3, folded="features", spared=SPARED)


def _level_cells(row: dict[str, Any]) -> list[str]:
    """A level that scores are read against, as cells of `HEAD`."""
    return ["", row["name"], "", format_score(row["uar"]), "", format_score(row["war"]), "", "", ""]


def row_cells(record: dict[str, Any]) -> list[str]:
    """A row as it is read: scores to three digits, without the zero before the point."""
    status = record["status"]
    spread = "" if np.isnan(record["uar_sd_seeds"]) else f" \u00b1{format_score(record['uar_sd_seeds'])}"
    place = str(record["rank"]) if status == "ok" else f"**{status.upper()}**"
    within = record["reason"] if status == "failed" else interval(record["uar_low"], record["uar_high"])
    beside = [format_score(record[name]) for name in ("war", "macro_f1", "auc")]
    return [place, record["features"], record["model"], format_score(record["uar"]) + spread, within, *beside, p_value(record["p_vs_best"])]
