"""Detectors of a shift: a representation and a test (Section 3.2), and a domain classifier (Section 3.1).

Letters: M images of the source, N images of the target, n images of a sample, K dimensions of a representation.

A detector has `estimate(samples) -> {n: p values}`: for each sample size n, the p values of several samples of the
target, which have no image in common if the target has enough. A p value is corrected for K tests.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

import numpy as np
import torch
from scipy import stats
from torch import nn
from torch.nn import functional

from papers.rabanser2019.dataset import Samples
from repro.metrics import drift
from repro.registry import MODELS, wrong_value

SIZES = (10, 20, 50, 100, 200, 500, 1000, 10_000)
PIECE = 1000  # images that a network answers at once
PValues = dict[int, list[float]]


@MODELS.register
class ShiftDetector(nn.Module):
    """A test on a representation of the images.

    - `network`: a representation, or a classifier with `forward(images) -> scores`. It is trained as any model.
    - `on`: "representation"; "probabilities", the softmax of a classifier (BBSDs); or "classes", its answers (BBSDh).
    - `test`: "ks", Kolmogorov and Smirnov's for each dimension, with Bonferroni's correction, against all M images of
      the source. "mmd", of n source images and n target images, with `permutations`. For "classes" it is always
      Pearson's chi-squared test against all M images.
    - `sizes`: n, each from 2. A target with fewer images is one sample. `samples`: how many samples of each size.

    The random order of the images in the samples depends on the seed of the run. Raises BadInput for another value.

    Example: noise that every test sees.

        >>> from papers.rabanser2019.model import NoReduction
        >>> images = torch.rand(200, 1, 2, 2)
        >>> found = ShiftDetector(NoReduction(), sizes=(20,), samples=3).estimate(Samples(images, 1.5 * images))
        >>> len(found[20]), max(found[20]) < 0.05
        (3, True)
    """

    seed: torch.Tensor

    def __init__(
        self,
        network: Annotated[Any, MODELS],
        on: Literal["representation", "probabilities", "classes"] = "representation",
        test: Literal["ks", "mmd"] = "ks",
        sizes: Sequence[int] = SIZES,
        samples: int = 5,
        permutations: int = 200,
    ) -> None:
        super().__init__()
        _check(self, sizes, samples)
        if permutations < 19:
            raise wrong_value(self, "permutations", permutations, "a whole number from 19, or no p value is below 0.05")
        if on not in ("representation", "probabilities", "classes"):
            raise wrong_value(self, "on", on, "'representation', 'probabilities' or 'classes'")
        if test not in ("ks", "mmd"):
            raise wrong_value(self, "test", test, "'ks' or 'mmd'")
        self.network, self.on, self.test = network, on, test
        self.sizes, self.samples, self.permutations = tuple(sizes), samples, permutations
        self.register_buffer("seed", torch.randint(2**31, ()))
        self._last: tuple[torch.Tensor, torch.Tensor, drift.Source] | None = None

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """What the training of the network uses."""
        output: torch.Tensor = self.network(images)
        return output

    def fit(self, images: torch.Tensor, target: torch.Tensor) -> None:
        """Fit a network that is fitted in one step, for `trainers.FitOnce`."""
        self._last = None
        self.network.fit(images, target)

    def train(self, mode: bool = True) -> ShiftDetector:
        """As of any module. A network that is trained further has other representations."""
        self._last = None
        return super().train(mode)

    def estimate(self, samples: Samples) -> PValues:
        """The p values of the samples of each size."""
        source, ordered = self._source(samples.source)
        target = self.represented(samples.target)
        chosen = _samples(len(target), self.sizes, self.samples, int(self.seed))
        found: PValues = {}
        for number, (size, places) in enumerate(chosen):
            found.setdefault(size, []).append(self._p(source, ordered, target[places], number))
        return found

    def _source(self, images: torch.Tensor) -> tuple[torch.Tensor, drift.Source]:
        """The representation of the source, and its sorted form. Those of the last source are not computed again."""
        if self._last is None or self._last[0] is not images:
            found = self.represented(images)
            self._last = images, found, drift.source(found)
        return self._last[1:]

    def represented(self, images: torch.Tensor) -> torch.Tensor:
        """The images as the test sees them: (N, K), or their classes (N,)."""
        return torch.cat([self._represented(piece) for piece in images.split(PIECE)])

    def _represented(self, images: torch.Tensor) -> torch.Tensor:
        if self.on == "representation":
            found: torch.Tensor = self.network.represent(images)
            return found
        scores: torch.Tensor = self.network(images)
        return scores.softmax(1) if self.on == "probabilities" else scores.argmax(1)

    def _p(self, source: torch.Tensor, ordered: drift.Source, target: torch.Tensor, number: int) -> float:
        if self.on == "classes":
            classes = int(max(source.max(), target.max())) + 1
            return drift.chi_squared(source, target, classes)
        if self.test == "mmd":
            start = number * 997 % max(1, len(source) - len(target))  # another part of the source for each sample
            part = source[start : start + len(target)]
            return drift.mmd(part, target, self.permutations, seed=int(self.seed) + number)[1]
        largest = ordered.distances(target).max(keepdims=True)  # it has the smallest p value of all dimensions
        return min(1.0, target.shape[1] * float(drift.p_values(largest, len(source), len(target))[0]))


@MODELS.register
class DomainClassifier(nn.Module):
    """A network that learns to distinguish n source images from n target images (Classif).

    It is trained on one half of each sample. The other half is the test: the p value is that of a two-sided binomial
    test of its accuracy against 1/2. The network has one hidden layer of `hidden` units. It is trained anew for each
    sample: `steps` steps of Adam with the step size `rate`, each on `batch` images. `sizes`, `samples`: see
    `ShiftDetector`. Numbers are above 0. Raises BadInput for another value.

    Example:

        >>> images = torch.rand(200, 1, 2, 2)
        >>> found = DomainClassifier(sizes=(100,), samples=2).estimate(Samples(images, 5 * images))
        >>> len(found[100]), max(found[100]) < 0.05
        (2, True)
    """

    seed: torch.Tensor

    def __init__(
        self,
        hidden: int = 32,
        steps: int = 100,
        rate: float = 0.005,
        batch: int = 128,
        sizes: Sequence[int] = SIZES,
        samples: int = 5,
    ) -> None:
        super().__init__()
        _check(self, sizes, samples)
        for name, value in {"hidden": hidden, "steps": steps, "batch": batch}.items():
            if value < 1:
                raise wrong_value(self, name, value, "a whole number from 1")
        if not 0 < rate < math.inf:
            raise wrong_value(self, "rate", rate, "a number above 0")
        self.hidden, self.steps, self.rate, self.batch = hidden, steps, rate, batch
        self.sizes, self.samples = tuple(sizes), samples
        self.register_buffer("seed", torch.randint(2**31, ()))

    def estimate(self, samples: Samples) -> PValues:
        """The p values of the samples of each size."""
        source, target = samples.source.flatten(1), samples.target.flatten(1)
        found: PValues = {}
        for number, (size, places) in enumerate(_samples(len(target), self.sizes, self.samples, int(self.seed))):
            random = torch.Generator().manual_seed(int(self.seed) + number)
            other = torch.randperm(len(source), generator=random)[: len(places)]
            found.setdefault(size, []).append(self._p(source[other], target[places], random))
        return found

    def _p(self, source: torch.Tensor, target: torch.Tensor, random: torch.Generator) -> float:
        half = len(target) // 2
        images = torch.cat([source[:half], target[:half]])
        domains = torch.arange(len(images)) >= half
        with torch.inference_mode(False), torch.enable_grad():
            first, last = self._trained(images.clone(), domains.float(), random)
        scores = torch.cat([source[half : 2 * half], target[half : 2 * half]])
        right = ((functional.relu(scores @ first[0] + first[1]) @ last[0] + last[1] > 0) == domains).sum()
        return float(stats.binomtest(int(right), 2 * half).pvalue)

    def _trained(
        self, images: torch.Tensor, domains: torch.Tensor, random: torch.Generator
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Weights and biases of both layers."""
        sizes = [(images.shape[1], self.hidden), (self.hidden,)]
        drawn = [(torch.rand(size, generator=random) * 2 - 1) / math.sqrt(images.shape[1]) for size in sizes]
        first = [one.requires_grad_() for one in drawn]
        last = [torch.zeros(self.hidden).requires_grad_(), torch.zeros(()).requires_grad_()]
        optimizer = torch.optim.Adam([*first, *last], lr=self.rate)
        for _ in range(self.steps):
            chosen = torch.randint(len(images), (min(self.batch, len(images)),), generator=random)
            scores = functional.relu(images[chosen] @ first[0] + first[1]) @ last[0] + last[1]
            optimizer.zero_grad()
            functional.binary_cross_entropy_with_logits(scores, domains[chosen]).backward()
            optimizer.step()
        return [one.detach() for one in first], [one.detach() for one in last]


def _samples(images: int, sizes: Sequence[int], samples: int, seed: int) -> Iterator[tuple[int, torch.Tensor]]:
    """The size and the indices of each sample."""
    order = torch.randperm(images, generator=torch.Generator().manual_seed(seed))
    for size in sizes:
        length = min(size, images)
        for number in range(min(samples, images // length)):
            yield size, order[number * length : (number + 1) * length]


def _check(part: nn.Module, sizes: Sequence[int], samples: int) -> None:
    if not sizes or min(sizes) < 2 or len(set(sizes)) < len(sizes):
        raise wrong_value(part, "sizes", list(np.asarray(sizes)), "different whole numbers from 2")
    if samples < 1:
        raise wrong_value(part, "samples", samples, "a whole number from 1")
