"""The metrics of separation against mir_eval, nussl and fast_bss_eval on the same signals, and their cost by length.

Times are CPU seconds, so that other programs on the machine count little. `OMP_NUM_THREADS=1` makes them repeatable.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import fast_bss_eval
import mir_eval
import pytest
import torch

from repro.audio.nussl import import_nussl
from repro.audio.stft import STFT
from repro.datasets.mixtures import SpeechMixtures
from repro.datasets.voices import SyntheticVoices
from repro.metrics import oracles
from repro.metrics.separation import SAR, SDR, SIR, SISDR, SNR, SDRImprovement, SISDRImprovement, SNRImprovement

MIXTURES, SECONDS = 20, 4.0
BSS_EVAL = (SDR(), SIR(), SAR())
SCALE = {"SI-SDR": SISDR(), "SI-SDRi": SISDRImprovement(), "SNR": SNR(), "SNRi": SNRImprovement()}
Item = tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]  # estimate, sources, inputs


def items(count: int, seconds: float) -> list[Item]:
    """Mixtures of two synthetic voices at 8 kHz, separated by the ideal ratio mask, estimates in the wrong order."""
    mixtures = SpeechMixtures(SyntheticVoices("test", speakers=8, utterances=1, seconds=seconds), count, 2, seconds)
    found = []
    for inputs, sources in map(mixtures.__getitem__, range(count)):
        estimate = oracles.separate(oracles.ratio, inputs["mixture"], sources, STFT()).flip(0)
        found.append((estimate.double(), sources.double(), {"mixture": sources.double().sum(0)}))
    return found


def seconds_of(*calls: Callable[[Item], Any], data: list[Item]) -> list[float]:
    """CPU seconds per item of each of the calls, which alternate: the median over the items."""
    times: list[list[float]] = [[] for _ in calls]
    for item in data:
        for call, spent in zip(calls, times, strict=True):
            began = time.process_time()
            call(item)
            spent.append(time.process_time() - began)
    return [statistics.median(spent) for spent in times]


def ours(item: Item) -> list[float]:
    return [metric(*item) for metric in BSS_EVAL]


def mir_evals(item: Item) -> list[float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        found = mir_eval.separation.bss_eval_sources(item[1].numpy(), item[0].numpy())
    return [float(values.mean()) for values in found[:3]]


def fast_bss_evals(item: Item) -> list[float]:
    return [float(values.mean()) for values in fast_bss_eval.bss_eval_sources(item[1].numpy(), item[0].numpy())[:3]]


def test_sdr_sir_and_sar(benchmark: Any, measured: Any) -> None:
    data = items(MIXTURES, SECONDS)
    apart = [max(abs(a - b) for a, b in zip(ours(item), mir_evals(item), strict=True)) for item in data[:3]]
    assert max(apart) < 1e-4
    benchmark.pedantic(lambda: [ours(item) for item in data], rounds=1)
    own, again, peer, fast = seconds_of(ours, lambda item: SDR()(*item), mir_evals, fast_bss_evals, data=data)
    alone = seconds_of(lambda item: SDR()(*item), data=data)[0]
    benchmark.extra_info["times_faster_than_mir_eval"] = round(peer / own, 1)
    times = f"{peer / own:.1f} times as fast as mir_eval, {fast / own:.1f} times as fast_bss_eval"
    measured(f"SDR, SIR and SAR of mixtures of {SECONDS:.0f} s", times, "")
    print(f"SDR alone: {1000 * alone:.0f} ms; after another of the three: {1000 * again:.0f} ms")


def test_si_sdr_and_snr(benchmark: Any) -> None:
    nussl, data = import_nussl(), items(MIXTURES, SECONDS)

    def all_four(item: Item) -> list[float]:
        return [metric(*item) for metric in SCALE.values()]

    def nussls(item: Item, **options: Any) -> list[float]:
        signals = [
            [nussl.AudioSignal(audio_data_array=x.numpy().copy(), sample_rate=8000) for x in item[n]] for n in (1, 0)
        ]
        scores = nussl.evaluation.BSSEvalScale(*signals, compute_permutation=True, **options).evaluate()
        return [statistics.fmean(scores[f"source_{c}"][key][0] for c in range(2)) for key in SCALE]

    def without_sir(item: Item) -> list[float]:
        return nussls(item, compute_sir_sar=False)

    apart = [max(abs(a - b) for a, b in zip(all_four(item), nussls(item), strict=True)) for item in data]
    assert max(apart) < 1e-4
    benchmark.pedantic(lambda: [all_four(item) for item in data], rounds=1)
    own, peer, part = seconds_of(all_four, nussls, without_sir, data=data)
    benchmark.extra_info["times_faster_than_nussl"] = round(part / own, 1)
    print(f"\nSI-SDR, SNR and improvements of {MIXTURES} mixtures of {SECONDS:.0f} s: {1000 * own:.1f} ms each;")
    print(
        f"nussl's BSSEvalScale takes {part / own:.1f} times as long, with its SI-SIR and SI-SAR {peer / own:.1f} times"
    )


@pytest.mark.parametrize("metric", [SISDRImprovement(), SDRImprovement(), SIR()], ids=lambda one: one.identity.name)
def test_cost_by_length(benchmark: Any, metric: Any) -> None:
    """100, 400 and 1,600 frames of 64 samples at 8 kHz; every item is new, so that no work is shared."""
    frames = (100, 400, 1600)
    data = {n: items(5, n * 64 / 8000) for n in frames}
    times = {n: seconds_of(lambda item: metric(*item), data=data[n])[0] for n in frames}
    benchmark.pedantic(lambda: metric(*data[400][0]), rounds=1)
    listed = ", ".join(f"{n} frames {1000 * spent:.1f} ms" for n, spent in times.items())
    print(f"\n{metric.identity.name}: {listed}; four times the length is {times[1600] / times[400]:.1f} times the time")
    assert times[1600] < 8 * times[400]
