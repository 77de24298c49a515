"""A model of several folds: which network answers which item, and that an item's answer is independent of others."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from repro.errors import BadInput
from repro.models.out_of_sample import OutOfSample
from repro.testing import check_model


def model(folds: int = 4, seed: int = 0) -> OutOfSample:
    torch.manual_seed(seed)
    made = OutOfSample(nn.Linear(3, 2), folds=folds)
    for network in made.networks:
        nn.init.normal_(network.weight)
    return made.eval()


def test_each_item_is_answered_by_the_network_of_its_fold() -> None:
    made, inputs = model(), torch.randn(50, 3)
    expected = torch.stack([made.networks[made.fold(one)](one) for one in inputs])
    assert torch.allclose(made(inputs), expected, atol=1e-6)
    assert {made.fold(one) for one in inputs} == {0, 1, 2, 3}


def test_equal_items_have_the_same_fold_and_every_seed_has_other_folds() -> None:
    inputs = torch.randn(200, 3)
    folds = [[model(seed=seed).fold(one) for one in given] for seed, given in ((0, inputs), (0, inputs.clone()))]
    assert folds[0] == folds[1]
    assert folds[0] != [model(seed=1).fold(one) for one in inputs]


def test_the_folds_have_about_equal_sizes() -> None:
    made = model(folds=5)
    counts = torch.bincount(torch.tensor([made.fold(one) for one in torch.randn(2000, 3)]), minlength=5)
    assert ((counts - 400).abs() < 5 * (2000 * 0.2 * 0.8) ** 0.5).all()


def test_the_folds_are_part_of_the_saved_state() -> None:
    inputs, one, other = torch.randn(40, 3), model(seed=0), model(seed=1)
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(inputs), other(inputs))


def test_it_passes_the_check_of_models() -> None:
    check_model(model(folds=3).train(), torch.randn(4, 3))


def test_bad_input_is_named() -> None:
    with pytest.raises(BadInput) as caught:
        OutOfSample(nn.Linear(3, 2), folds=1)
    assert caught.value.parameter == "folds"
    with pytest.raises(BadInput) as caught:
        model().fold("a text")  # type: ignore[arg-type]
    assert caught.value.expected == "a tensor"
