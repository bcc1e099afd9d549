"""Whether a planned study comes out as planned, in simulated corpora of speakers crossed with sentences whose truth is known.

    python benchmarks/planning.py plan --repetitions 400
    python benchmarks/planning.py cover --repetitions 2000

A clip is recognised where emotion + speaker (sd .4) + speaker in this emotion (sd .3) + sentence (sd `--sentence`) + sentence in this
emotion (sd of the same size) + speaker with sentence (sd .3) + clip (sd 1) is above zero; four emotions, each said twice. Two systems share
all effects but for half of the variance of each, and the second is set so that its UAR over new speakers and sentences is exactly
`--difference` lower. Nothing is trained: what folds add is the business of `benchmarks/coverage.py`.

`plan`: a pilot of 24 speakers is drawn, its components are estimated, and a study of another size is planned from them. Printed is what the
pilots predict (mean, and middle half) beside what studies of that size come to: half-width of the interval of one system, and power for the
difference of two; *from the truth* is the prediction from components estimated in a corpus of 400 speakers by 200 sentences. Where
sentences are fixed (*these 10*), every repetition has ten others, whose own difference varies about `--difference`: the power found is
a mean over these, and a high one falls short of the prediction for that reason alone.

`cover`: share of 95% confidence intervals that hold the UAR over new speakers and new sentences. *Speakers*: over speakers alone, the
sentences taken as given. *Both*: speakers and sentences crossed, Satterthwaite's degrees of freedom. *Speakers, for these sentences*:
whether the first holds what it does speak of, the UAR of new speakers who say these very sentences.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri
from simulate import decimals, parse_repetitions, print_table, share_error
from threadpoolctl import threadpool_limits

from ser_bench.scores import Spread, crossed_spread, half_width, power

EMOTIONS, TAKES, UAR = 4, 2, 0.6
BY_SPEAKER, BY_SPEAKER_AND_EMOTION, BY_CELL, BY_CLIP = 0.4, 0.3, 0.3, 1.0
PILOT = 24
STUDIES = ((24, 0), (48, 0), (96, 0), (24, 2), (96, 2), (24, 10), (96, 10), (48, 20))
"""Speakers and sentences; no sentences where these are fixed: ten are said, and nothing is claimed of others."""


class Study(NamedTuple):
    """Hits of both systems, shape (2, n_clips), and what the clips are; `truth` is the first system's UAR for these sentences."""

    hits: np.ndarray
    emotion: np.ndarray
    speaker: np.ndarray
    sentence: np.ndarray
    truth: float


def draw(speakers: int, sentences: int, sentence_sd: float, difference: float, rng: np.random.Generator) -> Study:
    """One study, fully crossed."""
    clip = np.arange(speakers * sentences * EMOTIONS * TAKES)
    speaker, sentence = clip % speakers, clip // speakers % sentences
    emotion = clip // (speakers * sentences) % EMOTIONS
    groups = [
        (BY_SPEAKER, speaker),
        (BY_SPEAKER_AND_EMOTION, speaker * EMOTIONS + emotion),
        (sentence_sd, sentence),
        (sentence_sd, sentence * EMOTIONS + emotion),
        (BY_CELL, speaker * sentences + sentence),
        (BY_CLIP, clip),
    ]
    total = np.sqrt(sum(sd**2 for sd, _ in groups))
    recall = UAR + np.linspace(-0.15, 0.15, EMOTIONS)
    level = total * ndtri(np.stack([recall, recall - difference]))[:, emotion]
    drawn = []
    for sd, group in groups:
        common, own = rng.standard_normal(group.max() + 1), rng.standard_normal((2, group.max() + 1))
        drawn.append(sd * np.sqrt(0.5) * (common + own)[:, group])
    said = sum(drawn[2:4])[0]
    others = np.sqrt(total**2 - 2 * sentence_sd**2)
    expected = ndtr((level[0] + said) / others)
    truth = float(np.mean([expected[emotion == e].mean() for e in range(EMOTIONS)]))
    return Study((level + sum(drawn) > 0).astype(float), emotion, speaker, sentence, truth)


def uar(study: Study, values: np.ndarray) -> float:
    """Mean over emotions."""
    return float(np.mean([values[study.emotion == e].mean() for e in range(EMOTIONS)]))


def spreads(study: Study, *, crossed: bool) -> tuple[Spread, Spread]:
    """Components of the first system, and of the difference between both."""
    sentence = study.sentence if crossed else None
    one, difference = (
        crossed_spread(values, study.emotion, study.speaker, sentence) for values in (study.hits[0], study.hits[0] - study.hits[1])
    )
    return one, difference


