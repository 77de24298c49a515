"""How good the explanation of a classifier's answer is: where its map is, and whether the answer depends on it.

Letters: H rows, W columns, K classes.

estimate: what `models.Explained` returns for an image; target: a dict with "mask" (H, W): 1 inside the object, 0
outside, -1 not decided. Each metric is of one of the explanations, `explanation`, such as "GradCAM". With `minus`, the
value is the difference to the value of another explanation for the same image, for example of the baseline
"CentreWeighted". Both are in the name of the metric. The answer that is explained may be wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from repro.errors import BadInput
from repro.metrics import Identity
from repro.registry import METRICS, name_of, wrong_value


@METRICS.register
class EnergyInside:
    """The share of the map's sum that is inside the object, in [0, 1]. Pixels that are not decided do not count.

    A map that is 0 everywhere counts as constant, so its value is the share of the area. `explanation`, `minus`: see
    the module. Raises BadInput if the estimate has no such explanation. Source: Wang et al. 2020, *Score-CAM*, Section
    4.3 (for boxes).

    Example:

        >>> maps = {"Gradient": torch.tensor([[3.0, 1.0, 5.0]])}
        >>> EnergyInside("Gradient")({"maps": maps}, {"mask": torch.tensor([[1, 0, -1]])}, None)
        0.75
    """

    def __init__(self, explanation: str, minus: str = "") -> None:
        self.of = _names(self, explanation, minus)
        self.identity = _identity("EnergyInside", self.of, "the object's mask")

    def __call__(self, estimate: Any, target: Any, inputs: Any) -> float:
        return _difference(self, estimate, "maps", lambda found: share_inside(found, _mask(self, target)))


@METRICS.register
class EnergyGain:
    """The share of the map's sum that is inside the object, minus the object's share of the area; in [-1, 1].

    A constant map has the value 0. It is a difference and not a ratio, because the ratio of a small object has no upper
    limit, and few images would determine the mean. The rest is as in `EnergyInside`.

    Example:

        >>> maps = {"Gradient": torch.tensor([[3.0, 1.0, 5.0]])}
        >>> EnergyGain("Gradient")({"maps": maps}, {"mask": torch.tensor([[1, 0, -1]])}, None)
        0.25
    """

    def __init__(self, explanation: str) -> None:
        self.of = _names(self, explanation)
        self.identity = _identity("EnergyGain", self.of, "the object's share of the area")

    def __call__(self, estimate: Any, target: Any, inputs: Any) -> float:
        mask = _mask(self, target)
        area = share_inside(torch.ones(mask.shape), mask)
        return _difference(self, estimate, "maps", lambda found: share_inside(found, mask) - area)


@METRICS.register
class PointingGame:
    """1 if the highest value of the map is inside the object, else 0. Pixels that are not decided are left out.

    If several pixels have the highest value, the value is the share of these that is inside. `explanation`, `minus`:
    see the module. Raises BadInput if the estimate has no such explanation. Source: Zhang et al. 2016, *Top-down Neural
    Attention by Excitation Backprop*, Section 4.1, without its tolerance of 15 pixels.

    Example:

        >>> maps = {"Gradient": torch.tensor([[3.0, 1.0, 5.0]])}
        >>> PointingGame("Gradient")({"maps": maps}, {"mask": torch.tensor([[1, 0, -1]])}, None)
        1.0
    """

    def __init__(self, explanation: str, minus: str = "") -> None:
        self.of = _names(self, explanation, minus)
        self.identity = _identity("PointingGame", self.of, "the object's mask")

    def __call__(self, estimate: Any, target: Any, inputs: Any) -> float:
        return _difference(self, estimate, "maps", lambda found: _pointed(found, _mask(self, target)))


@METRICS.register
class DeletionCurve:
    """The area under the deletion curve, in [0, 1]: the mean probability of the answer while pixels are removed.

    Lower is better: the first pixels of the map matter most. `models.Explained` describes the curve. `explanation`,
    `minus`: see the module; compare with the minus of "RandomPixels", because the curve depends on the classifier. The
    target is not used. Raises BadInput if the estimate has no such explanation.

    Example:

        >>> metric = DeletionCurve("Gradient", minus="RandomPixels")
        >>> metric({"deletion": {"Gradient": 0.25, "RandomPixels": 0.75}}, 0, None)
        -0.5
    """

    def __init__(self, explanation: str, minus: str = "") -> None:
        self.of = _names(self, explanation, minus)
        self.identity = _identity("DeletionCurve", self.of, "the probability of the answer", "lower")

    def __call__(self, estimate: Any, target: Any, inputs: Any) -> float:
        return _difference(self, estimate, "deletion", float)


@METRICS.register
class RandomisedLayers:
    """Spearman's correlation of the map with that of the classifier with random layers, in [-1, 1].

    `share`: of the layers, from the top; `models.Explained` must have it in its `shares`. If an explanation depends on
    what the classifier has learned, the correlation is low. The target is not used. Raises BadInput if `share` is not a
    number above 0 and at most 1, or if the estimate has no such explanation or share.

    Example:

        >>> RandomisedLayers("Gradient")({"randomised": {"Gradient": {1.0: 0.125}}}, 0, None)
        0.125
    """

    def __init__(self, explanation: str, share: float = 1.0) -> None:
        self.of = _names(self, explanation)
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 < share <= 1:
            raise wrong_value(self, "share", share, "a number above 0 and at most 1")
        self.share = float(share)
        name = f"Randomised{round(100 * share)}Percent"
        self.identity = _identity(name, self.of, f"the map with {share:g} of the layers random", "lower")

    def __call__(self, estimate: Any, target: Any, inputs: Any) -> float:
        found = _found(self, estimate, "randomised", self.of[0])
        if self.share not in found:
            raise wrong_value(self, "share", self.share, f"one of models.Explained.shares: {[*found]}")
        return float(found[self.share])


@METRICS.register
class ExplainedAccuracy:
    """Accuracy of a classifier whose answer is explained: 1 if the highest score is that of the true class, else 0.

    It is `metrics.Accuracy` for `models.Explained`: estimate has "scores" (K,), target has "class". Ties go to the
    lowest index.

    Example:

        >>> ExplainedAccuracy()({"scores": torch.tensor([0.1, 0.7])}, {"class": 1}, None)
        1.0
    """

    identity = Identity("Accuracy", better="higher", reference="class")

    def __call__(self, estimate: Any, target: Any, inputs: Any) -> float:
        explained = isinstance(estimate, Mapping) and len(estimate.get("scores", ())) > 0
        if not explained or not isinstance(target, Mapping) or "class" not in target:
            said = f"{name_of(self)} is given a {type(estimate).__name__} and a target of type {type(target).__name__}"
            raise BadInput(said, expected="the estimate of models.Explained, and a target with 'class'")
        return float(int(estimate["scores"].argmax()) == int(target["class"]))


def share_inside(found: Tensor, mask: Tensor) -> float:
    """The share of a map's sum that is inside, among the pixels that are decided. Raises BadInput for a wrong mask."""
    inside, outside = _decided(found, mask)
    values = found.double() if bool((found[inside | outside] > 0).any()) else torch.ones(found.shape).double()
    within, without = float(values[inside].sum()), float(values[outside].sum())
    return within / (within + without)


