"""Tests of the models of our own."""

from __future__ import annotations

import pytest
import torch

from papers.northcutt2021.model import NGrams, TwoConvolutions
from repro.errors import BadInput
from repro.testing import check_model

IDS = torch.tensor([[2, 3, 4, 0], [3, 2, 4, 0], [2, 3, 5, 0], [3, 2, 5, 0]])


def test_two_convolutions_pass_the_check_of_models() -> None:
    check_model(TwoConvolutions(channels=(2, 3), hidden=5), torch.rand(3, 1, 28, 28))


def test_pairs_of_words_tell_orders_apart() -> None:
    """The classes differ in the order of two words alone, which single words cannot show."""
    model = NGrams(buckets=2**12, strength=10.0)
    model.fit(IDS, torch.tensor([0, 1, 0, 1]))
    assert model(IDS).argmax(1).tolist() == [0, 1, 0, 1]


def test_padding_and_repetition_do_not_change_the_scores() -> None:
    model = NGrams(buckets=2**12)
    model.fit(IDS, torch.tensor([0, 1, 1, 1]))
    longer = torch.cat([IDS, torch.zeros(4, 3, dtype=IDS.dtype)], 1)
    assert torch.equal(model(longer), model(IDS))
    twice, once = torch.tensor([[2, 3, 2, 3]]), torch.tensor([[2, 3, 2, 0]])
    assert torch.allclose(model(twice), model(once))


def test_the_fit_is_the_same_every_time_and_is_saved() -> None:
    first, second, loaded = (NGrams(buckets=2**10) for _ in range(3))
    for model in (first, second):
        model.fit(IDS, torch.tensor([0, 1, 0, 1]))
    loaded.load_state_dict(first.state_dict())
    assert torch.equal(first(IDS), second(IDS)) and torch.equal(first(IDS), loaded(IDS))


def test_bad_input_is_named() -> None:
    with pytest.raises(BadInput) as caught:
        NGrams(strength=0.0)
    assert caught.value.parameter == "strength"
    with pytest.raises(BadInput) as caught:
        TwoConvolutions(side=8)
    assert caught.value.parameter == "side"
