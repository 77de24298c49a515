"""Projections of signals onto delayed sources, as BSS Eval v3 needs them.

Letters: C sources, T samples, I signals, L = 512 delays, P delayed sources.

BSS Eval v3 allows the source a filter of L taps. So the part of a signal that belongs to a source is its projection
onto this source with all delays from 0 to L - 1. The part that belongs to any source is its projection onto all sources
with these delays. The ratios need only the energies of these projections.

With G the inner products of the delayed sources, and b those of the delayed sources with the signal, the projection has
the energy b' G^-1 b. G = R R' with a triangular R (Cholesky), so this is the energy of R^-1 b. To find R is nearly all
of the work, and R depends only on the sources. The last one is kept, so that several metrics of one item share it.

`torch.linalg.solve` is not used: with a batch of large matrices and two threads or more, it fails or gives wrong
results on the CPU (https://github.com/pytorch/pytorch/issues/142815).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from scipy.fft import next_fast_len
from torch import Tensor

DELAYS = 512
"""Length in samples of the filter whose distortion BSS Eval v3 does not count."""


@dataclass(frozen=True)
class Span:
    """The space that P delayed sources span. `root`: (P, P), lower triangular, with G = root root'.

    If the delayed sources are linearly dependent, there is no such root. Then it is (P, rank), with the pseudo-inverse
    of G equal to root root'.
    """

    root: Tensor
    dependent: bool

    def energy(self, products: Tensor) -> Tensor:
        """Energies (I,) of the projections, from the inner products (P, I) of delayed sources and signals."""
        if self.dependent:
            return (self.root.T @ products).square().sum(0)
        return torch.linalg.solve_triangular(self.root, products, upper=False).square().sum(0)


def span(gram: Tensor) -> Span:
    """The span of delayed sources, from their inner products G (P, P)."""
    root, failed = torch.linalg.cholesky_ex(gram)
    if not failed:
        return Span(root, dependent=False)
    values, vectors = torch.linalg.eigh(gram)
    kept = values > len(gram) * torch.finfo(gram.dtype).eps * values[-1]  # the rest is rounding: the rank of G
    return Span(vectors[:, kept] / values[kept].sqrt(), dependent=True)


def own_energy(signals: Tensor, sources: Tensor) -> Tensor:
    """Energies (I, C) of the projections of signals (I, T) onto each of the sources (C, T) with its delays."""
    products = _products(signals, sources)
    return torch.stack([one.energy(rows) for one, rows in zip(_own_spans(_key(sources)), products, strict=True)], 1)


def joint_energy(signals: Tensor, sources: Tensor) -> Tensor:
    """Energies (I, 1) of the projections of signals (I, T) onto all of the sources (C, T) with their delays."""
    products = _products(signals, sources).flatten(0, 1)  # (C L, I)
    return _joint_span(_key(sources)).energy(products)[:, None]


Key = tuple[bytes, int]
"""The samples of the sources, and C: equal keys mean equal sources."""


def _key(sources: Tensor) -> Key:
    return sources.numpy().tobytes(), len(sources)


def _sources(key: Key) -> Tensor:
    return torch.frombuffer(bytearray(key[0]), dtype=torch.float64).view(key[1], -1)


@functools.lru_cache(maxsize=1)
def _own_spans(key: Key) -> list[Span]:
    sources = _sources(key)
    return [span(_gram(source[None])) for source in sources]


@functools.lru_cache(maxsize=1)
def _joint_span(key: Key) -> Span:
    return span(_gram(_sources(key)))


def _gram(sources: Tensor) -> Tensor:
    """Inner products (C L, C L) of the sources (C, T) with all their delays."""
    correlations = _correlations(sources, sources)  # (C, C, n)
    delays = torch.arange(DELAYS)
    blocks = correlations[:, :, delays[:, None] - delays]  # (C, C, L, L); a negative lag counts from the end
    return blocks.transpose(1, 2).reshape(len(sources) * DELAYS, -1)


def _products(signals: Tensor, sources: Tensor) -> Tensor:
    """Inner products (C, L, I) of the delayed sources (C, T) with the signals (I, T)."""
    return _correlations(sources, signals)[:, :, :DELAYS].transpose(1, 2)


def _correlations(one: Tensor, other: Tensor) -> Tensor:
    """Sums over t of one[t] other[t + lag]: (C, T) and (I, T) -> (C, I, n), with the lag modulo n >= T + L."""
    n = next_fast_len(one.shape[-1] + DELAYS, real=True)
    spectra = torch.fft.rfft(one, n)[:, None].conj() * torch.fft.rfft(other, n)
    return torch.fft.irfft(spectra, n)
