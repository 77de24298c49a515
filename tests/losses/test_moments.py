"""Moments: compared with one line of einsum, and with numerical gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from repro.losses.moments import moments


def arguments(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(0)
    vectors, weights, labels = (
        torch.randn(shape, generator=random, dtype=dtype) for shape in ((2, 3, 4, 5), (2, 3, 5), (2, 3, 2, 5))
    )
    return vectors.requires_grad_(), weights.requires_grad_(), labels.requires_grad_()


def plain(vectors: Tensor, weights: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    gram = torch.einsum("bnf,bndf,bnef->bde", weights, vectors, vectors)
    return gram, torch.einsum("bncf,bndf->bdc", labels, vectors)


def test_moments_are_the_weighted_sums() -> None:
    given = arguments()
    for ours, theirs in zip(moments(*given), plain(*given), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize("needed", [(True, True, True), (True, False, False), (False, True, False)])
def test_gradients_are_those_of_the_plain_form(needed: tuple[bool, ...]) -> None:
    """The hand-written backward pass, for a function of both moments that is not symmetric."""
    found = []
    for form in (moments, plain):
        given = [x.detach().requires_grad_(need) for x, need in zip(arguments(), needed, strict=True)]
        gram, sums = form(*given)
        factors = torch.arange(16.0).view(4, 4), torch.arange(8.0).view(4, 2)
        ((gram * factors[0]).square().sum() + (sums * factors[1]).sin().sum()).backward()
        found.append([x.grad for x in given])
    for ours, theirs, need in zip(*found, needed, strict=True):
        assert (ours is not None) == need
        assert not need or torch.allclose(ours, theirs, rtol=1e-10)


def test_gradients_are_the_numerical_ones() -> None:
    assert torch.autograd.gradcheck(moments, arguments())


def test_a_second_derivative_is_refused() -> None:
    vectors, weights, labels = arguments()
    first = torch.autograd.grad(moments(vectors, weights, labels)[0].square().sum(), vectors, create_graph=True)[0]
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def test_the_memory_layout_does_not_matter() -> None:
    vectors, weights, labels = arguments()
    other = vectors.detach().transpose(2, 3).contiguous().transpose(2, 3)
    assert not other.is_contiguous()
    for ours, theirs in zip(moments(other, weights, labels), moments(vectors, weights, labels), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-12)


def test_autocast_does_not_lower_the_precision() -> None:
    given = arguments(torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        low = moments(*given)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(low, moments(*given), strict=True))


def test_sums_over_many_bins_keep_seven_digits() -> None:
    random = torch.Generator().manual_seed(0)
    vectors = torch.rand(1, 400, 3, 129, generator=random)
    weights, labels = torch.rand(1, 400, 129, generator=random), torch.rand(1, 400, 2, 129, generator=random)
    exact = plain(vectors.double(), weights.double(), labels.double())
    for ours, theirs in zip(moments(vectors, weights, labels), exact, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-7)
