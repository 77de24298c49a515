"""The low-rank loss against nussl's and against the N x N sums: one forward and backward pass each, in one run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from repro.audio.nussl import import_nussl
from repro.losses.clustering import DeepClustering

FRAMES, FREQUENCIES, EMBEDDING = 64, 129, 20


def case(batch: int, frames: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    raw = torch.randn(batch, frames, EMBEDDING, FREQUENCIES)
    output = torch.nn.functional.normalize(raw, dim=2).transpose(2, 3).requires_grad_()
    dominant = torch.randint(2, (batch, frames, FREQUENCIES))
    return output, {"dominant": dominant, "weights": torch.rand(batch, frames, FREQUENCIES)}


def seconds(call: Callable[[], torch.Tensor], rounds: int) -> float:
    call().backward()
    began = time.perf_counter()
    for _ in range(rounds):
        call().backward()
    return (time.perf_counter() - began) / rounds


def test_against_nussl(benchmark: Any) -> None:
    output, target = case(16, FRAMES)
    ours, theirs = DeepClustering(), import_nussl().ml.train.loss.DeepClusteringLoss()
    sources = one_hot(target["dominant"]).transpose(2, 3).contiguous()
    root = target["weights"].sqrt()
    benchmark(lambda: ours(output, target).backward())
    peer = seconds(lambda: theirs(output, sources, root), rounds=5)
    own = seconds(lambda: ours(output, target), rounds=20)
    benchmark.extra_info["times_faster_than_nussl"] = round(peer / own, 2)
    print(f"\nthe loss against nussl's: {peer / own:.1f} times as fast")


def test_against_the_sum_over_pairs(benchmark: Any) -> None:
    output, target = case(1, 16)  # 2,064 bins: the N x N matrices of 64 frames would take a gigabyte

    def pairs() -> torch.Tensor:
        v, y, w = output[0].flatten(0, 1), target["dominant"].flatten(), target["weights"].flatten()
        alike = (y[:, None] == y[None, :]).float()
        return (w[:, None] * w * (v @ v.T - alike) ** 2).sum() / w.sum() ** 2

    ours = DeepClustering()
    benchmark(lambda: ours(output, target).backward())
    own = seconds(lambda: ours(output, target), rounds=50)
    ratio = seconds(pairs, rounds=5) / own
    benchmark.extra_info["times_faster_than_pairs"] = round(ratio, 1)
    print(f"\nthe loss against the sum over pairs, 2,064 bins: {ratio:.0f} times as fast")
