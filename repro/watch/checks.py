"""The tests of one window of a log against the reference.

- `answers`: Kolmogorov and Smirnov's test of each number of the answers, with Bonferroni's correction. For a classifier
  these are its probabilities, which notice most shifts with the fewest inputs (Rabanser et al. 2019).
- `classes`: the intersection of the histograms of the answered classes, by permutations.
- `confidence`: the test of the largest probability. A model that is less sure than before is probably wrong more often.
- `inputs`: the test of each number of the summaries of the inputs, such as the mean of an image.
- `unseen`: the test of the share of words that the model does not know.

Letters: M answers of the reference, N answers of the window, K numbers of an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from repro.metrics import drift
from repro.watch.reference import Sample

Array = npt.NDArray[np.float64]
QUICK, MOST = 1999, 199_999  # permutations; the many ones only if the p value may be below the threshold
BINS = 10  # of confidence


@dataclass(frozen=True)
class Check:
    """The result of one test of one window. p: corrected for the numbers that it tests. says: what has changed most."""

    test: str
    p: float
    says: str


@dataclass(frozen=True)
class Reference:
    """A reference that is prepared for many windows."""

    sample: Sample
    classes: Sequence[str] | None
    tests: dict[str, Callable[[Sample, float], Check]]


def prepared(sample: Sample, classes: Sequence[str] | None, names: Sequence[str]) -> Reference:
    """The tests that can be made. names: of the numbers in the summaries of the log."""
    columns = list(classes) if classes else [f"number {place}" for place in range(sample.answers.shape[1])]
    tests = {"answers": _smirnov("answers", sample.answers, columns, lambda window: window.answers)}
    if classes and len(classes) > 1:
        tests["classes"] = _classes(sample, classes)
        tests["confidence"] = _confidence(sample)
    measured = [name for name in names if name in sample.numbers and name != "unseen"]
    if measured:
        inputs = np.stack([sample.numbers[name] for name in measured], 1)
        tests["inputs"] = _smirnov(
            "inputs", inputs, measured, lambda window: np.stack([window.numbers[name] for name in measured], 1)
        )
    if "unseen" in names and "unseen" in sample.numbers:
        seen = sample.numbers["unseen"][:, None]
        tests["unseen"] = _smirnov("unseen", seen, ["words that the model does not know"], _unseen)
    return Reference(sample, classes, tests)


def _unseen(window: Sample) -> Array:
    return window.numbers["unseen"][:, None]


def made(reference: Reference, window: Sample, threshold: float) -> Iterator[Check]:
    """All tests of a window. threshold: an alarm is a p value below it."""
    for test in reference.tests.values():
        yield test(window, threshold)


def _smirnov(
    name: str, values: Array, columns: Sequence[str], taken: Callable[[Sample], Array]
) -> Callable[[Sample, float], Check]:
    source, means = drift.source(values), values.mean(axis=0)

    def test(window: Sample, threshold: float) -> Check:
        found = taken(window)
        p = source.p_values(found)
        most = int(p.argmin())
        says = f"{columns[most]}: mean {means[most]:.3g} -> {found[:, most].mean():.3g}"
        return Check(name, drift.bonferroni(p), says)

    return test


def _classes(sample: Sample, classes: Sequence[str]) -> Callable[[Sample, float], Check]:
    answered = sample.answers.argmax(axis=1)
    edges = np.arange(len(classes) + 1) - 0.5

    def test(window: Sample, threshold: float) -> Check:
        found = window.answers.argmax(axis=1)
        p = drift.intersection_p(answered, found, edges, QUICK)
        if p < 5 / QUICK and threshold < p:
            p = drift.intersection_p(answered, found, edges, MOST)
        shares = [np.bincount(one, minlength=len(classes)) / len(one) for one in (answered, found)]
        most = int(np.abs(shares[1] - shares[0]).argmax())
        says = f"{classes[most]}: {100 * shares[0][most]:.0f} -> {100 * shares[1][most]:.0f} % of the answers"
        return Check("classes", p, says)

    return test


def _confidence(sample: Sample) -> Callable[[Sample, float], Check]:
    sure = sample.answers.max(axis=1)
    source = drift.source(sure)

    def test(window: Sample, threshold: float) -> Check:
        found = window.answers.max(axis=1)
        says = f"mean confidence {100 * sure.mean():.1f} -> {100 * found.mean():.1f} %"
        if sample.labels is not None:
            right = 100 * np.mean(sample.answers.argmax(axis=1) == sample.labels)
            now = 100 * expected_accuracy(sample, found)
            says += f"; accuracy {right:.1f} -> about {now:.1f} %, if calibrated as before"
        return Check("confidence", float(source.p_values(found)[0]), says)

    return test


def expected_accuracy(sample: Sample, confidence: Array) -> float:
    """The accuracy at these confidences (N,), if the answers of each confidence are right as often as in the reference.

    The reference is divided into ten bins with equally many answers. A model is often wrong more often than that on
    inputs that it was not trained for.

    Example: half of the unsure answers are right, and all of the sure ones.

        >>> answers = np.array([[0.6, 0.4]] * 10 + [[0.9, 0.1]] * 10)
        >>> labels = np.array([0, 1] * 5 + [0] * 10)
        >>> expected_accuracy(Sample(answers, labels=labels), np.array([0.6, 0.6]))
        0.5
    """
    assert sample.labels is not None
    sure, right = sample.answers.max(axis=1), sample.answers.argmax(axis=1) == sample.labels
    edges = np.unique(np.quantile(sure, np.linspace(0, 1, BINS + 1)))[1:-1]
    bins = np.searchsorted(edges, sure, side="right")
    counts = np.bincount(bins, minlength=len(edges) + 1)
    rates = np.bincount(bins, right, len(edges) + 1) / np.maximum(counts, 1)
    rates[counts == 0] = right.mean()
    return float(rates[np.searchsorted(edges, confidence, side="right")].mean())
