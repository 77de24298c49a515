"""The loss of two outputs: the weighted sum of the losses of each."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from repro.errors import BadInput
from repro.losses.chimera import Chimera
from repro.losses.clustering import WhitenedKMeans
from repro.losses.masks import MaskInference
from repro.testing import check_loss
from tests.losses.cases import case
from tests.losses.test_masks import case as masks_case


def both() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    embeddings, target = case(0)
    masks, more = masks_case(0, frames=5, frequencies=7)
    return {"embeddings": embeddings, "masks": masks}, {**target, **more}


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.975, 1.0])
def test_it_is_the_weighted_sum(weight: float) -> None:
    output, target = both()
    parts = WhitenedKMeans(), MaskInference("truncated_phase_sensitive")
    values = parts[0](output["embeddings"], target), parts[1](output["masks"], target)
    expected = weight * values[0] + (1 - weight) * values[1]
    assert torch.allclose(Chimera(*parts, weight)(output, target), expected, rtol=1e-12)


def test_both_outputs_get_their_gradient() -> None:
    output, target = both()
    given = {key: one.requires_grad_() for key, one in output.items()}
    loss = Chimera(WhitenedKMeans(), MaskInference(), weight=0.9)
    loss(given, target).backward()
    for name, part, share in (("embeddings", WhitenedKMeans(), 0.9), ("masks", MaskInference(), 0.1)):
        alone = output[name].detach().requires_grad_()
        (share * part(alone, target)).backward()
        assert given[name].grad is not None and torch.allclose(given[name].grad, alone.grad)


class Halves(nn.Module):
    """A Chimera whose output is one tensor: the embeddings of four dimensions, then the masks."""

    def __init__(self) -> None:
        super().__init__()
        self.loss = Chimera(WhitenedKMeans(), MaskInference())

    def forward(self, output: Tensor, target: dict[str, Tensor]) -> Tensor:
        return self.loss({"embeddings": output[..., :4], "masks": output[..., 4:].movedim(3, 1)}, target)


def test_battery() -> None:
    output, target = both()
    joined = torch.cat([output["embeddings"], output["masks"].movedim(1, 3)], 3)
    check_loss(Halves(), joined, target)


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan")])
def test_a_weight_is_a_share(weight: float) -> None:
    with pytest.raises(BadInput, match="weight"):
        Chimera(WhitenedKMeans(), MaskInference(), weight)
