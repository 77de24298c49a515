"""How well sources were separated: SI-SDR and SDR in dB, their improvements, and the ideal binary mask's ceiling.

C sources, T samples; I rows of estimates in a pairwise matrix (C of them, or 1 for the mixture).

SI-SDR and SDR (BSS Eval) are different numbers, and so are their improvements over the mixture: each is a class
here with an identity of its own. All share these conventions:

- A value is the mean over the sources under the permutation of the estimates that is best for that value itself.
  (mir_eval picks the permutation by SIR, which differs only where the separation failed.)
- float64 throughout. Every ratio is clamped to [FLOOR_DB, CEILING_DB], before any difference is taken.
- A silent estimate has FLOOR_DB: nothing of the source is in it. A silent source in the target raises ValueError:
  no estimate of it has a value. So do shapes that differ and NaN or infinity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypedDict

import torch
from fast_bss_eval.torch import pairwise_sdr_loss
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from repro.audio.stft import STFT
from repro.registry import METRICS

FLOOR_DB = -60.0
"""A millionth of the energy: below it nothing of a source is heard, and 0 / 0 needs a value."""

CEILING_DB = 100.0
"""16-bit audio ends at 98 dB: above it one measures rounding, and a perfect estimate needs a finite value."""

FILTER_LENGTH = 512
"""Taps of the distortion filter that BSS Eval v3 forgives."""

Inputs = Mapping[str, Tensor]
Metric = Callable[[Tensor, Tensor, Inputs], float]


class Identity(TypedDict):
    """What must be equal before two values of a metric may be compared."""

    name: str
    version: int
    unit: str
    better: str
    aggregation: str
    reference: str
    sample_rate: int
    permutation: str


@METRICS.register
class SISDR:
    """Scale-invariant signal-to-distortion ratio (Le Roux et al. 2019), against the clean sources.

    The mean of every signal is removed first, as nussl and asteroid do.
    """

    def __init__(self, sample_rate: int = 8000) -> None:
        self.sample_rate = sample_rate
        self.identity = _identity("SISDR", "clean source", sample_rate)

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
        """Estimates (C, T) and sources (C, T) -> dB; `inputs` is not used."""
        return _best_mean(_pairwise_si_sdr(*_checked(estimate, target)))


@METRICS.register
class SISDRImprovement:
    """SI-SDR of the estimates minus SI-SDR of the mixture, both against the clean sources."""

    def __init__(self, sample_rate: int = 8000) -> None:
        self.sample_rate = sample_rate
        self.identity = _identity("SISDRImprovement", "mixture", sample_rate)

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
        """Estimates (C, T), sources (C, T) and inputs["mixture"] (T,) -> dB."""
        return _best_improvement(_pairwise_si_sdr, estimate, target, inputs)


@METRICS.register
class SDR:
    """Signal-to-distortion ratio of BSS Eval v3 (Vincent et al. 2006), against the clean sources.

    A time-invariant distortion of each source by 512 taps is forgiven, and with it any gain. As in BSS Eval, means
    are kept.
    """

    def __init__(self, sample_rate: int = 8000) -> None:
        self.sample_rate = sample_rate
        self.identity = _identity("SDR", "clean source", sample_rate)

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
        """Estimates (C, T) and sources (C, T) -> dB; `inputs` is not used."""
        return _best_mean(_pairwise_sdr(*_checked(estimate, target)))


@METRICS.register
class SDRImprovement:
    """SDR (BSS Eval v3) of the estimates minus SDR of the mixture, both against the clean sources."""

    def __init__(self, sample_rate: int = 8000) -> None:
        self.sample_rate = sample_rate
        self.identity = _identity("SDRImprovement", "mixture", sample_rate)

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
        """Estimates (C, T), sources (C, T) and inputs["mixture"] (T,) -> dB."""
        return _best_improvement(_pairwise_sdr, estimate, target, inputs)


@METRICS.register
class IdealBinaryMask:
    """The oracle: what `metric` says when each STFT bin of the mixture goes to the source that is loudest in it.

    It is near the ceiling for binary masks on that STFT, not for other masks, nor exactly (it maximises no metric).
    metric: one of the classes above. stft: the STFT to mask, by default the 32 ms, 8 ms, sqrt-Hann one at 8 kHz.
    """

    def __init__(self, metric: Metric, stft: STFT | None = None) -> None:
        self.metric = metric
        self.stft = STFT() if stft is None else stft
        inner: Identity = metric.identity  # type: ignore[attr-defined]  # part of what a metric is
        mask = f"ideal binary mask, STFT({self.stft.extra_repr()})"
        self.identity: Identity = {
            **inner,
            "name": f"IdealBinaryMask({inner['name']})",
            "reference": f"{inner['reference']}; {mask}",
        }

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
        """Sources (C, T) and inputs["mixture"] (T,) -> the metric's unit; `estimate` is not used."""
        oracle = ideal_binary_mask(_mixture(inputs, target), target, self.stft)
        return self.metric(oracle, target, inputs)


