"""The value of a metric if somebody knew the order of the sources in each chunk of the estimates (oracle).

Letters: C sources, T samples, N frames, F frequencies.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from repro.audio.stft import STFT
from repro.metrics.ratios import Inputs, Metric
from repro.registry import METRICS, wrong_value


@METRICS.register
class BestChunkOrder:
    """Value of `metric` after the sources of each chunk of `frames` frames are put in the best order (oracle).

    It is for models that separate each chunk alone, such as `models.EmbeddingNetwork` with `clustering="local"`: the
    order of their estimates differs between chunks at random. Best means the least squared difference between the
    spectrograms of the estimates and of the sources. A real system does not know the sources, so this value is an
    upper limit for every rule that orders the chunks.

    metric: a metric of `repro.metrics.separation`. frames: of the model. stft: of the model.

    Example: two noises that change places in the middle.

        >>> sources, swap = torch.randn(2, 6400), torch.arange(6400) >= 3200
        >>> estimate = torch.where(swap, sources.flip(0), sources)
        >>> from repro.metrics.separation import SISDR
        >>> SISDR()(estimate, sources, {}) < 3, BestChunkOrder(SISDR(), frames=50)(estimate, sources, {}) > 15
        (True, True)
    """

    def __init__(self, metric: Metric, frames: int = 100, stft: STFT | None = None) -> None:
        if frames < 1:
            raise wrong_value(self, "frames", frames, "at least 1")
        self.metric, self.frames = metric, frames
        self.stft = STFT() if stft is None else stft
        inner = metric.identity  # type: ignore[attr-defined]  # every metric has it
        reference = f"{inner.reference}; best order in chunks of {frames} frames, STFT({self.stft.extra_repr()})"
        self.identity = replace(inner, name=f"BestChunkOrder({inner.name})", reference=reference)

    def __call__(self, estimate: Tensor, target: Tensor, inputs: Inputs) -> float:
        """Estimates (C, T), sources (C, T) and what `metric` needs of `inputs` -> the unit of the metric."""
        found, wanted = self.stft(estimate.float()), self.stft(target.float())  # (C, N, F)
        chunks = zip(found.split(self.frames, 1), wanted.split(self.frames, 1), strict=True)
        ordered = torch.cat([in_order(*chunk) for chunk in chunks], 1)
        return self.metric(self.stft.inverse(ordered, estimate.shape[-1]), target, inputs)


def in_order(found: Tensor, wanted: Tensor) -> Tensor:
    """The spectrograms `found` (C, N, F) in the order of those `wanted` that they are nearest to."""
    cost = (wanted[:, None] - found).abs().square().sum((2, 3))  # (C, C)
    return found[torch.from_numpy(linear_sum_assignment(cost.cpu().numpy())[1])]
