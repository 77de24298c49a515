"""Tests of the oracle for the order of the sources in each chunk."""

from __future__ import annotations

import pytest
import torch

from repro.errors import BadInput
from repro.metrics.chunk_order import BestChunkOrder
from repro.metrics.ratios import Metric
from repro.metrics.separation import SDR, SISDR, SISDRImprovement
from repro.testing import check_metric


def case(sources: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Noises (C, T) of 201 frames, and estimates with an error of 20 dB."""
    random = torch.Generator().manual_seed(0)
    target = torch.randn(sources, 12800, generator=random)
    return target + 0.1 * torch.randn(sources, 12800, generator=random), target


@pytest.mark.parametrize("metric", [SISDR(), SDR(), SISDRImprovement()])
def test_one_chunk_is_the_metric(metric: Metric) -> None:
    estimate, target = case()
    inputs = {"mixture": target.sum(0)}
    assert BestChunkOrder(metric, frames=300)(estimate, target, inputs) == pytest.approx(
        metric(estimate, target, inputs), abs=1e-3
    )


def test_the_order_of_each_chunk_does_not_matter() -> None:
    estimate, target = case()
    orders = [torch.tensor(order) for order in ([1, 2, 0], [0, 1, 2], [2, 1, 0], [1, 0, 2])]
    mixed = torch.cat([chunk[order] for chunk, order in zip(estimate.split(3200, 1), orders, strict=True)], 1)
    plain, best = SISDR()(mixed, target, {}), BestChunkOrder(SISDR(), frames=50)(mixed, target, {})
    assert plain < 3 and best > 15  # dB; the three frames around each change contain both orders


def test_battery() -> None:
    estimate, target = case()
    check_metric(BestChunkOrder(SISDR(), frames=50), estimate, target, {"mixture": target.sum(0)})


def test_no_frames_are_refused() -> None:
    with pytest.raises(BadInput) as error:
        BestChunkOrder(SISDR(), frames=0)
    assert (error.value.parameter, error.value.value) == ("frames", 0)
