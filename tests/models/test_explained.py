"""A classifier with explanations: deletion against a loop over pixels, random layers, and rank correlation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from repro.errors import BadInput
from repro.models.explained import Explained, correlation, deletion, randomised
from repro.models.explanations import CentreWeighted, Gradient, RandomPixels
from repro.models.image_classifiers import SmallCNN
from repro.testing import check_model


def tiny(**settings: Any) -> Explained:
    torch.manual_seed(0)
    classifier = SmallCNN(classes=3, width=4, blocks=2, norm="group")
    return Explained(classifier, [Gradient(), CentreWeighted()], **settings).eval()


def one_by_one(model: nn.Module, image: Tensor, label: int, found: Tensor) -> float:
    """The area under the curve with one step per pixel, from the definition."""
    order = np.argsort(-found.numpy().ravel(), kind="stable")
    left = image.clone()
    mean, values = image.mean((1, 2)), []
    for number in range(len(order) + 1):
        values.append(float(model(left[None]).softmax(1)[0, label]))
        if number < len(order):
            left[:, order[number] // image.shape[2], order[number] % image.shape[2]] = mean
    return float(np.trapezoid(values, dx=1 / len(order)))


@torch.no_grad()
def test_deletion_is_the_area_under_the_curve_of_its_definition() -> None:
    model, image = tiny().classifier, torch.rand(3, 6, 5)
    found = torch.rand(6, 5).round(decimals=1)  # with ties
    assert deletion(model, image, 1, found, steps=30) == pytest.approx(one_by_one(model, image, 1, found), abs=1e-6)


@torch.no_grad()
def test_deletion_rewards_the_map_that_begins_with_the_pixels_that_count() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 2)).eval()
    nn.init.zeros_(model[0 + 1].weight)
    model[1].weight.view(2, 3, 8, 8)[1, :, :4] = 0.05  # type: ignore[operator, union-attr]
    image = torch.zeros(3, 8, 8)
    image[:, :4] = 1.0
    good = deletion(model, image, 1, image[0], steps=16)
    assert (
        good < deletion(model, image, 1, torch.rand(8, 8), steps=16) < deletion(model, image, 1, 1 - image[0], steps=16)
    )


def test_the_estimate_has_a_value_for_each_explanation_and_explains_the_answer() -> None:
    model, image = tiny(shares=(0.5, 1.0)), torch.rand(3, 16, 16)
    with torch.inference_mode():
        found = model.estimate(image)
    assert (
        found["maps"].keys() == found["deletion"].keys() == found["randomised"].keys() == {"Gradient", "CentreWeighted"}
    )
    label = int(model(image[None]).argmax())
    assert torch.equal(found["maps"]["Gradient"], Gradient().explain(model.classifier, image, label))
    assert found["randomised"]["CentreWeighted"] == {0.5: pytest.approx(1.0), 1.0: pytest.approx(1.0)}
    assert all(-1 <= value < 0.999 for value in found["randomised"]["Gradient"].values())


def test_forward_is_that_of_the_classifier() -> None:
    model, images = tiny(), torch.rand(2, 3, 16, 16)
    assert torch.equal(model(images), model.classifier(images))
    check_model(tiny(), images)


def test_random_layers_are_the_last_ones_and_everything_else_stays() -> None:
    torch.manual_seed(0)
    model = SmallCNN(classes=3, width=4, blocks=2)
    model.train()(torch.rand(4, 3, 8, 8))
    before, state = {name: value.clone() for name, value in model.state_dict().items()}, torch.random.get_rng_state()
    changed = []
    for share in (0.2, 0.4, 0.6, 0.8, 1.0):
        with torch.inference_mode():
            other = randomised(model, share, seed=1)
        assert all(value.requires_grad and not value.is_inference() for value in other.parameters())
        names = {name for name, value in other.state_dict().items() if not torch.equal(value, before[name])}
        changed.append({name.rpartition(".")[0] for name in names})
    assert changed[0] == {"head"} and changed[2] == {"head", "features.5", "features.4"}
    assert changed[-1] == {"head", *(f"features.{number}" for number in (0, 1, 4, 5))}
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(state, torch.random.get_rng_state())
    again = randomised(model, 1.0, seed=1).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in other.state_dict().items())


def test_correlation_is_spearmans() -> None:
    random = torch.Generator().manual_seed(0)
    first, second = (torch.rand(8, 9, generator=random).round(decimals=1) for _ in range(2))
    assert correlation(first, second) == pytest.approx(stats.spearmanr(first.ravel(), second.ravel()).statistic)
    assert correlation(first, -first) == pytest.approx(-1.0)
    assert correlation(torch.zeros(2, 2), first[:2, :2]) == 0.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("steps", value) for value in (0, -1, 1.0, True)),
        *(("seed", value) for value in (-1, 0.5)),
        *(("shares", value) for value in ((0.0,), (1.1,), (float("nan"),), 1.0, (True,))),
        *(("explanations", value) for value in (Gradient(), [3])),
        ("classifier", None),
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: Any) -> None:
    given = {"classifier": SmallCNN(classes=2, width=4, blocks=1), "explanations": [Gradient()]}
    with pytest.raises(BadInput) as refused:
        Explained(**given | {name: value})
    assert refused.value.parameter == name


def test_two_explanations_of_one_name_are_refused() -> None:
    with pytest.raises(BadInput):
        Explained(SmallCNN(classes=2, width=4, blocks=1), [RandomPixels(0), RandomPixels(1)])
