"""What a run, an ablation, cross-corpus evaluation and an audit came to: tables, and the folder that they are in."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ser_bench.errors import quoted
from ser_bench.evaluation.analysis_folders import AblationFolder, AuditFolder, CrossFolder, RecipeFolder
from ser_bench.evaluation.leaderboard import ALPHA
from ser_bench.evaluation.merge import Merged
from ser_bench.evaluation.run_folder import Run, RunFolder
from ser_bench.utils.formatting import format_score, interval, number_of, signed
from ser_bench.utils.shown import Shown, counted, scored
from ser_bench.utils.spec import ValueKind

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class Results(Shown, Run):
    """What a run of one corpus found: a `Run`, its `folder` now with `report.html`.

    Parameters
    ----------
    leaderboard : DataFrame
        A row per system, as `leaderboard.csv` has it. `reason` says why a row failed; `notes`, a list of str, what is to be known of its
        scores.
    resolutions : DataFrame
        What differences each block of it could have shown, and what its best row is worth (`evaluation.leaderboard.resolutions`).
    findings : DataFrame
        ``kind, check, what``: what an audit finds without listening.
    learning : DataFrame or None
        ``corpus, features, model, track, speakers, uar, uar_low, uar_high``: each row trained on fewer speakers; None where that was not
        evaluated.
    conditions : DataFrame or None
        ``corpus, features, model, track, condition, uar, uar_low, uar_high, diff, diff_low, diff_high, p``: each row on its held-out clips
        as they are and changed (`test_variant`), `diff` being the latter's UAR minus the former's; None where none was asked for.
    unchanged : bool
        Whether there was nothing to do: every file was as it was written, and none was written again.
    """

    leaderboard: pd.DataFrame
    resolutions: pd.DataFrame
    findings: pd.DataFrame
    learning: pd.DataFrame | None = None
    conditions: pd.DataFrame | None = None
    unchanged: bool = False

    PAGE: ClassVar[str] = RunFolder.PAGE

    def told(self) -> list[str]:
        """The corpus, the best system, those as good, what was left out, what it cost."""
        first = self.leaderboard.iloc[0]
        ranked = self.leaderboard[(self.leaderboard["status"] == "ok") & (self.leaderboard["track"] == first["track"])]
        alike, others = int((ranked["p_vs_best"].iloc[1:] >= ALPHA).sum()), len(ranked) - 1
        found = interval(first["uar_low"], first["uar_high"])
        best = f"{first['features']} with {first['model']} ({first['track']} track), UAR {format_score(first['uar'])}, 95% CI {found}"
        rest = number_of(others, "other system")
        size = counted(systems=len(self.leaderboard), clips=first["clips"], speakers=first["speakers"])
        return [
            f"{first['corpus']} ({first['labels']}): {size}, {first['cv']}",
            f"best: {best}" if len(ranked) else f"none is ranked; the first: {best} ({first['status']})",
            f"not significantly different from the best: {alike} of {rest}" if others > 0 else "no other system to compare with",
            counted(clips_skipped=len(self.skipped), warnings=len(self.warnings) + len(self.found), failed_units=len(self.failures)),
            counted(units_fitted=self.fitted, units_reused=self.reused),
        ]

    def table_shown(self) -> pd.DataFrame:
        """The leaderboard."""
        return scored(self.leaderboard, ["rank", "features", "model", "track"]).assign(status=self.leaderboard["status"])

    def paper_text(self, form: str = "text") -> str:
        """Method and results as two paragraphs for a paper, as on the page.

        Parameters
        ----------
        form : {'text', 'latex', 'bibtex'}
            The last is what the paragraphs cite.

        Raises
        ------
        WrongCall
            For another form.
        """
        from ser_bench.reports.paper_text import paper_text

        return paper_text(RunFolder(self.folder).read(), form)

    @property
    def found(self) -> list[str]:
        """The findings that a paper should answer, and that `warnings` do not say already."""
        serious = self.findings[self.findings["kind"] != "note"]
        return [
            f"{check}: {what}" for check, what in serious[["check", "what"]].astype(str).to_numpy().tolist() if what not in self.warnings
        ]


@dataclass(frozen=True, repr=False)
class Crossed(Shown):
    """What came of evaluating corpora by each other.

    Parameters
    ----------
    folder : Path
        With `cross.csv`, `cross.md`, `cross.html`, `predictions.parquet`, `skipped.csv`, and a picture in `figures/`.
    table : DataFrame
        A row per corpus trained on, corpus evaluated, feature set, model and track; `loss` is how far the UAR is below that of
        training within the corpus. `overlap` and `loss_overlap` say what their intervals allow for; `reason` and `notes` are as those
        of a leaderboard.
    predictions : DataFrame
        ``train, test, features, model, track, seed, clip, speaker, emotion, predicted``.
    warnings : list of str
    emotions : list of str
        Those that all corpora have, and are evaluated on.
    skipped : DataFrame
        ``corpus, clip, reason``.
    """

    folder: Path
    table: pd.DataFrame
    predictions: pd.DataFrame
    warnings: list[str]
    emotions: list[str]
    skipped: pd.DataFrame

    PAGE: ClassVar[str] = CrossFolder.PAGE

    def told(self) -> list[str]:
        """The corpora, the emotions that they share, what is lost, what was left out."""
        across = self.table[self.table["train"] != self.table["test"]]
        losses = across["loss"].astype(float).dropna().sort_values()
        lost = f"{format_score(losses.iloc[0])} to {format_score(losses.iloc[-1])} UAR" if len(losses) else "not known"
        return [
            f"{', '.join(self.table['train'].unique())} -> {', '.join(self.table['test'].unique())}",
            f"classes: {', '.join(self.emotions)}",
            counted(rows_across_corpora=len(across), rows_within=len(self.table) - len(across)),
            f"loss (how far below training within): {lost}",
            counted(
                clips_skipped=len(self.skipped), warnings=len(self.warnings), failed_rows=int((self.table["status"] == "failed").sum())
            ),
        ]

    def table_shown(self) -> pd.DataFrame:
        """A row per corpus trained on, corpus evaluated, and system."""
        return scored(self.table, ["train", "test", "features", "model", "track"]).assign(
            loss=[format_score(loss) for loss in self.table["loss"].astype(float)]
        )


@dataclass(frozen=True, repr=False)
class Ablated(Shown):
    """What an ablation found.

    Parameters
    ----------
    folder : Path
        With `ablation.csv`, `ablation.md`, `ablation.html`, `skipped.csv`, and a picture in `figures/`.
    table : DataFrame
        ``corpus, features, model, mode, group, uar, diff, diff_low, diff_high, p, uar_low, uar_high, dims, track, cv``: `diff` is
        a row's UAR minus that of all groups.
    importance : DataFrame or None
        ``corpus, features, model, kind, shuffled, name, value, low, high``: what the UAR loses with a group (kind ``group``) or a column
        shuffled across or within speakers, and groups' Shapley values.
    shown_in : list of Path
        The reports of runs beside it, on the same clips and split, that show it now.
    skipped : DataFrame
        ``clip, reason``.
    warnings : list of str
    """

    folder: Path
    table: pd.DataFrame
    importance: pd.DataFrame | None
    shown_in: list[Path]
    skipped: pd.DataFrame
    warnings: list[str]

    PAGE: ClassVar[str] = AblationFolder.PAGE

    def told(self) -> list[str]:
        """The corpus, the systems, what was compared, the largest loss, what was left out."""
        without = self.table[self.table["mode"] == "without"].dropna(subset=["diff"]).astype({"diff": float}).sort_values("diff")
        most = f"without {without.iloc[0]['group']}: {signed(without.iloc[0]['diff'])} UAR" if len(without) else "not measured"
        systems = self.table[["features", "model"]].drop_duplicates().itertuples(index=False, name=None)
        modes = dict.fromkeys(self.table["mode"])
        return [
            f"{self.table['corpus'].iloc[0]}: {', '.join(f'{features} with {model}' for features, model in systems)}",
            f"{counted(rows=len(self.table))}: {', '.join(modes)}",
            f"most is lost {most}" if len(without) else f"groups left out one by one: {most}",
            f"importance: {'not measured' if self.importance is None else counted(rows=len(self.importance))}",
            counted(clips_skipped=len(self.skipped), warnings=len(self.warnings)),
        ]

    def table_shown(self) -> pd.DataFrame:
        """A row per subset of groups."""
        return scored(self.table, ["features", "model", "mode", "group"]).assign(
            difference=[signed(diff) if diff == diff else "" for diff in self.table["diff"].astype(float)]
        )


@dataclass(frozen=True, repr=False)
class Reproduced(Shown):
    """What a recipe came to.

    Parameters
    ----------
    folder : Path
        With `recipe.csv`, `recipe.md`, `recipe.html`, `recipe.toml`, and a picture in `figures/`.
    name : str
        The recipe's.
    table : DataFrame
        ``experiment, system, run, part, metric, value, low, high, over, clips, speakers, status, notes``: what was
        claimed, or claimed to be `over` a value, and every metric of every system as published and honest; `notes` is a list of str.
    lines : dict of str to str
        Where the difference comes from, by experiment.
    honest : list of Results
        The speaker-independent run of each experiment.
    warnings, notes : list of str
        What this copy of the corpus lacks and what was cut; what the recipe itself leaves open.
    """

    folder: Path
    name: str
    table: pd.DataFrame
    lines: dict[str, str]
    honest: list[Results]
    warnings: list[str]
    notes: list[str]

    PAGE: ClassVar[str] = RecipeFolder.PAGE

    def told(self) -> list[str]:
        """The recipe, its systems, the first experiment's three numbers, where the difference comes from, what is to be known."""
        from ser_bench.reports.recipe import HEAD, summary_rows

        first = next(iter(summary_rows(self.table)))["read"]
        numbers = ", ".join(f"{name} {value}" for name, value in zip(HEAD[3:], first[3:], strict=True) if value)
        return [
            f"recipe {self.name}: {counted(experiments=len(self.lines), honest_runs=len(self.honest))}",
            f"systems: {', '.join(dict.fromkeys(self.table['system']))}",
            f"{first[2]}: {numbers}",
            next(iter(self.lines.values())),
            counted(warnings=len(self.warnings), notes=len(self.notes)),
        ]

    def table_shown(self) -> pd.DataFrame:
        """Claimed, reproduced and honest side by side."""
        import pandas as pd

        from ser_bench.reports.recipe import HEAD, summary_rows

        return pd.DataFrame([row["read"] for row in summary_rows(self.table)], columns=list(HEAD))


