"""The Parzen window against its formula in float64 (scipy), the choice of sigma, and what the number rewards."""

from __future__ import annotations

import logging
import math
from statistics import fmean
from typing import Any

import numpy as np
import pytest
import scipy.special
import torch

from repro.errors import BadInput
from repro.metrics.parzen import SIGMAS, ParzenLogLikelihood, ParzenSigma, best_sigma, log_likelihoods
from repro.testing import check_metric

METRICS = (ParzenLogLikelihood, ParzenSigma)


def images(count: int, pixels: int, seed: int) -> np.ndarray:
    """Mostly dark pixels in [0, 1], like those of a digit."""
    return (np.random.default_rng(seed).random((count, pixels)) ** 4).astype(np.float32)


def direct(test: np.ndarray, samples: np.ndarray, sigma: float) -> np.ndarray:
    """The log of the mean of the Gaussian densities, in float64, one test image at a time."""
    found = []
    for image in test.astype(np.float64):
        exponents = -((image - samples.astype(np.float64)) ** 2).sum(1) / (2 * sigma**2)
        found.append(scipy.special.logsumexp(exponents, b=1 / len(samples)))
    return np.array(found) - test.shape[1] * math.log(sigma * math.sqrt(2 * math.pi))


@pytest.mark.parametrize(("sizes", "pixels"), [((3, 5), 2), ((7, 1), 784), ((1001, 20), 30)])
@pytest.mark.parametrize("sigma", [0.1, 0.215, 1.0])
def test_the_values_are_those_of_the_formula(sizes: tuple[int, int], pixels: int, sigma: float) -> None:
    compare(sizes, pixels, sigma)


def test_the_values_of_500_images_are_those_of_the_formula() -> None:
    compare((500, 500), 784, 0.1)


def compare(sizes: tuple[int, int], pixels: int, sigma: float) -> None:
    test, samples = images(sizes[0], pixels, 0), images(sizes[1], pixels, 1)
    found = log_likelihoods(torch.from_numpy(test), torch.from_numpy(samples), sigma)
    assert found == pytest.approx(direct(test, samples, sigma), abs=2e-3)  # nats; the values are some hundreds


def test_an_image_that_was_generated_is_not_lost_to_rounding() -> None:
    """The distance 0 between equal images is the worst case of |x|^2 + |c|^2 - 2 xc."""
    samples = images(1, 784, 2) + 1000.0  # an offset of all pixels
    found = log_likelihoods(torch.from_numpy(samples), torch.from_numpy(samples), 0.1)
    assert found == pytest.approx(direct(samples, samples, 0.1), abs=2e-3)


def test_far_images_have_a_finite_value() -> None:
    found = log_likelihoods(torch.full((1, 784), 100.0), torch.zeros(2, 784), 0.1)
    assert found == pytest.approx(-784 * 100**2 / 0.02 - 784 * math.log(0.1 * math.sqrt(2 * math.pi)), rel=1e-5)


def test_sigma_is_the_best_on_the_validation_images() -> None:
    samples, valid = images(40, 25, 3), images(30, 25, 4)
    means = [direct(valid, samples, sigma).mean() for sigma in SIGMAS]
    assert best_sigma(torch.from_numpy(samples), torch.from_numpy(valid), SIGMAS) == SIGMAS[int(np.argmax(means))]
    assert 0 < int(np.argmax(means)) < len(SIGMAS) - 1, "an inner one, so that the test can fail on both sides"


def test_the_values_of_sigma_are_those_of_the_code_of_the_paper() -> None:
    assert np.logspace(-1.0, 0, num=10) == pytest.approx(SIGMAS)


def measured(metric: Any, samples: np.ndarray, test: np.ndarray) -> list[float]:
    pairs = zip(torch.from_numpy(samples), torch.from_numpy(test), strict=True)
    return list(metric.contributions([metric(one.view(1, 5, 5), other.view(1, 5, 5), None) for one, other in pairs]))


def test_the_metric_has_the_mean_and_the_standard_error_of_the_formula() -> None:
    samples, test, valid = (images(count, 25, seed) for seed, count in ((5, 300), (6, 300), (7, 50)))
    kept = [(torch.from_numpy(one).view(1, 5, 5), 0) for one in valid]
    sigma = best_sigma(torch.from_numpy(samples), torch.from_numpy(valid), SIGMAS)
    expected, values = direct(test, samples, sigma), measured(ParzenLogLikelihood(kept), samples, test)
    assert (fmean(values), np.std(values)) == pytest.approx((expected.mean(), expected.std()), rel=1e-4)
    assert np.corrcoef(values, expected)[0, 1] > 0.99
    assert set(measured(ParzenSigma(kept), samples, test)) == {sigma}


