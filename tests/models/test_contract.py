"""Networks of one's own that do not fit an adversarial training are refused before it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from repro.errors import BadInput
from repro.models.adversarial import Adversarial
from repro.models.contract import as_images, as_scores, takes
from repro.models.patch_discriminator import PatchDiscriminator
from tests.trainers.pairs import images, pair


class Judge(nn.Linear):
    """Gives `shape` of the scores of images, in which the number of images is -1."""

    def __init__(self, change: Any) -> None:
        super().__init__(9, 1)
        self.change = change

    def forward(self, shown: Tensor, inputs: Any) -> Any:
        return self.change(super().forward(shown.flatten(1)))


GOOD = [lambda s: s, lambda s: s[:, 0], lambda s: s[:, :, None, None].expand(-1, 1, 2, 2), lambda s: s[..., None]]
BAD = [
    lambda s: s.mean(),
    lambda s: s[:1],
    lambda s: s.expand(-1, 2),
    lambda s: (s, s),
    lambda s: s.long(),
    lambda s: None,
]


@pytest.mark.parametrize("change", GOOD)
def test_scores_of_each_image_are_judged(change: Any) -> None:
    model, data = Adversarial(pair().generator, Judge(change)), images()
    model.check_data(data)
    shown = data.tensors[1]
    assert torch.equal(model.judge(shown, None), model.discriminator(shown, None))


@pytest.mark.parametrize("change", BAD)
def test_other_scores_are_refused_before_the_training(change: Any) -> None:
    with pytest.raises(BadInput):
        Adversarial(pair().generator, Judge(change)).check_data(images())


@pytest.mark.parametrize("found", [torch.zeros(1, 4), torch.zeros(2, 4).long(), (torch.zeros(2, 4),), None])
def test_other_images_are_refused(found: Any) -> None:
    with pytest.raises(BadInput):
        as_images(found, 2, None)
    assert as_images(torch.zeros(2, 4), 2, None).shape == (2, 4)


def test_networks_that_are_called_otherwise_are_refused() -> None:
    one = pair()
    for model in (Adversarial(one.generator, nn.Flatten()), Adversarial(nn.Bilinear(1, 1, 1), one.discriminator)):
        with pytest.raises(BadInput, match="forward"):
            model.check_data(images())
    for networks in ((None, one.discriminator), (one.generator, 3)):
        with pytest.raises(BadInput) as refused:
            Adversarial(*networks)
        assert refused.value.parameter in ("generator", "discriminator")


def test_the_check_changes_nothing() -> None:
    model, before = pair(norm=True), torch.get_rng_state()
    weights = {name: one.clone() for name, one in model.state_dict().items()}
    model.check_data(images())
    assert torch.equal(torch.get_rng_state(), before)
    assert model.training
    assert all(torch.equal(one, weights[name]) for name, one in model.state_dict().items())


def test_a_method_with_defaults_or_any_arguments_fits() -> None:
    class Part:
        def more(self, one: Any, other: Any = None) -> None: ...
        def any(self, *given: Any) -> None: ...

    takes(Part(), "more", "a")
    takes(Part(), "more", "a", "b")
    takes(Part(), "any", "a", "b", "c")
    for method, names in (("more", ()), ("more", ("a", "b", "c")), ("none", ())):
        with pytest.raises(BadInput):
            takes(Part(), method, *names)


@pytest.mark.parametrize("inputs", [torch.zeros(2, 5), torch.zeros(2, 1, 8, 9), torch.zeros(1, 1, 8, 8), {"noise": 0}])
def test_labels_of_another_size_are_refused(inputs: Any) -> None:
    shown = torch.rand(2, 1, 8, 8)
    judge = PatchDiscriminator(channels=1, given=1, width=4, depth=1)
    with pytest.raises(BadInput, match="inputs"):
        judge(shown, inputs)
    assert len(as_scores(judge(shown, shown), shown, judge)) == 2
