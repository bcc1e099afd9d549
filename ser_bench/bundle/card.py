"""The model card of a fitted system, in the form of the model hubs: YAML front matter, then Markdown.

In:   what a bundle says of itself (`about`), and what it is.
Out:  text.
Rule: no score but that of unseen speakers, each with its interval; of the best of several the score is corrected for its having been
      picked. What others named (corpora, speakers, classes, tables) stays text, whatever it holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ser_bench.config import BALANCED
from ser_bench.errors import printable
from ser_bench.evaluation.splits import TRACKS
from ser_bench.utils.formatting import escaped, format_score, interval, number_of, table_lines

About = Mapping[str, Any]

TAGS = (
    "audio-classification",
    "speech-emotion-recognition",
    "emotion-recognition",
    "speech",
    "speaker-independent",
    "hand-crafted-features",
)
METRICS = {"uar": ("recall", "UAR"), "war": ("accuracy", "WAR"), "macro_f1": ("f1", "macro F1"), "auc": ("roc_auc", "AUC")}
"""Of each score in `quality`: what the hubs call it, and what the field does."""
BOUNDS = {"uar": "uar", "war": "war", "macro_f1": "f1", "auc": "auc"}
UNSEEN = "speakers that no training clip is of"

RESTRICTED = (
    "**Restricted by law.** In the European Union it is prohibited to place on the market, to put into service for this purpose or to use "
    "AI systems that infer the emotions of people at the workplace or in education institutions, except for medical or safety reasons "
    "(AI Act, Regulation (EU) 2024/1689, Article 5(1)(f)). Other emotion recognition is a high-risk use there (Annex III, 1(c)), and "
    "people who are exposed to it have to be informed (Article 50(3)). Emotion recognition is restricted elsewhere, too: find out what "
    "holds where it is used."
)
INTENDED = (
    "Research and teaching on speech emotion recognition: a baseline, a comparison with other systems, a look at what such features can "
    "and cannot tell. It says which of its classes the sound of a clip is most like. It does not know what a person feels."
)
OUT_OF_SCOPE = (
    "decisions about people: hiring, performance, grading, credit, insurance, policing, border control, health",
    "monitoring of employees, pupils or students",
    "listening to people who have not agreed to it",
    "speech unlike the training clips: other languages, ages, recordings, or emotions that are not acted as they were there",
)


def card_of(about: About, *, features: str, model: str, n_columns: int, known: Sequence[str] = ()) -> str:
    """The model card.

    Parameters
    ----------
    about : mapping
        As `about.describe` gives it.
    features, model : str
        The feature set's and the model's name.
    n_columns : int
        Columns of the feature set.
    known : sequence of str
        What training clips were like, in sentences (`KnownClips.describe`).
    """
    title = f"{features} with {model}, trained on {about['corpus']['title']}"
    parts = [
        front_matter(about, title),
        f"# {escaped(title)}",
        description(about, features, model, n_columns),
        f"## Intended use\n\n{INTENDED}",
        f"## Out-of-scope use\n\n{listed(OUT_OF_SCOPE)}\n\n{RESTRICTED}",
        training_data(about),
        training(about),
        results(about),
        limits(about, known),
        f"## Licence\n\n{licence(about)}",
        use(about),
    ]
    return "\n\n".join(parts) + "\n"


def front_matter(about: About, title: str) -> str:
    """What the model hubs index a model by: licence, languages, tags, metrics, and the scores on unseen speakers."""
    quality, languages = about["quality"], [code for code in about["corpus"]["languages"] if re.fullmatch(r"[a-z]{2,3}", code)]
    lines = [
        *([f"language: {yaml(languages)}"] if languages else []),
        "license: other",
        f"license_name: {yaml('terms-of-the-training-data')}",
        "library_name: ser-bench",
        "pipeline_tag: audio-classification",
        f"tags: {yaml(TAGS)}",
        f"metrics: {yaml([name for name, _ in METRICS.values()])}",
    ]
    if quality:
        expected = {**quality, **(quality["corrected"] or {})}
        lines += [
            "model-index:",
            f"- name: {yaml(title)}",
            "  results:",
            f"  - task: {yaml({'type': 'audio-classification', 'name': 'speech emotion recognition, unseen speakers'})}",
            f"    dataset: {yaml({'type': about['corpus']['name'], 'name': about['corpus']['title'], 'split': quality['cv']})}",
            "    metrics:",
        ]
        for key, (metric, name) in METRICS.items():
            if expected[key] is not None:
                lines.append(f"    - {yaml({'type': metric, 'name': f'{name}, {protocol_of(quality)}', 'value': expected[key]})}")
    return "\n".join(["---", *lines, "---"])


def description(about: About, features: str, model: str, n_columns: int) -> str:
    """What it is, and the one number."""
    corpus, classes = about["corpus"], about["corpus"]["classes"]
    prior = ", as if all classes were equally frequent" if about["protocol"]["class_weights"] == BALANCED else ""
    return "\n\n".join(
        [
            f"A classifier of {escaped(corpus['target'])} in speech from hand-crafted acoustic features: the feature set {code(features)} "
            f"({number_of(n_columns, 'column')}, {TRACKS[about['protocol']['track']]}) and the model {code(model)}, made by ser-bench "
            f"{about['versions']['ser-bench']}.",
            listed(
                [
                    f"Classes: {', '.join(map(escaped, classes))}.",
                    "In: a clip of speech, mono or stereo, of any rate.",
                    f"Out: one class, and a probability of each{prior}.",
                ]
            ),
            headline(about),
        ]
    )


def headline(about: About) -> str:
    """The score to expect on unseen speakers, or that none is known."""
    quality = about["quality"]
    if not quality:
        return "**Not evaluated on unseen speakers.** Do not quote a score of it on its training clips."
    chance = f"; chance is {format_score(quality['chance'])}" if quality["chance"] is not None else ""
    words = f"**Expected on unseen speakers of this kind: {scored(quality, 'uar')} UAR** (95% CI over speakers){chance}."
    if quality["corrected"]:
        words += (
            f" It was picked as the best of {quality['chosen_from']} systems by these scores. Corrected for that, expect "
            f"**{scored(quality['corrected'], 'uar')}**."
        )
    return words


def training_data(about: About) -> str:
    """The corpus, as it was used."""
    corpus = about["corpus"]
    kept = f", clips where {code(corpus['where'])}" if corpus["where"] else ""
    rows = [
        ("corpus", escaped(corpus["title"])),
        ("citation", escaped(corpus["citation"] or "not known")),
        ("licence of the data", escaped(corpus["licence"] or "not known")),
        ("to be had from", escaped(corpus["obtain"] or "not known")),
        ("labels", f"scheme {code(corpus['labels'])}{kept}"),
        ("clips", f"{corpus['clips']:,} of {corpus['speakers']} speakers, {corpus['hours']:.2f} hours"),
        ("classes", shares(corpus["classes"])),
        ("genders", shares(corpus["genders"]) or "not known"),
        ("languages", ", ".join(map(escaped, corpus["languages"])) or "not known"),
    ]
    table = table_lines(["what", "value"], rows)
    return "\n".join(["## Training data", "", *table, *(f"\n{escaped(note)}." for note in corpus["notes"])])


def training(about: About) -> str:
    """How it was trained, and the protocol of its score."""
    search, protocol = about["search"], about["protocol"]
    who = f"all {search['trained_speakers']} speakers ({search['trained_clips']:,} clips)"
    if search["fold"] is not None:
        held = ", ".join(map(escaped, search["held_out"]))
        who = f"the {search['trained_speakers']} training speakers of outer fold {search['fold']} alone; held out: {held}"
    params = ", ".join(f"{name}={value}" for name, value in sorted(search["params"].items()))
    rounds = f"; {search['rounds']} rounds (epochs)" if search["rounds"] else ""
    lines = [
        f"Trained on {who}.",
        f"Hyperparameters: {code(params)}{rounds}; {escaped(search['how'])}. Seed {search['seed']}.",
        "Where the model has no probabilities of its own, its scores become such by a calibrator that was fitted on out-of-fold scores of "
        "speaker-grouped inner folds.",
    ]
    if about["quality"]:
        lines.append(
            f"Evaluated by {escaped(protocol['words'])} ({protocol_of(about['quality'])}): in each outer fold such a system was "
            f"tuned inside the training speakers ({number_of(search['trials'], 'trial')}, {search['inner']} speaker-grouped inner folds), "
            f"trained on them, and scored on {UNSEEN}. The scores below are of those systems; the one in this file is trained as they were"
            f"{', on more speakers' if search['fold'] is None else ''}."
        )
    return "## Training and protocol\n\n" + listed([*lines, *(f"{escaped(note)}." for note in about["notes"])])


def results(about: About) -> str:
    """The scores with their intervals: in all, by class, by gender, by speaker."""
    quality = about["quality"]
    if not quality:
        return "## Results on unseen speakers\n\nNot evaluated."
    overall = [
        (name, format_score(quality[key]), span(quality, BOUNDS[key])) for key, (_, name) in METRICS.items() if quality[key] is not None
    ]
    if quality["corrected"]:
        overall.insert(1, (f"UAR, corrected: best of {quality['chosen_from']}", *map_scored(quality["corrected"], "uar")))
    if quality["calibration_error"] is not None:
        overall.append(("expected calibration error", format_score(quality["calibration_error"]), ""))
    people = quality["speaker_range"]
    n = f"{quality['clips']:,} clips of {quality['speakers']} speakers, {protocol_of(quality)}, {number_of(quality['seeds'], 'seed')}"
    parts = [
        f"## Results on unseen speakers\n\n{n}. Intervals: 95%, over speakers.",
        "\n".join(table_lines(["score", "value", "95% CI"], overall)),
        "By class:",
        "\n".join(
            table_lines(["class", "recall", "95% CI", "precision", "clips"], [class_row(*one) for one in quality["by_class"].items()])
        ),
    ]
    if quality["by_gender"]:
        rows = [(escaped(name), *map_scored(found, "uar")) for name, found in quality["by_gender"].items()]
        parts += ["By gender:", "\n".join(table_lines(["gender", "UAR", "95% CI"], rows))]
    worst = ", ".join(f"{name} {format_score(people[name])}" for name in ("lowest", "median", "highest"))
    return "\n\n".join([*parts, f"By speaker, UAR: {worst}. A new speaker can be as far off as the lowest, or further."])


def limits(about: About, known: Sequence[str]) -> str:
    """What the score does not cover."""
    corpus, quality = about["corpus"], about["quality"]
    lines = [
        f"{corpus['speakers']} speakers of one corpus: the score holds for people, emotions and recordings like these, and is usually far "
        "lower on another corpus.",
        "The classes are those of the corpus, most often acted. A clip of another emotion, of none, or of no speech gets one of them.",
        "The probabilities were calibrated on the training corpus. On other speech they are too confident.",
        *map(escaped, known),
        *(f"{escaped(note)}." for note in (quality["notes"] if quality else ())),
    ]
    return "## Limits\n\n" + listed(lines)


def licence(about: About) -> str:
    """Whose terms bind what is in the file."""
    terms = escaped(about["corpus"]["licence"] or "not known: ask its owners")
    parts = [f"{code(part)}: {escaped(source)}" for part, source in about["features"].items()]
    return (
        f"ser-bench puts no terms of its own on this file. It is derived from the training data, whose terms may bind it ({terms}), and "
        f"some models hold features of single training clips. Feature sets and the terms of their software:\n\n{listed(parts)}"
    )


def use(about: About) -> str:
    """How it is used, and what it was made with."""
    made = ", ".join(f"{name} {number}" for name, number in sorted(about["versions"].items()) if number)
    return (
        "## How to use it\n\n```\npip install ser-bench\nser-bench predict model.serb clip.wav\n```\n\n"
        '```python\nimport ser_bench\n\nser_bench.load("model.serb").predict(["clip.wav"])\n```\n\n'
        f"Made with {escaped(made)}."
    )


def class_row(name: str, found: Mapping[str, Any]) -> tuple[str, ...]:
    """A class in the table of results."""
    return (escaped(name), *map_scored(found, "recall"), text_of(found["precision"]), f"{found['clips']:,}")


def protocol_of(quality: Mapping[str, Any]) -> str:
    """The protocol and the track that a score is of."""
    return f"cv {quality['cv']}, track {quality['track']}"


def map_scored(found: Mapping[str, Any], name: str) -> tuple[str, str]:
    """A score and its interval, as cells."""
    return text_of(found[name]), span(found, name)


def scored(found: Mapping[str, Any], name: str) -> str:
    """A score with its interval, as in a sentence."""
    return " ".join(cell for cell in map_scored(found, name) if cell)


def text_of(value: float | None) -> str:
    """A score; empty for one that is not known."""
    return "" if value is None else format_score(value)


def span(found: Mapping[str, Any], name: str) -> str:
    """The interval of a score; empty where there is none."""
    low, high = found.get(f"{name}_low"), found.get(f"{name}_high")
    return "" if low is None or high is None else interval(low, high)


def shares(counts: Mapping[str, int]) -> str:
    """How many clips there are of each."""
    return ", ".join(f"{escaped(name)} {n:,}" for name, n in counts.items())


def listed(lines: Iterable[str]) -> str:
    """A list."""
    return "\n".join(f"- {line}" for line in lines)


def code(text: str) -> str:
    """Text as code that nothing in it can end: fenced by more backticks than stand in a row in it.

    >>> code("svm(C=1)"), code("a`b"), code("|")
    ('`svm(C=1)`', '`` a`b ``', '`|`')
    """
    plain = printable(text)
    longest = max((len(run) for run in re.findall("`+", plain)), default=0)
    if not longest:
        return f"`{plain}`"
    return f"{'`' * (longest + 1)} {plain} {'`' * (longest + 1)}"


def yaml(value: Any) -> str:
    """A value as YAML's flow style has it, of which JSON is a part; names without control characters.

    >>> yaml({"name": "a: b # c"}), yaml(["x"])
    ('{"name": "a: b # c"}', '["x"]')
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{yaml(key)}: {yaml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(yaml, value)) + "]"
    return json.dumps(printable(value) if isinstance(value, str) else value, ensure_ascii=False)
