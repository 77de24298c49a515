"""The objective of deep clustering, by its low-rank identity.

The form was read in public texts on the paper. The PDF was not at hand, so the numbers of the equations are left out.

Letters: B batch, N frames, F frequencies, D embedding, C sources; i and j run over the bins of one item.
"""

from __future__ import annotations

import torch
from torch import nn

from repro.registry import LOSSES


@LOSSES.register
class DeepClustering(nn.Module):
    """How far the affinities of the embeddings are from those of the sources, in [0, 1] per item for affinities >= 0.

    `forward(output (B, N, F, D), target) -> scalar`, rows of `output` of unit norm; `target` as
    `datasets.DominantSources` makes it. With r_i the weight of bin i, v_i its embedding and y_i its one-hot source,

        loss = sum_ij r_i r_j (<v_i, v_j> - <y_i, y_j>)^2 / (sum_i r_i)^2

    which by the low-rank identity costs N F D^2 and no N F x N F matrix: with rows scaled by the root of r,

        |V'V|^2 - 2 |V'Y|^2 + |Y'Y|^2

    `balanced`: r_i = w_i / sqrt(d_i), d_i the summed weight of the bins of i's source: the class-balanced form of the
    arXiv paper. Otherwise r_i = w_i, the plain form of nearly all code since.

    The published sum has no normaliser. Dividing by (sum r)^2 makes the value independent of the segment's length and
    keeps float32 from cancelling. An item without an active bin has loss 0.
    """

    def __init__(self, balanced: bool = False) -> None:
        super().__init__()
        self.balanced = balanced

    def forward(self, output: torch.Tensor, target: dict[str, torch.Tensor]) -> torch.Tensor:
        # (B, N, D, F): the layout of the network's memory, so that nothing is copied
        weights, sources = target["weights"], one_hot(target["dominant"])  # (B, N, F), (B, N, C, F)
        if self.balanced:
            weights = balance(weights, sources)
        total = weights.sum((1, 2)).clamp_min(torch.finfo(weights.dtype).tiny)  # (B,)
        root = (weights / total[:, None, None]).sqrt().unsqueeze(2)  # (B, N, 1, F)
        v, y = output.transpose(2, 3) * root, sources * root
        return (_square(v, v) - 2 * _square(v, y) + _square(y, y)).mean()


def one_hot(dominant: torch.Tensor) -> torch.Tensor:
    """`(B, N, F)` indices to `(B, N, C, F)` zeros and ones; a source that dominates nothing does no harm."""
    classes = torch.arange(int(dominant.max()) + 1, device=dominant.device)
    return (dominant.unsqueeze(2) == classes[:, None]).float()


def balance(weights: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
    """`w_i / sqrt(d_i)`, where d_i is the summed weight of the bins that share i's source."""
    sizes = (weights.unsqueeze(2) * sources).sum((1, 3), keepdim=True)  # (B, 1, C, 1)
    own = (sources * sizes).sum(2)  # (B, N, F)
    return weights * own.clamp_min(torch.finfo(own.dtype).tiny).rsqrt() * (own > 0)


def _square(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """`|A'B|^2` per item, from (B, N, D, F) and (B, N, C, F): a small product per frame, summed over frames."""
    return (a @ b.transpose(2, 3)).sum(1).square().sum((1, 2))