@dataclass(frozen=True, repr=False)
class Audited(Shown):
    """What an audit of one corpus found.

    Parameters
    ----------
    folder : Path
        With `audit.html`, `findings.csv`, and where the gap was measured, `gap.csv`.
    name : str
    summary : dict of str to str
        Clips, speakers, emotions, hours, durations, rates, in words.
    findings : DataFrame
        ``kind, check, what``: errors first, then warnings, then notes.
    gap : DataFrame or None
        ``split, parameters, scaling, uar, uar_low, uar_high, gap, gap_low, gap_high, overlap``, the honest row first.
    shown_in : list of Path
        The reports of runs beside it, on the same clips, that show it now.
    """

    folder: Path
    name: str
    summary: dict[str, str]
    findings: pd.DataFrame
    gap: pd.DataFrame | None
    shown_in: list[Path]

    PAGE: ClassVar[str] = AuditFolder.PAGE

    def told(self) -> list[str]:
        """The corpus, its size, what was found, the first of it, the largest leak gap."""
        counts = self.findings["kind"].value_counts()
        first = self.findings.iloc[0] if len(self.findings) else None
        gap = self.gap["gap"].astype(float).max() if self.gap is not None else None
        return [
            f"{self.name}: {self.summary['clips']}",
            f"speakers: {self.summary['speakers']}",
            counted(**{f"{kind}s": int(counts.get(kind, 0)) for kind in ("error", "warning", "note")}),
            "nothing was found" if first is None else f"{first['kind']}: {first['check']}: {quoted(first['what'])}",
            "leak gap: not measured" if gap is None else f"leak gap: up to {signed(gap)} UAR",
        ]

    def table_shown(self) -> pd.DataFrame:
        """The findings."""
        return self.findings


KINDS = {
    "RunSource": ValueKind("a run folder or the result of run()", lambda value: isinstance(value, str | PathLike | Run)),
    "Merged": ValueKind("the result of leaderboard()", lambda value: isinstance(value, Merged)),
    "Ablated": ValueKind("the result of ablate()", lambda value: isinstance(value, Ablated)),
    "Audited": ValueKind("the result of audit()", lambda value: isinstance(value, Audited)),
    "Crossed": ValueKind("the result of cross()", lambda value: isinstance(value, Crossed)),
}
"""What names of results in annotations of public functions stand for (`utils.calls.named_arguments`)."""
