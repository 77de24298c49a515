"""Losses of separated waveforms: SISDRLoss and SNRLoss, ratios in dB with the sign changed.

Letters: B batch, C sources, T samples.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from repro.losses.permutations import least_mean
from repro.registry import LOSSES

LIMIT = 1e-8
"""Share of the energy that is added above and below the line: -80 dB."""

QUIET = 1e-10
"""Energy (sum of squares) that is added to that of a signal, so that silence has some."""


@LOSSES.register
class SISDRLoss(nn.Module):
    """Negative scale-invariant signal-to-distortion ratio (SI-SDR) in dB, for the best order of the estimates.

    `forward(estimates (B, C, T), sources (B, C, T)) -> scalar`, the mean over sources and items. The mean of each
    signal is subtracted, as in `metrics.SISDR`. The ratio is limited to +-80 dB. A silent source or estimate has the
    worst value, and a silent source has no gradient. Source: Le Roux et al. 2019, "SDR - half-baked or well done?".

    Example: the error has a hundredth of the energy of the source, which is 20 dB.

        >>> source, error = torch.tensor([[[1.0, -1.0, 1.0, -1.0]]]), torch.tensor([[[0.1, 0.1, -0.1, -0.1]]])
        >>> SISDRLoss()(source + error, source)
        tensor(-20.0000)
    """

    def forward(self, estimates: Tensor, sources: Tensor) -> Tensor:
        estimates, sources = _centred(_wide(estimates)), _centred(_wide(sources))
        scale = estimates @ sources.mT / (_energy(sources) + QUIET).unsqueeze(1)  # (B, C, C), estimates then sources
        wanted = scale.unsqueeze(3) * sources.unsqueeze(1)  # (B, C, C, T), the projections on the sources
        noise = _energy(estimates.unsqueeze(2) - wanted) + QUIET
        return _loss(_energy(wanted), noise, LIMIT * (_energy(estimates) + QUIET).unsqueeze(2))


@LOSSES.register
class SNRLoss(nn.Module):
    """Negative signal-to-noise ratio (SNR) in dB, for the best order of the estimates.

    `forward(estimates (B, C, T), sources (B, C, T)) -> scalar`, the mean over sources and items. The noise is the
    difference of source and estimate, so the scale of the estimate counts. Means are not subtracted. The ratio is at
    most 80 dB. A silent estimate has 0 dB. The loss of a silent source is smallest for silence.

    Example: the error has a hundredth of the energy of the source, which is 20 dB.

        >>> source, error = torch.tensor([[[1.0, -1.0, 1.0, -1.0]]]), torch.tensor([[[0.1, 0.1, -0.1, -0.1]]])
        >>> SNRLoss()(source + error, source)
        tensor(-20.0000)
    """

    def forward(self, estimates: Tensor, sources: Tensor) -> Tensor:
        estimates, sources = _wide(estimates), _wide(sources)
        energy = _energy(sources).unsqueeze(1)  # (B, 1, C)
        noise = _energy(estimates.unsqueeze(2) - sources.unsqueeze(1))
        return _loss(energy, noise, LIMIT * energy + QUIET)


def _loss(signal: Tensor, noise: Tensor, least: Tensor) -> Tensor:
    """The mean of the least negative ratios in dB, from energies (B, C, C). `least` is added to both."""
    return least_mean(10 * torch.log10((noise + least) / (signal + least))).mean()


def _energy(signals: Tensor) -> Tensor:
    return signals.square().sum(-1)


def _centred(signals: Tensor) -> Tensor:
    return signals - signals.mean(-1, keepdim=True)


def _wide(signals: Tensor) -> Tensor:
    """At least float32: sums over thousands of samples need it."""
    return signals.to(torch.promote_types(signals.dtype, torch.float32))
