"""Dropout that stays on in the test: what it changes and what it leaves."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from repro.errors import BadInput
from repro.models.adversarial import DenseGenerator
from repro.models.with_dropout import WithDropout

ITEMS = 400


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 50), nn.BatchNorm1d(50), nn.Dropout(0.5), nn.Linear(50, 4))


def test_in_training_it_is_the_network() -> None:
    inner, inputs = network(), torch.randn(8, 3)
    torch.manual_seed(1)
    expected = inner(inputs)
    model = WithDropout(network())
    torch.manual_seed(1)
    assert torch.equal(model(inputs), expected)


def test_the_mean_of_many_masks_is_the_answer_without_dropout() -> None:
    """It is so if the network is linear behind the dropout. Batch normalisation is in eval mode."""
    inner = network().eval()
    inputs = torch.tensor([[0.3, -0.7, 1.1]]).expand(ITEMS, 3)
    found = WithDropout(inner).eval()(inputs)
    error = found.std(dim=0) / ITEMS**0.5
    assert len(found.unique(dim=0)) == ITEMS
    assert bool(((found.mean(dim=0) - inner(inputs)[0]).abs() < 5 * error).all())


def test_a_batch_has_one_answer_and_the_random_state_stays() -> None:
    model, inputs = WithDropout(network()).eval(), torch.randn(8, 3)
    state = torch.get_rng_state()
    first = model(inputs)
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(3)
    assert torch.equal(model(inputs), first)
    assert not torch.equal(model(inputs + 1e-6), first)
    assert not any(layer.training for layer in model.modules())


def test_samples_of_one_class_differ_by_dropout() -> None:
    """The finding of mirza2014, in small: of the same noise and label, samples are alike but for the dropout."""
    torch.manual_seed(0)
    generator = DenseGenerator(noise=5, hidden=[30], classes=3, paths=[6, 8], dropout=0.5, spread=0.5)
    same = {"noise": torch.zeros(20, 5), "label": torch.eye(3)[:1].expand(20, 3)}
    assert len(generator.eval()(same).flatten(1).unique(dim=0)) == 1
    assert len(WithDropout(generator).eval()(same).flatten(1).unique(dim=0)) == 20


@pytest.mark.parametrize("bad", [nn.Linear(2, 2), nn.Dropout(0.0), None, 3])
def test_what_has_no_dropout_is_refused(bad: object) -> None:
    with pytest.raises(BadInput) as caught:
        WithDropout(bad)
    assert "WithDropout.network" in str(caught.value)
