"""The assignment of estimates to sources, compared with all permutations."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from repro.losses import permutations
from repro.losses.permutations import MOST_SEARCHED, least_mean


def costs(seed: int, sources: int, batch: int = 3) -> torch.Tensor:
    return torch.rand(batch, sources, sources, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(seed=st.integers(0, 1000), sources=st.integers(1, MOST_SEARCHED + 2))
def test_least_mean_is_that_of_all_permutations(seed: int, sources: int) -> None:
    given = costs(seed, sources)
    for value, table in zip(least_mean(given), given, strict=True):
        means = [table[range(sources), order].mean() for order in itertools.permutations(range(sources))]
        assert float(value) == pytest.approx(float(min(means)), rel=1e-12)


@pytest.mark.parametrize("sources", [2, MOST_SEARCHED, MOST_SEARCHED + 1])
def test_gradient_reaches_the_chosen_costs_alone(sources: int) -> None:
    given = costs(0, sources).requires_grad_()
    value = least_mean(given)
    value.sum().backward()
    assert given.grad is not None
    chosen = given.grad > 0
    assert (chosen.sum(1) == 1).all() and (chosen.sum(2) == 1).all()
    assert torch.allclose(given.grad[chosen], torch.tensor(1 / sources, dtype=torch.float64))
    assert torch.allclose((given * chosen).sum((1, 2)) / sources, value)


@pytest.mark.parametrize("sources", [2, MOST_SEARCHED + 1])
def test_of_equal_assignments_one_is_chosen(sources: int) -> None:
    given = torch.ones(1, sources, sources).requires_grad_()
    value = least_mean(given)
    value.backward()
    assert given.grad is not None
    assert value.item() == 1 and int((given.grad != 0).sum()) == sources


def test_training_works_after_inference_mode() -> None:
    permutations._orders.cache_clear()
    with torch.inference_mode():
        first = least_mean(costs(0, 2))
    given = costs(0, 2).requires_grad_()
    value = least_mean(given)
    value.sum().backward()
    assert given.grad is not None and torch.equal(value, first)


@pytest.mark.parametrize("sources", [1, MOST_SEARCHED, MOST_SEARCHED + 1])
def test_not_a_number_is_not_hidden(sources: int) -> None:
    given = costs(0, sources, batch=2)
    given[0] = torch.nan
    value = least_mean(given)
    assert value[0].isnan() and value[1].isfinite()
