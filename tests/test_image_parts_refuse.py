"""Parts for images that do not fit together, or a wrong image, mask or box: one line, never a number."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import default_collate

from repro.datasets.augmented import Augmented
from repro.datasets.border_weights import BorderWeights
from repro.datasets.boxes import BoxesOfMasks
from repro.datasets.image_tasks import TASKS
from repro.datasets.perturb_images import Rotation
from repro.datasets.shapes import Shapes
from repro.datasets.windows_of_images import PixelWindows
from repro.errors import BadInput
from repro.losses.boxes import BoxL1, BoxLoss, GeneralisedIoU
from repro.losses.overlap import Focal, PixelCrossEntropy, SoftDice
from repro.metrics.boxes import AveragePrecision, BoxIoU, PrecisionAtRecall
from repro.metrics.confusion import ConfusionCell
from repro.metrics.explanations import EnergyGain, EnergyInside, ExplainedAccuracy, PointingGame, RandomisedLayers
from repro.metrics.segmentation import Dice, IoU, PixelError, RandError, WarpingError
from repro.models.averages import MeanBox
from repro.models.boxes import BoxHead
from repro.models.explained import Explained
from repro.models.explanations import GradCAM, Gradient, IntegratedGradients
from repro.models.image_classifiers import MobileNetBlocks, PreActivationResNet, SmallCNN
from repro.models.unet import UNet
from repro.models.weights import WithWeights

NAN = math.nan
DATA = {task: Shapes(items=2, size=16, task=task) for task in TASKS}
BATCHES = {task: default_collate([data[0], data[1]]) for task, data in DATA.items()}


def unet(padding: Any = "same") -> UNet:
    return UNet(3, 2, depth=2, width=4, padding=padding)


def cnn() -> SmallCNN:
    return SmallCNN(classes=3, width=4, blocks=2).eval()


OUTPUTS = {"unet": unet(), "cnn": cnn(), "boxes": BoxHead(unet())}
ESTIMATES = {
    "unet": unet().estimate(DATA["mask"][0][0]).detach(),
    "cnn": cnn()(DATA["mask"][0][0][None])[0].detach(),
    "boxes": {name: one.detach() for name, one in BoxHead(unet()).estimate(DATA["mask"][0][0]).items()},
    "explained": Explained(cnn(), [Gradient()], steps=2).eval().estimate(DATA["mask"][0][0]),
}
OF_MASKS: list[Any] = [Dice(of=1), IoU(of=1), PixelError(), RandError(), WarpingError()]
OF_BOXES: list[Any] = [AveragePrecision(iou=0.5), PrecisionAtRecall(recall=0.5, iou=0.5), BoxIoU()]
OF_MAPS: list[Any] = [EnergyInside("Gradient"), EnergyGain("Gradient"), PointingGame("Gradient"), ExplainedAccuracy()]
FITS = {
    "loss of masks": {("unet", "mask"), ("unet", "class_and_mask"), ("cnn", "class")},
    "SoftDice": {("unet", "mask"), ("unet", "class_and_mask")},
    "BoxLoss": {("boxes", "box")},
}


@pytest.mark.parametrize("loss", [PixelCrossEntropy(), Focal(), SoftDice(), BoxLoss(BoxL1()), GeneralisedIoU()])
def test_a_loss_refuses_the_output_of_another_model_and_another_target(loss: nn.Module) -> None:
    kind = type(loss).__name__
    fits = FITS.get(kind, set() if kind == "GeneralisedIoU" else FITS["loss of masks"])
    for model, output in OUTPUTS.items():
        for task, (images, target) in BATCHES.items():
            if (model, task) in fits:
                assert loss(output(images), target).isfinite()
            else:
                with pytest.raises(BadInput):
                    loss(output(images), target)


@pytest.mark.parametrize(
    ("metrics", "fits"),
    [
        (OF_MASKS, {("unet", "mask"), ("unet", "class_and_mask")}),
        (OF_BOXES, {("boxes", "box")}),
        (OF_MAPS, {("explained", "class_and_mask")}),
        ([RandomisedLayers("Gradient")], {("explained", task) for task in TASKS}),
        ([ConfusionCell(("a", "b", "c"))], {(m, t) for m in ("cnn", "explained") for t in ("class", "class_and_mask")}),
    ],
)
def test_a_metric_refuses_the_estimate_of_another_model_and_another_target(metrics: Any, fits: Any) -> None:
    for metric in metrics:
        for model, estimate in ESTIMATES.items():
            for task, data in DATA.items():
                image, target = data[0]
                if (model, task) in fits:
                    metric(estimate, target, image)
                else:
                    with pytest.raises(BadInput):
                        metric(estimate, target, image)


@pytest.mark.parametrize("metric", OF_MASKS)
@pytest.mark.parametrize("wrong", ["nan", "class", "float"])
def test_metrics_of_masks_refuse_what_would_be_a_number_without_meaning(metric: Any, wrong: str) -> None:
    scores, mask = torch.zeros(2, 8, 8), torch.ones(8, 8, dtype=torch.int64)
    metric(scores, mask, None)
    scores = scores.fill_(NAN) if wrong == "nan" else scores
    mask = {"nan": mask, "class": mask + 1, "float": mask / 2}[wrong]
    with pytest.raises(BadInput):
        metric(scores, mask, None)


@pytest.mark.parametrize("box", [[5, 5, 1, 1], [1, 1, 1, 5], [NAN, 1, 2, 3], [0, 0, math.inf, 3]])
def test_a_true_box_that_is_no_box_is_refused(box: list[float]) -> None:
    true = torch.tensor([box], dtype=torch.float32)
    found = {"boxes": torch.tensor([[1.0, 1, 5, 5]]), "scores": torch.ones(1), "classes": torch.zeros(1)}
    for metric in OF_BOXES:
        with pytest.raises(BadInput):
            metric(found, true, None)
        with pytest.raises(BadInput):
            metric({**found, "scores": torch.tensor([NAN])}, found["boxes"], None)
    if box != [1, 1, 1, 5]:  # the loss has no location in a box without area
        with pytest.raises(BadInput):
            BoxLoss(BoxL1())(OUTPUTS["boxes"](torch.rand(1, 3, 16, 16)), true[None])
    with pytest.raises(BadInput):
        MeanBox([(torch.rand(3, 16, 16), true)]).estimate(torch.rand(3, 16, 16))


def test_a_map_that_is_not_finite_is_refused() -> None:
    estimate, target = {"maps": {"Gradient": torch.full((4, 4), NAN)}}, {"mask": torch.eye(4).long(), "class": 0}
    for metric in OF_MAPS[:3]:
        with pytest.raises(BadInput):
            metric(estimate, target, None)


@pytest.mark.parametrize("make", [BoxesOfMasks, BorderWeights, lambda source: PixelWindows(source, size=3, count=2)])
def test_a_box_is_not_taken_for_a_mask(make: Any) -> None:
    with pytest.raises(BadInput):
        make(DATA["box"])[0]


def test_a_perturbation_that_changes_no_target_is_no_augmentation() -> None:
    with pytest.raises(BadInput) as error:
        Augmented(DATA["mask"], [Rotation(degrees=5)])
    assert error.value.nearest == "Rotate"


@pytest.mark.parametrize(
    "model",
    [
        unet(),
        cnn(),
        BoxHead(unet()),
        PreActivationResNet(3, width=4, blocks=(1,)).eval(),
        MobileNetBlocks(3, width=4, blocks=(1,)).eval(),
    ],
)
@pytest.mark.parametrize("shape", [(1, 1, 16, 16), (3, 16, 16)])
def test_a_model_says_how_many_channels_it_was_given(model: nn.Module, shape: tuple[int, ...]) -> None:
    model(torch.rand(1, 3, 16, 16))
    with pytest.raises(BadInput):
        model(torch.rand(shape))


def test_one_value_cannot_be_normalised() -> None:
    with pytest.raises(BadInput):
        SmallCNN(3, width=4, blocks=2).train()(torch.rand(1, 3, 2, 2))


@pytest.mark.parametrize("encoder", [cnn(), unet("valid")])
def test_a_detector_refuses_an_encoder_whose_maps_are_not_above_the_image(encoder: nn.Module) -> None:
    with pytest.raises(BadInput):
        BoxHead(encoder)


def test_a_layer_that_does_not_exist_is_found_before_the_training() -> None:
    with pytest.raises(BadInput) as error:
        Explained(cnn(), [GradCAM("feature")])
    assert error.value.nearest == "features"
    with pytest.raises(BadInput):
        GradCAM("")


@pytest.mark.parametrize("explanation", [Gradient(), IntegratedGradients(steps=2), GradCAM()])
@pytest.mark.parametrize("label", [-1, 3])
def test_a_class_that_does_not_exist_is_not_explained(explanation: Any, label: int) -> None:
    with pytest.raises(BadInput):
        explanation.explain(cnn(), torch.rand(3, 16, 16), label)


@pytest.mark.parametrize("model", [unet(), BoxHead(unet())])
def test_only_classifiers_are_explained(model: nn.Module) -> None:
    with pytest.raises(BadInput):
        Explained(model, [Gradient()]).eval().estimate(torch.rand(3, 16, 16))


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04"])
@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_a_damaged_file_of_weights_is_named(content: bytes, suffix: str, tmp_path: Path) -> None:
    (file := tmp_path / f"weights.{suffix}").write_bytes(content)
    with pytest.raises(BadInput) as error:
        WithWeights(cnn(), str(file), hashlib.sha256(content).hexdigest())
    assert error.value.where == str(file)


@pytest.mark.parametrize("what", ["model", "nan"])
def test_weights_that_are_no_numbers_are_refused(what: str, tmp_path: Path) -> None:
    file, weights = tmp_path / "weights.pt", {name: one * NAN for name, one in cnn().state_dict().items()}
    torch.save(cnn() if what == "model" else weights, file)
    with pytest.raises(BadInput) as error:
        WithWeights(cnn(), str(file), hashlib.sha256(file.read_bytes()).hexdigest())
    assert error.value.where == str(file)


def test_a_class_without_a_name_is_shown_by_its_number(tmp_path: Path) -> None:
    scores: Tensor = torch.rand(3, 4, 4)
    assert DATA["mask"].illustrate(torch.rand(3, 4, 4), torch.zeros(4, 4).long(), scores, tmp_path / "one")
