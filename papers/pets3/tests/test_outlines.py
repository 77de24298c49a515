"""The configs of segmentation and detection: their parts on generated images, their data, and their baselines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from papers.pets3.dataset import Pets
from repro import config
from repro.datasets.augmented import Augmented, Flip, Rotate
from repro.datasets.boxes import BoxesOfMasks, iou
from repro.experiment import binding
from repro.models.averages import MeanBox
from repro.testing import check_loss, check_metric, check_model, needs

CONFIGS = Path(__file__).parents[1] / "configs"
TRAINED = ("segment", "segment_dice", "segment_focal", "detect", "detect_iou", "detect_l1")


GENERATED = (
    "import repro.datasets.shapes",
    "datasets.Shapes.items = 4",
    "datasets.Shapes.size = 32",
    "datasets.Shapes.task = 'mask'",
)
SEGMENTED = (*GENERATED, "experiment.test = {'test': @datasets.Shapes()}", "experiment.valid = None")
DETECTED = (*GENERATED, "test/datasets.BoxesOfMasks.source = @datasets.Shapes()", "experiment.valid = None")


@pytest.mark.parametrize(
    ("name", "generated"),
    [
        *((name, (*SEGMENTED, "datasets.Augmented.source = @datasets.Shapes()")) for name in TRAINED[:3]),
        *((name, (*DETECTED, "datasets.Augmented.source = @datasets.Shapes()")) for name in TRAINED[3:]),
        ("mean_mask", (*SEGMENTED, "models.MeanMask.source = @datasets.Shapes()")),
        ("mean_box", (*DETECTED, "datasets.BoxesOfMasks.source = @datasets.Shapes()")),
    ],
)
def test_parts_keep_their_contract(name: str, generated: tuple[str, ...]) -> None:
    """On generated images in place of the pets."""
    built = binding.build(config.read(CONFIGS / f"{name}.gin", generated))
    image, target = built.test["test"][0]
    for metric in built.metrics:
        check_metric(metric, built.estimate(image), target, image)
    if name in TRAINED:
        inputs, targets = default_collate([built.train[index] for index in range(2)])
        check_model(built.model, inputs)
        with torch.no_grad():
            output = built.model(inputs)
        check_loss(built.loss, output, targets)


@pytest.mark.parametrize("name", ["segment_dice", "segment_focal", "detect_iou", "detect_l1"])
def test_an_ablation_changes_the_loss_alone(name: str) -> None:
    changed, plain = (
        {row.name: str(row.value) for row in binding.bindings(config.read(CONFIGS / f"{one}.gin"))}
        for one in (name, name.partition("_")[0])
    )
    different = {key for key in changed if changed[key] != plain.get(key)}
    assert different in ({"experiment.loss"}, {"losses.BoxLoss.box"}) and set(plain) <= set(changed)


def test_a_box_moves_with_its_image() -> None:
    """The brightest pixel of an image stays inside the box, in every pass."""
    bright = torch.zeros(3, 32, 32)
    bright[:, 4:9, 18:30] = 1.0
    turned = Augmented([(bright, (bright[0] > 0).long())], [Flip(), Rotate(degrees=40)])
    turned.fingerprint = lambda: "generated"  # type: ignore[method-assign]
    boxes, places = BoxesOfMasks(turned), set()
    for epoch in range(20):
        boxes.set_epoch(epoch)
        image, target = boxes[0]
        x0, y0, x1, y1 = map(int, target["boxes"][0])
        outside = image[0].clone()
        outside[y0:y1, x0:x1] = 0
        assert float(outside.max()) < 0.75 and float(image[0, y0:y1, x0:x1].max()) > 0.9
        places.add((x0, y0, x1, y1))
    assert len(places) > 10


@needs("pets3/train", "pets3/test")
def test_boxes_around_masks_are_those_of_the_reader() -> None:
    masks, boxes = BoxesOfMasks(Pets("test", task="mask", size=64)), Pets("test", task="box", size=64)
    assert all(torch.equal(masks[n][1]["boxes"], boxes[n][1]) for n in range(0, len(boxes), 10))


@needs("pets3/train", "pets3/valid")
def test_the_mean_box_is_a_strong_baseline_only_at_a_small_overlap() -> None:
    model = MeanBox(Pets("train", task="box", size=64))
    values = [float(iou(model.estimate(image)["boxes"], true)) for image, true in Pets("valid", task="box", size=64)]
    assert np.mean(np.array(values) >= 0.5) > 0.7 and np.mean(np.array(values) >= 0.75) < 0.2