def test_the_order_of_the_generated_images_does_not_count() -> None:
    samples, test = images(60, 25, 8), images(60, 25, 9)
    metric = ParzenLogLikelihood([(torch.from_numpy(one), 0) for one in images(9, 25, 10)])
    assert measured(metric, samples, test) == pytest.approx(measured(metric, samples[::-1].copy(), test), abs=1e-3)


def test_collapse_and_noise_are_worse_than_real_images() -> None:
    """Three groups of images: samples of all of them, of one of them, and noise."""
    centres, random = images(3, 25, 11), np.random.default_rng(12)

    def drawn(count: int, groups: int) -> np.ndarray:
        noise = random.normal(0, 0.05, (count, 25))
        return (centres[random.integers(0, groups, count)] + noise).astype(np.float32)

    metric = ParzenLogLikelihood([(torch.from_numpy(one), 0) for one in drawn(50, 3)])
    test = drawn(200, 3)
    real, collapsed, noise = (
        fmean(measured(metric, s, test)) for s in (drawn(200, 3), drawn(200, 1), images(200, 25, 13))
    )
    assert real > collapsed + 10 and real > noise + 10


def test_the_battery() -> None:
    for make in METRICS:
        check_metric(make([(torch.rand(1, 4, 4), 0)]), torch.rand(1, 4, 4), torch.rand(1, 4, 4), torch.rand(3))


@pytest.mark.parametrize("make", METRICS)
@pytest.mark.parametrize(
    "sigmas", [[], [0.0], [-1.0], [1e-7], [1e300], [math.inf], [math.nan], [True], ["0.1"], "0.1", 0.1, None]
)
def test_a_wrong_sigma_is_named(make: Any, sigmas: Any) -> None:
    with pytest.raises(BadInput, match=r"Parzen\w+\.sigmas") as caught:
        make([], sigmas=sigmas)
    assert caught.value.parameter == "sigmas" and "\n" not in str(caught.value)


@pytest.mark.parametrize("make", METRICS)
def test_images_that_do_not_fit_are_one_line(make: Any) -> None:
    item = make([])(torch.zeros(1, 2, 2), torch.zeros(1, 2, 2), None)
    with pytest.raises(BadInput, match=r"expected \(1, 2, 2\)"):
        make([])(torch.zeros(4), torch.zeros(1, 2, 2), None)
    with pytest.raises(BadInput, match="no validation image"):
        make([]).contributions([item])
    with pytest.raises(BadInput, match="9 pixels; expected a tensor of 4"):
        make([(torch.zeros(1, 3, 3), 0)]).contributions([item])


def test_the_values_of_sigma_are_in_the_identity() -> None:
    assert ParzenLogLikelihood([]).identity != ParzenLogLikelihood([], sigmas=[0.2]).identity


@pytest.mark.parametrize("make", METRICS)
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_values_that_are_not_finite_are_refused(make: Any, bad: float) -> None:
    """With a NaN among the validation images, no sigma is best."""
    fine, spoilt = torch.zeros(1, 2, 2), torch.full((1, 2, 2), bad)
    for given in ((fine, spoilt), (spoilt, fine)):
        with pytest.raises(BadInput, match="not finite"):
            make([(fine, 0)])(*given, None)
    metric = make([(fine, 0), (spoilt, 0)])
    with pytest.raises(BadInput, match="not finite"):
        metric.contributions([metric(fine, fine, None)])


@pytest.mark.parametrize("make", METRICS)
def test_bytes_and_missing_images_are_refused(make: Any) -> None:
    fine, whole = torch.zeros(1, 2, 2), torch.zeros(1, 2, 2, dtype=torch.uint8)
    with pytest.raises(BadInput, match="uint8"):
        make([(fine, 0)])(fine, whole, None)
    metric = make([(whole, 0)])
    with pytest.raises(BadInput, match="uint8"):
        metric.contributions([metric(fine, fine, None)])
    for valid in (None, 3):
        with pytest.raises(BadInput) as refused:
            make(valid)
        assert refused.value.parameter == "valid"


@pytest.mark.parametrize("sigma", [1e-6, 1e6])
def test_the_smallest_and_the_largest_sigma_have_finite_values(sigma: float) -> None:
    test, samples = images(5, 784, 0), images(4, 784, 1)
    found = log_likelihoods(torch.from_numpy(test).float(), torch.from_numpy(samples).float(), sigma)
    np.testing.assert_allclose(found, direct(test, samples, sigma), rtol=1e-4)


def test_samples_on_another_scale_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """As those of a generator with tanh, for images in [0, 1]."""
    caplog.set_level(logging.WARNING, "repro")
    for low, said in ((0.0, 0), (-1.0, 1)):
        caplog.clear()
        metric = ParzenLogLikelihood([(torch.rand(4), 0)])
        metric.contributions([metric(torch.tensor([low, 0.5, 0.5, 1.0]), torch.tensor([0.0, 0.2, 0.3, 1.0]), None)])
        assert sum("scale" in record.message for record in caplog.records) == said
