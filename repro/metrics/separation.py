"""Metrics of source separation in dB: SI-SDR, SNR, and those of `bss_eval` and `oracles`.

A config imports this module, and can use every metric of source separation:

- SISDR, SNR: this module. A gain does not count in SI-SDR; it counts in SNR.
- SDR, SIR, SAR: `repro.metrics.bss_eval`, BSS Eval v3. A filter of 512 taps does not count.
- ...Improvement: the value of the estimates minus that of the mixture.
- IdealBinaryMask, IdealRatioMask, PhaseSensitiveMask, TruncatedPhaseSensitiveMask: `repro.metrics.oracles`. Each is the
  value of one of the metrics above, reached by a mask that is made from the clean sources.

Each is a metric of its own, with its own identity. The conventions of `repro.metrics.ratios` apply to all of them.

Letters: C sources, T samples, I rows of estimates in a pairwise matrix (C of them, and 1 for the mixture).
"""

from __future__ import annotations

from torch import Tensor

from repro.metrics.bss_eval import SAR, SDR, SIR, SDRImprovement, SIRImprovement
from repro.metrics.oracles import IdealBinaryMask, IdealRatioMask, PhaseSensitiveMask, TruncatedPhaseSensitiveMask
from repro.metrics.ratios import (
    CEILING_DB,
    FLOOR_DB,
    Inputs,
    best_improvement,
    best_value,
    decibels,
    identity,
    loud,
    norm,
    zero_mean,
)
from repro.registry import METRICS

__all__ = [
    "CEILING_DB",
    "FLOOR_DB",
    "SAR",
    "SDR",
    "SIR",
    "SISDR",
    "SNR",
    "IdealBinaryMask",
    "IdealRatioMask",
    "PhaseSensitiveMask",
    "SDRImprovement",
    "SIRImprovement",
    "SISDRImprovement",
    "SNRImprovement",
    "TruncatedPhaseSensitiveMask",
]


@METRICS.register
class SISDR:
    """Scale-invariant signal-to-distortion ratio (SI-SDR) in dB, against the clean sources.

    The mean of every signal is subtracted first, as in nussl and asteroid. sample_rate: in Hz; it is part of the
    identity and does not change the value. Source: Le Roux et al. 2019, "SDR - half-baked or well done?".

    A silent estimate has the value FLOOR_DB, because it contains nothing of the source.

    Example: the error has a hundredth of the energy of the source, which is 20 dB.

        >>> import torch
        >>> source, error = torch.tensor([[1.0, -1.0, 1.0, -1.0]]), torch.tensor([[0.1, 0.1, -0.1, -0.1]])
        >>> round(SISDR()(source + error, source, {}), 4)
        20.0
    """

    def __init__(self, sample_rate: int = 8000) -> None:
        self.sample_rate = sample_rate
        self.identity = identity("SISDR", "clean source", sample_rate)

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
        """Estimates (C, T) and sources (C, T) -> dB. `inputs` is not used."""
        return best_value(_pairwise_si_sdr, estimate, target)


@METRICS.register
class SISDRImprovement:
    """SI-SDR improvement in dB: SI-SDR of the estimates minus SI-SDR of the mixture.

    Both are measured against the clean sources. sample_rate: in Hz, part of the identity. Source: Le Roux et al. 2019.

    Example: the mixture as estimate of both sources has no improvement.

        >>> import torch
        >>> sources = torch.randn(2, 4000)
        >>> mixture = sources.sum(0)
        >>> abs(SISDRImprovement()(torch.stack([mixture, mixture]), sources, {"mixture": mixture})) < 1e-6
        True
    """

    def __init__(self, sample_rate: int = 8000) -> None:
        self.sample_rate = sample_rate
        self.identity = identity("SISDRImprovement", "mixture", sample_rate)

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
        """Estimates (C, T), sources (C, T) and inputs["mixture"] (T,) -> dB."""
        return best_improvement(_pairwise_si_sdr, estimate, target, inputs)


@METRICS.register
class SNR:
    """Signal-to-noise ratio (SNR) in dB: the energy of the source over that of its difference from the estimate.

    A wrong gain counts as noise. So a silent estimate has 0 dB, which can be more than a loud, wrong one has. The mean
    of every signal is subtracted first, as in nussl. sample_rate: in Hz, part of the identity.

    Example: half of the source is missing, a quarter of its energy, which is 6 dB.

        >>> import torch
        >>> source = torch.randn(1, 4000)
        >>> round(SNR()(0.5 * source, source, {}), 2)
        6.02
    """

    def __init__(self, sample_rate: int = 8000) -> None:
        self.sample_rate = sample_rate
        self.identity = identity("SNR", "clean source", sample_rate)

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
        """Estimates (C, T) and sources (C, T) -> dB. `inputs` is not used."""
        return best_value(_pairwise_snr, estimate, target)


@METRICS.register
class SNRImprovement:
    """SNR improvement in dB: SNR of the estimates minus SNR of the mixture.

    Both are measured against the clean sources. sample_rate: in Hz, part of the identity.

    Example: a tenth of the error of the mixture remains, an improvement of 20 dB.

        >>> import torch
        >>> sources = torch.randn(2, 4000)
        >>> estimate = sources + 0.1 * sources.flip(0)
        >>> round(SNRImprovement()(estimate, sources, {"mixture": sources.sum(0)}), 2)
        20.0
    """

    def __init__(self, sample_rate: int = 8000) -> None:
        self.sample_rate = sample_rate
        self.identity = identity("SNRImprovement", "mixture", sample_rate)

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
        """Estimates (C, T), sources (C, T) and inputs["mixture"] (T,) -> dB."""
        return best_improvement(_pairwise_snr, estimate, target, inputs)


def _pairwise_si_sdr(estimate: Tensor, target: Tensor) -> Tensor:
    """SI-SDR in dB of each estimate (I, T) against each source (C, T) -> (I, C).

    Le Roux et al. 2019 define it as the energy of alpha s over that of e - alpha s, where alpha s is the projection of
    the estimate e on the source s. With the angle between e and s, this is cos^2 / (1 - cos^2).
    """
    products, estimates, sources = _inner_products(estimate, target)
    squared_cosine = products.square() / (estimates * sources)
    return decibels(squared_cosine / (1 - squared_cosine).clamp(min=0))


def _pairwise_snr(estimate: Tensor, target: Tensor) -> Tensor:
    """SNR in dB of each estimate (I, T) against each source (C, T) -> (I, C)."""
    products, estimates, sources = _inner_products(estimate, target)
    noise = estimates - 2 * products + sources  # the energy of e - s
    return decibels(sources / noise.clamp(min=0))


def _inner_products(estimate: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of signals without their means: those of estimates and sources (I, C), and the energies (I, 1) and (C,)."""
    estimate, target = zero_mean(estimate), loud(zero_mean(target))
    return estimate @ target.T, norm(estimate).square(), norm(target).square()[:, 0]
