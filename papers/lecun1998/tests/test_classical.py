"""Tests of the classifiers without gradient steps, compared with numpy and scikit-learn."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import PolynomialFeatures
from torch.nn.functional import pad

from papers.lecun1998.dataset import Framed, stacked
from papers.lecun1998.loss import SquaredTargets
from papers.lecun1998.model.classical import (
    LeastSquares,
    PolynomialSupportVectors,
    PrincipalQuadratic,
    RadialBasis,
    shifted,
    signs,
)
from papers.lecun1998.model.neighbours import (
    LocalLearning,
    NearestNeighbours,
    NetworkNeighbours,
    TangentNeighbours,
    blurred,
    tangents,
    two_sided,
    votes,
)
from papers.lecun1998.model.networks import LeNet4
from papers.lecun1998.trainer import ThenFit
from repro.datasets.digits import Digits
from repro.trainers.supervised import Supervised

Arrays = tuple[torch.Tensor, torch.Tensor]


def digits(split: Any, size: int = 8) -> Arrays:
    dataset = Digits(split, size)
    images, labels = stacked(dataset, range(len(dataset)))
    return images, torch.tensor(labels)


def error(model: torch.nn.Module, inputs: torch.Tensor, target: torch.Tensor) -> float:
    model.eval()
    with torch.inference_mode():
        return 100 * float((model(inputs).argmax(1) != target).double().mean())


def test_least_squares_is_that_of_numpy() -> None:
    """Some pixels are constant, so many weights fit equally well. Both take those with the smallest norm."""
    (x, y), (unseen, _) = digits("train"), digits("test")
    model = LeastSquares()
    model.fit(x, y)
    flat = [np.pad(part.flatten(1).double().numpy(), ((0, 0), (0, 1)), constant_values=1) for part in (x, unseen)]
    weights = np.linalg.lstsq(flat[0], signs(y).numpy(), rcond=None)[0]
    assert np.abs(model(unseen).numpy() - flat[1] @ weights).max() < 1e-6


@pytest.mark.parametrize("linear", [False, True])
def test_principal_quadratic_is_that_of_scikit_learn(linear: bool) -> None:
    (x, y), (unseen, _) = digits("train"), digits("test")
    model = PrincipalQuadratic(components=7, linear=linear)
    model.fit(x, y)
    axes = PCA(7).fit(x.flatten(1).double().numpy())
    powers = PolynomialFeatures(2)

    def inputs(part: torch.Tensor) -> Any:
        found = powers.fit_transform(axes.transform(part.flatten(1).double().numpy()))
        return found if linear else found[:, powers.powers_.sum(1) != 1]

    weights = np.linalg.lstsq(inputs(x), signs(y).numpy(), rcond=None)[0]
    assert model.weight.shape[0] == inputs(x).shape[1]
    assert np.abs(model(unseen).numpy() - inputs(unseen) @ weights).max() < 1e-6


def test_forty_components_make_the_inputs_of_the_paper() -> None:
    model = PrincipalQuadratic(40)
    model.fit(*digits("train"))
    assert model.weight.shape == (821, 10)


def test_radial_basis_has_centres_of_each_class_and_learns() -> None:
    (x, y), (unseen, wanted) = digits("train"), digits("test")
    torch.manual_seed(0)
    model = RadialBasis(centres=10)
    model.fit(x, y)
    nearest = KNeighborsClassifier(1).fit(x.flatten(1).numpy(), y.numpy())
    of = nearest.predict(model.centres.numpy()).reshape(10, 10)
    assert (of == np.arange(10)[:, None]).mean() > 0.95
    assert error(model, unseen, wanted) < error(_linear(x, y), unseen, wanted)


def _linear(x: torch.Tensor, y: torch.Tensor) -> LeastSquares:
    model = LeastSquares()
    model.fit(x, y)
    return model


def test_radial_basis_varies_with_the_seed_alone() -> None:
    x, y = digits("train")
    found = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        model = RadialBasis(centres=5)
        model.fit(x, y)
        found.append(model(x[:20]))
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])


def test_support_vectors_have_the_polynomial_kernel() -> None:
    """For two classes, the decision is a sum over the support vectors. Here the kernel is written out."""
    x, y = digits("train")
    pair = y < 2
    model = PolynomialSupportVectors(degree=4)
    model.fit(x[pair], y[pair])
    one = model.machine
    flat = x[pair].flatten(1).double().numpy()
    scale = (flat**2).sum(1).mean()
    kernel = (flat[:30] @ one.support_vectors_.T / scale + 1) ** 4
    by_hand = kernel @ one.dual_coef_[0] + one.intercept_[0]
    assert np.abs(one.decision_function(flat[:30]) - by_hand).max() < 1e-8


def test_virtual_support_vectors_know_of_shifts() -> None:
    (x, y), (unseen, wanted) = digits("train", 12), digits("test", 12)
    x, y = x[:500], y[:500]
    plain, virtual = PolynomialSupportVectors(4), PolynomialSupportVectors(4, shifts=True)
    for model in (plain, virtual):
        model.fit(x, y)
    moved = shifted(unseen, 0, 1)
    assert error(virtual, moved, wanted) < error(plain, moved, wanted)


def test_shifting_is_that_of_scipy() -> None:
    image = torch.rand(1, 1, 6, 7)
    theirs = ndimage.shift(image[0, 0].numpy(), (-1, 1), order=0, mode="grid-wrap")
    assert np.allclose(shifted(image, -1, 1)[0, 0].numpy(), theirs)


def test_nearest_neighbours_are_those_of_scikit_learn() -> None:
    (x, y), (unseen, _) = digits("train"), digits("test")
    model = NearestNeighbours(k=3)
    model.fit(x, y)
    theirs = KNeighborsClassifier(3, algorithm="brute").fit(x.flatten(1).numpy(), y.numpy())
    shares = theirs.predict_proba(unseen.flatten(1).numpy())
    agreed = shares.max(1) > 0.5  # with three different classes, scikit-learn takes the lowest, we the nearest
    assert agreed.mean() > 0.95
    assert (model(unseen).argmax(1).numpy() == shares.argmax(1))[agreed].all()


@pytest.mark.parametrize(
    ("labels", "winner"),
    [([4, 2, 2], 2), ([7, 1, 3], 7), ([5, 1, 1, 5], 5), ([6, 6, 0, 0, 0], 0), ([2, 8, 8, 2, 9], 2)],
)
def test_votes_count_first_and_nearness_breaks_ties(labels: list[int], winner: int) -> None:
    assert int(votes(torch.tensor([labels])).argmax()) == winner


def trained(model: torch.nn.Module, folder: Path) -> torch.nn.Module:
    """Train the model for a few steps, so that its features are useful."""
    data = Framed(Digits("train"), size=32)
    trainer = ThenFit(Supervised(steps=25, batch_size=20, optimizer=functools.partial(torch.optim.Adam, lr=0.003)))
    history = trainer.fit(model, SquaredTargets(), data, None, folder, order_seed=0)
    assert history["steps"] == 25
    return model.eval()


def test_the_last_layer_is_replaced_after_training(tmp_path: Path) -> None:
    """After training, the results equal scikit-learn's neighbours and ridge regression on the network's features."""
    torch.manual_seed(0)
    model = trained(NetworkNeighbours(LeNet4(), k=3), tmp_path)
    x, y = (torch.cat([part]) for part in _framed("train"))
    unseen, wanted = _framed("test")
    with torch.inference_mode():
        seen, new = model.network.features(x), model.network.features(unseen)
        theirs = KNeighborsClassifier(3, algorithm="brute").fit(seen.numpy(), y.numpy()).predict_proba(new.numpy())
        agreed = theirs.max(1) > 0.5
        assert (model(unseen).argmax(1).numpy() == theirs.argmax(1))[agreed].all()
        local = LocalLearning(model.network, k=50, decay=2.0)
        local.fit(x, y)
        scores = local.eval()(unseen[:5])
        assert error(local, unseen, wanted) < 50
    for item in range(5):
        near = (seen - new[item]).pow(2).sum(1).argsort()[:50]
        ridge = Ridge(2.0).fit(seen[near].double().numpy(), signs(y[near]).numpy())
        assert np.abs(ridge.predict(new[item : item + 1].double().numpy())[0] - scores[item].numpy()).max() < 1e-3


def _framed(split: Any) -> Arrays:
    data = Framed(Digits(split), size=32)
    images, labels = stacked(data, range(len(data)))
    return images, torch.tensor(labels)


def test_blurring_is_that_of_scipy() -> None:
    image = torch.rand(1, 1, 16, 16)
    theirs = ndimage.gaussian_filter(image[0, 0].numpy(), 1.0, mode="constant", radius=4)
    assert np.allclose(blurred(image, 1.0)[0, 0].numpy(), theirs, atol=1e-6)


def test_tangents_are_small_moves() -> None:
    """Compared with scipy: the change of an image under a small step is the tangent times the step."""
    small = torch.from_numpy(np.asarray(Digits("test", 10).images[:3])).unsqueeze(1).float() / 255
    images = blurred(pad(small, (6, 6, 6, 6)), 1.5)  # in a wide frame, so that no ink leaves it
    image, directions = images[0, 0].double().numpy(), tangents(images)[0].double().numpy()
    middle, step = np.full(2, 10.5), 0.02
    moves = {  # displacement (row, column) from output to input, per step
        0: lambda row, column: (0 * row, 1 + 0 * row),
        1: lambda row, column: (1 + 0 * row, 0 * row),
        2: lambda row, column: (row, column),
        3: lambda row, column: (-column, row),
        4: lambda row, column: (-row, column),
        5: lambda row, column: (column, row),
    }
    rows, columns = np.mgrid[:22, :22]
    for number, move in moves.items():
        down, right = move(rows - middle[0], columns - middle[1])
        ahead, behind = (
            ndimage.map_coordinates(image, [rows + s * down, columns + s * right], order=3) for s in (step, -step)
        )
        change = ((ahead - behind) / (2 * step)).ravel()
        assert np.corrcoef(change, directions[number])[0, 1] > 0.98, number


def test_two_sided_distance_is_what_least_squares_leaves() -> None:
    images = blurred(torch.from_numpy(np.asarray(Digits("test", 16).images[:9])).unsqueeze(1).float() / 255, 1.0)
    ours = two_sided(images[:1], images[None, 1:])[0]
    for other, distance in zip(images[1:], ours.tolist(), strict=True):
        moves = torch.cat([tangents(images[:1])[0], tangents(other[None])[0]]).double().numpy().T
        gap = (other - images[0]).double().numpy().ravel()
        left = gap - moves @ np.linalg.lstsq(moves, gap, rcond=None)[0]
        assert distance == pytest.approx((left**2).sum(), rel=0.01)
        assert distance <= (gap**2).sum()


def test_tangent_distance_forgives_small_moves_that_euclidean_distance_does_not() -> None:
    (x, y), (unseen, wanted) = digits("train", 16), digits("test", 16)
    x, y = x[:400], y[:400]
    moved = torch.from_numpy(ndimage.shift(unseen.numpy(), (0, 0, 0.7, -0.7), order=1))
    tangent, euclidean = TangentNeighbours(candidates=20), NearestNeighbours()
    for model in (tangent, euclidean):
        model.fit(x, y)
    assert error(tangent, moved, wanted) < error(euclidean, moved, wanted)
