"""Monte Carlo dropout: the masks, what stays as it was, and the model with one network per number of labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from repro.errors import BadInput
from repro.models import dropout_samples
from repro.models.active_learner import ActiveLearner
from repro.models.dropout_samples import samples
from repro.testing import check_model


def network(dropout: float = 0.5) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        *(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(dropout)),
        *(nn.Linear(8, 8), nn.Dropout(dropout), nn.Linear(8, 3)),
    )


class Whole(nn.Module):
    """The same network as one that is not a sequence."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, inputs: Tensor) -> Tensor:
        found: Tensor = self.inner(inputs)
        return found


INPUTS = torch.rand(6, 4, generator=torch.Generator().manual_seed(1))


def test_computing_the_first_layers_once_changes_nothing() -> None:
    assert torch.allclose(samples(network(), INPUTS, 7, seed=3), samples(Whole(network()), INPUTS, 7, seed=3))


def test_without_dropout_every_sample_is_the_answer() -> None:
    found, given = samples(network(0.0), INPUTS, 3), network(0.0).eval()(INPUTS).softmax(1)
    assert torch.allclose(found, given.expand(3, -1, -1))
    assert not dropout_samples.has_dropout(network(0.0))


def test_the_mean_of_many_samples_is_the_expectation() -> None:
    """With dropout before one linear layer, there are two masks, so the mean probability is known."""
    layer = nn.Linear(1, 2, bias=False)
    nn.init.constant_(layer.weight[:1].data, 1.0)
    nn.init.constant_(layer.weight[1:].data, 0.0)
    found = samples(nn.Sequential(nn.Dropout(0.25), layer), torch.full((4000, 1), 3.0), 5)[..., 0]
    kept = 1 / (1 + np.exp(-3.0 / 0.75))  # the input is 4 with the probability 0.75, else 0
    assert float(found.mean()) == pytest.approx(0.75 * kept + 0.25 * 0.5, abs=0.01)
    assert sorted(set(found.flatten().numpy().round(4))) == pytest.approx([0.5, kept], abs=1e-3)


def test_the_same_seed_gives_the_same_masks_and_the_random_state_stays() -> None:
    made = network()
    first = samples(made, INPUTS, 4, seed=2)
    torch.manual_seed(6)
    before = torch.random.get_rng_state()
    assert torch.equal(samples(made, INPUTS, 4, seed=2), first)
    assert not torch.equal(samples(made, INPUTS, 4, seed=3), first)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("training", [True, False])
def test_the_modes_and_the_statistics_of_the_layers_stay(training: bool) -> None:
    made = network().train(training)
    made[1].eval()
    modes = [layer.training for layer in made.modules()]
    mean = made[1].running_mean.clone()
    samples(made, INPUTS, 2)
    assert [layer.training for layer in made.modules()] == modes
    assert torch.equal(made[1].running_mean, mean)


def test_probabilities_are_not_made_twice() -> None:
    given = torch.tensor([[0.2, 0.8], [1.0, 0.0]])
    assert torch.equal(dropout_samples.probabilities(given), given)
    assert torch.allclose(dropout_samples.probabilities(given + 1), given.softmax(1))


def test_a_learner_answers_with_the_mean_of_its_masks() -> None:
    plain = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))
    check_model(ActiveLearner(plain, acquisitions=2, passes=6), INPUTS)
    model = ActiveLearner(network(), acquisitions=2, passes=6).eval()
    nn.init.zeros_(model.networks[1][-1].weight)
    nn.init.zeros_(model.networks[1][-1].bias)
    found = model(INPUTS).exp()
    assert found.shape == (6, 3, 3)
    assert torch.allclose(found.sum(2), torch.ones(6, 3))
    assert torch.allclose(found[:, 1], torch.full((6, 3), 1 / 3))
    assert torch.allclose(found[:, 2], model.dropout_samples(INPUTS, 6).mean(0)), (
        "the samples are those of the last network"
    )
    assert torch.equal(samples(model, INPUTS, 6), model.dropout_samples(INPUTS, 6))


@pytest.mark.parametrize(
    ("name", "value"), [("acquisitions", -1), ("acquisitions", 1.5), ("passes", 0), ("passes", float("nan"))]
)
def test_other_numbers_are_refused(name: str, value: Any) -> None:
    with pytest.raises(BadInput, match=name):
        ActiveLearner(network(), **{"acquisitions": 1, name: value})


def test_several_passes_through_a_network_without_dropout_are_refused() -> None:
    with pytest.raises(BadInput, match="dropout"):
        ActiveLearner(network(0.0), acquisitions=1)
    assert ActiveLearner(network(0.0), acquisitions=1, passes=1).eval()(INPUTS).shape == (6, 2, 3)
