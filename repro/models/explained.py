"""A classifier with the maps of its explanations, and what happens to its answer when the pixels of a map are removed.

Letters: B images, C channels, H rows, W columns, K classes.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn

from repro.errors import BadInput
from repro.registry import MODELS, name_of, wrong_value


@MODELS.register
class Explained(nn.Module):
    """A classifier whose answers are explained: `forward` is that of `classifier`, so it is trained as without them.

    `estimate(image (C, H, W))` returns a dict:

    - "scores" (K,); the class with the highest score is the one that is explained.
    - "maps": by the name of its class, the map (H, W) of each of `explanations`.
    - "deletion": by name, the area under the deletion curve. The pixels are removed in the order of the map, the
      highest first, in `steps` steps of equal size; a removed pixel has the mean colour of the image. The curve is the
      probability of the explained class over the share of the removed pixels, from 0 to 1 (Petsiuk, Das and Saenko
      2018, *RISE*, Section 4.1).
    - "randomised": by name and share, Spearman's correlation of the map with the map of the same classifier in which
      this share of the layers has random weights, from the top (Adebayo et al. 2018, *Sanity Checks for Saliency Maps*,
      Section 3.1). Only for `shares`, each above 0 and at most 1; `seed`: of the random weights.

    Raises BadInput for another value, if two explanations have the same name, if an explanation does not fit the
    classifier (its `check`, if it has one), and in `estimate` if the scores are not (B, K).

    Example:

        >>> from repro.models.explanations import CentreWeighted, Gradient
        >>> from repro.models.image_classifiers import SmallCNN
        >>> model = Explained(SmallCNN(classes=2, width=4, blocks=2), [Gradient(), CentreWeighted()], steps=4).eval()
        >>> found = model.estimate(torch.rand(3, 16, 16))
        >>> found["maps"]["Gradient"].shape, sorted(found["deletion"])
        (torch.Size([16, 16]), ['CentreWeighted', 'Gradient'])
        >>> round(found["randomised"]["CentreWeighted"][1.0])  # it does not depend on the classifier
        1
    """

    def __init__(
        self,
        classifier: Annotated[Any, MODELS],
        explanations: Annotated[Sequence[Any], MODELS],
        steps: int = 16,
        shares: Sequence[float] = (1.0,),
        seed: int = 0,
    ) -> None:
        super().__init__()
        if not isinstance(classifier, nn.Module):
            raise wrong_value(self, "classifier", classifier, "a model with weights")
        self.explanations = _named(self, explanations)
        for one in explanations:
            getattr(one, "check", lambda model: None)(classifier)
        for name, value, least in (("steps", steps, 1), ("seed", seed, 0)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise wrong_value(self, name, value, f"a whole number from {least}")
        if not isinstance(shares, (list, tuple)) or not all(_is_share(share) for share in shares):
            raise wrong_value(self, "shares", shares, "a list of numbers above 0 and at most 1")
        self.classifier, self.steps, self.shares, self.seed = classifier, steps, [float(one) for one in shares], seed

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(images)

    def estimate(self, image: Tensor) -> dict[str, Any]:
        """The scores of an image, and its explanations; all on the CPU."""
        image = image.to(next(self.classifier.parameters()).device)
        scores = self.classifier(image[None])
        if not isinstance(scores, Tensor) or scores.ndim != 2:
            found = tuple(scores.shape) if isinstance(scores, Tensor) else f"of a {type(scores).__name__}"
            raise BadInput(f"{name_of(self)}.classifier returns scores {found}", expected="scores (B, K)")
        scores = scores[0]
        label = int(scores.argmax())
        maps = {name: one.explain(self.classifier, image, label) for name, one in self.explanations.items()}
        return {
            "scores": scores.detach().cpu(),
            "maps": {name: found.detach().cpu() for name, found in maps.items()},
            "deletion": {name: deletion(self.classifier, image, label, one, self.steps) for name, one in maps.items()},
            "randomised": self._randomised(image, label, maps),
        }

    def _randomised(self, image: Tensor, label: int, maps: dict[str, Tensor]) -> dict[str, dict[float, float]]:
        found: dict[str, dict[float, float]] = {name: {} for name in maps}
        for share in self.shares:
            other = randomised(self.classifier, share, self.seed)
            for name, one in self.explanations.items():
                found[name][share] = correlation(maps[name], one.explain(other, image, label))
        return found


def deletion(model: nn.Module, image: Tensor, label: int, found: Tensor, steps: int) -> float:
    """The area under the deletion curve of the map `found` (H, W), in [0, 1]. Lower is better.

    Pixels with the same value are removed from the top left.
    """
    pixels = image.flatten(1)
    order = torch.argsort(found.flatten(), descending=True, stable=True)
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order), device=order.device)
    ends = torch.linspace(0, len(order), steps + 1, device=order.device).round()
    removed = (rank[None] < ends[:, None])[:, None]
    images = torch.where(removed, pixels.mean(1)[:, None], pixels).unflatten(2, image.shape[1:])
    with torch.no_grad():
        curve = model(images).softmax(1)[:, label]
    return float(torch.trapezoid(curve, ends) / len(order))


def randomised(model: nn.Module, share: float, seed: int) -> nn.Module:
    """A copy of `model` in which the last `share` of the layers with weights, rounded up, have new random weights.

    A layer that normalises counts as one, and forgets its mean and variance. Nothing else uses the random numbers.

    >>> from repro.models.image_classifiers import SmallCNN
    >>> model = SmallCNN(classes=2, width=4, blocks=2)
    >>> half = randomised(model, 0.5, seed=1)
    >>> torch.equal(half.head.weight, model.head.weight), torch.equal(half.features[0].weight, model.features[0].weight)
    (False, True)
    """
    with torch.inference_mode(False), torch.no_grad(), torch.random.fork_rng(devices=[]):
        other = copy.deepcopy(model)
        layers: list[Any] = [module for module in other.modules() if hasattr(module, "reset_parameters")]
        torch.manual_seed(seed)
        for layer in reversed(layers[len(layers) - math.ceil(share * len(layers)) :]):
            layer.reset_parameters()
    return other


def correlation(first: Tensor, second: Tensor) -> float:
    """Spearman's correlation of two maps, in [-1, 1]; 0 if one of them is constant.

    >>> correlation(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 4.0, 9.0]))
    1.0
    """
    one, other = (stats.rankdata(found.detach().cpu().numpy().ravel()) for found in (first, second))
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1].clip(-1, 1))


def _named(model: nn.Module, explanations: Any) -> dict[str, Any]:
    if not isinstance(explanations, (list, tuple)) or not all(hasattr(one, "explain") for one in explanations):
        raise wrong_value(model, "explanations", explanations, "a list of explanations (repro.models.explanations)")
    found = {type(one).__name__: one for one in explanations}
    if len(found) < len(explanations):
        names = [type(one).__name__ for one in explanations]
        raise BadInput(f"two explanations are called {max(names, key=names.count)}", expected="one of each")
    return found


def _is_share(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 1
