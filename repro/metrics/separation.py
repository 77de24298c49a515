"""Metrics of source separation: SI-SDR and SDR in dB, their improvements, and the ideal binary mask.

Letters: C sources, T samples, I rows of estimates in a pairwise matrix (C of them, or 1 for the mixture).

SI-SDR and SDR (BSS Eval) are different metrics, and so are their improvements over the mixture. Each is a class here,
with its own identity. All of them share these conventions:

- A value is the mean over the sources, for the best permutation of the estimates. Best means the highest value of this
  metric. (mir_eval chooses the permutation by SIR; this only differs if the separation failed.)
- Computations use float64. Every ratio is clamped to [FLOOR_DB, CEILING_DB] before any subtraction.
- A silent estimate has the value FLOOR_DB, because it contains nothing of the source.
- A metric raises ValueError if a source in the target is silent, because no ratio to it is defined. It also raises
  ValueError for different shapes, and for NaN or infinity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from fast_bss_eval.torch import pairwise_sdr_loss
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from repro.audio.stft import STFT
from repro.metrics import Identity
from repro.registry import METRICS

FLOOR_DB = -60.0
"""Lower limit of all ratios in dB: a millionth of the energy. So 0 / 0, a silent estimate, has a value."""

CEILING_DB = 100.0
"""Upper limit of all ratios in dB, above the 98 dB of 16-bit audio. So a perfect estimate has a finite value."""

FILTER_LENGTH = 512
"""Length in samples of the filter whose distortion BSS Eval v3 does not count."""

Inputs = Mapping[str, Tensor]
Metric = Callable[[Tensor, Tensor, Inputs], float]


@METRICS.register
class SISDR:
    """Scale-invariant signal-to-distortion ratio (SI-SDR) in dB, against the clean sources.

    The mean of every signal is subtracted first, as in nussl and asteroid. sample_rate: in Hz; it is part of the
    identity and does not change the value. Source: Le Roux et al. 2019, "SDR - half-baked or well done?".

    Example: the error has a hundredth of the energy of the source, which is 20 dB.

        >>> source, error = torch.tensor([[1.0, -1.0, 1.0, -1.0]]), torch.tensor([[0.1, 0.1, -0.1, -0.1]])
        >>> round(SISDR()(source + error, source, {}), 4)
        20.0
    """

    def __init__(self, sample_rate: int = 8000) -> None:
        self.sample_rate = sample_rate
        self.identity = _identity("SISDR", "clean source", sample_rate)

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
        """Estimates (C, T) and sources (C, T) -> dB. `inputs` is not used."""
        return _best_mean(_pairwise_si_sdr(*_checked(estimate, target)))


@METRICS.register
class SISDRImprovement:
    """SI-SDR improvement in dB: SI-SDR of the estimates minus SI-SDR of the mixture.

    Both are measured against the clean sources. sample_rate: in Hz, part of the identity. Source: Le Roux et al. 2019.

    Example: the mixture as estimate of both sources has no improvement.

        >>> sources = torch.randn(2, 4000)
        >>> mixture = sources.sum(0)
        >>> abs(SISDRImprovement()(torch.stack([mixture, mixture]), sources, {"mixture": mixture})) < 1e-6
        True
    """

    def __init__(self, sample_rate: int = 8000) -> None:
        self.sample_rate = sample_rate
        self.identity = _identity("SISDRImprovement", "mixture", sample_rate)

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
        """Estimates (C, T), sources (C, T) and inputs["mixture"] (T,) -> dB."""
        return _best_improvement(_pairwise_si_sdr, estimate, target, inputs)


@METRICS.register
class SDR:
    """Signal-to-distortion ratio (SDR) of BSS Eval v3 in dB, against the clean sources.

    It does not count a time-invariant distortion that a filter of 512 taps can produce, such as a gain. As in BSS Eval,
    means are not subtracted. sample_rate: in Hz, part of the identity. Source: Vincent et al. 2006.

    Example: half of the source is a perfect estimate, because a gain does not count.

        >>> source = torch.randn(1, 4000)
        >>> SDR()(0.5 * source, source, {})
        100.0
    """

    def __init__(self, sample_rate: int = 8000) -> None:
        self.sample_rate = sample_rate
        self.identity = _identity("SDR", "clean source", sample_rate)

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
        """Estimates (C, T) and sources (C, T) -> dB. `inputs` is not used."""
        return _best_mean(_pairwise_sdr(*_checked(estimate, target)))


@METRICS.register
class SDRImprovement:
    """SDR improvement in dB: SDR (BSS Eval v3) of the estimates minus SDR of the mixture.

    Both are measured against the clean sources. sample_rate: in Hz, part of the identity. Source: Vincent et al. 2006.

    Example: the mixture as estimate of both sources has no improvement.

        >>> sources = torch.randn(2, 4000)
        >>> mixture = sources.sum(0)
        >>> abs(SDRImprovement()(torch.stack([mixture, mixture]), sources, {"mixture": mixture})) < 1e-6
        True
    """

    def __init__(self, sample_rate: int = 8000) -> None:
        self.sample_rate = sample_rate
        self.identity = _identity("SDRImprovement", "mixture", sample_rate)

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
        """Estimates (C, T), sources (C, T) and inputs["mixture"] (T,) -> dB."""
        return _best_improvement(_pairwise_sdr, estimate, target, inputs)


@METRICS.register
class IdealBinaryMask:
    """Ideal binary mask (oracle): the value of `metric` if each STFT bin is given to its loudest source.

    This value is close to the best that binary masks on this STFT can reach. It is not exactly the best, because the
    mask does not maximise the metric. Other kinds of masks can exceed it.

    metric: one of the classes above. stft: the STFT to mask; by default windows of 32 ms and hops of 8 ms at 8 kHz,
    sqrt-Hann.

    Example: two tones of different frequencies are separated well.

        >>> time = torch.arange(8000) / 8000
        >>> sources = torch.stack([torch.sin(6.2832 * 500 * time), torch.sin(6.2832 * 2000 * time)])
        >>> IdealBinaryMask(SISDR())(sources, sources, {"mixture": sources.sum(0)}) > 30
        True
    """

    def __init__(self, metric: Metric, stft: STFT | None = None) -> None:
        self.metric = metric
        self.stft = STFT() if stft is None else stft
        inner: Identity = metric.identity  # type: ignore[attr-defined]  # every metric has it
        reference = f"{inner.reference}; ideal binary mask, STFT({self.stft.extra_repr()})"
        self.identity = replace(inner, name=f"IdealBinaryMask({inner.name})", reference=reference)

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
        """Sources (C, T) and inputs["mixture"] (T,) -> the unit of the metric. `estimate` is not used."""
        oracle = ideal_binary_mask(_mixture(inputs, target), target, self.stft)
        return self.metric(oracle, target, inputs)


def ideal_binary_mask(mixture: Tensor, sources: Tensor, stft: STFT) -> Tensor:
    """Separate the mixture (T,) by giving each STFT bin completely to the loudest of the sources (C, T) -> (C, T).

    Ties go to the first source, so that the estimates always add up to the mixture.
    """
    mixture, sources = mixture.float(), sources.float()
    loudest = stft(sources).abs().argmax(dim=0)  # (N, F)
    numbers = torch.arange(len(sources), device=sources.device)[:, None, None]
    return stft.inverse((loudest == numbers) * stft(mixture), mixture.shape[-1])


def _identity(name: str, reference: str, sample_rate: int) -> Identity:
    return Identity(
        name,
        better="higher",
        unit="dB",
        aggregation="mean over sources",
        reference=reference,
        sample_rate=sample_rate,
        permutation="best",
    )


def _best_improvement(
    pairwise: Callable[[Tensor, Tensor], Tensor], estimate: Tensor, target: Tensor, inputs: Inputs
) -> float:
    """Mean improvement over the mixture, for the best permutation of the estimates.

    The mixture has the same value in every permutation, so it does not affect the choice.
    """
    estimate, target = _checked(estimate, target)
    mixture = _double(_mixture(inputs, target))[None]  # (1, T)
    return _best_mean(pairwise(estimate, target) - pairwise(mixture, target))


def _best_mean(values: Tensor) -> float:
    """The largest mean over one-to-one assignments in (C, C); rows are estimates, columns are sources."""
    rows, columns = linear_sum_assignment(values.numpy(), maximize=True)
    return float(values[rows, columns].mean())


def _pairwise_si_sdr(estimate: Tensor, target: Tensor) -> Tensor:
    """SI-SDR in dB of each estimate (I, T) against each source (C, T) -> (I, C)."""
    estimate, target = _zero_mean(estimate), _loud(_zero_mean(target))
    alpha = estimate @ target.T / target.square().sum(-1)  # (I, C), the scale that minimises the residual
    e_target = alpha[..., None] * target  # (I, C, T), the projection of the estimate on the source
    e_res = estimate[:, None] - e_target  # the residual, orthogonal to the source
    ratio = e_target.square().sum(-1) / e_res.square().sum(-1)
    return _clamped(10 * torch.log10(ratio))  # the definition of SI-SDR in Le Roux et al. 2019


def _pairwise_sdr(estimate: Tensor, target: Tensor) -> Tensor:
    """SDR (BSS Eval v3) in dB of each estimate (I, T) against each source (C, T) -> (I, C)."""
    loss = pairwise_sdr_loss(_unit(estimate), _unit(_loud(target)), filter_length=FILTER_LENGTH)  # (C, I)
    return _clamped(-loss.T)


def _clamped(values: Tensor) -> Tensor:
    """Clamp values in dB to the limits. NaN is the result of 0 / 0, a silent estimate."""
    return values.nan_to_num(nan=FLOOR_DB).clamp(FLOOR_DB, CEILING_DB)


def _zero_mean(signals: Tensor) -> Tensor:
    """Subtract the mean of (..., T). A constant becomes exactly zero, so that it counts as silence."""
    centred = signals - signals.mean(-1, keepdim=True)
    return centred * (_norm(centred) > 1e-12 * _norm(signals))


def _unit(signals: Tensor) -> Tensor:
    """Scale (..., T) to norm 1; silence stays 0. fast_bss_eval would treat norms below 1e-6 as 1e-6."""
    norm = _norm(signals)
    return signals / norm.where(norm > 0, 1.0)


def _norm(signals: Tensor) -> Tensor:
    return signals.norm(dim=-1, keepdim=True)


def _loud(target: Tensor) -> Tensor:
    """Return the sources (C, T) unchanged. Raises ValueError if one of them is silent."""
    silent = (_norm(target) == 0).flatten().nonzero().flatten().tolist()
    if silent:
        raise ValueError(f"source {silent[0]} of the target is silent, so no ratio to it is defined")
    return target


def _checked(estimate: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    if estimate.shape != target.shape or target.ndim != 2:
        shapes = f"{tuple(estimate.shape)} and {tuple(target.shape)}"
        raise ValueError(f"estimate and target must share one shape (C, T), got {shapes}")
    return _double(estimate), _double(target)


def _mixture(inputs: Inputs, target: Tensor) -> Tensor:
    if "mixture" not in inputs:
        raise ValueError(f"this metric needs a 'mixture' among the inputs; found: {', '.join(inputs) or 'nothing'}")
    mixture = inputs["mixture"]
    if mixture.shape != target.shape[-1:]:
        raise ValueError(f"the mixture must have shape {tuple(target.shape[-1:])}, got {tuple(mixture.shape)}")
    return mixture


def _double(signals: Tensor) -> Tensor:
    """Convert to float64 on the CPU. Raises ValueError for NaN or infinity."""
    if not signals.isfinite().all():
        raise ValueError("a signal contains NaN or infinity")
    return signals.detach().to("cpu", torch.float64)