def ideal_binary_mask(mixture: Tensor, sources: Tensor, stft: STFT) -> Tensor:
    """Estimates (C, T) from the mixture (T,), each STFT bin given whole to the loudest of the sources (C, T).

    A tie goes to the first of the tied sources, so that the estimates always add up to the mixture.
    """
    mixture, sources = mixture.float(), sources.float()
    loudest = stft(sources).abs().argmax(dim=0)  # (N, F)
    numbers = torch.arange(len(sources), device=sources.device)[:, None, None]
    return stft.inverse((loudest == numbers) * stft(mixture), mixture.shape[-1])


def _identity(name: str, reference: str, sample_rate: int) -> Identity:
    return {
        "name": name,
        "version": 1,
        "unit": "dB",
        "better": "higher",
        "aggregation": "mean over sources",
        "reference": reference,
        "sample_rate": sample_rate,
        "permutation": "best",
    }


def _best_improvement(
    pairwise: Callable[[Tensor, Tensor], Tensor], estimate: Tensor, target: Tensor, inputs: Inputs
) -> float:
    """Mean gain over the mixture. The mixture's value has no permutation, so the best one is that of the estimates."""
    estimate, target = _checked(estimate, target)
    mixture = _double(_mixture(inputs, target))[None]  # (1, T)
    return _best_mean(pairwise(estimate, target) - pairwise(mixture, target))


def _best_mean(values: Tensor) -> float:
    """The largest mean over one-to-one pairings in (C, C), rows estimates and columns sources."""
    rows, columns = linear_sum_assignment(values.numpy(), maximize=True)
    return float(values[rows, columns].mean())


def _pairwise_si_sdr(estimate: Tensor, target: Tensor) -> Tensor:
    """SI-SDR in dB of each estimate (I, T) against each source (C, T) -> (I, C)."""
    estimate, target = _zero_mean(estimate), _loud(_zero_mean(target))
    alpha = estimate @ target.T / target.square().sum(-1)  # (I, C), the minimiser of the residual
    e_target = alpha[..., None] * target  # (I, C, T)
    e_res = estimate[:, None] - e_target  # orthogonal to the source
    ratio = e_target.square().sum(-1) / e_res.square().sum(-1)
    return _clamped(10 * torch.log10(ratio))


def _pairwise_sdr(estimate: Tensor, target: Tensor) -> Tensor:
    """SDR (BSS Eval v3) in dB of each estimate (I, T) against each source (C, T) -> (I, C)."""
    loss = pairwise_sdr_loss(_unit(estimate), _unit(_loud(target)), filter_length=FILTER_LENGTH)  # (C, I)
    return _clamped(-loss.T)


def _clamped(values: Tensor) -> Tensor:
    """Values in dB within the limits; NaN comes of 0 / 0, which is a silent estimate."""
    return values.nan_to_num(nan=FLOOR_DB).clamp(FLOOR_DB, CEILING_DB)


def _zero_mean(signals: Tensor) -> Tensor:
    """(..., T) without its mean; what rounding leaves of a constant is set to zero, to count as silence."""
    centred = signals - signals.mean(-1, keepdim=True)
    return centred * (_norm(centred) > 1e-12 * _norm(signals))


def _unit(signals: Tensor) -> Tensor:
    """(..., T) at norm 1, silence as it is: fast_bss_eval treats norms below 1e-6 as if they were 1e-6."""
    norm = _norm(signals)
    return signals / norm.where(norm > 0, 1.0)


def _norm(signals: Tensor) -> Tensor:
    return signals.norm(dim=-1, keepdim=True)


def _loud(target: Tensor) -> Tensor:
    """The sources (C, T) as they are, or a ValueError if one of them is silent."""
    silent = (_norm(target) == 0).flatten().nonzero().flatten().tolist()
    if silent:
        raise ValueError(f"source {silent[0]} of the target is silent: no ratio to it has a value")
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
    """float64 on the CPU, where all of this is computed; a ValueError for NaN or infinity."""
    if not signals.isfinite().all():
        raise ValueError("a signal holds NaN or infinity: a ratio of energies would hide it")
    return signals.detach().to("cpu", torch.float64)
