"""How often a shift is detected, and the two numbers about the sixes of MNIST."""

from __future__ import annotations

from typing import Any, Literal

import torch

from repro.metrics import Identity, drift
from repro.registry import METRICS, wrong_value


@METRICS.register
class DetectionRate:
    """Share of samples of n = `samples` images in which a shift is detected (Tables 1 and 2), in [0, 1].

    A shift is detected if the p value is below `level`. estimate: of a detector. For samples without a shift, it is the
    rate of false alarms. Raises BadInput unless `samples` is from 1 and `level` is between 0 and 1.

    >>> DetectionRate(samples=10)({10: [0.01, 0.2]}, 1.0, None)
    0.5
    """

    def __init__(self, samples: int, level: float = 0.05) -> None:
        if samples < 1:
            raise wrong_value(self, "samples", samples, "a whole number from 1")
        if not 0 < level < 1:
            raise wrong_value(self, "level", level, "a number between 0 and 1")
        self.samples, self.level = samples, level
        self.identity = Identity(f"DetectionRate{samples}", "higher", reference=f"p below {level}, corrected")

    def __call__(self, estimate: dict[int, list[float]], target: float, inputs: Any) -> float:
        if self.samples not in estimate:
            raise wrong_value(self, "samples", self.samples, f"a size of the detector: {sorted(estimate)}")
        found = estimate[self.samples]
        return sum(p < self.level for p in found) / len(found)


@METRICS.register
class SmallestP:
    """Smallest p value of the Kolmogorov-Smirnov tests of all pixels (Section 5, Original Splits).

    inputs: (M, D), target: (N, D). `correction`: see `repro.metrics.drift.Source.p_values`; "stephens" is the formula
    of scipy in 2019. Raises BadInput for another value.

    >>> f"{SmallestP()(None, torch.zeros(50, 2), torch.ones(50, 2)):.1e}"
    '5.5e-26'
    """

    def __init__(self, correction: Literal["none", "stephens"] = "none") -> None:
        if correction not in ("none", "stephens"):
            raise wrong_value(self, "correction", correction, "'none' or 'stephens'")
        self.correction = correction
        formula = "asymptotic" if correction == "none" else "limit, corrected as by Stephens"
        self.identity = Identity("SmallestP", "lower", reference=f"Kolmogorov-Smirnov, two-sided, {formula}")

    def __call__(self, estimate: Any, target: torch.Tensor, inputs: torch.Tensor) -> float:
        return float(drift.source(inputs).p_values(target, self.correction).min())


@METRICS.register
class Threshold:
    """Bonferroni's threshold for the smallest p value: `level`, divided by the number D of pixels.

    inputs: (M, D). Raises BadInput unless `level` is between 0 and 1.

    >>> Threshold()(None, torch.zeros(1, 100), torch.zeros(1, 100))
    0.0005
    """

    def __init__(self, level: float = 0.05) -> None:
        if not 0 < level < 1:
            raise wrong_value(self, "level", level, "a number between 0 and 1")
        self.level = level
        self.identity = Identity("Threshold", "lower", reference=f"level {level}, divided by the number of pixels")

    def __call__(self, estimate: Any, target: torch.Tensor, inputs: torch.Tensor) -> float:
        return self.level / inputs.shape[1]
