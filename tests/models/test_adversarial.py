"""Generators and discriminators: their sizes, their formulas, and what a score depends on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from repro.errors import BadInput
from repro.models.adversarial import Adversarial, DenseGenerator, MaxoutDiscriminator
from repro.models.patch_discriminator import PatchDiscriminator
from repro.testing import check_model

MIRZA_G: dict[str, Any] = {"hidden": (1200,), "classes": 10, "paths": (200, 1000)}
MIRZA_D: dict[str, Any] = {"layers": ((240, 5), (240, 4)), "classes": 10, "label_layer": (50, 5)}


def labelled(count: int, noise: int = 100) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {"noise": torch.randn(count, noise), "label": torch.eye(10)[torch.arange(count) % 10]}


def weights(model: nn.Module) -> int:
    return sum(one.numel() for one in model.parameters())


def test_generators_keep_items_apart_and_use_every_weight() -> None:
    check_model(DenseGenerator(noise=6, hidden=[16, 16], shape=(1, 4, 4)), torch.randn(4, 6))
    model = DenseGenerator(noise=6, hidden=[16], shape=(3, 4, 4), classes=10, paths=(4, 8), dropout=0.5)
    found = model(labelled(3, 6))
    assert found.shape == (3, 3, 4, 4) and 0 < found.min() < found.max() < 1


def test_sizes_are_those_of_the_papers() -> None:
    assert weights(DenseGenerator()) == 101 * 1200 + 1201 * 1200 + 1201 * 784
    assert weights(MaxoutDiscriminator()) == 785 * 1200 + 241 * 1200 + 241
    assert weights(DenseGenerator(**MIRZA_G)) == 101 * 200 + 11 * 1000 + 1201 * 1200 + 1201 * 784
    assert weights(MaxoutDiscriminator(**MIRZA_D)) == 785 * 1200 + 11 * 250 + 291 * 960 + 241


def test_maxout_is_the_largest_linear_function() -> None:
    torch.manual_seed(0)
    model = MaxoutDiscriminator(layers=[(3, 4)], shape=(1, 2, 2), spread=1.0).double().eval()
    images = torch.rand(5, 1, 2, 2, dtype=torch.float64)
    layer, top = model.layers[0].linear, model.score
    linear = images.flatten(1).numpy() @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
    units = linear.reshape(5, 3, 4).max(2)
    expected = units @ top.weight.detach().numpy().T + top.bias.detach().numpy()
    np.testing.assert_allclose(model(images, None).detach().numpy(), expected, rtol=1e-12)


def test_a_label_changes_image_and_score() -> None:
    generator, discriminator = DenseGenerator(**MIRZA_G), MaxoutDiscriminator(**MIRZA_D).eval()
    given = labelled(2)
    other = {**given, "label": given["label"].flip(0)}
    image = generator(given)
    assert not torch.equal(image, generator(other))
    assert not torch.equal(discriminator(image, given), discriminator(image, other))


def test_a_generator_may_start_at_the_mean_image() -> None:
    mean = torch.rand(1, 28, 28)
    model = DenseGenerator(hidden=[8], spread=1e-9, mean_start=True)
    model.start(mean)
    torch.testing.assert_close(model(torch.zeros(1, 100))[0], mean)


def test_the_pair_is_its_generator_and_its_judge() -> None:
    model = Adversarial(DenseGenerator(**MIRZA_G), MaxoutDiscriminator(**MIRZA_D)).eval()
    given = labelled(2)
    image = model(given)
    assert torch.equal(image, model.generator(given))
    assert torch.equal(model.judge(image, given), model.discriminator(image, given))


@pytest.mark.parametrize(("depth", "patch"), [(0, 1), (1, 16), (2, 34), (3, 70)])
def test_a_score_depends_on_a_patch(depth: int, patch: int) -> None:
    """Isola et al. 2017, Section 4.4: patches of 1, 16 and 70 pixels. The gradient is zero outside."""
    torch.manual_seed(0)
    model = PatchDiscriminator(1, width=4, depth=depth, conditional=False, norm="none").double()
    assert model.patch == patch
    image = torch.rand(1, 1, 160, 160, dtype=torch.float64, requires_grad=True)
    scores = model(image, None)
    middle = scores.shape[-1] // 2
    scores[0, 0, middle, middle].backward()
    assert image.grad is not None
    rows = image.grad[0, 0].abs().sum(1).nonzero()
    assert int(rows.max() - rows.min()) + 1 == patch


def test_the_layers_are_those_of_the_paper() -> None:
    """C64-C128-C256-C512, then a convolution to one score; no normalisation of the first."""
    model = PatchDiscriminator(3, given=3)
    layers = [one for one in model.modules() if isinstance(one, nn.Conv2d)]
    found = [(one.in_channels, one.out_channels, one.kernel_size[0], one.stride[0]) for one in layers]
    assert found == [(6, 64, 4, 2), (64, 128, 4, 2), (128, 256, 4, 2), (256, 512, 4, 1), (512, 1, 4, 1)]
    assert sum(isinstance(one, nn.BatchNorm2d) for one in model.modules()) == 3
    assert layers[2].weight.std().item() == pytest.approx(0.02, rel=0.02)


def test_only_a_conditional_discriminator_sees_the_inputs() -> None:
    images, inputs = torch.rand(2, 1, 32, 32), torch.rand(2, 1, 32, 32)
    for conditional in (True, False):
        model = PatchDiscriminator(1, width=4, depth=2, conditional=conditional).eval()
        assert torch.equal(model(images, inputs), model(images, 1 - inputs)) is not conditional


@pytest.mark.parametrize(
    ("make", "parameter", "values"),
    [
        (DenseGenerator, "noise", [0, -1, 1.0, True]),
        (DenseGenerator, "hidden", [(), (0,), (8.0,), 8]),
        (DenseGenerator, "shape", [(28, 28), (1, 0, 28)]),
        (DenseGenerator, "classes", [-1, 1, 10.0]),
        (DenseGenerator, "paths", [(200, 1000)]),
        (DenseGenerator, "dropout", [-0.1, 1.0, math.nan, "a"]),
        (DenseGenerator, "spread", [0.0, -1.0, math.inf, math.nan]),
        (DenseGenerator, "mean_start", [1]),
        (MaxoutDiscriminator, "layers", [(), (240, 5), ((240, 0),), ((240,),)]),
        (MaxoutDiscriminator, "dropout", [0.5, (0.2,), (0.2, 1.0), (math.nan, 0.5)]),
        (MaxoutDiscriminator, "label_layer", [(50, 5)]),
        (PatchDiscriminator, "channels", [0, 1.0]),
        (PatchDiscriminator, "width", [0, math.inf]),
        (PatchDiscriminator, "depth", [-1, True]),
        (PatchDiscriminator, "norm", ["layer"]),
        (PatchDiscriminator, "conditional", [1]),
    ],
)
def test_bad_values_are_refused(make: Any, parameter: str, values: list[Any]) -> None:
    needed = {"channels": 1} if make is PatchDiscriminator else {}
    for value in values:
        with pytest.raises(BadInput) as refused:
            make(**{**needed, parameter: value})
        assert refused.value.parameter == parameter


def test_inputs_that_do_not_fit_are_refused() -> None:
    for call in (
        lambda: DenseGenerator()(torch.zeros(2, 99)),
        lambda: DenseGenerator()(labelled(2)),
        lambda: DenseGenerator(**MIRZA_G)(torch.zeros(2, 100)),
        lambda: DenseGenerator(**{**MIRZA_G, "classes": 7})(labelled(2)),
        lambda: DenseGenerator(classes=10),
        lambda: MaxoutDiscriminator(classes=10),
        lambda: MaxoutDiscriminator()(torch.zeros(2, 1, 8, 8), None),
        lambda: PatchDiscriminator(1)(torch.zeros(2, 3, 64, 64), torch.zeros(2, 1, 64, 64)),
        lambda: PatchDiscriminator(1)(torch.zeros(2, 1, 16, 16), torch.zeros(2, 1, 16, 16)),
    ):
        with pytest.raises(BadInput):
            call()
