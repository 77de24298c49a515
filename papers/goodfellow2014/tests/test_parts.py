"""The start of the generator, k-means against its definition, the classifier, and what the log-likelihood rewards."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from papers.goodfellow2014.dataset import Numbered
from papers.goodfellow2014.model import WEIGHTS, DigitFeatures, MarginalStart, StoredImages
from repro.datasets.digits import Digits
from repro.datasets.idx import Mnist
from repro.errors import BadInput
from repro.metrics.parzen import best_sigma, log_likelihoods
from repro.models.adversarial import DenseGenerator
from repro.record import read
from repro.testing import check_dataset, check_model, needs

DIGITS = Digits("train", size=8)
IMAGES = DIGITS.images[:, None] / 255  # (1500, 1, 8, 8)
KNOWN, NEW = IMAGES[:1000], IMAGES[1000:]


def fitted(count: int, passes: int, seed: int = 0) -> torch.Tensor:
    torch.manual_seed(seed)
    model = StoredImages(count, passes)
    model.fit(KNOWN, torch.zeros(len(KNOWN)))
    found: torch.Tensor = model(torch.arange(count))
    return found


def test_without_passes_the_images_are_training_images_each_once() -> None:
    known = {tuple(image.flatten().tolist()) for image in KNOWN}
    found = [tuple(image.flatten().tolist()) for image in fitted(100, passes=0)]
    assert set(found) <= known
    assert len(fitted(1000, 0).unique(dim=0)) == len(KNOWN.unique(dim=0)), "all of them, if all are stored"


def test_a_pass_of_k_means_moves_each_centre_to_the_mean_of_its_images() -> None:
    before, after = fitted(20, passes=0).flatten(1), fitted(20, passes=1).flatten(1)
    points = KNOWN.flatten(1)
    nearest = torch.cdist(points.double(), before.double()).argmin(1)
    means = torch.stack([points[nearest == number].mean(0) for number in range(20)])
    assert torch.allclose(after, means, atol=1e-5)


def test_more_passes_have_smaller_distances_and_the_seed_decides() -> None:
    def spread(passes: int) -> float:
        return float(torch.cdist(KNOWN.flatten(1), fitted(30, passes).flatten(1)).min(1).values.square().sum())

    assert spread(5) < spread(1) < spread(0)
    assert torch.equal(fitted(30, 2), fitted(30, 2)) and not torch.equal(fitted(30, 2), fitted(30, 2, seed=1))


def mean_log_likelihood(samples: torch.Tensor, images: torch.Tensor = NEW) -> float:
    flat, test = samples.flatten(1), images.flatten(1)
    sigma = best_sigma(flat, test[:100], [0.05, 0.1, 0.15, 0.2, 0.3, 0.5])
    return float(log_likelihoods(test[100:], flat, sigma).mean())


def test_means_of_images_have_a_higher_log_likelihood_than_the_images() -> None:
    """The claim `metric.centroids` on small digits: the Parzen window rewards averages."""
    assert mean_log_likelihood(fitted(300, passes=5)) > mean_log_likelihood(fitted(300, passes=0)) + 1


def test_more_samples_of_the_same_kind_have_a_higher_log_likelihood() -> None:
    """So a number is comparable only with another one of as many samples."""
    assert mean_log_likelihood(KNOWN) > mean_log_likelihood(KNOWN[:100]) + 3


def test_images_in_bytes_have_another_log_likelihood() -> None:
    """With the range 255 times as large, the density is smaller by 255 per pixel: the number is far below 0."""
    values = log_likelihoods(255 * NEW.flatten(1), 255 * KNOWN.flatten(1), 255 * 0.15).mean()
    unit = log_likelihoods(NEW.flatten(1), KNOWN.flatten(1), 0.15).mean()
    assert values == pytest.approx(unit - 64 * math.log(255), abs=0.01) and values < -200


def test_the_generator_begins_with_the_mean_image() -> None:
    torch.manual_seed(0)
    model = MarginalStart(DenseGenerator(noise=5, hidden=[4], shape=[1, 8, 8]), DIGITS)
    mean = IMAGES.mean(0).clamp(1e-7, 1)
    assert torch.allclose(model(torch.zeros(1, 5))[0], mean, atol=1e-5)
    check_model(model, torch.randn(3, 5))


def test_half_the_loss_is_half_the_step_for_sgd() -> None:
    """The code multiplies the loss of the discriminator by 0.5; the config halves the rate instead."""

    def trained(factor: float, rate: float) -> torch.Tensor:
        weight = torch.ones(3, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=rate, momentum=0.6)
        for _ in range(5):
            optimizer.zero_grad()
            (factor * (weight**3).sum()).backward()
            optimizer.step()
        return weight.detach()

    assert torch.allclose(trained(0.5, 0.1), trained(1.0, 0.05))
    assert not torch.allclose(trained(0.5, 0.1), trained(1.0, 0.1))


def test_the_numbered_images() -> None:
    dataset = Numbered(DIGITS)
    check_dataset(dataset)
    assert [int(number) for number, _ in map(dataset.__getitem__, range(3))] == [0, 1, 2]
    assert torch.equal(dataset[5][1], DIGITS[5][0]) and len(dataset) == 1500
    assert dataset.fingerprint() != DIGITS.fingerprint()


@needs("mnist/test")
def test_the_classifier_is_that_of_its_record() -> None:
    """Its accuracy on the first 1,000 test images is the mean of their values in the record."""
    model, digits = DigitFeatures(checksum()).eval(), Mnist("test", stop=1000)
    with torch.no_grad():
        right = model(digits.images[:, None] / 255).argmax(1) == digits.labels
    (found,) = read(Path(__file__).parents[1] / "records" / "classifier-seed0.json").measurements
    assert float(right.double().mean()) == pytest.approx(np.mean(found.values[:1000]))


def test_another_file_of_weights_is_refused() -> None:
    assert DigitFeatures(checksum()).head.out_features == 10
    with pytest.raises(BadInput, match="has the SHA-256"):
        DigitFeatures("0" * 64)


def checksum() -> str:
    return hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()


@pytest.mark.parametrize("given", [
    {"count": 0}, {"count": -1}, {"count": 1.5}, {"count": True}, {"passes": -1}, {"passes": 0.5}, {"passes": math.nan},
])  # fmt: skip
def test_a_wrong_number_is_named(given: dict[str, Any]) -> None:
    (name,) = given
    with pytest.raises(BadInput, match=f"models.StoredImages.{name} is") as caught:
        StoredImages(**given)
    assert caught.value.parameter == name


def test_what_does_not_fit_is_one_line() -> None:
    with pytest.raises(BadInput, match="expected at most 1000"):
        fitted(1001, 0)
    model = StoredImages(3)
    model.fit(KNOWN, torch.zeros(1000))
    with pytest.raises(BadInput, match="has 3 images"):
        model(torch.tensor([3]))
    with pytest.raises(BadInput, match=r"expected models\.DenseGenerator"):
        MarginalStart(torch.nn.Linear(1, 1), DIGITS)
    with pytest.raises(BadInput, match="expected images of 4 pixels"):
        MarginalStart(DenseGenerator(noise=1, hidden=[2], shape=[1, 2, 2]), DIGITS)


def test_noise_is_no_number_of_a_stored_image() -> None:
    model = StoredImages(3)
    model.fit(torch.rand(3, 1, 2, 2), torch.zeros(3))
    for inputs in (torch.zeros(2), torch.zeros(2, 100), torch.zeros(2, 1, dtype=torch.int64)):
        with pytest.raises(BadInput, match="numbers of images"):
            model(inputs)
