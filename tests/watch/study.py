"""How often `repro watch` raises an alarm on real images, texts and sounds that drift, and on those that do not.

`python tests/watch/study.py` prints the table of docs/guide/watching.md. It needs mnist, imdb, reviews and fsdd.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from repro.data import store
from repro.datasets.fsdd import Fsdd
from repro.datasets.idx import Mnist
from repro.datasets.imdb import Imdb
from repro.watch.checks import made, prepared
from repro.watch.reference import Sample
from repro.watch.summary import summary

REFERENCE, WINDOWS = 500, 4
KINDS = {"CR": "customer", "MR": "movie"}


@dataclass(frozen=True)
class Scenario:
    """A model, its answers to inputs as in its training and to others, and its accuracy on both."""

    name: str
    classes: Sequence[str]
    inside: Sample
    outside: Sample
    accuracy: tuple[float, float]


def answered(model: Any, features: Any, summaries: Sequence[dict[str, float]]) -> Sample:
    answers = softmax(model.decision_function(features).reshape(len(summaries), -1), axis=1)
    if answers.shape[1] == 1:
        positive = model.predict_proba(features)[:, 1]
        answers = np.stack([1 - positive, positive], 1)
    return Sample(answers, {name: np.array([one[name] for one in summaries]) for name in summaries[0]})


def taken(sample: Sample, places: Any) -> Sample:
    return Sample(sample.answers[places], {name: values[places] for name, values in sample.numbers.items()})


@functools.cache
def images(shift: str) -> Scenario:
    """Logistic regression on 5,000 digits; then digits moved by two pixels, or in noise."""
    train, test = Mnist("train", stop=5000), Mnist("test", stop=6000)
    model = LogisticRegression(max_iter=40).fit(train.images.flatten(1).numpy() / 255, train.labels)
    pixels = test.images.numpy() / 255
    noise = np.random.default_rng(0).normal(0, 100 / 255 if shift == "noise" else 0, pixels.shape)
    changed = np.clip(np.roll(pixels, 2 if shift == "moved" else 0, axis=2) + noise, 0, 1)
    parts = [answered(model, one.reshape(-1, 784), [summary(image) for image in one]) for one in (pixels, changed)]
    right = [float(np.mean(part.answers.argmax(1) == test.labels.numpy())) for part in parts]
    name = {"moved": "digits, then moved by 2 pixels", "noise": "digits, then with noise"}[shift]
    return Scenario(name, [str(n) for n in range(10)], parts[0], parts[1], (right[0], right[1]))


@functools.cache
def films() -> tuple[Any, Any, Any]:
    """A bag of words on 4,000 reviews of films: model, words, and 3,000 other reviews."""
    train, test = Imdb("train", size=4000), Imdb("test", size=3000)
    words = CountVectorizer(binary=True, max_features=20_000, token_pattern=r"\w+").fit(train.texts)
    return LogisticRegression(C=0.05, max_iter=200).fit(words.transform(train.texts), train.labels), words, test


@functools.cache
def texts(name: str) -> Scenario:
    """Reviews of films; then short reviews: of products (CR) or of films (MR)."""
    model, words, test = films()
    lines = (store.folder(f"reviews/{KINDS[name]}-test") / f"{name}.test").read_text(encoding="latin-1").splitlines()
    rows = [hit for line in lines if (hit := re.fullmatch(r"(.*)\t([01])\s*", line)) and re.search(r"\w", hit[1])]
    pairs = [(test.texts, test.labels), ([row[1] for row in rows], [int(row[2]) for row in rows])]
    parts, right = [], []
    for given, labels in pairs:
        part = answered(model, words.transform(given), [summary(text, vocabulary=words.vocabulary_) for text in given])
        parts.append(part)
        right.append(float(np.mean(part.answers.argmax(1) == np.array(labels))))
    title = {
        "CR": "reviews of films, then sentences about products",
        "MR": "reviews of films, then sentences about films",
    }
    return Scenario(title[name], ["negative", "positive"], parts[0], parts[1], (right[0], right[1]))


@functools.cache
def sounds(absent: str = "theo") -> Scenario:
    """Spoken digits of five speakers; then those of a sixth."""
    both = [Fsdd("train"), Fsdd("test")]
    rows = [(part[place], part.speaker_of[place]) for part in both for place in range(len(part))]
    features = np.stack([bands(item[0].numpy()) for item, _ in rows])
    digits = np.array([item[1] for item, _ in rows])
    known = np.array([speaker != absent for _, speaker in rows])
    trained = known & (np.random.default_rng(0).random(len(rows)) < 0.5)
    model = LogisticRegression(max_iter=200, C=0.05).fit(features[trained], digits[trained])
    parts, right = [], []
    for chosen in (known & ~trained, ~known):
        places = np.flatnonzero(chosen)
        part = answered(model, features[places], [summary(rows[n][0][0], sample_rate=8000) for n in places])
        parts.append(part)
        right.append(float(np.mean(part.answers.argmax(1) == digits[places])))
    name = "spoken digits, then of a speaker never heard"
    return Scenario(name, [str(n) for n in range(10)], parts[0], parts[1], (right[0], right[1]))


def bands(samples: Any) -> Any:
    """The logarithm of the power in 20 bands and 10 parts of a sound (200,)."""
    parts = np.array_split(samples, 10)
    power = [np.abs(np.fft.rfft(one, 512)[:256]) ** 2 for one in parts]
    return np.log(np.stack([[band.mean() for band in np.array_split(one, 20)] for one in power]) + 1e-6).ravel()


def alarm(scenario: Scenario, window: int, drifted: bool, random: np.random.Generator, level: float = 0.01) -> bool:
    """Whether a log of a reference and four windows raises an alarm; if it drifted, in its last window alone."""
    order = random.permutation(len(scenario.inside))
    reference = prepared(taken(scenario.inside, order[:REFERENCE]), scenario.classes, list(scenario.inside.numbers))
    threshold = level / (WINDOWS * len(reference.tests))
    rest = order[REFERENCE : REFERENCE + WINDOWS * window].reshape(WINDOWS, window)
    samples = [taken(scenario.inside, places) for places in rest]
    if drifted:
        samples = [taken(scenario.outside, random.permutation(len(scenario.outside))[:window])]
    return any(check.p < threshold for sample in samples for check in made(reference, sample, threshold))


def rate(scenario: Scenario, window: int, drifted: bool, logs: int, level: float = 0.01) -> float:
    random = np.random.default_rng([window, drifted])
    return float(np.mean([alarm(scenario, window, drifted, random, level) for _ in range(logs)]))


def main(logs: int = 100) -> None:
    """Print the table."""
    print("| inputs | accuracy | alarms of 10 | of 20 | of 50 | of 100 | false alarms |\n|---|---|---|---|---|---|---|")
    for scenario in (images("moved"), images("noise"), texts("MR"), texts("CR"), sounds()):
        found = [f"{100 * rate(scenario, window, True, logs):.0f} %" for window in (10, 20, 50, 100)]
        wrong = f"{100 * rate(scenario, 50, False, 10 * logs):.1f} %"
        before, after = (f"{100 * one:.0f}" for one in scenario.accuracy)
        print(f"| {scenario.name} | {before} -> {after} % | {' | '.join(found)} | {wrong} |", flush=True)


if __name__ == "__main__":
    main()
