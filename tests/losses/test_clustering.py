"""Losses of embeddings: compared with the sums over all pairs of bins, with nussl, and by what cannot change them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from repro.audio.nussl import import_nussl
from repro.losses import clustering
from repro.losses.clustering import DeepClustering, DeepLDA, GraphLaplacian, WhitenedKMeans
from tests.losses import pairs
from tests.losses.cases import CLUSTERING, NAMES, case, perfect

every = pytest.mark.parametrize("loss", CLUSTERING, ids=NAMES)
FORMULAS = (pairs.deep_clustering, pairs.balanced, pairs.graph_laplacian, pairs.whitened_kmeans, pairs.deep_lda)


@pytest.fixture
def no_ridge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clustering, "RIDGE", 0.0)


@pytest.mark.parametrize(("loss", "formula"), zip(CLUSTERING, FORMULAS, strict=True), ids=NAMES)
@given(seed=st.integers(0, 10_000), sources=st.integers(1, 4))
def test_loss_is_the_sum_over_pairs(loss: nn.Module, formula: pairs.Formula, seed: int, sources: int) -> None:
    embeddings, target = case(seed, sources)
    expected = pairs.mean_over_items(formula, embeddings, target)
    close = 1e-4 if isinstance(loss, WhitenedKMeans | DeepLDA) else 1e-9  # these two have a ridge
    assert float(loss(embeddings, target)) == pytest.approx(float(expected), rel=close, abs=1e-9)


@pytest.mark.usefixtures("no_ridge")
@pytest.mark.parametrize(("loss", "formula"), zip(CLUSTERING, FORMULAS, strict=True), ids=NAMES)
def test_loss_and_gradient_are_exact_without_ridge(loss: nn.Module, formula: pairs.Formula) -> None:
    embeddings, target = case(0, sources=3)
    ours, slow = embeddings.clone().requires_grad_(), embeddings.clone().requires_grad_()
    value, expected = loss(ours, target), pairs.mean_over_items(formula, slow, target)
    assert value.item() == pytest.approx(expected.item(), rel=1e-9)
    value.backward()
    expected.backward()
    assert ours.grad is not None and slow.grad is not None
    assert torch.allclose(ours.grad, slow.grad, rtol=1e-6, atol=1e-10)


@every
def test_gradient_is_the_numerical_one(loss: nn.Module) -> None:
    embeddings, target = case(1, frames=2, frequencies=4)
    assert torch.autograd.gradcheck(lambda x: loss(x, target), embeddings.requires_grad_(), rtol=1e-4, atol=1e-6)


@every
def test_a_second_derivative_is_refused(loss: nn.Module) -> None:
    embeddings, target = case(1)
    embeddings.requires_grad_()
    first = torch.autograd.grad(loss(embeddings, target), embeddings, create_graph=True)[0]
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.square().sum().backward()


def test_deep_clustering_is_that_of_nussl() -> None:
    embeddings, target = case(1)
    root = target["weights"].sqrt().contiguous()  # nussl stores the root of the weights
    sources = perfect(target["dominant"], 2)
    theirs = import_nussl().ml.train.loss.DeepClusteringLoss()(embeddings, sources, root)
    assert float(DeepClustering()(embeddings, target)) == pytest.approx(float(theirs), rel=1e-6)


@pytest.mark.usefixtures("no_ridge")
@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_whitened_kmeans_is_that_of_nussl_with_its_identity_matrices(scale: float) -> None:
    """nussl adds I to V'V: that is half a bin at each +-e_d, of one more source. Its I in Y'Y: a bin 0 per source."""
    embeddings, target = case(1, sources=2)
    weights = target["weights"] * scale
    bins, axes = embeddings.flatten(1, 2)[:, None], torch.eye(4, dtype=torch.float64)  # (2, 1, K, 4)
    more = torch.cat([axes, -axes, torch.zeros(2, 4)]).expand(2, 1, 10, 4)
    index, half = torch.tensor([2] * 8 + [0, 1]), torch.tensor([0.5] * 8 + [1.0] * 2, dtype=torch.float64)
    added = {
        "dominant": torch.cat([target["dominant"].flatten(1)[:, None], index.expand(2, 1, 10)], 2),
        "weights": torch.cat([weights.flatten(1)[:, None], half.expand(2, 1, 10)], 2),
    }
    ours = WhitenedKMeans()(torch.cat([bins, more], 2), added)  # D - trace
    sources = perfect(target["dominant"], 2)
    theirs = import_nussl().ml.train.loss.WhitenedKMeansLoss()(embeddings, sources, weights.sqrt().contiguous())
    assert 2 * float(ours) - 4 + 2 == pytest.approx(float(theirs), rel=1e-9)  # nussl: D + C - 2 trace


@every
@given(seed=st.integers(0, 1000))
def test_no_loss_knows_the_order_of_the_sources(loss: nn.Module, seed: int) -> None:
    embeddings, target = case(seed, sources=3)
    order = torch.randperm(3, generator=torch.Generator().manual_seed(seed))
    other = {**target, "dominant": order[target["dominant"]]}
    assert torch.allclose(loss(embeddings, target), loss(embeddings, other), rtol=1e-9)


@every
@given(seed=st.integers(0, 1000))
def test_no_loss_knows_a_rotation_of_the_embeddings(loss: nn.Module, seed: int) -> None:
    embeddings, target = case(seed)
    random = torch.Generator().manual_seed(seed)
    rotation = torch.linalg.qr(torch.randn(4, 4, generator=random, dtype=torch.float64))[0]
    assert torch.allclose(loss(embeddings, target), loss(embeddings @ rotation, target), rtol=1e-6)


@pytest.mark.usefixtures("no_ridge")
def test_whitened_kmeans_knows_no_regular_matrix_and_deep_lda_no_shift() -> None:
    embeddings, target = case(2)
    matrix = torch.randn(4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for loss, changed in ((WhitenedKMeans(), embeddings @ matrix), (DeepLDA(), 3 * embeddings + 1)):
        assert torch.allclose(loss(embeddings, target), loss(changed, target), rtol=1e-9)


@every
def test_a_weight_counts_bins(loss: nn.Module) -> None:
    embeddings, target = case(3)
    twice = {"dominant": target["dominant"].repeat(1, 1, 2), "weights": target["weights"].repeat(1, 1, 2)}
    value = loss(embeddings, target)
    assert torch.allclose(value, loss(embeddings.repeat(1, 1, 2, 1), twice), rtol=1e-9)
    assert torch.allclose(value, loss(embeddings, {**target, "weights": 1000 * target["weights"]}), rtol=1e-9)


@every
def test_a_bin_without_weight_does_not_exist(loss: nn.Module) -> None:
    embeddings, target = case(4)
    silent = target["weights"] == 0
    assert silent.any()
    other = torch.where(silent[..., None], torch.rand_like(embeddings), embeddings).requires_grad_()
    value = loss(other, {**target, "dominant": target["dominant"] + silent})
    assert torch.allclose(loss(embeddings, target), value, rtol=1e-9)
    value.backward()
    assert other.grad is not None and not other.grad[silent].any()


@every
def test_sources_without_bins_change_nothing(loss: nn.Module) -> None:
    embeddings, target = case(5)
    apart = {**target, "dominant": 3 * target["dominant"]}  # sources 0 and 3: 1 and 2 have no bin
    more = {**apart, "sources": torch.zeros(2, 6, 5, 7)}  # 4 and 5 neither
    for other in (apart, more):
        assert torch.allclose(loss(embeddings, target), loss(embeddings, other), rtol=1e-12)


@every
def test_a_source_that_cannot_be_is_not_overlooked(loss: nn.Module) -> None:
    embeddings, target = case(5, sources=3)
    assert loss(embeddings, {**target, "sources": torch.zeros(2, 2, 5, 7)}).isnan()


@pytest.mark.parametrize("sources", [1, 2, 3])
def test_perfect_and_equal_embeddings_have_known_losses(sources: int) -> None:
    _, target = case(6, sources)
    right, equal = perfect(target["dominant"], 4), perfect(torch.zeros_like(target["dominant"]), 4)
    expected = {  # plain and balanced; Laplacian; k-means; LDA
        "perfect": (right, [0, 0, 0, 4 - sources, 0]),
        "equal": (equal, [None, None, sources - 1, 3, 1]),
    }
    for embeddings, values in expected.values():
        for loss, value in zip(CLUSTERING, values, strict=True):
            if value is not None and not (isinstance(loss, DeepLDA) and sources == 1):  # LDA needs two sources
                assert float(loss(embeddings, target)) == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize("sources", [2, 3])
def test_equal_embeddings_cost_the_pairs_of_different_voices(sources: int) -> None:
    embeddings, target = case(0, sources)
    equal = torch.zeros_like(embeddings)
    equal[..., 1] = 1.0
    weights, voices = target["weights"].flatten(1), target["dominant"].flatten(1)
    shares = torch.stack([(weights * (voices == voice)).sum(1) for voice in range(sources)]) / weights.sum(1)
    different = 1 - shares.square().sum(0)  # the probability that two bins belong to different voices
    assert DeepClustering()(equal, target).item() == pytest.approx(different.mean().item())


def test_balancing_makes_small_sources_count() -> None:
    """One wrong bin of ten costs more if its source has two bins than if it has eight."""
    dominant = torch.tensor([[[0] * 8 + [1] * 2]])
    target = {"dominant": dominant, "weights": torch.ones(1, 1, 10)}
    small, large = dominant.clone(), dominant.clone()
    small[0, 0, 9], large[0, 0, 0] = 0, 1
    ratios = [float(loss(perfect(small, 2), target) / loss(perfect(large, 2), target)) for loss in CLUSTERING[:2]]
    assert ratios[1] > 1.2 * ratios[0]


def test_degrees_below_the_least_one_count_as_that() -> None:
    """Opposite embeddings: all degrees are 0, so each affinity is divided by LEAST_DEGREE."""
    embeddings = torch.tensor([[[[1.0], [-1.0]]]])
    target = {"dominant": torch.tensor([[[0, 1]]]), "weights": torch.ones(1, 1, 2)}
    least, half = clustering.LEAST_DEGREE, 0.5
    same, different = (1 / least - 1 / half) ** 2, (1 / least) ** 2  # <v, v> = 1 and <v_1, v_2> = -1
    assert float(GraphLaplacian()(embeddings, target)) == pytest.approx(0.25 * (2 * same + 2 * different), rel=1e-5)
