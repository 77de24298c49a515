"""Metrics of found boxes against the program of COCO, the area under the curve, and repeated test sets."""

from __future__ import annotations

import contextlib
import io
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from repro.errors import BadInput
from repro.metrics.boxes import AveragePrecision, BoxIoU, PrecisionAtRecall
from repro.metrics.precision_recall import curves
from repro.testing import check_metric

Image = tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]


def drawn(seed: int, images: int = 12, classes: int = 1) -> list[Image]:
    """Random true boxes, and found ones that are near some of them; some images have none of either."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(images):
        true = boxes(random, int(random.integers(0, 4)))
        near = true[random.random(len(true)) < 0.8] + random.normal(0, 4, (1, 4))
        near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
        given = np.concatenate([near, boxes(random, int(random.integers(0, 4)))])
        labels = [torch.from_numpy(random.integers(0, classes, len(rows))) for rows in (given, true)]
        scores = torch.from_numpy(random.random(len(given)))
        rows = [torch.from_numpy(one.astype(np.float32)) for one in (given, true)]
        estimate = {"boxes": rows[0], "scores": scores, "classes": labels[0]}
        found.append((estimate, {"boxes": rows[1], "classes": labels[1]}))
    return found


def boxes(random: np.random.Generator, number: int) -> NDArray[Any]:
    corner = random.uniform(0, 60, (number, 2))
    return np.concatenate([corner, corner + random.uniform(5, 40, (number, 2))], 1)


def value(metric: Any, images: list[Image]) -> float:
    return float(np.mean(contributions(metric, images)))


def contributions(metric: Any, images: list[Image]) -> list[float]:
    return list(metric.contributions([metric(estimate, target, None) for estimate, target in images]))


def of_coco(images: list[Image], iou: float) -> float:
    """The average precision that pycocotools computes."""
    coco = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    truth, results = [], []
    for number, (estimate, target) in enumerate(images, 1):
        for box, label in zip(target["boxes"].tolist(), target["classes"].tolist(), strict=True):
            sides = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
            row = {"image_id": number, "category_id": label + 1, "bbox": sides, "area": sides[2] * sides[3]}
            truth.append({**row, "iscrowd": 0, "id": len(truth) + 1})
        for box, score, label in zip(
            *(estimate[name].tolist() for name in ("boxes", "scores", "classes")), strict=True
        ):
            sides = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
            results.append({"image_id": number, "category_id": label + 1, "bbox": sides, "score": score})
    labels = sorted({row["category_id"] for row in truth + results})
    with contextlib.redirect_stdout(io.StringIO()):
        known = coco.COCO()
        pictures = [{"id": number} for number in range(1, len(images) + 1)]
        known.dataset = {"images": pictures, "annotations": truth, "categories": [{"id": label} for label in labels]}
        known.createIndex()
        run = evaluation.COCOeval(known, known.loadRes(results), "bbox")
        run.params.iouThrs = np.array([iou])
        run.evaluate()
        run.accumulate()
    precision = run.eval["precision"][0, :, :, 0, -1]  # of boxes of any size, at most 100 in an image
    return float(precision[:, precision[0] > -1].mean())


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("iou", [0.5, 0.75, 0.3])
def test_average_precision_is_that_of_coco(seed: int, classes: int, iou: float) -> None:
    images = drawn(seed, classes=classes)
    assert value(AveragePrecision(iou), images) == pytest.approx(of_coco(images, iou), abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_the_curve_has_the_area_of_all_its_points(seed: int) -> None:
    """The mean over the ten ranges is the sum, over the hits, of the best precision from there on."""
    images = drawn(seed)
    metric = AveragePrecision(0.5)
    items = [metric(*one, None) for one in images]
    scores, hits = (np.concatenate([getattr(one, name) for one in items]) for name in ("scores", "hits"))
    hits = hits[np.argsort(-scores)]
    precision = hits.cumsum() / np.arange(1, len(hits) + 1)
    area = sum(precision[place:].max() for place in np.flatnonzero(hits)) / sum(len(one.true) for one in items)
    ranges = [value(PrecisionAtRecall(step / 10, 0.5), images) for step in range(1, 11)]
    assert np.mean(ranges) == pytest.approx(area)
    assert max(np.diff(ranges)) < 1e-9
    assert value(metric, images) == pytest.approx(area, abs=0.03)  # 101 points of the same curve


@pytest.mark.parametrize("ends", [(0.0, 1.0), (0.2, 0.3), (0.6, 0.7)])
@pytest.mark.parametrize("number", [0, 3, 7])
def test_influence_is_what_a_repeated_image_changes(ends: tuple[float, float], number: int) -> None:
    """Each image 400 times, and one of them once more."""
    metric = AveragePrecision(0.5)
    items = [metric(*one, None) for one in drawn(1)]
    (curve,), times = curves(metric, items), 400
    (more,) = curves(metric, items * times + [items[number]])
    changed = (more.area(*ends) - curve.area(*ends)) * times * len(items)
    assert changed == pytest.approx(curve.influences(*ends)[number], abs=0.02)
    assert curve.influences(*ends).sum() == pytest.approx(0, abs=1e-9)


@pytest.mark.slow
def test_standard_error_is_the_spread_between_test_sets() -> None:
    for metric in (AveragePrecision(0.5), PrecisionAtRecall(0.5, 0.5)):
        sets = [drawn(seed, images=150) for seed in range(200)]
        values, errors = [], []
        for images in sets:
            parts = contributions(metric, images)
            values.append(np.mean(parts))
            errors.append(np.std(parts) / len(parts) ** 0.5)
        assert np.mean(errors) == pytest.approx(np.std(values), rel=0.15)


def test_order_of_images_and_equal_scores_change_nothing() -> None:
    images = [({**estimate, "scores": estimate["scores"].round(decimals=1)}, target) for estimate, target in drawn(3)]
    for metric in (AveragePrecision(0.5), PrecisionAtRecall(0.4, 0.5)):
        assert value(metric, images[::-1]) == pytest.approx(value(metric, images))


EMPTY = {"boxes": torch.zeros(0, 4), "scores": torch.zeros(0), "classes": torch.zeros(0, dtype=torch.int64)}
TRUE = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
FOUND = {"boxes": TRUE, "scores": torch.tensor([0.9]), "classes": torch.tensor([0])}
SURE = {"boxes": TRUE, "scores": torch.tensor([1.0]), "classes": torch.tensor([0])}
NOTHING = torch.zeros(0, 4)


def test_values_without_a_true_or_a_found_box() -> None:
    metric = AveragePrecision(0.5)
    assert value(metric, [(EMPTY, TRUE)]) == 0
    assert value(metric, [(FOUND, TRUE), (EMPTY, NOTHING)]) == 1
    assert value(metric, [(FOUND, TRUE), (SURE, NOTHING)]) == pytest.approx(0.5)
    for wrong in ([(EMPTY, NOTHING)], [(FOUND, NOTHING)]):
        with pytest.raises(BadInput):
            value(metric, wrong)
    pairs = [(EMPTY, TRUE), (FOUND, TRUE), (FOUND, NOTHING), (EMPTY, NOTHING)]
    assert [BoxIoU()(*one, None) for one in pairs] == [0.0, 1.0, 0.0, 1.0]


def test_a_second_box_on_the_same_object_is_a_false_positive() -> None:
    twice = {name: one.repeat(2, *[1] * (one.ndim - 1)) for name, one in FOUND.items()}
    twice["scores"] = torch.tensor([0.8, 0.9])
    assert AveragePrecision(0.5)(twice, TRUE, None).hits.tolist() == [False, True]


def test_box_iou_is_that_of_the_best_score() -> None:
    two = {"boxes": torch.tensor([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 2.0, 4.0]]), "scores": torch.tensor([0.1, 0.9])}
    true = torch.tensor([[50.0, 50.0, 60.0, 60.0], [0.0, 0.0, 4.0, 4.0]])
    assert BoxIoU()(two, true, None) == pytest.approx(0.5)


def test_another_threshold_is_another_metric() -> None:
    made = [AveragePrecision(0.5), AveragePrecision(0.75), PrecisionAtRecall(0.5, 0.5), PrecisionAtRecall(0.5, 0.75)]
    assert len({one.identity.name for one in made}) == 4
    assert len({str(asdict(one.identity)) for one in [*made, PrecisionAtRecall(0.6, 0.5)]}) == 5
    assert [one.identity.name for one in made[:2]] == ["AP50", "AP75"]


@pytest.mark.parametrize("wrong", [0, -0.5, 1.5, 0.123, float("nan"), float("inf")])
def test_wrong_values_are_refused(wrong: float) -> None:
    with pytest.raises(BadInput):
        AveragePrecision(wrong)
    with pytest.raises(BadInput):
        PrecisionAtRecall(wrong, 0.5)
    with pytest.raises(BadInput):
        PrecisionAtRecall(0.5, wrong)


@pytest.mark.parametrize("metric", [AveragePrecision(0.5), PrecisionAtRecall(1, 0.5), BoxIoU()])
def test_contract(metric: Any) -> None:
    check_metric(metric, FOUND, TRUE, torch.zeros(3, 8, 8))
