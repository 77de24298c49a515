"""Losses of embeddings where numbers end: silence, too few bins, equal vectors, low precision, long segments."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from repro.testing import check_loss
from tests.losses.cases import CLUSTERING, NAMES, case, perfect, single

every = pytest.mark.parametrize("loss", CLUSTERING, ids=NAMES)
SILENT = dict(zip(NAMES, (0.0, 0.0, 0.0, 4.0, 1.0), strict=True))
"""The loss of an item without weights, for D = 4."""


def gradient(loss: nn.Module, embeddings: Tensor, target: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    given = embeddings.detach().requires_grad_()
    value = loss(given, target)
    value.backward()
    assert given.grad is not None
    return value.detach(), given.grad


@every
@pytest.mark.parametrize("sources", [1, 2, 3])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
def test_battery(loss: nn.Module, sources: int, dtype: torch.dtype) -> None:
    """Finite for the batch, an item, zeros, and silence."""
    embeddings, target = case(5, sources)
    check_loss(loss, embeddings.to(dtype), single(target, dtype))


@pytest.mark.parametrize(("loss", "name"), zip(CLUSTERING, NAMES, strict=True), ids=NAMES)
def test_silence_has_a_constant_loss_and_changes_no_other_item(loss: nn.Module, name: str) -> None:
    embeddings, target = case(5)
    target["weights"][0] = 0
    value, slope = gradient(loss, embeddings, target)
    alone = loss(embeddings[1:], {key: one[1:] for key, one in target.items()})
    assert float(value) == pytest.approx((SILENT[name] + float(alone)) / 2, rel=1e-9)
    assert not slope[0].any() and slope[1].any()


DEGENERATE = {
    "fewer bins than dimensions": lambda x: x[:, :1, :3],
    "one bin": lambda x: x[:, :1, :1],
    "equal vectors": lambda x: x[:1, :1, :1].expand_as(x),
    "nearly equal vectors": lambda x: x[:1, :1, :1] + 1e-7 * x,
    "vectors in a plane": lambda x: x * torch.tensor([1.0, 1.0, 0.0, 0.0], dtype=x.dtype),
    "opposite vectors": lambda x: x[:1, :1, :1] * (1 - 2 * (torch.arange(7) % 2)).to(x.dtype)[:, None].expand_as(x),
    "some zero vectors": lambda x: x * (torch.arange(7) > 2).to(x.dtype)[:, None],
    "tiny vectors": lambda x: 1e-12 * x,
    "huge vectors": lambda x: 1e6 * x,
}


@every
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("change", DEGENERATE.values(), ids=DEGENERATE)
def test_degenerate_embeddings_have_finite_losses_and_gradients(
    loss: nn.Module, change: Callable[[Tensor], Tensor], dtype: torch.dtype
) -> None:
    embeddings, target = case(5, sources=3)
    changed = change(embeddings).to(dtype)
    target = {key: one[:, : changed.shape[1], : changed.shape[2]] for key, one in single(target).items()}
    target["weights"] = target["weights"] + 0.1
    value, slope = gradient(loss, changed, target)
    assert value.isfinite() and slope.isfinite().all()
    assert slope.dtype == dtype


def test_rank_deficient_embeddings_have_the_loss_of_their_subspace() -> None:
    """Whitened k-means in a plane of four dimensions: that in two dimensions, plus 2."""
    embeddings, target = case(5)
    plane = embeddings * torch.tensor([1.0, 1.0, 0.0, 0.0])
    kmeans = CLUSTERING[NAMES.index("kmeans")]
    assert float(kmeans(plane, target)) == pytest.approx(float(kmeans(plane[..., :2], target)) + 2, rel=1e-5)


@every
def test_bfloat16_is_computed_in_float32(loss: nn.Module) -> None:
    embeddings, target = case(5)
    low = embeddings.bfloat16()
    value, slope = gradient(loss, low, single(target))
    wide, exact = gradient(loss, low.float(), single(target))
    assert value == wide and torch.equal(slope, exact.bfloat16())


@every
def test_autocast_does_not_change_a_loss(loss: nn.Module) -> None:
    embeddings, target = case(5)
    given = embeddings.float().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        low = loss(given, single(target))
    low.backward()
    value, exact = gradient(loss, embeddings.float(), single(target))
    assert low == value and torch.equal(given.grad, exact)


@every
def test_not_a_number_is_not_hidden(loss: nn.Module) -> None:
    embeddings, target = case(5)
    embeddings[0, 0, 0, 0] = torch.nan
    target["weights"][0, 0, 0] = 1
    assert loss(embeddings, target).isnan()


@pytest.mark.parametrize(("loss", "close"), zip(CLUSTERING, (1e-3, 1e-3, 1e-3, 1e-5, 1e-3), strict=True), ids=NAMES)
def test_float32_does_not_cancel_on_long_segments(loss: nn.Module, close: float) -> None:
    """51,600 nearly perfect bins. Without normalisation, float32 loses all digits of the plain loss."""
    random = torch.Generator().manual_seed(0)
    dominant = torch.randint(2, (1, 400, 129), generator=random)
    noise = 0.05 * torch.rand(1, 400, 129, 4, generator=random)
    embeddings = torch.nn.functional.normalize(perfect(dominant, 4).float() + noise, dim=-1)
    target = {"dominant": dominant, "weights": torch.rand(1, 400, 129, generator=random)}
    value, slope = gradient(loss, embeddings, target)
    exact, right = gradient(loss, embeddings.double(), single(target, torch.float64))
    assert float(value) == pytest.approx(float(exact), rel=close)
    assert float((slope - right).norm() / right.norm()) < close
