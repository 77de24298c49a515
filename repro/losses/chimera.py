"""The loss of a network with two outputs, embeddings and masks: the weighted sum of two losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from torch import Tensor, nn

from repro.registry import LOSSES, wrong_value


@LOSSES.register
class Chimera(nn.Module):
    """Chimera loss: `weight` times a loss of the embeddings plus `1 - weight` times a loss of the masks.

    `forward({"embeddings": (B, N, F, D), "masks": (B, C, N, F)}, target) -> scalar`; `target` has what the two losses
    need. `embeddings`: such as `@losses.DeepClustering()` or `@losses.WhitenedKMeans()`. `masks`: such as
    `@losses.MaskInference()`. Raises BadInput if `weight` is not in [0, 1].

    The default of 0.975 is that of the public code onssen and torch-chimera. There the loss of the masks is a sum over
    bins, while ours is a mean. So the same weight does not mean the same balance; choose it for the losses that you
    combine. Source: Luo et al. 2017; Wang et al. 2018.

    Example: both losses have the value 0.5.

        >>> import torch
        >>> from repro.losses.clustering import DeepClustering
        >>> from repro.losses.masks import MaskInference
        >>> sources = torch.tensor([[[[1.0, 0.0]], [[0.0, 1.0]]]])
        >>> target = {"dominant": torch.tensor([[[0, 1]]]), "weights": torch.ones(1, 1, 2)}
        >>> target |= {"sources": sources, "mixture": sources.sum(1)}
        >>> output = {"embeddings": torch.ones(1, 1, 2, 1), "masks": torch.ones(1, 2, 1, 2)}
        >>> Chimera(DeepClustering(), MaskInference())(output, target)
        tensor(0.5000)
    """

    def __init__(
        self, embeddings: Annotated[Any, LOSSES], masks: Annotated[Any, LOSSES], weight: float = 0.975
    ) -> None:
        super().__init__()
        if not 0 <= weight <= 1:
            raise wrong_value(self, "weight", weight, "a number from 0 to 1")
        self.embeddings, self.masks, self.weight = embeddings, masks, weight

    def forward(self, output: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensor:
        embeddings = self.embeddings(output["embeddings"], target)
        masks = self.masks(output["masks"], target)
        return self.weight * embeddings + (1 - self.weight) * masks
