"""Explanations: agreement with captum, the axioms, and that they change nothing in the model."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from repro.errors import BadInput
from repro.models.explanations import (
    CentreWeighted,
    GradCAM,
    Gradient,
    GuidedBackpropagation,
    IntegratedGradients,
    RandomPixels,
    SmoothGrad,
)
from repro.models.image_classifiers import MobileNetBlocks, PreActivationResNet, SmallCNN
from repro.testing import same

LABEL = 2
EVERY: list[Any] = [
    *(Gradient(), SmoothGrad(samples=3), IntegratedGradients(steps=3), GuidedBackpropagation(), GradCAM()),
    *(CentreWeighted(), RandomPixels()),
]


def networks() -> list[nn.Module]:
    """A network of each kind in eval mode, whose batch normalisation has seen images."""
    torch.manual_seed(0)
    made: list[nn.Module] = [
        SmallCNN(classes=3, width=6, blocks=3),
        PreActivationResNet(classes=3, width=6, blocks=(1, 1)),
        MobileNetBlocks(classes=3, width=6, blocks=(1, 1)),
    ]
    for model in made:
        model.train()(torch.rand(8, 3, 24, 24))
    return [model.eval() for model in made]


@pytest.fixture(params=[0, 1, 2], ids=["plain", "residual", "mobile"])
def model(request: pytest.FixtureRequest) -> nn.Module:
    return networks()[request.param]


@pytest.fixture
def image() -> Tensor:
    return torch.rand(3, 24, 24, generator=torch.Generator().manual_seed(1))


def near(found: Tensor, reference: Tensor) -> bool:
    return torch.allclose(found, reference.detach(), rtol=1e-4, atol=1e-6 * float(reference.abs().max()))


def test_gradients_agree_with_captum(model: nn.Module, image: Tensor) -> None:
    attr = pytest.importorskip("captum.attr")
    assert near(
        Gradient().attribute(model, image, LABEL), attr.Saliency(model).attribute(image[None], LABEL, abs=False)[0]
    )
    smooth = SmoothGrad(samples=5)
    of_noisy = [attr.Saliency(model).attribute(one[None], LABEL, abs=False)[0] for one in smooth.noisy(image)]
    assert near(smooth.attribute(model, image, LABEL), torch.stack(of_noisy).mean(0))


def test_guided_backpropagation_agrees_with_captum(model: nn.Module, image: Tensor) -> None:
    attr = pytest.importorskip("captum.attr")
    reference = attr.GuidedBackprop(model).attribute(image[None].clone(), LABEL)[0]
    found = GuidedBackpropagation().attribute(model, image, LABEL)
    assert near(found, reference)
    assert not near(found, Gradient().attribute(model, image, LABEL))


def test_integrated_gradients_agree_with_captum(model: nn.Module, image: Tensor) -> None:
    attr = pytest.importorskip("captum.attr")
    given = {"baselines": 0.25, "target": LABEL, "n_steps": 12, "method": "riemann_middle"}
    reference = attr.IntegratedGradients(model).attribute(image[None], **given)[0]
    assert near(IntegratedGradients(steps=12, baseline=0.25).attribute(model, image, LABEL), reference)


@pytest.mark.parametrize("layer", ["features", "features.0"])
def test_grad_cam_agrees_with_captum(model: nn.Module, image: Tensor, layer: str) -> None:
    attr = pytest.importorskip("captum.attr")
    inner = dict(model.named_modules())[layer]
    maps = attr.LayerGradCam(model, inner).attribute(image[None], LABEL, relu_attributions=True)
    reference = attr.LayerAttribution.interpolate(maps, (24, 24), "bilinear")[0, 0]
    assert near(GradCAM(layer).explain(model, image, LABEL), reference)


def test_integrated_gradients_are_complete(model: nn.Module, image: Tensor) -> None:
    """Sundararajan et al. 2017, Proposition 1; the error falls with the number of steps."""
    with torch.no_grad():
        scores = model(torch.stack([image, torch.zeros_like(image)]))[:, LABEL]
    wanted = float(scores[0] - scores[1])
    errors = [
        abs(float(IntegratedGradients(steps).attribute(model, image, LABEL).sum()) - wanted) for steps in (1, 400)
    ]
    assert errors[1] < 0.02 * abs(wanted)
    assert errors[1] < errors[0]


def test_a_pixel_that_the_model_does_not_read_has_no_attribution(image: Tensor) -> None:
    """Sensitivity (b) of Sundararajan et al. 2017, for all methods that compute attributions of pixels."""
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 24 * 24, 3)).eval()
    nn.init.zeros_(model[3].weight.view(3, 4, 24, 24)[..., :12])  # type: ignore[operator, union-attr]
    for one in EVERY[:4]:
        found = one.explain(model, image, LABEL)
        assert found[:, :12].max() == 0 < found[:, 12:].max()


def test_noise_of_almost_zero_gives_the_gradient(model: nn.Module, image: Tensor) -> None:
    found = SmoothGrad(samples=2, noise=1e-6).explain(model, image, LABEL)
    plain = Gradient().explain(model, image, LABEL)
    assert (found - plain).abs().mean() < 0.02 * plain.mean()


@pytest.mark.parametrize("one", EVERY, ids=lambda one: type(one).__name__)
def test_maps_are_not_negative_and_repeat_and_the_model_stays(model: nn.Module, image: Tensor, one: Any) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.random.get_rng_state()
    given = image.clone()
    found = one.explain(model, given, LABEL)
    assert found.shape == (24, 24) and found.dtype == torch.float32
    assert bool(found.isfinite().all()) and bool((found >= 0).all())
    with torch.inference_mode():
        assert torch.equal(one.explain(model, image + 0, LABEL), found)
    assert torch.equal(given, image) and torch.equal(state, torch.random.get_rng_state())
    assert same(before, dict(model.state_dict())) and all(value.grad is None for value in model.parameters())
    assert not any(module._forward_hooks or module._backward_hooks for module in model.modules())


@pytest.mark.parametrize("one", EVERY[:5], ids=lambda one: type(one).__name__)
def test_another_class_has_another_map(model: nn.Module, image: Tensor, one: Any) -> None:
    assert not torch.equal(one.explain(model, image, 0), one.explain(model, image, 1))


def test_baselines_do_not_need_a_model(image: Tensor) -> None:
    centre = CentreWeighted(width=0.25).explain(None, image, 0)
    assert torch.allclose(centre, centre.flip(0)) and torch.allclose(centre, centre.T)
    assert float(centre[11, 18]) == pytest.approx(
        float(torch.exp(torch.tensor(-((6.5 / 24 / 0.25) ** 2) / 2 - (0.5 / 6) ** 2 / 2)))
    )
    first, second = RandomPixels(0).explain(None, image, 0), RandomPixels(1).explain(None, image, 0)
    assert not torch.equal(first, second) and not torch.equal(first, RandomPixels(0).explain(None, image + 1, 0))


def test_a_model_in_training_is_refused(model: nn.Module, image: Tensor) -> None:
    for one in EVERY[:5]:
        with pytest.raises(BadInput):
            one.explain(model.train(), image, LABEL)


def test_a_layer_or_relu_that_is_not_there_is_refused(image: Tensor) -> None:
    model = SmallCNN(classes=3, width=4, blocks=1).eval()
    with pytest.raises(BadInput) as refused:
        GradCAM("featurs").explain(model, image, LABEL)
    assert refused.value.nearest == "features"
    with pytest.raises(BadInput) as refused:
        GradCAM("head").explain(model, image, LABEL)
    assert refused.value.parameter == "layer"
    with pytest.raises(BadInput):
        GuidedBackpropagation().explain(nn.Sequential(nn.Flatten(), nn.Linear(1728, 3)).eval(), image, LABEL)


@pytest.mark.parametrize(
    ("cls", "wrong"),
    [
        *((SmoothGrad, {"samples": value}) for value in (0, -1, 1.5, True)),
        *((SmoothGrad, {"noise": value}) for value in (0, -0.1, float("nan"), float("inf"), True)),
        *((SmoothGrad, {"seed": value}) for value in (-1, 0.5)),
        *((IntegratedGradients, {"steps": value}) for value in (0, 2.0)),
        *((IntegratedGradients, {"baseline": value}) for value in (float("nan"), float("inf"), "black")),
        *((CentreWeighted, {"width": value}) for value in (0, -1, float("nan"), float("inf"))),
        (RandomPixels, {"seed": -1}),
    ],
)
def test_a_wrong_value_is_refused_by_name(cls: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as refused:
        cls(**wrong)
    assert refused.value.parameter == next(iter(wrong))
