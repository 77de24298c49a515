"""Wrong sizes, networks that do not exist, and scores without meaning: one line, never a number."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from papers.goodfellow2015.loss import Adversarial, NegativeLogLikelihood
from papers.goodfellow2015.metric import Agreement, MistakeRate
from papers.goodfellow2015.model import Maxout, RadialUnits, SoftmaxRegression, UnderAttack
from repro.errors import BadInput


@pytest.mark.parametrize("networks", [(), (-1,), (0.5,), (1,)])
def test_adversarial_training_of_networks_that_do_not_exist_is_refused(networks: Any) -> None:
    model = UnderAttack([SoftmaxRegression()], NegativeLogLikelihood())
    with pytest.raises(BadInput):
        Adversarial(NegativeLogLikelihood(), networks=networks).of(model, torch.rand(1, 784), torch.tensor([3]))


@pytest.mark.parametrize("size", [{"pixels": 0}, {"pixels": -1}, {"pixels": 100}])
@pytest.mark.parametrize("network", [SoftmaxRegression, Maxout, RadialUnits])
def test_a_network_refuses_images_with_other_pixels(network: Any, size: dict[str, int]) -> None:
    with pytest.raises(BadInput):
        network(**size)(torch.rand(1, 784))


def test_metrics_refuse_what_would_be_a_number_without_meaning() -> None:
    with pytest.raises(BadInput):
        Agreement(of=0, other=0)
    for wrong in (torch.full((1, 2), float("nan")), torch.zeros(2)):
        with pytest.raises(BadInput):
            MistakeRate()(wrong, 0, None)
