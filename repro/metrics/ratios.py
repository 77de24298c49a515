"""What the metrics of source separation share: limits in dB, checks of the signals, and the best permutation.

Letters: C sources, T samples, I rows of estimates in a pairwise matrix (C of them, and 1 for the mixture).

- A value is the mean over the sources, for the best permutation of the estimates. Best means the highest value of this
  metric. (mir_eval chooses the permutation by SIR; this only differs if the separation failed.)
- Computations use float64. Every ratio is clamped to [FLOOR_DB, CEILING_DB] before any subtraction.
- ValueError is raised if a source in the target is silent, because no ratio to it is defined. It is also raised for
  different shapes, and for NaN or infinity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from repro.metrics import Identity

FLOOR_DB = -60.0
"""Lower limit of all ratios in dB: a millionth of the energy. So 0 / 0, a silent estimate, has a value."""

CEILING_DB = 100.0
"""Upper limit of all ratios in dB, above the 98 dB of 16-bit audio. So a perfect estimate has a finite value."""

Inputs = Mapping[str, Tensor]
Metric = Callable[[Tensor, Tensor, Inputs], float]
Pairwise = Callable[[Tensor, Tensor], Tensor]
"""Estimates (I, T) and sources (C, T), both float64 on the CPU -> dB (I, C)."""


def identity(name: str, reference: str, sample_rate: int) -> Identity:
    """The identity of a ratio in dB: the mean over the sources, for the best permutation."""
    return Identity(
        name,
        better="higher",
        unit="dB",
        aggregation="mean over sources",
        reference=reference,
        sample_rate=sample_rate,
        permutation="best",
    )


def best_value(pairwise: Pairwise, estimate: Tensor, target: Tensor) -> float:
    """Mean of `pairwise` over the sources (C, T), for the best permutation of the estimates (C, T)."""
    return best_mean(pairwise(*_checked(estimate, target)))


def best_improvement(pairwise: Pairwise, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
    """Mean improvement over the mixture, for the best permutation of the estimates.

    The mixture has the same value in every permutation, so it does not affect the choice.
    """
    estimate, target = _checked(estimate, target)
    mixture = _double(mixture_of(inputs, target))[None]  # (1, T)
    values = pairwise(torch.cat([estimate, mixture]), target)
    return best_mean(values[:-1] - values[-1:])


def best_mean(values: Tensor) -> float:
    """The largest mean over one-to-one assignments in (C, C); rows are estimates, columns are sources."""
    rows, columns = linear_sum_assignment(values.numpy(), maximize=True)
    return float(values[rows, columns].mean())


def decibels(ratio: Tensor) -> Tensor:
    """A ratio of energies in dB, within the limits. NaN is the result of 0 / 0, a silent estimate."""
    return (10 * torch.log10(ratio)).nan_to_num(nan=FLOOR_DB).clamp(FLOOR_DB, CEILING_DB)


def zero_mean(signals: Tensor) -> Tensor:
    """Subtract the mean of (..., T). A constant becomes exactly zero, so that it counts as silence."""
    centred = signals - signals.mean(-1, keepdim=True)
    centred[(norm(centred) <= 1e-12 * norm(signals))[..., 0]] = 0
    return centred


def norm(signals: Tensor) -> Tensor:
    """The Euclidean norm of (..., T) -> (..., 1)."""
    return signals.norm(dim=-1, keepdim=True)


def loud(target: Tensor) -> Tensor:
    """Return the sources (C, T) unchanged. Raises ValueError if one of them is silent."""
    silent = (norm(target) == 0).flatten().nonzero().flatten().tolist()
    if silent:
        raise ValueError(f"source {silent[0]} of the target is silent, so no ratio to it is defined")
    return target


def mixture_of(inputs: Inputs, target: Tensor) -> Tensor:
    """The mixture (T,) among the inputs. Raises ValueError if there is none, or if it has another length."""
    if "mixture" not in inputs:
        raise ValueError(f"this metric needs a 'mixture' among the inputs; found: {', '.join(inputs) or 'nothing'}")
    mixture = inputs["mixture"]
    if mixture.shape != target.shape[-1:]:
        raise ValueError(f"the mixture must have shape {tuple(target.shape[-1:])}, got {tuple(mixture.shape)}")
    return mixture


def _checked(estimate: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    if estimate.shape != target.shape or target.ndim != 2:
        shapes = f"{tuple(estimate.shape)} and {tuple(target.shape)}"
        raise ValueError(f"estimate and target must share one shape (C, T), got {shapes}")
    return _double(estimate), _double(target)


def _double(signals: Tensor) -> Tensor:
    """Convert to float64 on the CPU. Raises ValueError for NaN or infinity."""
    double = signals.detach().to("cpu", torch.float64)
    if not double.sum().isfinite():  # a sum with NaN or infinity is not finite; this is faster than to test each value
        raise ValueError("a signal contains NaN or infinity")
    return double
