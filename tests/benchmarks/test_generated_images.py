"""The log-likelihood under a Parzen window against its formula in numpy. Times are CPU seconds."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import scipy.special
import torch

from repro.metrics.parzen import log_likelihoods

SAMPLES, IMAGES, PIXELS, SIGMA = 10_000, 10_000, 784, 0.2
SHARE = 100  # the formula is timed with one of so many test images


def formula(images: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """The log-density of each image, as the equation says it."""
    found = [scipy.special.logsumexp(-((image - samples) ** 2).sum(1) / (2 * SIGMA**2)) for image in images]
    return np.array(found) - math.log(len(samples)) - PIXELS * math.log(SIGMA * math.sqrt(2 * math.pi))


def test_ten_thousand_images_under_ten_thousand_samples(benchmark: Any, measured: Any) -> None:
    random = np.random.default_rng(0)
    images, samples = (random.random((count, PIXELS), np.float32) ** 4 for count in (IMAGES, SAMPLES))

    def ours() -> np.ndarray:
        return log_likelihoods(torch.from_numpy(images), torch.from_numpy(samples), SIGMA)

    began = time.process_time()
    values = benchmark.pedantic(ours, rounds=1)
    spent = time.process_time() - began
    began = time.process_time()
    direct = formula(images[::SHARE], samples)
    ratio = (time.process_time() - began) * SHARE / spent
    assert np.abs(values[::SHARE] - direct).max() < 2e-3
    benchmark.extra_info["ratio_to_formula"] = round(ratio, 1)
    measured(
        "log-likelihood of 10,000 images under 10,000 samples",
        f"{spent:.1f} CPU seconds, {ratio:.0f} times as fast as the formula in numpy",
        "at most 10 seconds, at least 5 times as fast",
    )
    assert spent < 10 and ratio > 5
