"""Losses on other devices: nothing waits for a GPU, and a Mac, whose GPU has no float64, gets the same values."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from repro.losses import clustering, moments
from repro.losses.masks import MaskInference
from repro.losses.waveforms import SISDRLoss, SNRLoss
from tests.losses.cases import CLUSTERING, NAMES, case, single
from tests.losses.test_masks import case as masks_case


def without_data(values: Any) -> Any:
    """The tensors on the device "meta", which computes shapes alone: to read a number there is an error."""
    return {key: one.to("meta") for key, one in values.items()} if isinstance(values, dict) else values.to("meta")


def check_reads_nothing(loss: nn.Module, output: Tensor, target: Any) -> None:
    given = without_data(output).requires_grad_()
    loss(given, without_data(target)).backward()
    assert given.grad is not None and given.grad.shape == output.shape


@pytest.fixture(autouse=True)
def no_autocast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: contextlib.nullcontext())  # "meta" has none


def test_reading_a_number_is_noticed() -> None:
    class Reads(nn.Module):
        def forward(self, output: Tensor, target: Tensor) -> Tensor:
            return output.sum() * float(target.max())

    with pytest.raises(RuntimeError, match="meta"):
        check_reads_nothing(Reads(), torch.ones(2), torch.ones(2))


@pytest.mark.parametrize("loss", CLUSTERING, ids=NAMES)
def test_losses_of_embeddings_do_not_wait_for_a_gpu(loss: nn.Module) -> None:
    embeddings, target = case(0)
    check_reads_nothing(loss, embeddings, target)


@pytest.mark.parametrize("sources", [2, 4])
def test_losses_of_masks_and_waveforms_do_not_wait_for_a_gpu(sources: int) -> None:
    masks, target = masks_case(0, sources)
    check_reads_nothing(MaskInference("truncated_phase_sensitive"), masks, target)
    for loss in (SISDRLoss(), SNRLoss()):
        check_reads_nothing(loss, masks.flatten(2), target["sources"].flatten(2))


@pytest.mark.parametrize("loss", CLUSTERING, ids=NAMES)
def test_the_number_of_sources_on_a_gpu_changes_nothing(loss: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    embeddings, target = case(0)
    value = loss(embeddings, target)
    monkeypatch.setattr(clustering, "_sources", lambda target: clustering.MOST_SOURCES)
    assert torch.allclose(loss(embeddings, target), value, rtol=1e-12)


@pytest.mark.parametrize("loss", CLUSTERING, ids=NAMES)
def test_sums_in_float32_give_nearly_the_same_values(loss: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    embeddings, target = case(0)
    value = loss(embeddings, target)
    for module in (clustering, moments):
        monkeypatch.setattr(module, "precise", lambda tensor: torch.float32)
    assert float(loss(embeddings.float(), single(target))) == pytest.approx(float(value), rel=1e-4)