def sized(spread: Spread, sentences: int) -> Spread:
    """The same components with so many sentences, each said as often."""
    if not spread.sentences:
        return spread
    return spread._replace(sentences=sentences, clips=spread.speakers * sentences * EMOTIONS * TAKES)


def planned(options: argparse.Namespace) -> Iterator[list[str]]:
    """A row per size of study: half-width and power, as pilots and the truth predict them and as studies have them."""
    whole = spreads(draw(400, 200, options.sentence, options.difference, np.random.default_rng(0)), crossed=True)
    for speakers, sentences in STUDIES:
        crossed, said = sentences > 0, sentences or 10
        rng = np.random.default_rng([speakers, sentences])
        widths, powers, found, shown = [], [], [], []
        for _ in range(options.repetitions):
            pilot = spreads(draw(PILOT, options.pilot if crossed else said, options.sentence, options.difference, rng), crossed=crossed)
            one, two = (sized(spread, said) for spread in pilot)
            widths.append(float(half_width(one, speakers)))
            powers.append(float(power(two, options.difference, speakers)))
            study = draw(speakers, said, options.sentence, options.difference, rng)
            own, apart = spreads(study, crossed=crossed)
            found.append(float(half_width(own)))
            shown.append(abs(uar(study, study.hits[0] - study.hits[1])) > half_width(apart))
        exact = [sized(spread, said) for spread in whole]
        if not crossed:
            exact = [fixed(spread) for spread in exact]
        yield [
            *(str(speakers), str(sentences) if crossed else f"these {said}"),
            *(middle(widths), decimals(float(half_width(exact[0], speakers))), middle(found)),
            *(middle(powers), decimals(float(power(exact[1], options.difference, speakers))), decimals(float(np.mean(shown)))),
        ]


def fixed(spread: Spread) -> Spread:
    """What components are where sentences are fixed.

    What varies from one to the next is no part of the variance over speakers, and what a speaker does with each of them is part of
    the speaker.
    """
    return Spread(spread.speaker + spread.cell / spread.sentences, 0.0, 0.0, spread.clip, spread.speakers, 0, spread.clips)


def middle(values: list[float]) -> str:
    """Mean, and the middle half."""
    low, high = np.quantile(values, [0.25, 0.75])
    return f"{decimals(float(np.mean(values)))} ({decimals(low)} to {decimals(high)})"


def covered(options: argparse.Namespace) -> Iterator[list[str]]:
    """A row per number of sentences and speakers: coverage and mean half-width of each interval."""
    for sentences in options.sentences:
        for speakers in options.speakers:
            rng = np.random.default_rng([1, speakers, sentences])
            held, reach = [], []
            for _ in range(options.repetitions):
                study = draw(speakers, sentences, options.sentence, 0.0, rng)
                score = uar(study, study.hits[0])
                alone, both = (
                    float(half_width(crossed_spread(study.hits[0], study.emotion, study.speaker, sentence)))
                    for sentence in (None, study.sentence)
                )
                held.append([abs(score - UAR) <= alone, abs(score - UAR) <= both, abs(score - study.truth) <= alone])
                reach.append([alone, both])
            shares, widths = np.mean(held, 0), np.mean(reach, 0)
            cells = [f"{decimals(share)} (\u00b1{decimals(width)})" for share, width in zip(shares[:2], widths, strict=True)]
            yield [str(sentences), str(speakers), *cells, decimals(float(shares[2]))]


def main() -> None:
    """Print one of the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["plan", "cover"])
    parser.add_argument("--repetitions", type=parse_repetitions, default=400)
    parser.add_argument("--sentence", type=float, default=0.2, help="how much sentences differ, overall and in each emotion")
    parser.add_argument("--difference", type=float, default=0.05, help="of plan: between the two systems")
    parser.add_argument("--pilot", type=int, default=10, help="of plan: sentences that pilots have")
    parser.add_argument("--sentences", type=int, nargs="+", default=[2, 4, 10, 20], help="of cover")
    parser.add_argument("--speakers", type=int, nargs="+", default=[10, 24, 96], help="of cover")
    options = parser.parse_args()
    print(f"{options.repetitions:,} repetitions, sentences of sd {decimals(options.sentence, 2)}.")
    print(f"The standard error of a share of .95 is {decimals(share_error(0.95, options.repetitions))}.\n")
    with threadpool_limits(1):
        if options.what == "plan":
            asked = [f"{what}: {how}" for what in ("half-width", "power") for how in ("pilots predict", "from the truth", "studies have")]
            print_table(["speakers", "sentences", *asked], planned(options))
        else:
            print_table(["sentences", "speakers", "speakers alone", "both", "speakers, for these sentences"], covered(options))


if __name__ == "__main__":
    main()
