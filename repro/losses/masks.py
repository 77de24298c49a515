"""The loss of mask inference: masked mixture against the sources, for the best order of the masks.

Letters: B batch, N frames, F frequencies, C sources.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from repro.losses.permutations import least_mean
from repro.registry import LOSSES


@LOSSES.register
class MaskInference(nn.Module):
    """Mask inference loss: mean difference between the masked mixture and the sources, for the best order.

    `forward(masks (B, C, N, F), target) -> scalar`. `target` has the magnitudes "mixture" (B, N, F) and "sources"
    (B, C, N, F), and "cosine" (B, C, N, F), the cosine of the phase difference of source and mixture. They are those of
    `datasets.SpectrogramSegments(sources=True)`. The loss of an item is the least mean over the assignments c of

        norm(mask_k |x| - t_c(k))       averaged over k and the N F bins

    - `target`: what t_c is. "magnitude": |s_c|. "phase_sensitive": |s_c| cos, which can be negative.
      "truncated_phase_sensitive": |s_c| cos, limited to [0, |x|], which masks in [0, 1] can reach.
    - `norm`: "L1": the absolute value. "L2": its square.

    There is one order for all bins of an item. (nussl's PermutationInvariantLoss(L1Loss()) chooses an order for each
    bin.) Source: Yu et al. 2017 for the order; Wang et al. 2018 as in the public code onssen, which sums over bins.

    Example: the masks are right, in reverse order.

        >>> sources = torch.tensor([[[[3.0, 0.0]], [[0.0, 1.0]]]])
        >>> target = {"sources": sources, "mixture": sources.sum(1), "cosine": torch.ones(1, 2, 1, 2)}
        >>> masks = torch.tensor([[[[0.0, 1.0]], [[1.0, 0.0]]]])
        >>> MaskInference()(masks, target), MaskInference()(torch.ones(1, 2, 1, 2), target)
        (tensor(0.), tensor(1.))
    """

    def __init__(
        self,
        target: Literal["magnitude", "phase_sensitive", "truncated_phase_sensitive"] = "magnitude",
        norm: Literal["L1", "L2"] = "L1",
    ) -> None:
        super().__init__()
        self.target, self.norm = target, norm

    def forward(self, masks: Tensor, target: Mapping[str, Tensor]) -> Tensor:
        mixture = target["mixture"].unsqueeze(1)  # (B, 1, N, F)
        estimates, wanted = masks * mixture, self._wanted(mixture, target)
        costs = [self._cost(estimates - source.unsqueeze(1)) for source in wanted.unbind(1)]
        return least_mean(torch.stack(costs, 2)).mean()  # costs: (B, C, C), estimates then sources

    def _wanted(self, mixture: Tensor, target: Mapping[str, Tensor]) -> Tensor:
        """What the masked mixture should be (B, C, N, F)."""
        if self.target == "magnitude":
            return target["sources"]
        aligned = target["sources"] * target["cosine"]
        return aligned if self.target == "phase_sensitive" else aligned.clamp_min(0).minimum(mixture)

    def _cost(self, error: Tensor) -> Tensor:
        """The mean over bins: (B, C, N, F) -> (B, C), at least in float32."""
        wide = torch.promote_types(error.dtype, torch.float32)
        return (error.abs() if self.norm == "L1" else error.square()).mean((2, 3), dtype=wide)
