"""Published systems as files: what each was, how it was split and selected, and what was claimed of it.

In:   the name of a recipe (a file of `ser_bench/recipes/`) or a TOML file of the user's own.
Out:  a `Recipe`: the corpus that it is of, and one or several experiments, each a system stated completely.
Rule: a recipe is one TOML file and no code. What stands before the first `[[experiment]]` holds for every experiment that does not say
      otherwise. A key that nobody knows is refused with the nearest known one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ser_bench.config import CLASS_WEIGHTS, TRACKS
from ser_bench.errors import WrongCall, quoted, unknown
from ser_bench.utils.formatting import format_score
from ser_bench.utils.spec import parse, typed, within
from ser_bench.utils.toml import named_or_read, read_toml

FOLDER = Path(__file__).parents[1] / "recipes"
PARTS = ("test", "validation")
SELECTIONS = (*PARTS, "none")
METRICS = ("accuracy", "uar", "macro_f1", "micro_precision", "micro_recall", "micro_f1", "auc")
"""What a claim may be of."""
METRIC_NAMES = {
    "uar": "UAR",
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
    "micro_precision": "micro precision",
    "micro_recall": "micro recall",
    "auc": "AUC, mean over classes",
    "two_steps.accuracy": "accuracy in two steps",
}
"""What metrics are called where their own names are not what the field says."""
COLUMNS = ("experiment", "system", "run", "part", "metric", "value", "low", "high", "over", "clips", "speakers", "status", "notes")
"""What a table of claims and scores has (`reproduction.score_table`); `over` of a claim says that its value is a lower bound."""


@dataclass(frozen=True)
class Claim:
    """What was published of a system.

    Parameters
    ----------
    metric : str
        One of `METRICS`.
    value : float
    over : bool
        Whether "more than" was claimed.
    part : {'test', 'validation'}
        Of which clips.
    about : str
        What else was said of it.
    """

    metric: str = ""
    value: float = 0.0
    over: bool = False
    part: str = "test"
    about: str = ""


@dataclass(frozen=True)
class PublishedSplit:
    """How a published system's clips were split, and what selected its model.

    One of `test`, `test_speakers`, `test_drawn` and `folds` says what is tested.

    Parameters
    ----------
    test : float
        The share of clips drawn at random.
    test_speakers : tuple of str
        Speakers by their names in the corpus.
    test_drawn : int
        So many speakers, drawn at random.
    folds : int
        Every clip, in so many random folds.
    validation : float
        The share of the other clips, drawn at random, that is not trained on.
    stratified : bool
        Whether clips are drawn of each label by itself.
    selection : {'test', 'validation', 'none'}
        On which clips the epoch was selected; with ``none`` all epochs were trained.
    """

    test: float = 0.0
    test_speakers: tuple[str, ...] = ()
    test_drawn: int = 0
    folds: int = 0
    validation: float = 0.0
    stratified: bool = False
    selection: str = "none"

    @property
    def words(self) -> str:
        """The split in words.

        >>> PublishedSplit(test=0.2, selection="test").words
        'a random 20% of clips tested; the epoch selected on the test clips'
        """
        drawn = ", stratified" if self.stratified else ""
        if self.folds:
            tested = f"every clip tested once, in {self.folds} random folds"
        elif self.test_speakers:
            tested = f"speakers {', '.join(self.test_speakers)} tested"
        elif self.test_drawn:
            tested = f"{self.test_drawn} speakers drawn at random tested"
        else:
            tested = f"a random {self.test:.0%} of clips tested{drawn}"
        beside = f"; a random {self.validation:.0%} of the others for validation{drawn}" if self.validation else ""
        return (
            f"{tested}{beside}; {'all epochs trained' if self.selection == 'none' else f'the epoch selected on the {self.selection} clips'}"
        )


@dataclass(frozen=True)
class Experiment:
    """One published system: a row of its table.

    Parameters
    ----------
    name, labels, where, features, model, class_weights
        As in `RunConfig`, of one feature set and one model; `name` is what the row is called, empty where it is the only one.
    scaling : {'train', 'speaker', 'none'}
        The track.
    offset, duration, trim : float
    augment, augment_times, augment_only
        As in `RunConfig`.
    split : PublishedSplit
    claimed : tuple of Claim
    why : str
        Where the difference between claimed and honest comes from, as far as that is known beforehand.
    """

    name: str = ""
    labels: str = "all"
    where: str = ""
    features: str = ""
    model: str = ""
    class_weights: str = "none"
    scaling: str = "train"
    offset: float = 0.0
    duration: float = 0.0
    trim: float = 0.0
    augment: tuple[str, ...] = ()
    augment_times: int = 1
    augment_only: tuple[str, ...] = ()
    split: PublishedSplit = PublishedSplit()
    claimed: tuple[Claim, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class RecipeNeed:
    """What the published system had and a copy of the corpus may lack.

    Parameters
    ----------
    what : str
    where : str
        The filter that finds it (docs/filters.md); empty for what is never there.
    """

    what: str = ""
    where: str = ""


@dataclass(frozen=True)
class Recipe:
    """A published system.

    Parameters
    ----------
    name, title, source : str
    year : int
    corpus : str
        The reader that its corpus has (see ``ser-bench corpora``).
    experiments : tuple of Experiment
    wanted : tuple of RecipeNeed
    needs : str
        What it takes besides the corpus, in words.
    notes : tuple of str
        What is not known, or was left out, and why.
    text : str
        The file.
    """

    name: str
    title: str
    source: str
    year: int
    corpus: str
    experiments: tuple[Experiment, ...]
    wanted: tuple[RecipeNeed, ...] = ()
    needs: str = ""
    notes: tuple[str, ...] = ()
    text: str = field(default="", repr=False)

    @property
    def claim(self) -> str:
        """What was claimed, in a few words."""
        claims = [claim for one in self.experiments for claim in one.claimed]
        if not claims:
            return "numbers not known"
        first = claims[0]
        values = sorted(claim.value for claim in claims if (claim.metric, claim.part) == (first.metric, first.part))
        low, high = (format_score(value, 2) for value in (values[0], values[-1]))
        span = f"{low} to {high}" if low != high else f"{'over ' if first.over else ''}{low}"
        return f"{metric_words(first.metric, first.part)} {span}"


def metric_words(metric: str, part: str) -> str:
    """A metric of some clips, in words.

    >>> metric_words("micro_f1", "test"), metric_words("accuracy", "validation")
    ('micro F1', 'validation accuracy')
    """
    return f"{'' if part == 'test' else f'{part} '}{METRIC_NAMES.get(metric, metric)}"


GENERAL: Mapping[str, Any] = {"title": "", "source": "", "year": 0, "corpus": "", "needs": "", "notes": [], "wanted": [], "experiment": []}


@cache
def known_recipes() -> dict[str, Recipe]:
    """All recipes by name: one per file of `ser_bench/recipes/`, which is named after it.

    Raises
    ------
    WrongCall
        Naming the file that is no recipe.
    """
    return {file.stem: read_recipe(file) for file in sorted(FOLDER.glob("*.toml"))}


def recipe_named(name: str) -> Recipe:
    """The recipe of that name, or in that file, where the name ends in ``.toml``.

    Raises
    ------
    WrongCall
        With the nearest known name, or with what is wrong with the file.
    """
    return named_or_read("recipe", name, known_recipes, read_recipe)


def read_recipe(file: Path) -> Recipe:
    """A recipe from a TOML file.

    Raises
    ------
    WrongCall
        Naming the file and what is wrong with it.
    """
    text, said = read_toml(file, "--recipe")
    shared = {key: value for key, value in said.items() if key not in GENERAL}
    general = {key: typed(key, said.get(key, default), default, str(file)) for key, default in GENERAL.items()}
    if lacking := [key for key in ("title", "source", "corpus") if not general[key]]:
        raise WrongCall(f"{file}: the recipe lacks its {lacking[0]}")
    rows = general.pop("experiment") or [{}]
    experiments = tuple(_experiment({**shared, **_table("experiment", row, file)}, file) for row in rows)
    names = [one.name for one in experiments]
    if len(set(names)) < len(names):
        raise WrongCall(f"{file}: two experiments have one name; each needs a name of its own")
    wanted = tuple(_made(RecipeNeed, _table("wanted", row, file), "wanted", file) for row in general.pop("wanted"))
    return Recipe(file.stem, experiments=experiments, wanted=wanted, text=text, **{**general, "notes": tuple(map(str, general["notes"]))})


def _experiment(said: Mapping[str, Any], file: Path) -> Experiment:
    """An experiment from its keys, and those that stand before all."""
    for key in said:
        if key not in {one.name for one in dataclasses.fields(Experiment)}:
            raise unknown(f"key of the recipe {file}", key, {*GENERAL, *(one.name for one in dataclasses.fields(Experiment))})
    split = _split(_table("split", said.get("split", {}), file), file)
    listed = said.get("claimed", [])
    claimed = tuple(_claim(_table("claimed", row, file), file) for row in (listed if isinstance(listed, list) else [listed]))
    words = {key: _words(key, said[key], file) for key in ("augment", "augment_only") if key in said}
    plain = {key: value for key, value in said.items() if key not in {"split", "claimed", *words}}
    one = dataclasses.replace(_made(Experiment, plain, "experiment", file), split=split, claimed=claimed, **words)
    if lacking := [key for key in ("features", "model") if not getattr(one, key)]:
        raise WrongCall(f"{file}: experiment '{quoted(one.name)}' lacks its {lacking[0]}")
    _among("class_weights", one.class_weights, CLASS_WEIGHTS, file)
    _among("scaling", one.scaling, TRACKS, file)
    parse(one.model)
    return one


def _split(said: dict[str, Any], file: Path) -> PublishedSplit:
    speakers = said.pop("test_speakers", [])
    split = dataclasses.replace(_made(PublishedSplit, said, "split", file), test_speakers=_words("test_speakers", speakers, file))
    kinds = [key for key in ("test", "test_speakers", "test_drawn", "folds") if getattr(split, key)]
    if len(kinds) != 1:
        raise WrongCall(f"{file}: split takes one of test, test_speakers, test_drawn and folds, not {' and '.join(kinds) or 'none'}")
    for key in ("test", "validation"):
        within(f"{file}: split: {key}", getattr(split, key), 0, 0.9)
    within(f"{file}: split: folds", split.folds or 2, 2, 1000)
    within(f"{file}: split: test_drawn", split.test_drawn or 2, 2, 100_000)
    _among("selection", split.selection, SELECTIONS, file)
    if (split.selection == "validation" and not split.validation) or (split.folds and (split.validation or split.selection != "none")):
        raise WrongCall(f"{file}: split: nothing is left for {'validation' if split.validation or split.folds else 'selection'}")
    return split


def _claim(said: dict[str, Any], file: Path) -> Claim:
    claim = _made(Claim, said, "claimed", file)
    _among("metric", claim.metric, METRICS, file)
    _among("part", claim.part, PARTS, file)
    within(f"{file}: claimed: value", claim.value, 0, 1)
    return claim


def _made(cls: Any, said: Mapping[str, Any], what: str, file: Path) -> Any:
    """A dataclass from a table of the file."""
    fields = {one.name: one for one in dataclasses.fields(cls)}
    for key in said:
        if key not in fields:
            raise unknown(f"key of '{what}' in the recipe {file}", key, fields)
    return cls(**{key: typed(key, value, fields[key].default, f"{file}: {what}") for key, value in said.items()})


def _words(key: str, value: Any, file: Path) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise WrongCall(f'{file}: {key} takes a list of words in quotes, such as ["21", "22"]')
    return tuple(value)


def _table(what: str, value: Any, file: Path) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise WrongCall(f"{file}: '{what}' takes a table: lines of key = value below [[{what}]], or {{key = value}}")
    return dict(value)


def _among(key: str, value: str, known: tuple[str, ...], file: Path) -> None:
    if value not in known:
        raise unknown(f"{key} in the recipe {file}:", value, known)


def with_experiments(recipe: Recipe, names: tuple[str, ...]) -> Recipe:
    """The recipe with these experiments alone; all of them without names.

    Raises
    ------
    WrongCall
        With the nearest known name.
    """
    known = {one.name: one for one in recipe.experiments}
    for name in names:
        if name not in known:
            raise unknown(f"experiment of the recipe {recipe.name}", name, known)
    return dataclasses.replace(recipe, experiments=tuple(known[name] for name in names or known))


def catalogue() -> list[dict[str, Any]]:
    """All recipes, each with ``recipe, title, system, corpus, claimed, needs``."""
    rows = []
    for name, recipe in known_recipes().items():
        systems = dict.fromkeys(f"{parse(one.features)[0]} with {parse(one.model)[0]}" for one in recipe.experiments)
        row = {"recipe": name, "title": recipe.title, "system": ", ".join(systems), "corpus": recipe.corpus}
        rows.append({**row, "claimed": recipe.claim, "needs": recipe.needs})
    return rows
