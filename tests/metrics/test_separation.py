"""SI-SDR and SNR against slow formulas and nussl, and the properties that every metric of separation must have."""

import itertools
import json
import math
import pickle
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

import repro.audio.nussl
from repro.metrics.separation import (
    CEILING_DB,
    FLOOR_DB,
    SAR,
    SDR,
    SIR,
    SISDR,
    SNR,
    IdealBinaryMask,
    SDRImprovement,
    SIRImprovement,
    SISDRImprovement,
    SNRImprovement,
)
from repro.registry import METRICS
from repro.testing import check_metric
from tests.metrics.signals import noise, separated

RATIOS = [SISDR, SNR, SDR, SIR, SAR]
IMPROVEMENTS = [SISDRImprovement, SNRImprovement, SDRImprovement, SIRImprovement]
METRIC_CLASSES = RATIOS + IMPROVEMENTS
EXACT = 1e-9  # dB


def slow_si_sdr(estimate, source):
    """The residual of a least-squares fit of a gain and a constant: numpy's solver instead of inner products."""
    columns = np.stack([source, np.ones_like(source)], axis=1)
    residual = estimate - columns @ np.linalg.lstsq(columns, estimate, rcond=None)[0]
    fitted = (estimate - estimate.mean()) - residual
    return 10 * math.log10((fitted**2).sum() / (residual**2).sum())


def best(values):
    """The best mean over pairings of estimates (rows) with sources (columns), by trying all."""
    orders = itertools.permutations(range(len(values)))
    return max(np.mean([values[e][s] for s, e in enumerate(order)]) for order in orders)


@pytest.mark.parametrize("sources", [1, 2, 3, 4])
def test_si_sdr_is_the_slow_formula_under_the_best_permutation(sources):
    estimate, target, inputs = separated(sources)
    estimate = estimate.roll(1, 0) + 0.5
    pairs = [[slow_si_sdr(e, s) for s in target.numpy()] for e in estimate.numpy()]
    assert SISDR()(estimate, target, inputs) == pytest.approx(best(pairs), abs=EXACT)


def test_the_permutation_is_the_best_one_even_of_poor_estimates():
    estimate, target = noise(4, 50, seed=1), noise(4, 50, seed=2)  # any pairing is bad: greedy choices go wrong
    pairs = [[slow_si_sdr(e, s) for s in target.numpy()] for e in estimate.numpy()]
    assert min(min(row) for row in pairs) > FLOOR_DB
    assert SISDR()(estimate, target, {}) == pytest.approx(best(pairs), abs=EXACT)


@pytest.fixture(scope="module")
def nussl():
    try:
        return repro.audio.nussl.import_nussl()
    except ImportError as error:
        if error.name != "nussl":
            raise
        pytest.skip(str(error))


@pytest.mark.parametrize("sources", [2, 3])
@pytest.mark.parametrize(
    ("metric", "key"), [(SISDR, "SI-SDR"), (SISDRImprovement, "SI-SDRi"), (SNR, "SNR"), (SNRImprovement, "SNRi")]
)
def test_si_sdr_snr_and_their_improvements_are_nussls(nussl, metric, key, sources):
    estimate, target, inputs = separated(sources)
    estimate = 0.7 * estimate.roll(1, 0) + 0.2
    signals = [
        [nussl.AudioSignal(audio_data_array=x.numpy().copy(), sample_rate=8000) for x in group]
        for group in (target, estimate)
    ]
    evaluation = nussl.evaluation.BSSEvalScale(*signals, compute_permutation=True, best_permutation_key=key.strip("i"))
    scores = evaluation.evaluate()
    theirs = np.mean([scores[f"source_{number}"][key] for number in range(sources)])
    assert metric()(estimate, target, inputs) == pytest.approx(theirs, abs=1e-6)


def test_an_orthogonal_error_of_a_tenth_of_the_energy_is_10_db():
    angle = 2 * torch.pi * torch.arange(1000, dtype=torch.float64) / 100
    source, error = torch.sin(angle)[None], torch.cos(angle)[None]
    for metric in (SISDR, SNR):
        assert metric()(source + error / math.sqrt(10), source, {}) == pytest.approx(10.0, abs=EXACT)


def test_a_wrong_gain_counts_in_snr_alone():
    _, target, _ = separated()
    assert SNR()(1.1 * target, target, {}) == pytest.approx(20.0, abs=EXACT)
    assert SISDR()(1.1 * target, target, {}) == CEILING_DB


def test_sdr_forgives_a_filter_and_si_sdr_does_not():
    _, target, inputs = separated()
    delayed = target.roll(20, -1)
    delayed[:, :20] = 0
    assert SDR()(delayed, target, inputs) > SISDR()(delayed, target, inputs) + 20


@pytest.mark.parametrize("metric", METRIC_CLASSES)
def test_order_and_scale_of_estimates_do_not_matter(metric):
    estimate, target, inputs = separated(3)
    gains = torch.tensor([1e-9, -3.0, 1e6], dtype=torch.float64)[:, None]
    if metric in (SNR, SNRImprovement):  # the scale matters to these
        gains = torch.ones_like(gains)
    value = metric()(estimate, target, inputs)
    for order in itertools.permutations(range(3)):
        assert metric()((gains * estimate)[list(order)], target, inputs) == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("metric", [SISDR, SISDRImprovement, SNR, SNRImprovement])
