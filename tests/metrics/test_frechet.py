"""The Fréchet distance against scipy's matrix root, its influences against reweighting and a bootstrap, its bias."""

from __future__ import annotations

import pickle
from statistics import fmean
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import nn

from repro.errors import BadInput
from repro.interval import interval
from repro.metrics.frechet import Fitted, FrechetDistance, features, power
from repro.metrics.parzen import ParzenLogLikelihood
from repro.models.image_classifiers import SmallCNN
from repro.testing import check_metric


def points(count: int, size: int, seed: int, shift: float = 0.0, stretch: float = 1.0) -> np.ndarray:
    """Normal points with correlated coordinates."""
    random = np.random.default_rng(seed)
    mixed = np.eye(size) + 0.3 * np.random.default_rng(99).standard_normal((size, size))
    return shift + stretch * random.standard_normal((count, size)) @ mixed


def formula(one: np.ndarray, other: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Equation 6 of Heusel et al. 2017, with the root of the product of both covariances. weights: of `one`."""
    first, second = (np.cov(x.T, bias=True, aweights=w) for x, w in ((one, weights), (other, None)))
    root = scipy.linalg.sqrtm(np.atleast_2d(first) @ np.atleast_2d(second)).real
    mean = np.average(one, 0, weights) - other.mean(0)
    return float(mean @ mean + np.trace(np.atleast_2d(first) + np.atleast_2d(second) - 2 * root))


@pytest.mark.parametrize(("size", "count"), [(1, 5), (3, 50), (20, 300)])
def test_the_distance_is_that_of_the_formula(size: int, count: int) -> None:
    one, other = points(count, size, 0), points(count, size, 1, shift=0.5, stretch=1.7)
    assert Fitted(one).distance(Fitted(other)) == pytest.approx(formula(one, other), rel=1e-9)
    assert Fitted(one).distance(Fitted(other)) == pytest.approx(Fitted(other).distance(Fitted(one)))


def test_equal_sets_and_a_shift_have_the_distance_that_one_knows() -> None:
    one = points(100, 4, 2)
    assert Fitted(one).distance(Fitted(one)) == pytest.approx(0.0, abs=1e-9)
    assert Fitted(one).distance(Fitted(one + 2.0)) == pytest.approx(4 * 2.0**2)
    assert Fitted(one).distance(Fitted(-one + 2 * one.mean(0))) == pytest.approx(0.0, abs=1e-9), "a mirror image"


@pytest.mark.filterwarnings("ignore:Matrix is singular")
def test_features_that_never_differ_are_no_problem() -> None:
    """A unit that is dead in one of the sets, or in both: the covariance has no inverse."""
    one, other = points(60, 5, 3), points(60, 5, 4, shift=0.2)
    one[:, 0] = other[:, 0] = 0.0
    one[:, 1] = 1.0
    assert Fitted(one).distance(Fitted(other)) == pytest.approx(formula(one, other), rel=1e-6)
    assert np.isfinite(Fitted(one).influences(Fitted(other))).all()


def test_an_influence_is_the_derivative_by_the_weight_of_an_item() -> None:
    one, other = points(40, 3, 5), points(40, 3, 6, shift=0.4, stretch=1.3)
    found, small = Fitted(one).influences(Fitted(other)), 1e-5
    for item in (0, 7, 39):
        more, less = (np.full(40, 1 - sign * small) + sign * small * 40 * (np.arange(40) == item) for sign in (1, -1))
        slope = (formula(one, other, more) - formula(one, other, less)) / (2 * small)
        assert found[item] == pytest.approx(slope, rel=1e-4)


class Flat(nn.Module):
    """The features of a row of pixels are the pixels."""

    features = nn.Flatten()


def values(metric: FrechetDistance, one: np.ndarray, other: np.ndarray) -> list[float]:
    rows = zip(torch.from_numpy(one), torch.from_numpy(other), strict=True)
    return metric.contributions([metric(a, b, None) for a, b in rows])


def test_the_standard_error_is_that_of_a_bootstrap() -> None:
    one, other = points(800, 4, 7), points(800, 4, 8, shift=0.5, stretch=1.3)
    found = np.std(values(FrechetDistance(Flat(), of="pixels"), one, other)) / 800**0.5
    random, drawn = np.random.default_rng(9), []
    for _ in range(400):
        rows, columns = random.integers(0, 800, (2, 800))
        drawn.append(Fitted(one[rows]).distance(Fitted(other[columns])))
    assert found == pytest.approx(np.std(drawn), rel=0.12)  # 400 draws: 3.5 % is one deviation


def test_the_interval_contains_the_distance_of_the_distributions() -> None:
    """200 studies with 1,000 pairs of 4 features; the distributions are known."""
    mixed = np.eye(4) + 0.3 * np.random.default_rng(99).standard_normal((4, 4))
    exact = 4 * 0.5**2 + (1.3 - 1) ** 2 * np.trace(mixed.T @ mixed)
    metric = FrechetDistance(Flat(), of="pixels")
    studies = [
        interval([values(metric, points(1000, 4, 2 * n), points(1000, 4, 2 * n + 1, 0.5, 1.3))]) for n in range(200)
    ]
    assert 0.90 <= fmean(one.low <= exact <= one.high for one in studies) <= 0.985


@pytest.mark.parametrize(("size", "count"), [(4, 200), (16, 1000)])
def test_equal_distributions_have_the_distance_that_the_docstring_states(size: int, count: int) -> None:
    """For normal features with variance 1: (2 F + F (F + 1) / 2) / N on average."""
    random = np.random.default_rng(10)
    found = [Fitted(a).distance(Fitted(b)) for a, b in random.standard_normal((100, 2, count, size))]
    assert fmean(found) == pytest.approx((2 * size + size * (size + 1) / 2) / count, rel=0.1)


def test_the_features_are_those_before_the_head() -> None:
    torch.manual_seed(0)
    model, images = SmallCNN(classes=3, channels=1, width=4, blocks=2).eval(), torch.rand(601, 1, 8, 8)
    found = torch.from_numpy(features(model, images)).float()
    assert torch.allclose(model.head(found), model(images), atol=1e-5)


def test_the_battery_and_the_identity() -> None:
    torch.manual_seed(0)
    one, other = (SmallCNN(classes=3, channels=1, width=4, blocks=1) for _ in range(2))
    metric = FrechetDistance(one, of="nobody")
    check_metric(metric, torch.rand(1, 8, 8), torch.rand(1, 8, 8), None)
    same = FrechetDistance(one, of="nobody").identity
    assert metric.identity == same != FrechetDistance(other, of="nobody").identity
    assert same != FrechetDistance(one, of="somebody").identity
    assert not one.training, "batch normalisation uses the means of the training"


@pytest.mark.parametrize(("given", "parameter"), [
    ({"classifier": nn.Linear(2, 2), "of": "x"}, "classifier"), ({"classifier": 3, "of": "x"}, "classifier"),
    ({"classifier": Flat(), "of": ""}, "of"), ({"classifier": Flat(), "of": 3}, "of"),
])  # fmt: skip
def test_a_wrong_parameter_is_named(given: Any, parameter: str) -> None:
    with pytest.raises(BadInput, match="expected") as caught:
        FrechetDistance(**given)
    assert caught.value.parameter == parameter


def test_images_that_do_not_fit_are_one_line() -> None:
    metric = FrechetDistance(Flat(), of="pixels")
    with pytest.raises(BadInput, match=r"expected \(1, 2, 2\)"):
        metric(torch.zeros(4), torch.zeros(1, 2, 2), None)
    with pytest.raises(BadInput, match="at least two"):
        metric.contributions([metric(torch.zeros(4), torch.zeros(4), None)])


@pytest.mark.parametrize("metric", [FrechetDistance(Flat(), of="pixels"), ParzenLogLikelihood([])])
def test_an_item_of_a_batch_is_small_when_processes_exchange_it(metric: Any) -> None:
    """A run of several processes sends the items of each to all; a row of a tensor would bring its whole batch."""
    images = torch.rand(500, 1, 28, 28)
    assert len(pickle.dumps(metric(images[3], images[4], None))) < 3 * 4 * 28 * 28


def test_a_power_of_a_matrix_is_that_of_scipy() -> None:
    matrix = Fitted(points(50, 6, 11)).covariance
    assert power(matrix, 0.5) == pytest.approx(scipy.linalg.sqrtm(matrix).real, abs=1e-9)
    assert power(matrix, -0.5) == pytest.approx(np.linalg.inv(scipy.linalg.sqrtm(matrix).real), abs=1e-9)


def test_values_that_are_not_finite_are_refused() -> None:
    fine, metric = torch.zeros(1, 2, 2), FrechetDistance(Flat(), of="pixels")
    for bad in (torch.full((1, 2, 2), torch.nan), fine.byte()):
        for given in ((fine, bad), (bad, fine)):
            with pytest.raises(BadInput):
                metric(*given, None)


class Features(nn.Module):
    """A "classifier" whose features are `make(images)`."""

    def __init__(self, make: Any) -> None:
        super().__init__()
        self.features = nn.Flatten()
        self.features.forward = make  # type: ignore[method-assign]


@pytest.mark.parametrize(
    "make",
    [
        nn.Conv2d(3, 1, 1).forward,  # other channels
        lambda images: images.flatten(1) * torch.nan,
        lambda images: images.flatten(1)[:1],
        lambda images: images.mean((1, 2, 3)),
        lambda images: None,
    ],
)
def test_a_classifier_that_does_not_fit_the_images_is_one_line(make: Any) -> None:
    metric, image = FrechetDistance(Features(make), of="an example"), torch.rand(1, 2, 2)
    with pytest.raises(BadInput, match="features of Features"):
        metric.contributions([metric(image, image, None)] * 3)
