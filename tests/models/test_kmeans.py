"""Tests of k-means: compared with scikit-learn's, and on degenerate points."""

from __future__ import annotations

import pytest
import torch
from sklearn.cluster import KMeans

from repro.models.kmeans import kmeans, lloyd, seeding, squared_distances


def clouds(clusters: int, points: int = 600, dimensions: int = 8, spread: float = 0.3, seed: int = 0) -> torch.Tensor:
    """Unit vectors (P, D) around `clusters` directions, as the embeddings of a trained network."""
    random = torch.Generator().manual_seed(seed)
    centres = torch.randn(clusters, dimensions, generator=random)
    owners = torch.randint(clusters, (points,), generator=random)
    noise = spread * torch.randn(points, dimensions, generator=random)
    return torch.nn.functional.normalize(centres[owners] / dimensions**0.5 + noise / 2, dim=1)


def inertia(points: torch.Tensor, centres: torch.Tensor) -> float:
    """The sum of the squared distances to the nearest centre."""
    return float(torch.cdist(points, centres).square().amin(1).sum())


@pytest.mark.parametrize("clusters", [1, 2, 3, 7])
def test_centres_from_the_same_start_are_those_of_scikit_learn(clusters: int) -> None:
    points = clouds(clusters).double()
    start = seeding(points, clusters, seed=0, restarts=1)
    theirs = KMeans(clusters, init=start[0].numpy(), n_init=1, tol=0).fit(points.numpy())
    assert torch.allclose(lloyd(points, start, tolerance=0)[0], torch.from_numpy(theirs.cluster_centers_), atol=1e-5)


@pytest.mark.parametrize("clusters", [2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_inertia_is_not_above_that_of_scikit_learn(clusters: int, seed: int) -> None:
    points = clouds(clusters, points=3000, dimensions=20, seed=seed)
    theirs = KMeans(clusters, n_init=5, random_state=0).fit(points.numpy()).inertia_
    assert inertia(points, kmeans(points, clusters, seed=seed)) <= theirs * 1.001


def test_same_seed_same_centres_and_no_global_random_state() -> None:
    points, state = clouds(3), torch.get_rng_state()
    first = kmeans(points, 3, seed=5)
    torch.rand(7)
    assert torch.equal(kmeans(points, 3, seed=5), first)
    torch.set_rng_state(state)
    kmeans(points, 3)
    assert torch.equal(torch.get_rng_state(), state)


def test_fewer_distinct_points_than_clusters() -> None:
    two = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(5, 1)
    found = kmeans(two, 3)
    assert found.shape == (3, 2)
    assert inertia(two, found) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("points", [torch.ones(1, 4), torch.zeros(50, 4), torch.full((3, 4), 1e20)])
def test_equal_points_give_equal_centres(points: torch.Tensor) -> None:
    assert torch.equal(kmeans(points, 2), points[:1].expand(2, 4))


def test_an_empty_cluster_gets_the_farthest_point() -> None:
    points = torch.tensor([[0.0], [1.0], [10.0]])
    far = torch.tensor([[[0.0], [-100.0]]])  # no point is nearest to the second
    assert lloyd(points, far)[0].flatten().tolist() == [0.5, 10.0]


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_points_that_are_not_finite_are_refused(wrong: float) -> None:
    points = clouds(2)
    points[3, 1] = wrong
    with pytest.raises(ValueError, match="1 of 600"):
        kmeans(points, 2)


def test_no_points_are_refused() -> None:
    with pytest.raises(ValueError, match="points"):
        kmeans(torch.zeros(0, 4), 2)


def test_distances_are_those_of_cdist() -> None:
    points, centres = clouds(3), torch.randn(4, 2, 8)
    assert torch.allclose(squared_distances(points, centres), torch.cdist(centres, points).square(), atol=1e-5)


def test_an_offset_costs_no_digits() -> None:
    points = clouds(2, spread=0.1)
    moved = kmeans(points + 1000, 2) - 1000
    assert torch.allclose(moved, kmeans(points, 2), atol=1e-3)  # the spacing of floats near 1000 is 6e-5
