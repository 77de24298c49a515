"""Weighted second moments of embeddings: the small matrices that the losses of deep clustering are made of.

Letters: B batch, N frames, F frequencies, D embedding, C sources; i is the index of a bin.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def moments(vectors: Tensor, weights: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The sums `sum_i weights_i v_i v_i'` (B, D, D) and `sum_i v_i labels_i'` (B, D, C) over the bins, as `precise`.

    vectors: (B, N, D, F), float32 or float64. weights: (B, N, F). labels: (B, N, C, F). Two small matrices take the
    place of N F x N F affinities, in N F D (D + C) operations. The backward pass is written by hand: it keeps no
    weighted copy of the vectors. All three arguments may need a gradient. A second derivative raises RuntimeError.

    Example: two bins with the vectors (1, 0) and (0, 1).

        >>> gram, sums = moments(torch.eye(2)[None, None], torch.tensor([[[3.0, 1.0]]]), torch.ones(1, 1, 1, 2))
        >>> gram[0].tolist(), sums[0].tolist()
        ([[3.0, 0.0], [0.0, 1.0]], [[1.0], [1.0]])
    """
    both = _Moments.apply(vectors, weights, labels)
    return both[:, : vectors.shape[2]], both[:, vectors.shape[2] :].mT


def precise(tensor: Tensor) -> torch.dtype:
    """The type of small matrices and of sums over bins: float64, or float32 on the GPU of a Mac, which has no more.

    >>> precise(torch.zeros(1))
    torch.float64
    """
    return torch.float32 if tensor.device.type == "mps" else torch.float64


class _Moments(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, vectors: Tensor, weights: Tensor, labels: Tensor) -> Tensor:
        ctx.save_for_backward(vectors, weights, labels)
        with torch.autocast(vectors.device.type, enabled=False):
            return (_stacked(vectors, weights, labels) @ vectors.mT).sum(1, dtype=precise(vectors))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        vectors, weights, labels = ctx.saved_tensors
        gram, sums = gradient.to(vectors.dtype).split([vectors.shape[2], labels.shape[2]], 1)
        found: list[Tensor | None] = [None, None, None]
        if ctx.needs_input_grad[0]:
            factor = torch.cat([gram + gram.mT, sums.mT], 2)  # (B, D, D + C)
            found[0] = factor.unsqueeze(1) @ _stacked(vectors, weights, labels)
        if ctx.needs_input_grad[1]:
            found[1] = ((gram.unsqueeze(1) @ vectors) * vectors).sum(2)
        if ctx.needs_input_grad[2]:
            found[2] = sums.unsqueeze(1) @ vectors
        return tuple(found)


def _stacked(vectors: Tensor, weights: Tensor, labels: Tensor) -> Tensor:
    """The weighted vectors and the labels (B, N, D + C, F), so that one product computes both moments."""
    dimensions, classes = vectors.shape[2], labels.shape[2]
    both = vectors.new_empty(*vectors.shape[:2], dimensions + classes, vectors.shape[3])
    torch.mul(vectors, weights.unsqueeze(2), out=both[:, :, :dimensions])
    both[:, :, dimensions:] = labels
    return both
