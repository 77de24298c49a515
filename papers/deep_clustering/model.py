"""The embedding network, and separation by clustering its embeddings.

We could not read the PDF of the paper. We read in a blog post that it has two BLSTM layers and a linear layer. The
default sizes (600 cells, 40 dimensions) are from memory.

Letters: B batch, N frames, F frequencies, D embedding, C sources, T samples.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from sklearn.cluster import KMeans
from torch import nn

from repro.audio.stft import STFT
from repro.registry import MODELS

LOUD_DB = 40.0  # k-means uses the bins within this distance of the loudest bin; then all bins are assigned
SHARPNESS = 2.0  # factor of the squared distances in soft masks; chosen on validation mixtures


@MODELS.register
class EmbeddingNetwork(nn.Module):
    """Deep clustering network: `layers` BLSTM layers with `hidden` cells per direction, and a linear layer.

    `forward(magnitude (B, N, F)) -> (B, N, F, D)`, with D = `embedding`. Every D-vector has norm 1. `estimate`
    separates a mixture: it clusters the embeddings by k-means and masks the mixture's spectrogram.

    `frequencies`: F, 129 for the default STFT. `masks`: "binary" gives each bin to its cluster. "soft" shares a bin
    between the clusters according to its distances to their means, similar to nussl. So a bin between two clusters is
    not given completely to the wrong one. Source: Hershey et al. 2016.

    Example: an untrained network.

        >>> model = EmbeddingNetwork(hidden=4, embedding=3)
        >>> model(torch.rand(2, 5, 129)).shape
        torch.Size([2, 5, 129, 3])
        >>> model.estimate({"mixture": torch.randn(2000), "num_sources": 2}).shape
        torch.Size([2, 2000])
    """

    def __init__(
        self,
        hidden: int = 600,
        layers: int = 2,
        embedding: int = 40,
        frequencies: int = 129,
        dropout: float = 0.0,
        masks: Literal["binary", "soft"] = "binary",
    ) -> None:
        super().__init__()
        self.embedding, self.masks, self.stft = embedding, masks, STFT()
        self.blstm = nn.LSTM(frequencies, hidden, layers, batch_first=True, bidirectional=True, dropout=dropout)
        self.linear = nn.Linear(2 * hidden, embedding * frequencies)

    def forward(self, magnitude: torch.Tensor) -> torch.Tensor:
        level = magnitude.square().mean((1, 2), keepdim=True).sqrt() + 1e-8
        features = torch.log10(magnitude / level + 1e-3) + 1  # mean about 0 and spread about 1, at every level
        hidden, _ = self.blstm(features)
        raw = self.linear(hidden).unflatten(-1, (self.embedding, -1))  # (B, N, D, F): the norm is over D
        unit = raw * torch.rsqrt(raw.square().sum(2, keepdim=True) + 1e-12)
        return unit.transpose(2, 3)

    @torch.no_grad()
    def estimate(self, inputs: dict[str, Any]) -> torch.Tensor:
        """Separate one mixture: `{"mixture": (T,), "num_sources": C} -> (C, T)`."""
        mixture = inputs["mixture"].to(self.linear.weight.device)
        spectrogram = self.stft(mixture)
        magnitude = spectrogram.abs()
        distances = cluster(self(magnitude.unsqueeze(0))[0], magnitude, inputs["num_sources"])
        return self.stft.inverse(masks(distances, self.masks) * spectrogram, len(mixture)).cpu()


def cluster(embeddings: torch.Tensor, magnitude: torch.Tensor, num_sources: int) -> torch.Tensor:
    """Cluster the loud bins by k-means; returns the squared distances (C, N, F) of all bins to the cluster means.

    embeddings: (N, F, D). magnitude: (N, F). There is one clustering for the complete utterance, not one per segment.
    """
    loud = (magnitude > magnitude.max() * 10 ** (-LOUD_DB / 20)).flatten()
    rows = embeddings.flatten(0, 1)  # (N F, D)
    heard = rows[loud] if int(loud.sum()) >= num_sources else rows  # for nearly silent mixtures, use all bins
    found = KMeans(num_sources, n_init=5, random_state=0).fit(heard.cpu().numpy())
    means = torch.from_numpy(found.cluster_centers_).to(rows)
    return torch.cdist(means, rows).square().view(num_sources, *magnitude.shape)


def masks(distances: torch.Tensor, kind: str) -> torch.Tensor:
    """Masks (C, N, F) that sum to 1 over the sources, from squared distances (C, N, F). `kind`: "binary" or "soft"."""
    if kind == "soft":
        return torch.softmax(-SHARPNESS * distances, 0)
    sources = torch.arange(len(distances), device=distances.device)[:, None, None]
    return (distances.argmin(0) == sources).to(distances.dtype)
