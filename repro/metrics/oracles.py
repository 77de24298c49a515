"""Oracles: the value of a metric if the mixture is separated by a mask that is made from the clean sources.

These values are ceilings. They show what a network can reach that estimates this kind of mask for this STFT, with the
phase of the mixture. They are not exactly the best values, because no mask here maximises the metric.

| metric | mask of source c | values |
|---|---|---|
| IdealBinaryMask | 1 where source c is the loudest | 0 or 1 |
| IdealRatioMask | abs(s_c) / sum over j of abs(s_j) | 0 to 1 |
| PhaseSensitiveMask | abs(s_c) cos(angle between s_c and x) / abs(x) | any |
| TruncatedPhaseSensitiveMask | the same, but at least 0 and at most 1 | 0 to 1 |

s_c is the STFT of source c, and x that of the mixture. A mask multiplies x. Each oracle is a metric around one of the
metrics of source separation; it ignores the estimate. It raises ValueError as that metric does.

Letters: C sources, T samples, N frames, F frequencies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from repro.audio.stft import STFT
from repro.metrics import Identity
from repro.metrics.ratios import Inputs, Metric, mixture_of
from repro.registry import METRICS

Masks = Callable[[Tensor, Tensor], Tensor]
"""Spectra of the mixture (N, F) and of the sources (C, N, F) -> masks (C, N, F)."""


@METRICS.register
class IdealBinaryMask:
    """Ideal binary mask (oracle): the value of `metric` if each STFT bin is given to its loudest source.

    This value is close to the best that binary masks on this STFT can reach. It is not exactly the best, because the
    mask does not maximise the metric. Other kinds of masks can exceed it. Ties go to the first source, so that the
    estimates always add up to the mixture.

    metric: one of `repro.metrics.separation`. stft: the STFT to mask; by default windows of 32 ms and hops of 8 ms at
    8 kHz, sqrt-Hann.

    Example: two tones of different frequencies are separated well.

        >>> from repro.metrics.separation import SISDR
        >>> time = torch.arange(8000) / 8000
        >>> sources = torch.stack([torch.sin(6.2832 * 500 * time), torch.sin(6.2832 * 2000 * time)])
        >>> IdealBinaryMask(SISDR())(sources, sources, {"mixture": sources.sum(0)}) > 30
        True
    """

    def __init__(self, metric: Metric, stft: STFT | None = None) -> None:
        self.metric = metric
        self.stft = STFT() if stft is None else stft
        self.identity = _identity(self, "ideal binary mask")

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
        """Sources (C, T) and inputs["mixture"] (T,) -> the unit of the metric. `estimate` is not used."""
        return self.metric(separate(binary, mixture_of(inputs, target), target, self.stft), target, inputs)


@METRICS.register
class IdealRatioMask:
    """Ideal ratio mask (oracle): the value of `metric` if each STFT bin is shared by the magnitudes of the sources.

    The estimates add up to the mixture, except in bins where all sources are 0.

    metric: one of `repro.metrics.separation`. stft: the STFT to mask; by default windows of 32 ms and hops of 8 ms at
    8 kHz, sqrt-Hann.

    Example: two tones of different frequencies are separated well.

        >>> from repro.metrics.separation import SISDR
        >>> time = torch.arange(8000) / 8000
        >>> sources = torch.stack([torch.sin(6.2832 * 500 * time), torch.sin(6.2832 * 2000 * time)])
        >>> IdealRatioMask(SISDR())(sources, sources, {"mixture": sources.sum(0)}) > 30
        True
    """

    def __init__(self, metric: Metric, stft: STFT | None = None) -> None:
        self.metric = metric
        self.stft = STFT() if stft is None else stft
        self.identity = _identity(self, "ideal ratio mask")

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
        """Sources (C, T) and inputs["mixture"] (T,) -> the unit of the metric. `estimate` is not used."""
        return self.metric(separate(ratio, mixture_of(inputs, target), target, self.stft), target, inputs)


@METRICS.register
class PhaseSensitiveMask:
    """Phase-sensitive mask (oracle): the value of `metric` for the best real mask of each STFT bin.

    Best means the least squared error of the bin. The mask can be negative or above 1, which no sigmoid can output; see
    `TruncatedPhaseSensitiveMask`. If the mixture is the sum of the sources, so are the estimates.

    metric: one of `repro.metrics.separation`. stft: the STFT to mask; by default windows of 32 ms and hops of 8 ms at
    8 kHz, sqrt-Hann. Source of the mask: Erdogan et al. 2015.

    Example: on noise it is above the ideal binary mask.

        >>> from repro.metrics.separation import SISDR
        >>> sources = torch.randn(2, 4000)
        >>> inputs = {"mixture": sources.sum(0)}
        >>> PhaseSensitiveMask(SISDR())(sources, sources, inputs) > IdealBinaryMask(SISDR())(sources, sources, inputs)
        True
    """

    def __init__(self, metric: Metric, stft: STFT | None = None) -> None:
        self.metric = metric
        self.stft = STFT() if stft is None else stft
        self.identity = _identity(self, "phase-sensitive mask")

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
        """Sources (C, T) and inputs["mixture"] (T,) -> the unit of the metric. `estimate` is not used."""
        return self.metric(separate(phase_sensitive, mixture_of(inputs, target), target, self.stft), target, inputs)


@METRICS.register
class TruncatedPhaseSensitiveMask:
    """Truncated phase-sensitive mask (oracle): the value of `metric` for the phase-sensitive mask between 0 and 1.

    It is the ceiling of networks whose masks are outputs of a sigmoid. The estimates need not add up to the mixture.

    metric: one of `repro.metrics.separation`. stft: the STFT to mask; by default windows of 32 ms and hops of 8 ms at
    8 kHz, sqrt-Hann.

    Example: two tones of different frequencies are separated well.

        >>> from repro.metrics.separation import SISDR
        >>> time = torch.arange(8000) / 8000
        >>> sources = torch.stack([torch.sin(6.2832 * 500 * time), torch.sin(6.2832 * 2000 * time)])
        >>> TruncatedPhaseSensitiveMask(SISDR())(sources, sources, {"mixture": sources.sum(0)}) > 30
        True
    """

    def __init__(self, metric: Metric, stft: STFT | None = None) -> None:
        self.metric = metric
        self.stft = STFT() if stft is None else stft
        self.identity = _identity(self, "truncated phase-sensitive mask")

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
        """Sources (C, T) and inputs["mixture"] (T,) -> the unit of the metric. `estimate` is not used."""
        return self.metric(separate(truncated, mixture_of(inputs, target), target, self.stft), target, inputs)


def separate(masks: Masks, mixture: Tensor, sources: Tensor, stft: STFT) -> Tensor:
    """Separate the mixture (T,) by masks that are made from the sources (C, T) -> estimates (C, T) float32."""
    mixture, sources = mixture.float(), sources.float()
    spectrum = stft(mixture)
    return stft.inverse(masks(spectrum, stft(sources)) * spectrum, mixture.shape[-1])


def binary(mixture: Tensor, sources: Tensor) -> Tensor:
    """Ideal binary masks. Ties go to the first source."""
    loudest = sources.abs().argmax(dim=0)  # (N, F)
    return loudest == torch.arange(len(sources), device=sources.device)[:, None, None]


def ratio(mixture: Tensor, sources: Tensor) -> Tensor:
    """Ideal ratio masks; 0 where all sources are 0."""
    magnitudes = sources.abs()
    return _quotient(magnitudes, magnitudes.sum(0))


def phase_sensitive(mixture: Tensor, sources: Tensor) -> Tensor:
    """Phase-sensitive masks: abs(s) cos(angle(s) - angle(x)) / abs(x); 0 where the mixture is 0."""
    return _quotient((sources * mixture.conj()).real, mixture.abs().square())


def truncated(mixture: Tensor, sources: Tensor) -> Tensor:
    """Phase-sensitive masks, clamped to [0, 1]."""
    return phase_sensitive(mixture, sources).clamp(0, 1)


def _quotient(numerator: Tensor, denominator: Tensor) -> Tensor:
    return torch.where(denominator > 0, numerator / denominator.where(denominator > 0, 1.0), 0.0)


def _identity(
    oracle: IdealBinaryMask | IdealRatioMask | PhaseSensitiveMask | TruncatedPhaseSensitiveMask, mask: str
) -> Identity:
    """The identity of the metric inside, with the name and the STFT of the mask."""
    inner: Identity = oracle.metric.identity  # type: ignore[attr-defined]  # every metric has it
    reference = f"{inner.reference}; {mask}, STFT({oracle.stft.extra_repr()})"
    return replace(inner, name=f"{type(oracle).__name__}({inner.name})", reference=reference)
