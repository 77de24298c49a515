"""SDR, SIR and SAR against mir_eval and fast_bss_eval, and the projections that they are made of."""

from __future__ import annotations

import fast_bss_eval
import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits

from repro.metrics.bss_eval import SAR, SDR, SIR, SDRImprovement, SIRImprovement
from repro.metrics.projections import DELAYS, joint_energy, own_energy
from repro.metrics.ratios import CEILING_DB
from tests.metrics.signals import bss_eval, noise, separated

RATIOS = [SDR, SIR, SAR]
IMPROVEMENTS = [SDRImprovement, SIRImprovement]


@pytest.mark.parametrize("metric", RATIOS)
@pytest.mark.parametrize("sources", [1, 2, 3])
def test_the_ratios_are_mir_evals(metric, sources):
    estimate, target, inputs = separated(sources)
    expected = bss_eval(estimate, target)[metric.__name__].clip(max=CEILING_DB).mean()
    assert metric()(estimate.flip(0), target, inputs) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("metric", IMPROVEMENTS)
def test_the_improvements_are_differences_of_mir_evals(metric):
    estimate, target, inputs = separated()
    name = metric.__name__.removesuffix("Improvement")
    mixture = inputs["mixture"].expand_as(target)
    expected = (bss_eval(estimate, target)[name] - bss_eval(mixture, target)[name]).mean()
    assert metric()(estimate.flip(0), target, inputs) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("leak", [1e-3, 1e-2, 0.1, 0.9])
def test_the_ratios_are_fast_bss_evals(leak):
    estimate, target, inputs = separated(2, leak=leak)
    found = fast_bss_eval.bss_eval_sources(target.numpy(), estimate.numpy())
    for metric, expected in zip(RATIOS, found, strict=False):
        assert metric()(estimate, target, inputs) == pytest.approx(np.mean(expected), abs=1e-8)


def test_each_ratio_counts_its_own_errors():
    _, target, _ = separated(length=16000)
    leaks, noisy = target + 0.1 * target.flip(0), target + 0.1 * noise(*target.shape, seed=9)
    assert SAR()(leaks, target, {}) == CEILING_DB > SIR()(leaks, target, {}) + 60
    assert SIR()(noisy, target, {}) > SAR()(noisy, target, {}) + 5  # 512 taps fit a little of the noise
    for estimate in (leaks, noisy):
        assert SDR()(estimate, target, {}) <= min(SIR()(estimate, target, {}), SAR()(estimate, target, {})) + 1e-9


@pytest.mark.parametrize("sources", [1, 2])
def test_the_energies_are_those_of_least_squares(sources):
    target, signals = noise(sources, 700), noise(3, 700, seed=1)
    delayed = np.zeros((sources, DELAYS, 700 + DELAYS))
    for lag in range(DELAYS):
        delayed[:, lag, lag : lag + 700] = target.numpy()
    padded = torch.nn.functional.pad(signals, (0, DELAYS)).numpy()
    flat = delayed.reshape(-1, 700 + DELAYS)
    joint = [np.sum((np.linalg.lstsq(flat.T, one)[0] @ flat) ** 2) for one in padded]
    own = [[np.sum((np.linalg.lstsq(rows.T, one)[0] @ rows) ** 2) for rows in delayed] for one in padded]
    np.testing.assert_allclose(joint_energy(signals, target)[:, 0], joint, rtol=1e-9)
    np.testing.assert_allclose(own_energy(signals, target), own, rtol=1e-9)


@pytest.mark.parametrize("metric", RATIOS)
def test_sources_that_depend_on_each_other_have_a_value(metric):
    """Two equal sources span what one does: no interference between them, and the same SDR and SAR."""
    estimate, target, _ = separated(1)
    alone = metric()(estimate, target, {})
    twice = metric()(estimate.repeat(2, 1), target.repeat(2, 1), {})
    assert twice == pytest.approx(alone, abs=1e-4)


def test_what_one_item_kept_does_not_reach_the_next():
    one, other = separated(seed=0), separated(seed=5)
    expected = [metric()(*other) for metric in RATIOS]
    for metric, value in zip(RATIOS, expected, strict=True):
        metric()(*one)
        assert metric()(*other) == value
    changed = other[1].clone()
    value = SIR()(other[0], changed, {})
    changed += 0.5 * noise(*changed.shape, seed=7)  # the same tensor, in place
    assert SIR()(other[0], changed, {}) != value


@pytest.mark.parametrize("threads", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_the_number_of_threads_does_not_matter(threads):
    """With two threads, torch.linalg.solve of a batch fails here: `projections` has the reason."""
    item, before = separated(3, seed=threads), torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        with threadpool_limits(threads):
            found = [metric()(*item) for metric in RATIOS]
    finally:
        torch.set_num_threads(before)
    for metric in RATIOS:
        metric()(*separated(3))  # so that nothing of the item is kept
    assert found == pytest.approx([metric()(*item) for metric in RATIOS], abs=1e-9)
