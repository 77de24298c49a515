"""k-means against scikit-learn's, and a batch of segments against its items one by one: ratios in one run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from sklearn.cluster import KMeans

from repro.datasets.mixtures import SpeechMixtures
from repro.datasets.spectrograms import SpectrogramSegments
from repro.datasets.voices import SyntheticVoices
from repro.models.kmeans import kmeans


def ratio(slow: Callable[[], Any], fast: Callable[[], Any], rounds: int) -> float:
    """How many times as fast `fast` is: the best of some rounds, alternating, because other load only adds time."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for call, found in zip((slow, fast), times, strict=True):
            began = time.perf_counter()
            call()
            found.append(time.perf_counter() - began)
    return min(times[0]) / min(times[1])


def embeddings(clusters: int, points: int = 30_000, dimensions: int = 20) -> torch.Tensor:
    """Unit vectors (P, D) around `clusters` directions, which overlap."""
    random = torch.Generator().manual_seed(0)
    centres = torch.nn.functional.normalize(torch.randn(clusters, dimensions, generator=random), dim=1)
    owners = torch.randint(clusters, (points,), generator=random)
    return torch.nn.functional.normalize(centres[owners] + 0.25 * torch.randn(points, dimensions, generator=random))


@pytest.mark.parametrize("clusters", [2, 3])
def test_kmeans_against_scikit_learn(benchmark: Any, measured: Any, clusters: int) -> None:
    points = embeddings(clusters)
    array = points.numpy()
    found = ratio(
        lambda: KMeans(clusters, n_init=5, random_state=0).fit(array), lambda: kmeans(points, clusters), rounds=15
    )
    benchmark.extra_info["times_faster_than_scikit_learn"] = round(found, 1)
    benchmark.pedantic(kmeans, (points, clusters), rounds=3)
    measured(f"k-means, 30,000 points, {clusters} clusters", f"{found:.1f} times as fast as scikit-learn's", "above 1")


@pytest.mark.parametrize(("size", "frames", "seconds"), [(16, 64, 0.6), (8, 400, 4.0)])
def test_batch_against_items(benchmark: Any, measured: Any, size: int, frames: int, seconds: float) -> None:
    corpus = SyntheticVoices("train", speakers=4, utterances=2, seconds=5.0)
    data = SpectrogramSegments(SpeechMixtures(corpus, size=size, seconds=seconds), frames=frames)
    indices = range(size)
    assert len([data[index] for index in indices]) == size  # every voice is made before the clock runs
    found = ratio(lambda: [data[index] for index in indices], lambda: data.__getitems__(indices), rounds=30)
    benchmark.extra_info["times_faster_than_items"] = round(found, 2)
    benchmark.pedantic(data.__getitems__, (indices,), rounds=3)
    what = f"mixing and STFT of a batch of {size} x {frames} frames"
    measured(what, f"{found:.1f} times as fast as item by item", "at least 3")