def _decided(found: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Which pixels are inside the object, and which outside. Raises BadInput if the map or the mask is wrong."""
    if found.shape != mask.shape:
        shapes = f"a map has {tuple(found.shape)} pixels, and its mask {tuple(mask.shape)}"
        raise BadInput(shapes, expected="the same number of rows and columns")
    if not found.isfinite().all():
        raise BadInput("a map has a value that is not finite", expected="a model with finite scores")
    inside, outside = mask == 1, mask == 0
    if not (inside | outside).any():
        raise BadInput("a mask has no pixel that is decided", expected="pixels with the values 1 or 0")
    return inside, outside


def _mask(metric: Any, target: Any) -> Tensor:
    if not isinstance(target, Mapping) or "mask" not in target:
        said = f"{name_of(metric)} has a target of type {type(target).__name__} without a mask"
        raise BadInput(said, expected="a dict with 'mask', as of the task 'class_and_mask'")
    mask: Tensor = target["mask"]
    return mask


def _pointed(found: Tensor, mask: Tensor) -> float:
    inside, outside = _decided(found, mask)
    decided = inside | outside
    highest = decided & (found == found[decided].max())
    return float((mask[highest] == 1).double().mean())


def _difference(metric: Any, estimate: Any, key: str, value: Any) -> float:
    """The value of the explanation, minus that of the other one if there is one."""
    first, *others = (float(value(_found(metric, estimate, key, name))) for name in metric.of)
    return first - sum(others)


def _found(metric: Any, estimate: Any, key: str, name: str) -> Any:
    if not isinstance(estimate, Mapping) or key not in estimate:
        said = f"{name_of(metric)} is given an estimate of type {type(estimate).__name__} without {key}"
        raise BadInput(said, expected="the estimate of models.Explained")
    if name not in estimate[key]:
        raise BadInput(f"{name_of(metric)}: no explanation '{name}'", given=name, known=estimate[key])
    return estimate[key][name]


def _names(metric: Any, explanation: str, minus: str = "") -> list[str]:
    for parameter, value in (("explanation", explanation), ("minus", minus)):
        if not isinstance(value, str) or not (value or parameter == "minus"):
            raise wrong_value(metric, parameter, value, "the name of an explanation, such as 'GradCAM'")
    if explanation == minus:
        raise wrong_value(metric, "minus", minus, "another explanation")
    return [explanation, minus] if minus else [explanation]


def _identity(name: str, of: list[str], reference: str, better: Literal["higher", "lower"] = "higher") -> Identity:
    return Identity("".join([name, "Minus".join(of)]), better, reference=reference)
