"""Tests of the low-rank loss: compared with the N x N formula in float64 and with nussl's loss."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from papers.deep_clustering.loss import DeepClustering, balance, one_hot
from repro.audio.nussl import import_nussl
from repro.testing import check_loss

Case = tuple[torch.Tensor, dict[str, torch.Tensor]]


def case(seed: int, sources: int = 2) -> Case:
    batch, frames, frequencies, embedding = 2, 5, 7, 4
    random = torch.Generator().manual_seed(seed)
    raw = torch.randn(batch, frames, frequencies, embedding, generator=random, dtype=torch.float64)
    weights = torch.rand(batch, frames, frequencies, generator=random, dtype=torch.float64)
    target = {
        "dominant": torch.randint(sources, (batch, frames, frequencies), generator=random),
        "weights": weights * (torch.rand(weights.shape, generator=random) > 0.3),
    }
    return torch.nn.functional.normalize(raw, dim=-1), target


def n_by_n(output: torch.Tensor, target: dict[str, torch.Tensor], balanced: bool) -> torch.Tensor:
    """The published sum over all pairs of bins."""
    losses = []
    for embeddings, dominant, weights in zip(output, target["dominant"], target["weights"], strict=True):
        active = weights > 0  # silent bins are in no pair
        v, y, w = embeddings[active], dominant[active], weights[active]
        alike = y[:, None] == y[None, :]
        sizes = (alike * w).sum(1)  # d_i: the weight of the bins that share i's source
        pairs = w[:, None] * w / (sizes[:, None] * sizes).sqrt() if balanced else w[:, None] * w
        root = w / sizes.sqrt() if balanced else w
        losses.append((pairs * (v @ v.T - alike.double()) ** 2).sum() / root.sum() ** 2)
    return torch.stack(losses).mean()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), balanced=st.booleans(), sources=st.integers(1, 4))
def test_low_rank_is_the_sum_over_pairs(seed: int, balanced: bool, sources: int) -> None:
    output, target = case(seed, sources=sources)
    assert torch.allclose(DeepClustering(balanced)(output, target), n_by_n(output, target, balanced), rtol=1e-10)


@pytest.mark.parametrize("sources", [2, 3])
def test_equal_embeddings_cost_the_pairs_of_different_voices(sources: int) -> None:
    output, target = case(0, sources)
    equal = torch.zeros_like(output)
    equal[..., 1] = 1.0
    weights, voices = target["weights"].flatten(1), target["dominant"].flatten(1)
    shares = torch.stack([(weights * (voices == voice)).sum(1) for voice in range(sources)]) / weights.sum(1)
    different = 1 - shares.square().sum(0)  # the probability that two bins belong to different voices
    assert DeepClustering()(equal, target).item() == pytest.approx(different.mean().item())
    assert different.max() <= 1 - 1 / sources


@pytest.mark.parametrize("balanced", [False, True])
def test_gradient_is_that_of_the_sum_over_pairs(balanced: bool) -> None:
    output, target = case(0)
    ours, slow = output.clone().requires_grad_(), output.clone().requires_grad_()
    DeepClustering(balanced)(ours, target).backward()
    n_by_n(slow, target, balanced).backward()
    assert ours.grad is not None and slow.grad is not None
    assert torch.allclose(ours.grad, slow.grad, atol=1e-12)


def test_plain_form_is_that_of_nussl() -> None:
    output, target = case(1)
    loss = import_nussl().ml.train.loss.DeepClusteringLoss()
    root = target["weights"].sqrt()  # nussl stores the root of the weights
    sources = one_hot(target["dominant"]).transpose(2, 3).double().contiguous()
    theirs = loss(output, sources, root.contiguous())
    assert torch.allclose(DeepClustering()(output, target), theirs, rtol=1e-6)


@pytest.mark.parametrize("balanced", [False, True])
def test_perfect_embeddings_have_no_loss(balanced: bool) -> None:
    _, target = case(2)
    perfect = one_hot(target["dominant"]).transpose(2, 3).double()
    assert float(DeepClustering(balanced)(perfect, target)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("balanced", [False, True])
def test_loss_knows_no_order_of_sources(balanced: bool) -> None:
    output, target = case(3)
    swapped = {**target, "dominant": 1 - target["dominant"]}
    assert torch.allclose(DeepClustering(balanced)(output, target), DeepClustering(balanced)(output, swapped))


def test_balancing_makes_same_source_pairs_weigh_as_the_size_of_the_source() -> None:
    """All pairs within a source of size d have weight d together (d squared without balancing)."""
    _, target = case(4)
    dominant = torch.zeros_like(target["dominant"])
    dominant[:, 0, :2] = 1
    weights = torch.ones_like(target["weights"])
    sources = one_hot(dominant).double()
    shares = (balance(weights, sources).unsqueeze(2) * sources).sum((1, 3)) ** 2  # (B, C): sum of 1/d over the pairs
    sizes = (weights.unsqueeze(2) * sources).sum((1, 3))
    assert torch.allclose(shares, sizes)


def test_float32_does_not_cancel_on_long_segments() -> None:
    """With 51,600 nearly perfect bins, the sums without normalisation are negative in float32."""
    random = torch.Generator().manual_seed(0)
    dominant = torch.randint(2, (1, 400, 129), generator=random)
    perfect = one_hot(dominant).transpose(2, 3)
    output = torch.nn.functional.normalize(perfect + 0.05 * torch.randn(perfect.shape, generator=random), dim=-1)
    target = {"dominant": dominant, "weights": torch.ones(1, 400, 129)}
    exact = DeepClustering()(output.double(), {**target, "weights": target["weights"].double()})
    assert float(DeepClustering()(output, target)) == pytest.approx(float(exact), rel=1e-3)


@pytest.mark.parametrize("balanced", [False, True])
def test_battery(balanced: bool) -> None:
    output, target = case(5)
    check_loss(DeepClustering(balanced), output, target)
