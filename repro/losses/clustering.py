"""Losses of embeddings for deep clustering: DeepClustering, GraphLaplacian, WhitenedKMeans, DeepLDA.

Bins of one source should have similar embeddings, and bins of different sources different ones. Each loss has
`forward(embeddings (B, N, F, D), target) -> scalar`, the mean over the items. The embeddings should have norm 1.
`target` has "dominant" (B, N, F), the index of the loudest source of each bin, and "weights" (B, N, F), at least 0, as
from `datasets.SpectrogramSegments`.

- **Weights** count bins: a bin with weight 2 is the same as two equal bins, and a bin with weight 0 does not exist.
  Only their ratios matter, because each loss divides by their sum.
- **Cost**: N F D (D + C) operations, and memory for one weighted copy of the embeddings. Their sums are float64.
- **Sources**: a source may have no bins, and the value does not depend on their order. Their number is that of
  target["sources"] if it is there, otherwise that of the largest index. To read that from a GPU would make the CPU
  wait, so on a GPU MOST_SOURCES are assumed; with more, the loss is NaN. An unused source does not change a value.
- **Silence**: an item without weights has a constant loss, with a gradient of 0.

Letters: B batch, N frames, F frequencies, D embedding, C sources; i and j are indices of the bins of one item, v_i is
the embedding of a bin, w_i its weight divided by the sum of all weights, y_i its one-hot source. V and Y have these as
rows, and W is the diagonal matrix of w. In the sums over pairs of a source c, s_c is the sum of its weights.

We could not read the PDFs of the papers. The formulas are those of public code and of a blog post, so the numbers of
the equations are left out.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from repro.losses.moments import moments, precise
from repro.registry import LOSSES

MOST_SOURCES = 8
"""The number of sources on a GPU, if `target` has no "sources": each takes the memory of one embedding dimension."""

RIDGE = 1e-6
"""Relative size of what is added to a variance before a division by it. float32 sums are exact to about 1e-8."""

LEAST_DEGREE = 1e-3
"""Smallest degree of a bin in `GraphLaplacian`: its mean similarity to all bins, which is at most 1."""

Target = Mapping[str, Tensor]


@LOSSES.register
class DeepClustering(nn.Module):
    """Deep clustering loss: squared difference between the affinities of the embeddings and those of the sources.

    `forward(embeddings (B, N, F, D), target) -> scalar`; see the module for `target`. The loss of an item is

        sum_ij r_i r_j (<v_i, v_j> - <y_i, y_j>)^2 / (sum_i r_i)^2

    It is in [0, 1] if all affinities <v_i, v_j> are at least 0. r_i = w_i is the form of nearly all public code. With
    `balanced`, r_i = w_i / sqrt(s_c) for a bin of source c: the class-balanced form of the arXiv paper, in which all
    pairs within a source have the weight s_c together, not its square.

    The published sum is not normalised. We divide by (sum r)^2, so that the value does not depend on the length of the
    segment and float32 loses no digits. An item without weights has loss 0. Source: Hershey et al. 2016.

    Example: perfect embeddings, then equal embeddings for two sources.

        >>> target = {"dominant": torch.tensor([[[0, 1]]]), "weights": torch.ones(1, 1, 2)}
        >>> loss = DeepClustering()
        >>> perfect, equal = torch.eye(2)[None, None], torch.ones(1, 1, 2, 1)
        >>> [round(loss(embeddings, target).item(), 4) for embeddings in (perfect, equal)]
        [0.0, 0.5]
    """

    def __init__(self, balanced: bool = False) -> None:
        super().__init__()
        self.balanced = balanced

    def forward(self, embeddings: Tensor, target: Target) -> Tensor:
        vectors, weights, classes = _prepared(embeddings, target)
        if self.balanced:
            weights = _shares(weights * _own(weights, classes).rsqrt())  # r = w / sqrt(s)
        labels = weights.unsqueeze(2) * classes
        gram, sums = moments(vectors, weights, labels)  # V'WV, V'WY
        sizes = _sizes(labels)  # Y'WY is diagonal
        loss = _square(gram) - 2 * _square(sums) + sizes.square().sum(1)  # |V'WV|^2 - 2 |V'WY|^2 + |Y'WY|^2
        return loss.mean().to(vectors.dtype)


@LOSSES.register
class GraphLaplacian(nn.Module):
    """Graph Laplacian distance: like deep clustering, but each affinity is divided by the degrees of its two bins.

    `forward(embeddings (B, N, F, D), target) -> scalar`; see the module for `target`. The loss of an item is

        sum_ij w_i w_j (<v_i, v_j> / sqrt(p_i p_j) - <y_i, y_j> / sqrt(q_i q_j))^2

    with the degrees p_i = sum_j w_j <v_i, v_j>, and q_i = s_c for a bin of source c. So a small source counts as much
    as a large one. Equal embeddings have loss C - 1, perfect ones 0. An item without weights has loss 0.

    Degrees must be positive, so the embeddings should have no negative elements (`activation="sigmoid"`). A degree
    below LEAST_DEGREE counts as LEAST_DEGREE. Source: Wang et al. 2018, as in the public code echidna.

    Example: perfect embeddings, then equal embeddings for two sources.

        >>> target = {"dominant": torch.tensor([[[0, 1]]]), "weights": torch.ones(1, 1, 2)}
        >>> loss = GraphLaplacian()
        >>> perfect, equal = torch.eye(2)[None, None], torch.ones(1, 1, 2, 1)
        >>> [round(loss(embeddings, target).item(), 4) for embeddings in (perfect, equal)]
        [0.0, 1.0]
    """

    def forward(self, embeddings: Tensor, target: Target) -> Tensor:
        vectors, weights, classes = _prepared(embeddings, target)
        degree = _degrees(vectors, weights).clamp_min(LEAST_DEGREE)  # p
        labels = (weights * (degree * _own(weights, classes)).rsqrt()).unsqueeze(2) * classes  # w / sqrt(p q)
        gram, sums = moments(vectors, weights / degree, labels)
        used = (_sizes(weights.unsqueeze(2) * classes) > 0).sum(1)  # the sources with bins
        return (_square(gram) - 2 * _square(sums) + used).mean().to(vectors.dtype)


@LOSSES.register
class WhitenedKMeans(nn.Module):
    """Whitened k-means loss: what the sources do not explain of the embeddings, whitened to unit covariance.

    `forward(embeddings (B, N, F, D), target) -> scalar`; see the module for `target`. The loss of an item is

        D - trace((V'WV)^-1 V'WY (Y'WY)^-1 Y'WV)

    It is in [D - C, D], and does not change if all embeddings are multiplied by one regular matrix. Perfect embeddings
    have loss D - C, equal ones D - 1, an item without weights D.

    The matrix V'WV may be singular, for example with fewer bins than dimensions. So RIDGE times its trace is added to
    its diagonal: directions without variance explain nothing, and the value changes by about one part in 10^5. (nussl
    and echidna add the identity matrix to V'WV and Y'WY, which changes the value by an amount that depends on the scale
    of the weights.) A source without bins explains nothing. Source: Wang et al. 2018, as in nussl and echidna.

    Example: perfect embeddings, then equal embeddings for two sources.

        >>> target = {"dominant": torch.tensor([[[0, 1]]]), "weights": torch.ones(1, 1, 2)}
        >>> loss = WhitenedKMeans()
        >>> perfect, equal = torch.eye(2)[None, None], torch.eye(2)[:1].expand(1, 1, 2, 2)
        >>> [round(loss(embeddings, target).item(), 4) for embeddings in (perfect, equal)]
        [0.0, 1.0]
    """

    def forward(self, embeddings: Tensor, target: Target) -> Tensor:
        vectors, weights, classes = _prepared(embeddings, target)
        labels = weights.unsqueeze(2) * classes
        gram, sums = moments(vectors, weights, labels)
        root = torch.linalg.cholesky_ex(gram + torch.diag_embed(_ridge(gram).expand(gram.shape[:2])))[0]
        means = torch.linalg.solve_triangular(root, _scaled(sums, labels), upper=False)  # whitened
        return gram.shape[1] - _square(means).mean().to(vectors.dtype)


@LOSSES.register
class DeepLDA(nn.Module):
    """Deep LDA loss: variance of the embeddings within the sources, divided by their total variance.

    `forward(embeddings (B, N, F, D), target) -> scalar`; see the module for `target`. The loss of an item is

        sum_i w_i |v_i - m_c|^2 / sum_i w_i |v_i - m|^2

    where m_c is the mean of the bins of the same source and m the mean of all. It is in [0, 1], and 0 for perfect
    embeddings. RIDGE is added above and below the line, so that equal embeddings and an item without weights have loss
    1. Source: Wang et al. 2018, as in the public code echidna.

    Example: perfect embeddings, then equal embeddings for two sources.

        >>> target = {"dominant": torch.tensor([[[0, 1]]]), "weights": torch.ones(1, 1, 2)}
        >>> loss = DeepLDA()
        >>> perfect, equal = torch.eye(2)[None, None], torch.ones(1, 1, 2, 1)
        >>> [round(loss(embeddings, target).item(), 4) for embeddings in (perfect, equal)]
        [0.0, 1.0]
    """

    def forward(self, embeddings: Tensor, target: Target) -> Tensor:
        vectors, weights, classes = _prepared(embeddings, target)
        labels = weights.unsqueeze(2) * classes
        gram, sums = moments(vectors, weights, labels)
        energy, ridge = gram.diagonal(dim1=1, dim2=2).sum(1), _ridge(gram).squeeze(1)  # sum_i w_i |v_i|^2
        within = energy - _square(_scaled(sums, labels))  # |V - Y (Y'Y)^-1 Y'V|^2
        total = energy - sums.sum(2).square().sum(1)  # |V - mean|^2
        return ((within + ridge) / (total + ridge)).mean().to(vectors.dtype)


def _prepared(embeddings: Tensor, target: Target) -> tuple[Tensor, Tensor, Tensor]:
    """The vectors (B, N, D, F), the weights (B, N, F) with sum 1, and which source is dominant (B, N, C, F)."""
    vectors = embeddings.transpose(2, 3)  # the memory layout of the network's output, so that nothing is copied
    vectors = vectors.to(torch.promote_types(vectors.dtype, torch.float32))
    dominant, count = target["dominant"], _sources(target)
    classes = dominant.unsqueeze(2) == torch.arange(count, device=dominant.device)[:, None]
    weights = target["weights"].to(vectors.dtype)
    weights = weights.masked_fill((dominant.amax((1, 2)) >= count)[:, None, None], torch.nan)
    return vectors, _shares(weights), classes


def _sources(target: Target) -> int:
    """An upper limit C of the number of sources."""
    if "sources" in target:
        return target["sources"].shape[1]
    dominant = target["dominant"]
    return int(dominant.max()) + 1 if dominant.device.type == "cpu" else MOST_SOURCES


def _shares(weights: Tensor) -> Tensor:
    """Weights (B, N, F) divided by their sum; all 0 if the sum is 0."""
    total = weights.sum((1, 2), keepdim=True)
    return weights / total.where(total != 0, 1)


def _sizes(labels: Tensor) -> Tensor:
    """The sum of the weights of each source (B, C), from (B, N, C, F)."""
    return labels.sum((1, 3), dtype=precise(labels))


def _own(weights: Tensor, classes: Tensor) -> Tensor:
    """The sum of the weights of the source of each bin (B, N, F); 1 if it is 0."""
    sizes = _sizes(weights.unsqueeze(2) * classes).to(weights.dtype)[:, None, :, None]  # (B, 1, C, 1)
    own = (sizes * classes).sum(2)
    return own.where(own != 0, 1)


def _degrees(vectors: Tensor, weights: Tensor) -> Tensor:
    """The degree of each bin, `sum_j w_j <v_i, v_j>` (B, N, F)."""
    with torch.autocast(vectors.device.type, enabled=False):
        mean = (vectors @ weights.unsqueeze(3)).sum(1, keepdim=True)  # (B, 1, D, 1)
        return (mean.mT @ vectors).squeeze(2)


def _scaled(sums: Tensor, labels: Tensor) -> Tensor:
    """`V'WY (Y'WY)^-1/2` (B, D, C): the mean of each source, times the root of its weight."""
    sizes = _sizes(labels).unsqueeze(1)
    return sums * sizes.where(sizes != 0, 1).rsqrt()


def _ridge(gram: Tensor) -> Tensor:
    """RIDGE times the trace of (B, D, D), and a little more for a matrix of zeros: (B, 1)."""
    return RIDGE * gram.diagonal(dim1=1, dim2=2).sum(1, keepdim=True) + 1e-12


def _square(matrix: Tensor) -> Tensor:
    """The squared Frobenius norm of each item (B,)."""
    return matrix.square().sum((1, 2))
