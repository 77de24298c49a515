"""Projections of signals onto delayed sources, as BSS Eval v3 needs them.

Letters: C sources, T samples, I signals, L = 512 delays, P delayed sources.

BSS Eval v3 allows the source a filter of L taps. So the part of a signal that belongs to a source is its projection
onto this source with all delays from 0 to L - 1. The part that belongs to any source is its projection onto all sources
with these delays. The ratios need only the energies of these projections.

With G the inner products of the delayed sources, and b those of the delayed sources with the signal, the projection has
the energy b' G^-1 b. G = R' R with a triangular R (Cholesky), so this is the energy of R'^-1 b. To find R is nearly all
of the work, and R depends only on the sources. The last one is kept (8 MB for two sources), so that several metrics of
one item share it.

`torch.linalg.solve` is not used: with a batch of large matrices and two threads or more, it fails or gives wrong
results on the CPU (https://github.com/pytorch/pytorch/issues/142815).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.linalg import LinAlgError, cholesky, eigh, solve_triangular, toeplitz
from torch import Tensor

DELAYS = 512
"""Length in samples of the filter whose distortion BSS Eval v3 does not count."""

Array = NDArray[Any]  # float64

BACK = -np.arange(DELAYS)
"""The lags 0, -1, ... as indices of a circular correlation."""


@dataclass(frozen=True)
class Span:
    """The space that P delayed sources span. `root`: (P, P), upper triangular, with G = root' root.

    If the delayed sources are linearly dependent, there is no such root. Then it is (P, rank), and root root' is the
    pseudo-inverse of G.
    """

    root: Array
    dependent: bool

    def energy(self, products: Array) -> Array:
        """Energies (I,) of the projections, from the inner products (P, I) of delayed sources and signals."""
        if self.dependent:
            found = self.root.T @ products
        else:
            found = solve_triangular(self.root, products, trans="T", check_finite=False)
        return np.square(found).sum(0)


def span(gram: Array) -> Span:
    """The span of delayed sources, from their inner products G (P, P), of which only the lower triangle is read."""
    try:
        return Span(cholesky(gram.T, check_finite=False), dependent=False)
    except LinAlgError:  # not positive definite
        values, vectors = eigh(gram, check_finite=False)
    kept = values > len(gram) * np.finfo(float).eps * values[-1]  # the rest is rounding: the rank of G
    return Span(vectors[:, kept] / np.sqrt(values[kept]), dependent=True)


def own_energy(signals: Tensor, sources: Tensor) -> Tensor:
    """Energies (I, C) of the projections of signals (I, T) onto each of the sources (C, T) with its delays."""
    products = _products(signals, sources)
    found = [one.energy(rows) for one, rows in zip(_own_spans(_key(sources)), products, strict=True)]
    return torch.from_numpy(np.stack(found, axis=1))


def joint_energy(signals: Tensor, sources: Tensor) -> Tensor:
    """Energies (I, 1) of the projections of signals (I, T) onto all of the sources (C, T) with their delays."""
    products = _products(signals, sources).reshape(-1, len(signals))  # (C L, I)
    return torch.from_numpy(_joint_span(_key(sources)).energy(products))[:, None]


Key = tuple[bytes, int]
"""The samples of the sources, and C: equal keys mean equal sources."""


def _key(sources: Tensor) -> Key:
    return sources.numpy().tobytes(), len(sources)


@functools.lru_cache(maxsize=1)
def _own_spans(key: Key) -> list[Span]:
    return [span(_gram(source[None])) for source in _sources(key)]


@functools.lru_cache(maxsize=1)
def _joint_span(key: Key) -> Span:
    return span(_gram(_sources(key)))


def _sources(key: Key) -> Array:
    return np.frombuffer(key[0]).reshape(key[1], -1)


def _gram(sources: Array) -> Array:
    """Inner products (C L, C L) of the sources (C, T) with all their delays; the blocks above the diagonal stay 0."""
    correlations = _correlations(sources, sources)  # (C, C, n)
    gram = np.zeros((len(sources), DELAYS, len(sources), DELAYS))
    for row, column in zip(*np.tril_indices(len(sources)), strict=True):
        lags = correlations[row, column]
        gram[row, :, column] = toeplitz(lags[:DELAYS], lags[BACK])
    return gram.reshape(len(sources) * DELAYS, -1)


def _products(signals: Tensor, sources: Tensor) -> Array:
    """Inner products (C, L, I) of the delayed sources (C, T) with the signals (I, T)."""
    return _correlations(sources.numpy(), signals.numpy())[:, :, :DELAYS].transpose(0, 2, 1)


def _correlations(one: Array, other: Array) -> Array:
    """Sums over t of one[t] other[t + lag]: (C, T) and (I, T) -> (C, I, n), with the lag modulo n >= T + L."""
    n = next_fast_len(one.shape[-1] + DELAYS, real=True)
    found: Array = irfft(rfft(one, n)[:, None].conj() * rfft(other, n), n)
    return found
