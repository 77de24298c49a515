"""Explanations of an image classifier: maps that say how much each pixel counts for a class.

Letters: B images, C channels, H rows, W columns, K classes, D feature maps of h rows and w columns.

An explanation has `explain(model, image (C, H, W), label) -> map (H, W) float32`, from 0. `label` is the class whose
score is explained, an int in [0, K). The model is as in `repro.models.image_classifiers`, in eval mode; its weights do
not change. Gradients are those of the score before any softmax. Where an explanation has a signed value for each
channel, `attribute(model, image, label)` gives these (C, H, W), and the map is the largest absolute value of a pixel's
channels (Simonyan et al. 2014, Section 3.1), or for integrated gradients the absolute value of their sum.

`repro.models.explained` applies explanations to test images. `repro.metrics.explanations` measures them.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from repro.errors import BadInput
from repro.registry import MODELS, name_of, wrong_value


@MODELS.register
class Gradient:
    """The gradient of the score by the pixels: how much the score changes with each.

    Source: Simonyan, Vedaldi and Zisserman 2014, *Deep Inside Convolutional Networks*, Section 3.

    Example: a classifier whose scores are sums of pixels.

        >>> Gradient().explain(nn.Sequential(nn.Flatten(), nn.Linear(12, 2)).eval(), torch.rand(3, 2, 2), 1).shape
        torch.Size([2, 2])
    """

    def attribute(self, model: nn.Module, image: Tensor, label: int) -> Tensor:
        """The gradient (C, H, W)."""
        return gradients(model, image[None], label)[0]

    def explain(self, model: nn.Module, image: Tensor, label: int) -> Tensor:
        """The map (H, W)."""
        return self.attribute(model, image, label).abs().amax(0)


@MODELS.register
class SmoothGrad:
    """The mean of the gradients of `samples` noisy copies of the image.

    `noise`: the standard deviation as a share of the image's range, above 0. `samples`: from 1. `seed`: of the noise,
    which is the same for all images. Raises BadInput for another value. Source: Smilkov et al. 2017, *SmoothGrad*,
    Section 2.1.

    Example:

        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(12, 2)).eval()
        >>> SmoothGrad(samples=4).explain(model, torch.rand(3, 2, 2), 1).shape
        torch.Size([2, 2])
    """

    def __init__(self, samples: int = 16, noise: float = 0.15, seed: int = 0) -> None:
        _whole(self, samples=(samples, 1), seed=(seed, 0))
        self.samples, self.noise, self.seed = samples, _above_0(self, "noise", noise), seed

    def noisy(self, image: Tensor) -> Tensor:
        """The noisy copies (samples, C, H, W)."""
        random = torch.Generator().manual_seed(self.seed)
        noise = torch.randn((self.samples, *image.shape), generator=random).to(image.device)
        return image + self.noise * (image.max() - image.min()) * noise

    def attribute(self, model: nn.Module, image: Tensor, label: int) -> Tensor:
        """The mean gradient (C, H, W)."""
        return gradients(model, self.noisy(image), label).mean(0)

    def explain(self, model: nn.Module, image: Tensor, label: int) -> Tensor:
        """The map (H, W)."""
        return self.attribute(model, image, label).abs().amax(0)


@MODELS.register
class IntegratedGradients:
    """The change of the image from `baseline`, times the mean gradient on the way from there.

    The sum over all pixels is the difference of the scores of image and baseline (completeness), up to the error of
    `steps` steps. `baseline`: the value of all pixels of the image without content, finite. `steps`: from 1; the
    gradient is taken in the middle of each. Raises BadInput for another value. Source: Sundararajan, Taly and Yan 2017,
    *Axiomatic Attribution for Deep Networks*, Section 3, Proposition 1.

    Example: the sum is the difference of the scores.

        >>> model, image = nn.Sequential(nn.Flatten(), nn.Linear(12, 2)).eval(), torch.rand(3, 2, 2)
        >>> scores = model(torch.stack([image, torch.zeros(3, 2, 2)]))[:, 1]
        >>> total = IntegratedGradients(steps=4).attribute(model, image, 1).sum()
        >>> bool((total - (scores[0] - scores[1])).abs() < 1e-5)
        True
    """

    def __init__(self, steps: int = 16, baseline: float = 0.0) -> None:
        _whole(self, steps=(steps, 1))
        if isinstance(baseline, bool) or not isinstance(baseline, (int, float)) or not math.isfinite(baseline):
            raise wrong_value(self, "baseline", baseline, "a finite number")
        self.steps, self.baseline = steps, float(baseline)

    def attribute(self, model: nn.Module, image: Tensor, label: int) -> Tensor:
        """The attributions (C, H, W); a negative one lowers the score."""
        shares = (torch.arange(self.steps, device=image.device) + 0.5) / self.steps
        change = image - self.baseline
        return change * gradients(model, self.baseline + shares[:, None, None, None] * change, label).mean(0)

    def explain(self, model: nn.Module, image: Tensor, label: int) -> Tensor:
        """The map (H, W)."""
        return self.attribute(model, image, label).sum(0).abs()


@MODELS.register
class GuidedBackpropagation:
    """The gradient of the score, without what is negative after a ReLU on its way back.

    Each ReLU must be a module of its own; raises BadInput if the model has none. Source: Springenberg et al. 2015,
    *Striving for Simplicity*, Section 3.4.

    Example:

        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(12, 4), nn.ReLU(), nn.Linear(4, 2)).eval()
        >>> GuidedBackpropagation().explain(model, torch.rand(3, 2, 2), 1).shape
        torch.Size([2, 2])
    """

    def attribute(self, model: nn.Module, image: Tensor, label: int) -> Tensor:
        """The gradient (C, H, W)."""
        relus = [module for module in model.modules() if isinstance(module, nn.ReLU)]
        if not relus:
            raise BadInput(f"{name_of(self)} was given {name_of(model)} without a ReLU", expected="modules nn.ReLU")
        hooks = [relu.register_full_backward_hook(_without_negative) for relu in relus]
        try:
            return gradients(model, image[None], label)[0]
        finally:
            for hook in hooks:
                hook.remove()

    def explain(self, model: nn.Module, image: Tensor, label: int) -> Tensor:
        """The map (H, W)."""
        return self.attribute(model, image, label).abs().amax(0)


@MODELS.register
class GradCAM:
    """The feature maps of a layer, weighted by their mean gradients, without what is negative.

    `layer`: its name in the model; its output is (B, D, h, w), and the map is enlarged bilinearly to (H, W). Raises
    BadInput if the model has no such layer or its output has another shape. Source: Selvaraju et al. 2017, *Grad-CAM*,
    equations 1 and 2.

    Example:

        >>> from repro.models.image_classifiers import SmallCNN
        >>> GradCAM().explain(SmallCNN(classes=2, width=4, blocks=2).eval(), torch.rand(3, 16, 16), 1).shape
        torch.Size([16, 16])
    """

    def __init__(self, layer: str = "features") -> None:
        if not isinstance(layer, str) or not layer:
            raise wrong_value(self, "layer", repr(layer), "the name of a layer, such as 'features'")
        self.layer = layer

    def check(self, model: nn.Module) -> nn.Module:
        """The layer of the model. Raises BadInput if there is none; `models.Explained` asks before the training."""
        layer = getattr(model, self.layer, None) or dict(model.named_modules()).get(self.layer)
        if not isinstance(layer, nn.Module):
            names = [name for name, _ in model.named_modules() if name]
            said = f"{name_of(self)}.layer: {name_of(model)} has no layer '{self.layer}'"
            raise BadInput(said, given=self.layer, known=names, parameter="layer", value=self.layer)
        return layer

    def explain(self, model: nn.Module, image: Tensor, label: int) -> Tensor:
        """The map (H, W)."""
        layer = self.check(model)
        seen: list[Tensor] = []
        hook = layer.register_forward_hook(lambda module, given, output: seen.append(output))
        try:
            with differentiable(model):
                score = of_class(model, model(image.clone()[None].requires_grad_()), label)[0]
                maps = seen[0]
                if maps.ndim != 4:
                    raise wrong_value(self, "layer", self.layer, "a layer with feature maps (B, D, h, w)")
                weights = torch.autograd.grad(score, maps)[0].mean((2, 3), keepdim=True)
        finally:
            hook.remove()
        found = (weights * maps.detach()).sum(1, keepdim=True).relu()
        return functional.interpolate(found, image.shape[1:], mode="bilinear", align_corners=False)[0, 0]


@MODELS.register
class CentreWeighted:
    """A Gaussian at the centre of the image, whatever the model and the image: the baseline.

    Photographers put their subject into the centre, so this map is hard to beat. `width`: the standard deviation as a
    share of rows and columns, above 0. Raises BadInput for another value.

    Example:

        >>> found = CentreWeighted().explain(None, torch.rand(3, 5, 5), 1)
        >>> found.argmax().item(), found.max().item()
        (12, 1.0)
    """

    def __init__(self, width: float = 0.25) -> None:
        self.width = _above_0(self, "width", width)

    def explain(self, model: Any, image: Tensor, label: int) -> Tensor:
        """The map (H, W)."""
        sides = [(torch.arange(side, device=image.device) + 0.5) / side - 0.5 for side in image.shape[1:]]
        rows, columns = (torch.exp(-((side / self.width) ** 2) / 2) for side in sides)
        return rows[:, None] * columns


@MODELS.register
class RandomPixels:
    """A random number for each pixel, whatever the model: the baseline for the order in which pixels are removed.

    The numbers depend on `seed`, a whole number from 0, and on the image. Raises BadInput for another value.

    Example:

        >>> RandomPixels().explain(None, torch.rand(3, 5, 5), 1).shape
        torch.Size([5, 5])
    """

    def __init__(self, seed: int = 0) -> None:
        _whole(self, seed=(seed, 0))
        self.seed = seed

    def explain(self, model: Any, image: Tensor, label: int) -> Tensor:
        """The map (H, W)."""
        number = zlib.crc32(image.cpu().numpy().tobytes() + str(self.seed).encode())  # the generator takes 32 bits
        return torch.rand(image.shape[1:], generator=torch.Generator().manual_seed(number)).to(image.device)


def gradients(model: nn.Module, images: Tensor, label: int) -> Tensor:
    """The gradient of the score of class `label` by each of `images`, (B, C, H, W)."""
    with differentiable(model):
        given = images.clone().requires_grad_()
        return torch.autograd.grad(of_class(model, model(given), label).sum(), given)[0]


def of_class(model: nn.Module, scores: Tensor, label: int) -> Tensor:
    """The scores (B,) of class `label`. Raises BadInput if the model has no such class, and if it is no classifier.

    >>> of_class(nn.Identity(), torch.tensor([[1.0, 2.0]]), 1)
    tensor([2.])
    """
    if not isinstance(scores, Tensor) or scores.ndim != 2:
        found = f"scores of the shape {tuple(scores.shape)}" if isinstance(scores, Tensor) else type(scores).__name__
        raise BadInput(f"{name_of(model)} returns {found}", expected="scores (B, K) of a classifier, to explain it")
    if not 0 <= label < scores.shape[1]:
        raise BadInput(f"{name_of(model)} has no class {label} to explain", expected=f"0 to {scores.shape[1] - 1}")
    return scores[:, label]


@contextmanager
def differentiable(model: nn.Module) -> Iterator[None]:
    """Gradients are computed here, also in torch's inference mode. Raises BadInput if the model is in training mode."""
    if model.training:
        raise BadInput(f"{name_of(model)} is in training mode", expected="model.eval() before it is explained")
    with torch.inference_mode(False), torch.enable_grad():
        yield


def _without_negative(relu: nn.Module, found: Any, given: Any) -> tuple[Tensor]:
    """What a ReLU passes back: the gradient by its input, where it is above 0."""
    return (found[0].clamp(min=0),)


def _whole(part: object, **numbers: tuple[int, int]) -> None:
    for name, (value, least) in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise wrong_value(part, name, value, f"a whole number from {least}")


def _above_0(part: object, name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise wrong_value(part, name, value, "a number above 0")
    return float(value)
