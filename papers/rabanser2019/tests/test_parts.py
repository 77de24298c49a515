"""Tests of the parts of this paper: the checks of repro.testing, formulas, and every refused value."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.decomposition import PCA

from papers.rabanser2019.dataset import Itself, OneClass, Samples, Shifted
from papers.rabanser2019.detectors import DomainClassifier, ShiftDetector
from papers.rabanser2019.metric import DetectionRate, SmallestP, Threshold
from papers.rabanser2019.model import Autoencoder, NoReduction, PrincipalComponents, SparseProjection
from papers.rabanser2019.shifts import SHIFTS, adversarial, linear, moved, shifted
from repro.datasets.digits import Digits
from repro.datasets.idx import Mnist
from repro.errors import BadInput
from repro.testing import check_dataset, check_metric, check_model, needs

VALID, TEST = Digits("test", size=8), Digits("train", size=8)


@functools.cache
def data() -> Shifted:
    return Shifted(VALID, TEST, list(SHIFTS), shares=[0.5])


def item(shift: str) -> Samples:
    return data()[list(SHIFTS).index(shift)][0]


def test_the_datasets() -> None:
    check_dataset(Shifted(VALID, TEST, ["large_gn", "ko"], shares=[0.5]))
    check_dataset(OneClass(VALID, TEST, digit=6))
    check_dataset(Itself(VALID))


def test_the_source_is_never_shifted_and_no_image_is_in_both_samples() -> None:
    images = torch.cat([item("none").source, item("none").target])
    assert len(images) == len(VALID) + len(TEST)
    assert images.sum() == pytest.approx(float(data().pool[0].sum()), rel=1e-5)
    assert all(item(name).source is item("none").source for name in SHIFTS)


@pytest.mark.parametrize("name", ["small_gn", "medium_gn", "large_gn", "small_img", "medium_img", "large_img", "adv"])
def test_a_shift_changes_its_share_of_the_images(name: str) -> None:
    before, after = item("none").target, item(name).target
    assert bool(after.min() >= 0)
    assert bool(after.max() <= 1)
    changed = (before != after).flatten(1).any(1).double().mean()
    assert 0.4 < changed <= 750 / 1500


def test_classes_are_removed() -> None:
    zeros = int((data().pool[1][data().order(0)[len(VALID) :]] == 0).sum())
    assert len(item("ko").target) == len(TEST) - math.ceil(zeros / 2)
    assert len(item("medium_img+ko").target) == len(TEST) - math.ceil(zeros / 2)
    assert len(item("only_zero+medium_img").target) == zeros


def test_noise_has_its_deviation() -> None:
    grey, labels = torch.full((400, 1, 8, 8), 0.5), torch.ones(400, dtype=torch.long)
    noisy = shifted("medium_gn", 1.0, grey, labels, grey, torch.Generator().manual_seed(0))
    assert float(noisy.std()) * 255 == pytest.approx(10, rel=0.05)


def test_a_move_of_nothing_changes_nothing() -> None:
    images = torch.rand(5, 1, 9, 9)
    assert torch.allclose(moved(images, 0, 0, 0, torch.Generator()), images, atol=1e-5)


def test_adversarial_examples_raise_the_cost_of_the_linear_classifier() -> None:
    images, labels = data().pool
    weights = linear(images, labels)

    def right(given: torch.Tensor) -> float:
        return float((given.flatten(1) @ weights[:-1] + weights[-1]).argmax(1).eq(labels).double().mean())

    attacked = adversarial(images, labels, weights, 0.1)
    assert right(images) > 0.9
    assert right(attacked) < right(images) - 0.3
    assert float((attacked - images).abs().max()) <= 0.1 + 1e-6


def test_the_networks() -> None:
    images = torch.rand(4, 1, 28, 28)
    torch.manual_seed(1)
    check_model(Autoencoder(), images)
    assert Autoencoder().represent(images).shape == (4, 32)
    assert NoReduction().represent(images).shape == (4, 784)


def test_principal_components_are_those_of_scikit_learn() -> None:
    images = torch.randn(200, 1, 4, 4) * torch.arange(1.0, 17.0).reshape(4, 4)
    model = PrincipalComponents(components=3, pixels=16)
    model.fit(images, torch.zeros(200))
    expected = PCA(3).fit(images.flatten(1).numpy()).transform(images.flatten(1).numpy())
    assert np.abs(model.represent(images).numpy()) == pytest.approx(np.abs(expected), abs=1e-3)


def test_a_sparse_projection_keeps_lengths_on_average() -> None:
    torch.manual_seed(0)
    model, images = SparseProjection(components=784, pixels=784), torch.rand(20, 1, 28, 28)
    ratio = model.represent(images).norm(dim=1) / images.flatten(1).norm(dim=1)
    assert float(ratio.mean()) == pytest.approx(1, abs=0.05)
    assert float((model.matrix != 0).double().mean()) == pytest.approx(1 / 28, rel=0.1)


def test_a_detector_is_the_test_of_its_samples() -> None:
    detector = ShiftDetector(NoReduction(), sizes=(50,), samples=4)
    found = detector.estimate(item("large_gn"))[50]
    source, target = (one.flatten(1).double().numpy() for one in (item("large_gn").source, item("large_gn").target))
    order = torch.randperm(len(target), generator=torch.Generator().manual_seed(int(detector.seed)))
    part = target[order[:50]]
    p = min(stats.ks_2samp(source[:, pixel], part[:, pixel], method="asymp").pvalue for pixel in range(64))
    assert found[0] == pytest.approx(min(1, 64 * p), rel=1e-6)
    assert len(found) == 4


@pytest.mark.parametrize("on", ["representation", "classes"])
@pytest.mark.parametrize("test", ["ks", "mmd"])
def test_detectors_find_a_shift_and_hardly_ever_one_that_is_not_there(on: Any, test: Any) -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10)) if on == "classes" else NoReduction()
    detector = ShiftDetector(network, on, test, sizes=(50,), samples=20, permutations=99)
    with torch.inference_mode():
        assert np.mean([p < 0.05 for p in detector.estimate(item("only_zero+medium_img"))[50]]) > 0.9
        assert np.mean([p < 0.05 for p in detector.estimate(item("none"))[50]]) <= 0.2


def test_a_domain_classifier_finds_a_shift_and_hardly_ever_one_that_is_not_there() -> None:
    torch.manual_seed(0)
    detector = DomainClassifier(sizes=(60,), samples=10)
    with torch.inference_mode():
        assert np.mean([p < 0.05 for p in detector.estimate(item("only_zero+medium_img"))[60]]) > 0.8
        assert np.mean([p < 0.05 for p in detector.estimate(item("none"))[60]]) <= 0.2


def test_samples_differ_between_seeds_and_not_between_calls() -> None:
    torch.manual_seed(0)
    one, other = (ShiftDetector(NoReduction(), sizes=(20,)) for _ in range(2))
    assert one.estimate(item("ko")) == one.estimate(item("ko"))
    assert one.estimate(item("ko")) != other.estimate(item("ko"))


def test_training_forgets_the_representation_of_the_source() -> None:
    torch.manual_seed(0)
    model = PrincipalComponents(2, 64)
    detector = ShiftDetector(model, sizes=(20,))
    model.fit(VALID.images.unsqueeze(1) / 255, torch.zeros(len(VALID)))
    before = detector.estimate(item("large_gn"))
    detector.fit(torch.rand(50, 1, 8, 8), torch.zeros(50))
    after = detector.estimate(item("large_gn"))
    fresh = ShiftDetector(model, sizes=(20,))
    fresh.load_state_dict(detector.state_dict())
    assert after == fresh.estimate(item("large_gn"))
    assert after != before


def test_noise_breaks_the_ties_of_black_pixels() -> None:
    black = torch.zeros(300, 1, 4, 4)
    noisy = shifted("small_gn", 1.0, black, torch.ones(300), black, torch.Generator().manual_seed(0))
    assert max(ShiftDetector(NoReduction(), sizes=(20,)).estimate(Samples(black, noisy))[20]) < 0.05


def test_the_metrics() -> None:
    check_metric(DetectionRate(20), {20: [0.01, 0.5, 0.04, 0.05]}, 1.0, None)
    assert DetectionRate(20)({20: [0.01, 0.5, 0.04, 0.05]}, 1.0, None) == 0.5
    source, target = OneClass(VALID, TEST, digit=6)[0]
    for metric in (SmallestP(), SmallestP("stephens"), Threshold()):
        check_metric(metric, None, target, source)
    assert Threshold()(None, target, source) == 0.05 / 64


@needs("mnist")
@pytest.mark.slow
def test_the_formula_of_2019_gives_the_printed_p_value() -> None:
    source, target = OneClass(Mnist("train"), Mnist("test"), digit=6)[0]
    assert (len(source), len(target)) == (5918, 958)
    assert f"{SmallestP('stephens')(None, target, source):.1e}" == "2.7e-10"
    assert f"{SmallestP()(None, target, source):.1e}" == "2.8e-10"


NAN, INF = float("nan"), float("inf")
WRONG: list[Any] = [
    *(lambda v=v: Shifted(VALID, TEST, v) for v in ([], ["blur"], ["ko", "ko"])),
    *(lambda v=v: Shifted(VALID, TEST, ["ko"], shares=v) for v in ([], [0.0], [1.5], [NAN], [0.5, 0.5])),
    *(lambda v=v: Shifted(VALID, TEST, ["ko"], splits=v) for v in (0, -1)),
    *(lambda v=v: Shifted(VALID, TEST, ["ko"], epsilon=v) for v in (-0.1, NAN, INF)),
    *(lambda v=v: ShiftDetector(NoReduction(), sizes=v) for v in ([], [1], [10, 10])),
    *(lambda v=v: ShiftDetector(NoReduction(), samples=v) for v in (0, -1)),
    lambda: ShiftDetector(NoReduction(), permutations=18),
    lambda: ShiftDetector(NoReduction(), on="answers"),  # type: ignore[arg-type]
    lambda: ShiftDetector(NoReduction(), test="t"),  # type: ignore[arg-type]
    *(lambda v=v: DomainClassifier(hidden=v) for v in (0, -1)),
    *(lambda v=v: DomainClassifier(steps=v) for v in (0, -1)),
    *(lambda v=v: DomainClassifier(batch=v) for v in (0, -1)),
    *(lambda v=v: DomainClassifier(rate=v) for v in (0.0, -1.0, NAN, INF)),
    *(lambda v=v: PrincipalComponents(*v) for v in ((0, 9), (10, 9), (1, 0))),
    *(lambda v=v: SparseProjection(*v) for v in ((0, 9), (10, 9), (1, 0))),
    *(lambda v=v: DetectionRate(v) for v in (0, -1)),
    *(lambda v=v: DetectionRate(10, level=v) for v in (0.0, 1.0, NAN)),
    *(lambda v=v: Threshold(level=v) for v in (0.0, 1.0, NAN)),
    lambda: SmallestP("exact"),  # type: ignore[arg-type]
    lambda: DetectionRate(10)({20: [0.5]}, 1.0, None),
    lambda: OneClass(VALID, TEST, digit=12)[0],
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_wrong_values_are_refused(number: int) -> None:
    with pytest.raises(BadInput) as caught:
        WRONG[number]()
    assert "\n" not in str(caught.value)
