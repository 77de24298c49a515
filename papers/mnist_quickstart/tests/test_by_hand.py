"""Tests of the layers by hand: gradients compared with finite differences, layers compared with torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from papers.mnist_quickstart import by_hand

STEP = 1e-6  # of the finite differences; in float64 a central difference then has an error of about 1e-9


def layer(name: str, random: np.random.Generator) -> tuple[Any, tuple[int, ...]]:
    """A layer with random weights, and the shape of its input."""
    drawn = random.normal
    made = {
        "Flatten": (lambda: by_hand.Flatten(), (3, 2, 4)),
        "ReLU": (lambda: by_hand.ReLU(), (3, 7)),
        "Linear": (lambda: by_hand.Linear(drawn(size=(4, 5)), drawn(size=4)), (3, 5)),
        "Convolution": (lambda: by_hand.Convolution(drawn(size=(4, 2, 3, 3)), drawn(size=4)), (3, 2, 6, 5)),
        "MaxPool": (lambda: by_hand.MaxPool(), (3, 2, 4, 6)),
    }
    make, shape = made[name]
    return make(), shape


@pytest.mark.parametrize("name", ["Flatten", "ReLU", "Linear", "Convolution", "MaxPool"])
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_layers_gradients_are_the_finite_differences(name: str, seed: int) -> None:
    """In random directions of the input and of each parameter, for a weighted sum of the output."""
    random = np.random.default_rng(seed)
    one, shape = layer(name, random)
    x = random.normal(size=shape)
    weights = random.normal(size=one.forward(x).shape)
    by_input = one.backward(weights)
    for array, gradient in [(x, by_input), *zip(one.parameters, one.gradients, strict=True)]:
        direction = random.normal(size=array.shape)
        direction /= np.linalg.norm(direction)
        values = []
        for sign in (1, -1):
            array += sign * STEP * direction
            values.append((weights * one.forward(x)).sum())
            array -= sign * STEP * direction
        numeric = (values[0] - values[1]) / (2 * STEP)
        assert numeric == pytest.approx((gradient * direction).sum(), abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), classes=st.integers(2, 12), size=st.floats(0.1, 50))
def test_the_loss_and_its_gradient_are_those_of_torch(seed: int, classes: int, size: float) -> None:
    random = np.random.default_rng(seed)
    scores, target = size * random.normal(size=(5, classes)), random.integers(classes, size=5)
    value, gradient = by_hand.softmax_cross_entropy(scores, target)
    given = torch.from_numpy(scores).requires_grad_()
    theirs = torch.nn.functional.cross_entropy(given, torch.from_numpy(target))
    theirs.backward()
    assert value == pytest.approx(theirs.item(), abs=1e-12)
    assert np.allclose(gradient, given.grad.numpy(), rtol=0, atol=1e-12)


def test_the_loss_of_huge_scores_is_finite() -> None:
    value, gradient = by_hand.softmax_cross_entropy(np.array([[1e4, -1e4]]), np.array([1]))
    assert value == 2e4 and np.isfinite(gradient).all()


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    channels=st.integers(1, 3),
    side=st.integers(1, 4),
    rows=st.integers(4, 7),
    columns=st.integers(4, 7),
)
def test_a_convolution_is_that_of_torch(seed: int, channels: int, side: int, rows: int, columns: int) -> None:
    random = np.random.default_rng(seed)
    arrays = [random.normal(size=shape) for shape in ((2, channels, rows, columns), (3, channels, side, side), (3,))]
    one = by_hand.Convolution(*arrays[1:])
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    ours, theirs = one.forward(arrays[0]), torch.nn.functional.conv2d(*tensors)
    assert np.allclose(ours, theirs.detach().numpy(), rtol=0, atol=1e-12)
    given = one.backward(np.ones_like(ours))
    theirs.sum().backward()
    for ours, tensor in zip((given, *one.gradients), tensors, strict=True):
        assert np.allclose(ours, tensor.grad.numpy(), rtol=0, atol=1e-10)


def test_pooling_ties_go_to_the_first_as_in_torch() -> None:
    x = np.zeros((2, 1, 4, 4))
    given = torch.from_numpy(x.copy()).requires_grad_()
    torch.nn.functional.max_pool2d(given, 2).sum().backward()
    one = by_hand.MaxPool()
    assert np.array_equal(one.backward(np.ones_like(one.forward(x))), given.grad.numpy())


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), side=st.integers(1, 4))
def test_putting_patches_back_is_the_adjoint_of_taking_them(seed: int, side: int) -> None:
    """<patches(x), rows> = <x, put_back(rows)> for any x and rows."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(2, 3, 5, 4))
    taken = by_hand.patches(x, side)
    rows = random.normal(size=taken.shape)
    assert (taken * rows).sum() == pytest.approx((x * by_hand.put_back(rows, x.shape, side)).sum(), abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), momentum=st.floats(0, 0.99))
def test_a_step_is_that_of_torch(seed: int, momentum: float) -> None:
    random = np.random.default_rng(seed)
    start, gradients = random.normal(size=3), random.normal(size=(4, 3))
    ours, theirs = start.copy(), torch.from_numpy(start.copy())
    by_us, by_torch = by_hand.SGD([ours], momentum), torch.optim.SGD([theirs], lr=0.1, momentum=momentum)
    for gradient in gradients:
        by_us.step([gradient], lr=0.1)
        theirs.grad = torch.from_numpy(gradient.copy())
        by_torch.step()
    assert np.allclose(ours, theirs.numpy(), rtol=0, atol=1e-12)
