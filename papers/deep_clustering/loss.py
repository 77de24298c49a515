"""The loss of deep clustering, computed with its low-rank identity.

We could not read the PDF of the paper. We read the formula in a blog post that derives the loss and in public code. So
the numbers of the equations are left out.

Letters: B batch, N frames, F frequencies, D embedding, C sources; i and j are indices of the bins of one item.
"""

from __future__ import annotations

import torch
from torch import nn

from repro.registry import LOSSES


@LOSSES.register
class DeepClustering(nn.Module):
    """Deep clustering loss: squared difference between the affinities of the embeddings and those of the sources.

    `forward(output (B, N, F, D), target) -> scalar`. The vectors `output` (..., D) have norm 1. `target` has "dominant"
    (B, N, F) and "weights" (B, N, F), as from `datasets.DominantSources`. Let r_i be the weight of bin i, v_i its
    embedding and y_i its one-hot source. The loss of an item is

        loss = sum_ij r_i r_j (<v_i, v_j> - <y_i, y_j>)^2 / (sum_i r_i)^2

    It is in [0, 1] if all affinities <v_i, v_j> are at least 0. The low-rank identity avoids the matrix of N F x N F
    affinities and needs N F D^2 operations. With the rows of V and Y multiplied by the square root of r, the sum is

        |V'V|^2 - 2 |V'Y|^2 + |Y'Y|^2

    Let w_i be the weight of bin i in `target`, and d_i the sum of the weights of all bins with the same source. With
    `balanced`, r_i = w_i / sqrt(d_i): the class-balanced form of the arXiv paper. Otherwise r_i = w_i, as in nearly all
    public code.

    The published sum is not normalised. We divide by (sum r)^2, so that the value does not depend on the length of the
    segment and float32 loses no digits. An item without an active bin has loss 0. Source: Hershey et al. 2016.

    Example: perfect embeddings, then equal embeddings for two sources.

        >>> target = {"dominant": torch.tensor([[[0, 1]]]), "weights": torch.ones(1, 1, 2)}
        >>> loss = DeepClustering()
        >>> perfect, equal = torch.eye(2)[None, None], torch.ones(1, 1, 2, 1)
        >>> [round(loss(output, target).item(), 4) for output in (perfect, equal)]
        [0.0, 0.5]
    """

    def __init__(self, balanced: bool = False) -> None:
        super().__init__()
        self.balanced = balanced

    def forward(self, output: torch.Tensor, target: dict[str, torch.Tensor]) -> torch.Tensor:
        # (B, N, D, F): the memory layout of the network's output, so that nothing is copied
        weights, sources = target["weights"], one_hot(target["dominant"])  # (B, N, F), (B, N, C, F)
        if self.balanced:
            weights = balance(weights, sources)  # r = w / sqrt(d)
        total = weights.sum((1, 2)).clamp_min(torch.finfo(weights.dtype).tiny)  # (B,)
        root = (weights / total[:, None, None]).sqrt().unsqueeze(2)  # (B, N, 1, F), sqrt(r / sum r)
        v, y = output.transpose(2, 3) * root, sources * root
        return (_square(v, v) - 2 * _square(v, y) + _square(y, y)).mean()  # |V'V|^2 - 2 |V'Y|^2 + |Y'Y|^2


def one_hot(dominant: torch.Tensor) -> torch.Tensor:
    """Convert indices `(B, N, F)` to zeros and ones `(B, N, C, F)`. A source may have no bins."""
    classes = torch.arange(int(dominant.max()) + 1, device=dominant.device)
    return (dominant.unsqueeze(2) == classes[:, None]).float()


def balance(weights: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
    """`w_i / sqrt(d_i)` from weights w (B, N, F), where d_i is the sum of the weights of all bins with i's source."""
    sizes = (weights.unsqueeze(2) * sources).sum((1, 3), keepdim=True)  # (B, 1, C, 1)
    own = (sources * sizes).sum(2)  # (B, N, F)
    return weights * own.clamp_min(torch.finfo(own.dtype).tiny).rsqrt() * (own > 0)


def _square(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """`|A'B|^2` per item, from (B, N, D, F) and (B, N, C, F): one small matrix product per frame, then a sum."""
    return (a @ b.transpose(2, 3)).sum(1).square().sum((1, 2))