def test_constants_do_not_matter_to_si_sdr_and_snr(metric):
    estimate, target, inputs = separated()
    value = metric()(estimate, target, inputs)
    shifted = {"mixture": inputs["mixture"] - 1}
    assert metric()(estimate + 5, target + 2, shifted) == pytest.approx(value, abs=EXACT)


@pytest.mark.parametrize("metric", [metric for metric in METRIC_CLASSES if metric is not SAR])  # leakage is no artifact
def test_less_leakage_is_better(metric):
    values = [metric()(*separated(leak=leak)) for leak in (0.6, 0.3, 0.1)]
    assert values == sorted(values) and values[2] - values[0] > 3


@pytest.mark.parametrize("metric", IMPROVEMENTS)
def test_the_mixture_is_no_improvement_on_itself(metric):
    _, target, inputs = separated()
    mixtures = inputs["mixture"].expand_as(target)
    assert metric()(mixtures, target, inputs) == pytest.approx(0.0, abs=EXACT)


@pytest.mark.parametrize("metric", RATIOS)
def test_float32_signals_are_measured_in_float64(metric):
    _, target, _ = separated()
    estimate = (target + 1e-4 * noise(*target.shape, seed=5)).float()  # 80 dB: float32 sums would round it away
    value = metric()(estimate, target.float(), {})
    assert value == pytest.approx(metric()(estimate.double(), target.float().double(), {}), abs=EXACT)


@pytest.mark.parametrize("metric", RATIOS)
def test_the_limits_are_finite(metric):
    _, target, _ = separated()
    assert metric()(target, target, {}) == CEILING_DB
    assert metric()(torch.zeros_like(target), target, {}) == (0.0 if metric is SNR else FLOOR_DB)


@pytest.mark.parametrize("metric", [SISDR, SDR])
def test_one_silent_estimate_costs_its_own_source_only(metric):
    estimate, target, _ = separated()
    alone = metric()(estimate[:1], target[:1], {})
    estimate[1] = 0
    assert metric()(estimate, target, {}) == pytest.approx((alone + FLOOR_DB) / 2, abs=1e-6)


def test_a_constant_estimate_is_silent_to_si_sdr():
    _, target, _ = separated()
    assert SISDR()(torch.full_like(target, 0.1), target, {}) == FLOOR_DB


@pytest.mark.parametrize("metric", METRIC_CLASSES)
def test_a_silent_source_has_no_value(metric):
    estimate, target, inputs = separated()
    target[1] = 0
    with pytest.raises(ValueError, match="source 1 of the target is silent"):
        metric()(estimate, target, inputs)


@pytest.mark.parametrize("metric", [SISDR, SNR])
def test_a_constant_source_is_silent_to_si_sdr_and_snr(metric):
    estimate, target, _ = separated()
    target[0] = 0.1
    with pytest.raises(ValueError, match="source 0 of the target is silent"):
        metric()(estimate, target, {})


@pytest.mark.parametrize("metric", METRIC_CLASSES)
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_nan_and_infinity_are_refused(metric, bad):
    estimate, target, inputs = separated()
    estimate[0, 3] = bad
    with pytest.raises(ValueError, match="NaN or infinity"):
        metric()(estimate, target, inputs)


def test_shapes_that_differ_are_refused():
    estimate, target, inputs = separated()
    with pytest.raises(ValueError, match=r"one shape \(C, T\), got \(2, 5999\) and \(2, 6000\)"):
        SISDR()(estimate[:, :-1], target, inputs)
    with pytest.raises(ValueError, match=r"mixture must have shape \(6000,\), got \(5999,\)"):
        SISDRImprovement()(estimate, target, {"mixture": inputs["mixture"][:-1]})
    with pytest.raises(ValueError, match="needs a 'mixture' among the inputs; found: mix"):
        SDRImprovement()(estimate, target, {"mix": inputs["mixture"]})


def test_no_two_identities_are_equal():
    metrics = [metric(rate) for metric in METRIC_CLASSES for rate in (8000, 16000)]
    assert len({metric.identity for metric in metrics}) == len(metrics)


def test_the_identities_are_those_of_committed_records():
    path = Path(__file__).parents[2] / "papers/deep_clustering/records/smoke-seed0.json"
    recorded = {tuple(one["identity"].items()) for one in json.loads(path.read_text())["measurements"]}
    metrics = [SDRImprovement(), SISDRImprovement()]
    ours = {tuple(sorted(asdict(one.identity).items())) for one in [*metrics, *map(IdealBinaryMask, metrics)]}
    assert {tuple(sorted(one)) for one in recorded} == ours


@pytest.mark.parametrize("metric", METRIC_CLASSES)
def test_metrics_are_registered_unchanged_and_pickle(metric):
    assert METRICS[metric.__name__] is metric
    assert pickle.loads(pickle.dumps(metric())).identity == metric().identity


@pytest.mark.parametrize("metric", METRIC_CLASSES)
def test_battery(metric):
    sources = torch.randn(2, 4000, generator=torch.Generator().manual_seed(0))
    check_metric(metric(), sources + 0.1 * sources.flip(0), sources, {"mixture": sources.sum(0), "num_sources": 2})
