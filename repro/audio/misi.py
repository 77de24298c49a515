"""Phase reconstruction of several sources whose sum is known.

Letters: C sources, T samples, N frames, F frequencies.
"""

from __future__ import annotations

import torch
from torch import Tensor

from repro.audio.stft import STFT


def misi(mixture: Tensor, magnitudes: Tensor, stft: STFT, iterations: int) -> Tensor:
    """Multiple input spectrogram inversion (MISI): waveforms (C, T) with given magnitudes that add up to a mixture.

    mixture: (T,). magnitudes: (C, N, F), of the sources. All sources start with the phase of the mixture. Each
    iteration shares the error of the sum equally between the waveforms, and takes the phases of the result. With 0
    iterations the waveforms have the phase of the mixture.

    The last step is the inverse STFT, as in public code. So a small error of the sum remains; `consistent` removes it.
    We could not read the paper. We read the algorithm in public code. Source: Gunawan and Sen 2010.

    Example: the true magnitudes of two noises. The sum of the estimates gets closer to the mixture.

        >>> stft, sources = STFT(), torch.randn(2, 4000)
        >>> mixture = sources.sum(0)
        >>> rough, fine = (misi(mixture, stft(sources).abs(), stft, iterations) for iterations in (0, 5))
        >>> bool((fine.sum(0) - mixture).norm() < (rough.sum(0) - mixture).norm())
        True
    """
    estimates = stft.inverse(magnitudes * torch.sgn(stft(mixture)), len(mixture))
    for _ in range(iterations):
        phases = torch.sgn(stft(consistent(estimates, mixture)))  # z / |z|, and 0 for 0
        estimates = stft.inverse(magnitudes * phases, len(mixture))
    return estimates


def consistent(estimates: Tensor, mixture: Tensor) -> Tensor:
    """Share the difference to the mixture (T,) equally between the estimates (C, T), so that they add up to it."""
    return estimates + (mixture - estimates.sum(0)) / len(estimates)
