"""Inputs for the tests of losses."""

from __future__ import annotations

import torch
from torch import Tensor

from repro.losses.clustering import DeepClustering, DeepLDA, GraphLaplacian, WhitenedKMeans

CLUSTERING = (DeepClustering(), DeepClustering(balanced=True), GraphLaplacian(), WhitenedKMeans(), DeepLDA())
NAMES = ("plain", "balanced", "laplacian", "kmeans", "lda")


def case(seed: int, sources: int = 2, frames: int = 5, frequencies: int = 7) -> tuple[Tensor, dict[str, Tensor]]:
    """Embeddings (2, N, F, 4) of norm 1 without negative elements, and a target with 30 % silent bins."""
    random = torch.Generator().manual_seed(seed)
    shape = (2, frames, frequencies)
    raw = torch.rand(*shape, 4, generator=random, dtype=torch.float64)
    weights = torch.rand(shape, generator=random, dtype=torch.float64)
    target = {
        "dominant": torch.randint(sources, shape, generator=random),
        "weights": weights * (torch.rand(shape, generator=random) > 0.3),
    }
    return torch.nn.functional.normalize(raw, dim=-1), target


def perfect(dominant: Tensor, dimensions: int) -> Tensor:
    """Embeddings (B, N, F, D) that are the one-hot sources."""
    return torch.nn.functional.one_hot(dominant, dimensions).double()


def single(target: dict[str, Tensor], dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """The target with its numbers in another type."""
    return {key: value.to(dtype) if value.is_floating_point() else value for key, value in target.items()}
