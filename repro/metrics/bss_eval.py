"""SDR, SIR and SAR of BSS Eval v3 in dB, and the improvements of SDR and SIR over the mixture.

Letters: C sources, T samples, I rows of estimates in a pairwise matrix (C of them, and 1 for the mixture).

An estimate is the sum of three orthogonal parts: what a filter of 512 taps can make of its own source (the target
part), what such filters can make of the other sources (the interference), and the rest (the artifacts). Values are as
of `mir_eval.separation.bss_eval_sources`. The conventions of `repro.metrics.ratios` apply. A silent estimate has the
value FLOOR_DB, because it contains nothing of the source.

There is no SAR improvement: a mixture that is the sum of its sources has no artifacts, so its SAR is at the ceiling.
"""

from __future__ import annotations

from torch import Tensor

from repro.metrics.projections import joint_energy, own_energy
from repro.metrics.ratios import Inputs, best_improvement, best_value, decibels, identity, loud, norm
from repro.registry import METRICS


@METRICS.register
class SDR:
    """Signal-to-distortion ratio (SDR) of BSS Eval v3 in dB, against the clean sources.

    It does not count a time-invariant distortion that a filter of 512 taps can produce, such as a gain. As in BSS Eval,
    means are not subtracted. sample_rate: in Hz, part of the identity. Source: Vincent et al. 2006.

    Example: half of the source is a perfect estimate, because a gain does not count.

        >>> import torch
        >>> source = torch.randn(1, 4000)
        >>> SDR()(0.5 * source, source, {})
        100.0
    """

    def __init__(self, sample_rate: int = 8000) -> None:
        self.sample_rate = sample_rate
        self.identity = identity("SDR", "clean source", sample_rate)

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
        """Estimates (C, T) and sources (C, T) -> dB. `inputs` is not used."""
        return best_value(_pairwise_sdr, estimate, target)


@METRICS.register
class SDRImprovement:
    """SDR improvement in dB: SDR (BSS Eval v3) of the estimates minus SDR of the mixture.

    Both are measured against the clean sources. sample_rate: in Hz, part of the identity. Source: Vincent et al. 2006.

    Example: the mixture as estimate of both sources has no improvement.

        >>> import torch
        >>> sources = torch.randn(2, 4000)
        >>> mixture = sources.sum(0)
        >>> abs(SDRImprovement()(torch.stack([mixture, mixture]), sources, {"mixture": mixture})) < 1e-6
        True
    """

    def __init__(self, sample_rate: int = 8000) -> None:
        self.sample_rate = sample_rate
        self.identity = identity("SDRImprovement", "mixture", sample_rate)

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
        """Estimates (C, T), sources (C, T) and inputs["mixture"] (T,) -> dB."""
        return best_improvement(_pairwise_sdr, estimate, target, inputs)


@METRICS.register
class SIR:
    """Signal-to-interference ratio (SIR) of BSS Eval v3 in dB: how little an estimate contains of the other sources.

    Filters of 512 taps are allowed, as in SDR. Noise in the estimate does not count. With one source there is no
    interference, so the value is CEILING_DB. sample_rate: in Hz, part of the identity. Source: Vincent et al. 2006.

    Example: a tenth of the other source leaks into the estimate, which is 20 dB.

        >>> import torch
        >>> sources = torch.randn(2, 16000)
        >>> round(SIR()(sources + 0.1 * sources.flip(0), sources, {}))
        20
    """

    def __init__(self, sample_rate: int = 8000) -> None:
        self.sample_rate = sample_rate
        self.identity = identity("SIR", "clean source", sample_rate)

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
        """Estimates (C, T) and sources (C, T) -> dB. `inputs` is not used."""
        return best_value(_pairwise_sir, estimate, target)


@METRICS.register
class SIRImprovement:
    """SIR improvement in dB: SIR (BSS Eval v3) of the estimates minus SIR of the mixture.

    Both are measured against the clean sources. sample_rate: in Hz, part of the identity. Source: Vincent et al. 2006.

    Example: two sources of the same energy. The SIR of their mixture is 0 dB; that of an estimate with a tenth of the
    other source is 20 dB.

        >>> import torch
        >>> sources = torch.randn(2, 16000)
        >>> estimate = sources + 0.1 * sources.flip(0)
        >>> round(SIRImprovement()(estimate, sources, {"mixture": sources.sum(0)}))
        20
    """

    def __init__(self, sample_rate: int = 8000) -> None:
        self.sample_rate = sample_rate
        self.identity = identity("SIRImprovement", "mixture", sample_rate)

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
        """Estimates (C, T), sources (C, T) and inputs["mixture"] (T,) -> dB."""
        return best_improvement(_pairwise_sir, estimate, target, inputs)


@METRICS.register
class SAR:
    """Signal-to-artifacts ratio (SAR) of BSS Eval v3 in dB: how little an estimate contains that is of no source.

    Filters of 512 taps are allowed, as in SDR. Interference does not count, so the permutation has no effect.
    sample_rate: in Hz, part of the identity. Source: Vincent et al. 2006.

    Example: an estimate that is a mixture of the sources has no artifacts.

        >>> import torch
        >>> sources = torch.randn(2, 4000)
        >>> SAR()(sources + 0.5 * sources.flip(0), sources, {})
        100.0
    """

    def __init__(self, sample_rate: int = 8000) -> None:
        self.sample_rate = sample_rate
        self.identity = identity("SAR", "clean source", sample_rate)

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
        """Estimates (C, T) and sources (C, T) -> dB. `inputs` is not used."""
        return best_value(_pairwise_sar, estimate, target)


def _pairwise_sdr(estimate: Tensor, target: Tensor) -> Tensor:
    """SDR in dB of each estimate (I, T) against each source (C, T) -> (I, C)."""
    own = own_energy(_unit(estimate), _unit(loud(target)))
    return decibels(own / (1 - own).clamp(min=0))  # target part / (interference + artifacts)


def _pairwise_sir(estimate: Tensor, target: Tensor) -> Tensor:
    """SIR in dB of each estimate (I, T) against each source (C, T) -> (I, C)."""
    estimate, target = _unit(estimate), _unit(loud(target))
    own = own_energy(estimate, target)
    return decibels(own / (joint_energy(estimate, target) - own).clamp(min=0))  # target part / interference


def _pairwise_sar(estimate: Tensor, target: Tensor) -> Tensor:
    """SAR in dB of each estimate (I, T), the same against each source (C, T) -> (I, C)."""
    joint = joint_energy(_unit(estimate), _unit(loud(target))).expand(-1, len(target))
    return decibels(joint / (1 - joint).clamp(min=0))  # (target part + interference) / artifacts


def _unit(signals: Tensor) -> Tensor:
    """Scale (..., T) to norm 1; silence stays 0."""
    length = norm(signals)
    return signals / length.where(length > 0, 1.0)
