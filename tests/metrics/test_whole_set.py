"""Metrics of a whole test set: their values against scikit-learn or a loop, their intervals against a bootstrap and by
simulation."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from statistics import fmean
from typing import Any

import numpy as np
import pytest
import scipy.special
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, roc_auc_score

from repro.datasets.out_of_distribution import OUTSIDE
from repro.errors import BadInput
from repro.interval import interval
from repro.metrics.calibration import CalibrationError
from repro.metrics.detection import AUPR, AURC, AUROC, CORRECT, FROM_OUTSIDE, WRONG, MeanConfidence
from repro.metrics.influence import LEVELS, contributions
from repro.testing import check_metric

Items = list[tuple[float, bool]]
METRICS: dict[str, Any] = {
    "AUROC": AUROC(),
    "AUPR of normal": AUPR("normal"),
    "AUPR of abnormal": AUPR("abnormal"),
    "AURC": AURC(),
    "confidence of abnormal": MeanConfidence("abnormal"),
    "calibration error": CalibrationError(bins=5),
}
ITEMS = st.lists(st.tuples(st.integers(1, 9).map(lambda tenths: tenths / 10), st.booleans()), min_size=2, max_size=40)


def both_kinds(items: Items) -> bool:
    return len({kind for _, kind in items}) == 2


def columns(items: Items) -> tuple[np.ndarray, np.ndarray]:
    return np.array([score for score, _ in items]), np.array([normal for _, normal in items])


def values_of(metric: Any, items: Items) -> list[float]:
    """The contributions of items that are given as confidence and correctness."""
    if isinstance(metric, CalibrationError):
        return metric.contributions(items)
    return list(metric.contributions([(score, CORRECT if normal else WRONG) for score, normal in items]))


def value(metric: Any, items: Items) -> float:
    return fmean(values_of(metric, items))


def area_by_loop(items: Items) -> float:
    """AURC from its definition: for each item, the items with at least its confidence."""
    risks = [fmean(not normal for other, normal in items if other >= score) for score, _ in items]
    return fmean(risks)


@given(ITEMS.filter(both_kinds))
def test_the_values_are_those_of_scikit_learn_and_of_a_loop(items: Items) -> None:
    scores, normal = columns(items)
    assert value(AUROC(), items) == pytest.approx(roc_auc_score(normal, scores))
    assert value(AUPR("normal"), items) == pytest.approx(average_precision_score(normal, scores))
    assert value(AUPR("abnormal"), items) == pytest.approx(average_precision_score(~normal, -scores))
    assert value(AURC(), items) == pytest.approx(area_by_loop(items))
    assert value(MeanConfidence("abnormal"), items) == pytest.approx(100 * scores[~normal].mean())
    assert value(MeanConfidence("normal"), items) == pytest.approx(100 * scores[normal].mean())


@given(st.lists(st.tuples(st.floats(0.001, 0.999), st.booleans()), min_size=1, max_size=40), st.integers(1, 12))
def test_the_calibration_error_is_the_weighted_gap_of_the_calibration_curve(items: Items, bins: int) -> None:
    scores, right = columns(items)
    edges = np.linspace(0, 1, bins + 1)
    if np.isclose(scores[:, None], edges).any():
        return  # an item on an edge may be in either bin
    shares, means = calibration_curve(right, scores, n_bins=bins)
    counts = np.histogram(scores, edges)[0]
    expected = 100 * np.average(np.abs(shares - means), weights=counts[counts > 0])
    assert value(CalibrationError(bins), items) == pytest.approx(expected)


def studies(metric: str, size: int, share: float, random: Any) -> Items:
    """`size` items of which about `share` are abnormal, or wrong. Normal ones have a higher confidence.

    For the calibration error, the model is too confident by the same amount at every confidence.
    """
    if metric == "calibration error":
        confidence = random.uniform(0.5, 1, size)
        normal = random.random(size) < confidence - share
    else:
        normal = random.random(size) >= share
        confidence = scipy.special.ndtr(random.standard_normal(size) + 1.2 * normal)
    return list(zip(confidence.tolist(), normal.tolist(), strict=True))


@functools.cache
def truth(metric: str, share: float) -> float:
    """The value for 300,000 items. Its own error is less than a tenth of that of the studies."""
    return value(METRICS[metric], studies(metric, 300_000, share, np.random.default_rng(99)))


def covered(metric: str, size: int, share: float, count: int) -> float:
    """In which share of `count` studies the 95 % interval contains the true value."""
    random = np.random.default_rng(0)
    found = [interval([values_of(METRICS[metric], studies(metric, size, share, random))]) for _ in range(count)]
    return fmean(one.low <= truth(metric, share) <= one.high for one in found)


@pytest.mark.parametrize("metric", METRICS)
def test_the_interval_covers_as_often_as_it_says(metric: str) -> None:
    """400 studies. With a standard error that is a fifth too small, the coverage would be below 89 %."""
    assert 0.91 <= covered(metric, size=500, share=0.3, count=400) <= 0.975


@pytest.mark.slow
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("size", "share", "least"), [(1000, 0.1, 0.92), (1000, 0.02, 0.85), (5000, 0.02, 0.93), (500, 0.3, 0.925)]
)
def test_the_interval_covers_in_many_studies(metric: str, size: int, share: float, least: float) -> None:
    """With twenty abnormal items of 1,000 the coverage is lower; the guide says so."""
    assert least <= covered(metric, size, share, count=2000) <= 0.975


@pytest.mark.parametrize("metric", METRICS)
def test_the_standard_error_is_that_of_a_bootstrap(metric: str) -> None:
    items = studies(metric, 1000, 0.2, np.random.default_rng(1))
    values = values_of(METRICS[metric], items)
    random, drawn = np.random.default_rng(2), []
    for _ in range(400):
        drawn.append(value(METRICS[metric], [items[index] for index in random.integers(0, 1000, 1000)]))
    assert np.std(values) / 1000**0.5 == pytest.approx(np.std(drawn), rel=0.12)  # 400 draws: 3.5 % is one deviation


@pytest.mark.parametrize("metric", METRICS)
def test_items_that_seeds_share_are_counted_as_shared(metric: str) -> None:
    """Three seeds that give the same answers: the interval over sampled items is that of one seed."""
    values = values_of(METRICS[metric], studies(metric, 300, 0.3, np.random.default_rng(3)))
    one, three = interval([values]), interval([values] * 3)
    assert (three.low, three.high) == pytest.approx((one.low, one.high), rel=1e-9)


@pytest.mark.slow
def test_seeds_and_items_together_cover_the_mean_of_all_trainings() -> None:
    """A seed moves the quality of the detector; all seeds see the same 300 items, plus noise of their own."""
    random, found = np.random.default_rng(4), []
    gains, quality = 0.15, 1.2
    separated = quality + gains * random.standard_normal(200_000)
    true = float(np.mean(scipy.special.ndtr(separated / 2**0.5)))
    for _ in range(1000):
        normal, shared = random.random(300) >= 0.3, random.standard_normal(300)
        rows = []
        for gain in gains * random.standard_normal(4):
            noise = 0.8 * shared + 0.6 * random.standard_normal(300)
            scores = scipy.special.ndtr(noise + (quality + gain) * normal)
            rows.append(values_of(AUROC(), list(zip(scores.tolist(), normal.tolist(), strict=True))))
        found.append(interval(rows))
    assert 0.93 <= fmean(one.low <= true <= one.high for one in found) <= 0.97


@given(st.integers(65, 400), st.integers(0, 99))
@settings(max_examples=30)
def test_few_levels_keep_mean_and_spread(size: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    influences = np.exp(1.5 * random.standard_normal(size))
    values = contributions(0.4, influences - influences.mean())
    assert len(set(values)) <= LEVELS
    assert (fmean(values), np.std(values)) == pytest.approx((0.4, influences.std()))
    assert np.corrcoef(values, influences)[0, 1] > 0.99


LOGITS = torch.tensor([0.0, 2.0, 1.0])


@pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
def test_the_battery(metric: Any) -> None:
    check_metric(metric, LOGITS, 1, None)


def test_an_item_has_its_confidence_and_one_of_three_kinds() -> None:
    found = [AUROC()(LOGITS, target, None) for target in (1, 2, OUTSIDE)]
    assert [kind for _, kind in found] == [CORRECT, WRONG, FROM_OUTSIDE]
    assert [score for score, _ in found] == pytest.approx([float(LOGITS.exp()[1] / LOGITS.exp().sum())] * 3)


KINDS = st.lists(st.tuples(st.floats(0.1, 1), st.sampled_from([CORRECT, WRONG, FROM_OUTSIDE])), min_size=3)


@given(KINDS.filter(lambda items: {CORRECT, FROM_OUTSIDE} <= {kind for _, kind in items}))
def test_with_items_from_outside_misclassified_ones_are_left_out_or_normal(items: list[tuple[float, str]]) -> None:
    scores, kinds = np.array([score for score, _ in items]), np.array([kind for _, kind in items])
    counted = kinds != WRONG
    assert fmean(AUROC("normal").contributions(items)) == pytest.approx(roc_auc_score(kinds != FROM_OUTSIDE, scores))
    found = AUROC("left out").contributions(items)
    assert fmean(found) == pytest.approx(roc_auc_score(kinds[counted] == CORRECT, scores[counted]))


@pytest.mark.parametrize("make", [
    AUROC, functools.partial(AUPR, "normal"), AURC, functools.partial(MeanConfidence, "normal")
])  # fmt: skip
def test_an_item_that_is_left_out_changes_nothing(make: Callable[[str], Any]) -> None:
    items = [(s, CORRECT if n else FROM_OUTSIDE) for s, n in studies("", 60, 0.3, np.random.default_rng(5))]
    metric = make("left out")
    plain, more = metric.contributions(items), metric.contributions([*items, *[(0.5, WRONG)] * 30])
    assert fmean(more) == pytest.approx(fmean(plain)) and more[60:] == pytest.approx([fmean(plain)] * 30)
    assert np.std(more) / 90**0.5 == pytest.approx(np.std(plain) / 60**0.5), "nor the standard error"


@pytest.mark.parametrize("metric", [AUROC(), AUPR("abnormal"), AURC(), MeanConfidence("abnormal", "normal")])
@pytest.mark.parametrize(("kind", "missing"), [(CORRECT, "abnormal"), (WRONG, "normal"), (FROM_OUTSIDE, "normal")])
def test_items_of_one_kind_are_one_line(metric: Any, kind: str, missing: str) -> None:
    with pytest.raises(BadInput, match=rf"{type(metric).__name__} finds no {missing} item among the 3 items") as caught:
        metric.contributions([(0.5, kind), (0.7, kind), (0.9, kind)])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("make", [
    lambda: AUROC("wrong"), lambda: AUPR("in"), lambda: AUPR("normal", "out"), lambda: AURC(""),
    lambda: MeanConfidence("all"), lambda: CalibrationError(0),
])  # fmt: skip
def test_a_wrong_parameter_is_named(make: Callable[[], Any]) -> None:
    with pytest.raises(BadInput, match=r"expected"):
        make()


@pytest.mark.parametrize("metric", METRICS)
def test_25_000_items_take_less_than_half_a_second(metric: str) -> None:
    items = studies(metric, 25_000, 0.1, np.random.default_rng(6))
    start = time.process_time()
    values_of(METRICS[metric], items)
    assert time.process_time() - start < 0.5
