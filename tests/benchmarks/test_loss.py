"""The loss of deep clustering against nussl's and against the sum over pairs: time and peak memory, and both by length.

A step is a forward and a backward pass. Times are the least of alternating rounds, because other programs only add to
a time. Memory is the most that torch has allocated at once, without the inputs and the gradient.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from repro.audio.nussl import import_nussl
from repro.losses.clustering import DeepClustering

BATCH, FRAMES, FREQUENCIES, EMBEDDING = 8, 400, 129, 20
Step = Callable[[], None]


def case(batch: int, frames: int) -> tuple[Tensor, dict[str, Tensor]]:
    """Embeddings with the memory layout (B, N, D, F) of the network, and their target."""
    raw = torch.randn(batch, frames, EMBEDDING, FREQUENCIES)
    embeddings = torch.nn.functional.normalize(raw, dim=2).transpose(2, 3)
    dominant = torch.randint(2, (batch, frames, FREQUENCIES))
    return embeddings, {"dominant": dominant, "weights": torch.rand(batch, frames, FREQUENCIES)}


def step(loss: Callable[[Tensor], Tensor], embeddings: Tensor) -> Step:
    given = embeddings.detach().requires_grad_()

    def call() -> None:
        given.grad = None
        loss(given).backward()

    return call


def ours(batch: int, frames: int) -> Step:
    embeddings, target = case(batch, frames)
    return step(lambda given: DeepClustering()(given, target), embeddings)


def theirs(batch: int, frames: int) -> Step:
    """nussl's step, with the memory layout of its own networks: it copies any other one."""
    embeddings, target = case(batch, frames)
    sources, root = torch.nn.functional.one_hot(target["dominant"]).float(), target["weights"].sqrt()
    loss = import_nussl().ml.train.loss.DeepClusteringLoss()
    return step(lambda given: loss(given, sources, root), embeddings.contiguous())


def seconds(*steps: Step, rounds: int = 9) -> list[float]:
    """The least time of each step; the steps take turns."""
    for call in steps:
        call()
    least = [float("inf")] * len(steps)
    for _ in range(rounds):
        for index, call in enumerate(steps):
            began = time.perf_counter()
            call()
            least[index] = min(least[index], time.perf_counter() - began)
    return least


def megabytes(call: Step, gradient: int) -> float:
    """The peak of what torch allocates in a step, without `gradient` bytes."""
    call()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as found:
        call()
    events = found.profiler.kineto_results.events()
    now = peak = 0
    for _, change in sorted((one.start_ns(), one.nbytes()) for one in events if one.name() == "[memory]"):
        now += change
        peak = max(peak, now)
    return (peak - gradient) / 1e6


def size(batch: int, frames: int) -> int:
    """Bytes of the embeddings, and of their gradient."""
    return 4 * batch * frames * FREQUENCIES * EMBEDDING


def test_against_nussl(benchmark: Any, measured: Any) -> None:
    calls = ours(BATCH, FRAMES), theirs(BATCH, FRAMES)
    own, peer = seconds(*calls)
    memory, peers = (megabytes(call, size(BATCH, FRAMES)) for call in calls)
    benchmark(calls[0])
    benchmark.extra_info.update(time_of_nussl=round(own / peer, 3), memory_of_nussl=round(memory / peers, 3))
    what = f"deep-clustering loss, forward and backward, {BATCH} x {FRAMES} frames"
    measured(f"{what}: time", f"{own / peer:.2f} of nussl's ({1e3 * own:.0f} and {1e3 * peer:.0f} ms)", "at most 0.40")
    measured(f"{what}: memory", f"{memory / peers:.2f} of nussl's ({memory:.0f} and {peers:.0f} MB)", "at most 0.50")
    assert own / peer <= 0.4 and memory / peers <= 0.5


def test_cost_against_length(benchmark: Any, measured: Any) -> None:
    batch, lengths = 2, (100, 400, 1600)
    calls = [ours(batch, frames) for frames in lengths]
    times = [1e6 * one / frames for one, frames in zip(seconds(*calls), lengths, strict=True)]
    memory = [1e3 * megabytes(call, size(batch, n)) / n for call, n in zip(calls, lengths, strict=True)]
    benchmark(calls[0])
    benchmark.extra_info["microseconds_per_frame"] = [round(one, 1) for one in times]
    listed = " / ".join(f"{one:.0f}" for one in times)
    measured("deep-clustering loss, microseconds per frame at 100 / 400 / 1,600 frames", listed, "linear")
    assert max(memory) / min(memory) < 1.05 and times[-1] / times[0] < 3


def test_against_the_sum_over_pairs(benchmark: Any) -> None:
    embeddings, target = case(1, 16)  # 2,064 bins: the N x N matrices of 64 frames would take a gigabyte

    def pairs(given: Tensor) -> Tensor:
        v, y, w = given[0].flatten(0, 1), target["dominant"].flatten(), target["weights"].flatten()
        alike = (y[:, None] == y[None, :]).float()
        return (w[:, None] * w * (v @ v.T - alike) ** 2).sum() / w.sum() ** 2

    own, slow = ours(1, 16), step(pairs, embeddings)
    least = seconds(own, slow)
    ratio = least[1] / least[0]
    benchmark(own)
    benchmark.extra_info["times_faster_than_pairs"] = round(ratio, 1)
    print(f"\nthe loss against the sum over pairs, 2,064 bins: {ratio:.0f} times as fast")
    assert ratio > 1
