"""Metrics of found marks, against a solver for assignments, sums over all marks, and simulated recordings."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import scipy.optimize
import torch
from hypothesis import given
from hypothesis import strategies as st

from repro.claim import Claim
from repro.datasets.marked_signals import Found, Pulses, Recording, Stretch
from repro.datasets.stretches import Stretches
from repro.errors import BadInput
from repro.experiment import Experiment
from repro.interval import interval
from repro.metrics.events import EventF1, EventPrecision, EventSensitivity, MarkLatency, TimingError
from repro.metrics.matching import NONE, matches, median_shift
from repro.record import Measurement, Record
from repro.verdict import judge

RATE = 100.0
MARKS = st.lists(st.integers(0, 400), max_size=12, unique=True).map(sorted)


def recording(marks: list[int], kinds: list[str] | None = None, length: int = 500) -> Recording:
    return Recording(torch.zeros(length), RATE, torch.tensor(marks, dtype=torch.int64), kinds or ["N"] * len(marks))


def value(metric: Any, whole: Recording, found: list[int], parts: int = 1) -> float:
    """The metric of found marks, with the recording cut into `parts` stretches."""
    return float(np.mean(values(metric, whole, found, parts)))


def values(metric: Any, whole: Recording, found: list[int], parts: int) -> list[float]:
    edges = np.linspace(0, len(whole.signal), parts + 1).astype(int).tolist()
    marks, items = torch.tensor(found, dtype=torch.int64), []
    for start, stop in itertools.pairwise(edges):
        stretch = Stretch(whole, start, stop)
        inside = stretch.inside(marks)
        items.append(metric(Found(inside, inside + 3), stretch.inside(whole.marks), stretch))
    return list(metric.contributions(items))


@given(MARKS, MARKS, st.sampled_from([0.0, 10.0, 50.0, 150.0]))
def test_as_many_marks_match_as_an_assignment_allows(true: list[int], found: list[int], tolerance: float) -> None:
    near = np.abs(np.subtract.outer(true, found)) * 10.0 <= tolerance
    rows, columns = scipy.optimize.linear_sum_assignment(-near.astype(int)) if near.size else ([], [])
    pairs = matches(np.array(true) * 10.0, np.array(found) * 10.0, tolerance)
    used = pairs[pairs != NONE]
    assert len(used) == int(near[rows, columns].sum()) if near.size else len(used) == 0
    assert len(set(used.tolist())) == len(used)
    assert all(near[row, column] for row, column in enumerate(pairs) if column != NONE)


@given(MARKS.filter(bool), MARKS.filter(bool), st.integers(1, 7), st.sampled_from([0.0, 30.0, 150.0]))
def test_values_are_the_ratios_of_counts_however_the_recording_is_cut(
    true: list[int], found: list[int], parts: int, tolerance: float
) -> None:
    hits = int((matches(np.array(true) * 10.0, np.array(found) * 10.0, tolerance) != NONE).sum())
    expected = {
        EventSensitivity: hits / len(true),
        EventPrecision: hits / len(found),
        EventF1: 2 * hits / (len(true) + len(found)),
    }
    for part, share in expected.items():
        assert value(part(tolerance), recording(true), found, parts) == pytest.approx(100 * share)


def test_another_tolerance_is_another_metric() -> None:
    names = {EventF1(tolerance).identity.name for tolerance in (0, 50, 100, 150)}
    assert len(names) == 4
    assert EventF1(50).identity != EventF1(50, shift="median").identity


def measured(config: str, metric: Any, found: list[int]) -> Record:
    row = Measurement(
        "test", metric.identity.name, asdict(metric.identity), values(metric, recording([50, 150]), found, 2)
    )
    return Record("paper", config, 0, "digest", [row], data={"test": "the same"})


def test_a_verdict_never_compares_two_tolerances() -> None:
    """The same marks, counted at 0 and at 50 ms; then a metric that has the name of the other one by mistake."""
    exact, near = measured("a", EventF1(0), [51, 151]), measured("b", EventF1(50), [51, 151])
    claim = Claim("c", "says", "Table 1", "F1Within0ms", "configs/a.gin", over="configs/b.gin", seeds=1)
    assert (exact.measurements[0].mean, near.measurements[0].mean) == (0.0, 100.0)
    assert judge(claim, [exact, near]).outcome not in ("reproduced", "not reproduced", "inconclusive")
    renamed = replace(near, measurements=[replace(near.measurements[0], metric="F1Within0ms")])
    assert judge(claim, [exact, renamed]).outcome == "not comparable"


@given(st.integers(-6, 6))
def test_a_fixed_delay_changes_nothing_after_the_median_shift(late: int) -> None:
    true = [50, 130, 260, 390]
    metric = EventF1(tolerance=0, shift="median")
    assert value(metric, recording(true), [mark + late for mark in true], parts=2) == 100.0
    assert median_shift(np.array(true) * 10.0, np.array(true) * 10.0 + 10.0 * late) == 10.0 * late


def test_sensitivity_of_a_kind_counts_only_its_marks() -> None:
    whole = recording([50, 130, 260, 390], ["N", "A", "N", "A"])
    assert value(EventSensitivity(0, kind="A"), whole, [50, 130], parts=2) == 50.0
    with pytest.raises(BadInput) as refused:
        value(EventSensitivity(0, kind="V"), replace(whole, name="100.npz"), [50], parts=2)
    assert (refused.value.where, sorted(refused.value.known)) == ("100.npz", ["A", "N"])


def test_timing_error_is_the_mean_and_spread_of_the_differences() -> None:
    true, found = [50, 130, 260, 390], [51, 128, 263, 390]
    differences = 10.0 * (np.array(found) - np.array(true))
    whole = recording(true)
    assert value(TimingError("mean", 100), whole, found, parts=3) == pytest.approx(differences.mean())
    assert value(TimingError("spread", 100), whole, found, parts=3) == pytest.approx(differences.std())
    assert value(MarkLatency(), whole, found, parts=3) == pytest.approx(30.0)


@given(MARKS.filter(bool), MARKS.filter(bool), st.sampled_from([10.0, 30.0, 150.0]))
def test_without_a_match_the_time_is_as_bad_as_it_can_be(true: list[int], found: list[int], tolerance: float) -> None:
    whole = recording(true)
    for metric in (TimingError("mean", tolerance), TimingError("spread", tolerance)):
        worst = values(metric, whole, [], parts=2)
        assert worst == [tolerance, tolerance]
        assert abs(value(metric, whole, found, parts=2)) <= worst[0] + 1e-6
    assert value(MarkLatency(), whole, found, parts=2) <= 5000.0 == value(MarkLatency(), whole, [], parts=2)


def test_a_test_set_without_any_mark_is_refused_with_its_name() -> None:
    empty = replace(recording([]), name="100.npz")
    for metric in (EventSensitivity(50), EventF1(50)):
        with pytest.raises(BadInput) as refused:
            value(metric, empty, [], parts=2)
        assert refused.value.where == "100.npz"


def test_nothing_found_is_zero() -> None:
    for metric in (EventSensitivity(50), EventPrecision(50), EventF1(50)):
        assert value(metric, recording([50, 130]), [], parts=2) == 0.0


def test_latency_needs_a_model_that_says_when() -> None:
    whole = recording([50])
    with pytest.raises(BadInput):
        MarkLatency()(Found(torch.tensor([50])), whole.marks, Stretch(whole, 0, 500))


@pytest.mark.parametrize("make", [EventSensitivity, EventPrecision, EventF1, lambda t: TimingError("mean", t)])
def test_wrong_tolerance_is_refused(make: Callable[..., Any]) -> None:
    for tolerance in (-1.0, float("inf"), float("nan")):
        with pytest.raises(BadInput) as refused:
            make(tolerance)
        assert refused.value.parameter == "tolerance"


@pytest.mark.parametrize("make", [EventSensitivity, EventPrecision, EventF1, partial(TimingError, "mean")])
def test_another_shift_is_refused(make: Callable[..., Any]) -> None:
    with pytest.raises(BadInput) as refused:
        make(50, shift="mean")
    assert refused.value.parameter == "shift"


class Late(torch.nn.Module):
    """A model that finds every mark but the last one, one sample too late."""

    def estimate(self, stretch: Stretch) -> Found:
        marks = stretch.inside(stretch.recording.marks[:-1])
        return Found((marks + 1).clamp(max=stretch.stop - 1))


def test_an_experiment_measures_it_on_stretches() -> None:
    built = Experiment(test={"test": Stretches(Pulses(60), seconds=10)}, metrics=[EventF1(20)], model=Late())
    (found,) = built.measure(lambda indices, name: indices)
    count = len(Pulses(60)[0][1])
    assert len(found.values) == 6
    assert found.mean == pytest.approx(100 * 2 * (count - 1) / (2 * count - 1), rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("cluster", [1, 5])
def test_interval_over_stretches_contains_the_true_value_as_often_as_it_says(cluster: int) -> None:
    """Errors come in runs of `cluster` beats. Stretches of ten beats keep most runs together; single beats do not."""
    random, length, beats, share, inside = np.random.default_rng(cluster), 100, 600, 0.05, []
    for _ in range(400):
        starts = random.random(beats) < share / cluster
        missed = np.convolve(starts, np.ones(cluster))[:beats] > 0
        marks = (np.arange(beats) * length + 50).tolist()
        whole = recording(marks, length=beats * length)
        found = [mark for mark, lost in zip(marks, missed, strict=True) if not lost]
        one = interval([values(EventSensitivity(50), whole, found, parts=60)])
        true = 100 * (1 - share / cluster) ** cluster
        inside.append(one.low <= true <= one.high)
    assert 0.90 <= np.mean(inside) <= 0.98
