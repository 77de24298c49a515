"""The embedding network, and the separation it allows.

Letters: B batch, N frames, F frequencies, D embedding, C sources, T samples.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from sklearn.cluster import KMeans
from torch import nn

from repro.audio.stft import STFT
from repro.registry import MODELS

LOUD_DB = 40.0  # k-means learns from the bins within this of the loudest one; all bins are then assigned
SHARPNESS = 2.0  # of soft masks, per squared distance of unit vectors; chosen on validation mixtures


@MODELS.register
class EmbeddingNetwork(nn.Module):
    """`layers` BLSTM layers of `hidden` cells each way and one linear layer to `embedding` values a bin.

    `forward(magnitude (B, N, F)) -> (B, N, F, D)`, every D-vector of unit norm, as the loss needs it.

    `masks`: "binary" gives each bin to its cluster, as the paper does; "soft" shares it out by the distances to the
    cluster means (nussl does so too, with another falling-off), so that a bin between two clusters does not go wholly
    to the wrong one.
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
        features = torch.log10(magnitude / level + 1e-3) + 1  # about zero mean, unit spread, whatever the level
        hidden, _ = self.blstm(features)
        raw = self.linear(hidden).unflatten(-1, (self.embedding, -1))  # (B, N, D, F): the norm runs over rows
        unit = raw * torch.rsqrt(raw.square().sum(2, keepdim=True) + 1e-12)
        return unit.transpose(2, 3)

    @torch.no_grad()
    def estimate(self, inputs: dict[str, Any]) -> torch.Tensor:
        """`{"mixture": (T,), "num_sources": C} -> (C, T)`: cluster the embeddings, mask the mixture."""
        mixture = inputs["mixture"].to(self.linear.weight.device)
        spectrogram = self.stft(mixture)
        magnitude = spectrogram.abs()
        distances = cluster(self(magnitude.unsqueeze(0))[0], magnitude, inputs["num_sources"])
        return self.stft.inverse(masks(distances, self.masks) * spectrogram, len(mixture)).cpu()


def cluster(embeddings: torch.Tensor, magnitude: torch.Tensor, num_sources: int) -> torch.Tensor:
    """Squared distances (C, N, F) of each bin to the cluster means, found by k-means from the loud bins.

    One clustering of the whole utterance ("global" in the paper), not one per segment.
    """
    loud = (magnitude > magnitude.max() * 10 ** (-LOUD_DB / 20)).flatten()
    rows = embeddings.flatten(0, 1)  # (N F, D)
    heard = rows[loud] if int(loud.sum()) >= num_sources else rows  # near silence all bins must do
    found = KMeans(num_sources, n_init=5, random_state=0).fit(heard.cpu().numpy())
    means = torch.from_numpy(found.cluster_centers_).to(rows)
    return torch.cdist(means, rows).square().view(num_sources, *magnitude.shape)


def masks(distances: torch.Tensor, kind: str) -> torch.Tensor:
    """Masks (C, N, F) that sum to one over the sources, from squared distances (C, N, F)."""
    if kind == "soft":
        return torch.softmax(-SHARPNESS * distances, 0)
    sources = torch.arange(len(distances), device=distances.device)[:, None, None]
    return (distances.argmin(0) == sources).to(distances.dtype)
