"""The FCN-score against formulas in numpy, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from repro.errors import BadInput
from repro.metrics.fcn_score import FCNScore, digest
from repro.models.unet import UNet
from repro.testing import check_metric

CLASSES = 3


class Copied(nn.Module):
    """A judge whose scores are the channels of the image."""

    def forward(self, images: Tensor) -> Tensor:
        return images


def items(count: int, seed: int = 0, classes: int = CLASSES) -> list[tuple[Tensor, Tensor]]:
    """Images that `Copied` segments at random, and labels that are right at about half of the pixels."""
    random = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(count):
        labels = torch.randint(-1, classes, (1, 6, 7), generator=random)
        image = torch.rand(CLASSES, 6, 7, generator=random)
        found.append((image.scatter_add(0, labels.clamp(min=0), torch.full((1, 6, 7), 0.5)), labels))
    return found


def expected(score: str, pairs: list[tuple[Tensor, Tensor]]) -> float:
    """The scores of the paper from the pixels of all images, without a confusion matrix."""
    labels = np.concatenate([given.flatten().numpy() for _, given in pairs])
    answers = np.concatenate([image.argmax(0).flatten().numpy() for image, _ in pairs])[labels >= 0]
    labels = labels[labels >= 0]
    if score == "pixel":
        return float((labels == answers).mean())
    values = []
    for one in range(CLASSES):
        both, true, found = ((labels == one) & (answers == one)).sum(), (labels == one).sum(), (answers == one).sum()
        parts = true if score == "class" else true + found - both
        if parts:
            values.append(both / parts)
    return float(np.mean(values))


@pytest.mark.parametrize("score", ["pixel", "class", "iou"])
@pytest.mark.parametrize("classes", [3, 2])
def test_the_score_is_that_of_all_pixels_of_the_test_set(score: Any, classes: int) -> None:
    pairs = items(5, classes=classes)
    metric = FCNScore(score, Copied(), record="none")
    found = metric.contributions([metric(image, image, labels) for image, labels in pairs])
    assert np.mean(found) == pytest.approx(expected(score, pairs), abs=1e-9)


@pytest.mark.parametrize("score", ["pixel", "class", "iou"])
def test_the_spread_is_that_of_the_jackknife(score: Any) -> None:
    pairs = items(60)
    metric = FCNScore(score, Copied(), record="none")
    matrices = [metric(image, image, labels) for image, labels in pairs]
    without = [expected(score, pairs[:left] + pairs[left + 1 :]) for left in range(len(pairs))]
    jackknife = np.sqrt((len(pairs) - 1) * np.var(without))
    spread = np.std(metric.contributions(matrices), ddof=1) / np.sqrt(len(pairs))
    assert spread == pytest.approx(jackknife, rel=0.05)


def test_perfect_answers_have_the_score_1_and_wrong_ones_0() -> None:
    labels = torch.randint(0, CLASSES, (1, 6, 7), generator=torch.Generator().manual_seed(0))
    right = nn.functional.one_hot(labels[0], CLASSES).permute(2, 0, 1).float()
    for score in ("pixel", "class", "iou"):
        metric = FCNScore(score, Copied(), record="none")  # type: ignore[arg-type]
        assert metric.contributions([metric(right, None, labels[0])]) == [pytest.approx(1.0)]
        assert metric.contributions([metric(-right, None, labels.float())]) == [pytest.approx(0.0)]


def test_the_answer_always_the_larger_class_is_caught_by_class_and_iou_alone() -> None:
    """With 9 of 10 pixels of one class, per-pixel accuracy hides that the other one is never found."""
    labels = torch.zeros(1, 10, 10)
    labels[0, 0] = 1
    image = torch.stack([torch.ones(10, 10), torch.zeros(10, 10)])
    values = [FCNScore(score, Copied(), "none") for score in ("pixel", "class", "iou")]  # type: ignore[arg-type]
    assert [metric.contributions([metric(image, None, labels)])[0] for metric in values] == pytest.approx(
        [0.9, 0.5, 0.45]
    )


def test_the_identity_names_the_judge_and_its_weights() -> None:
    torch.manual_seed(0)
    one, other = UNet(1, 2, 1, 2), UNet(1, 2, 1, 2)
    references = {FCNScore("iou", judge, "paper/judge-seed0").identity.reference for judge in (one, other)}
    assert len(references) == 2 and all("paper/judge-seed0" in reference for reference in references)
    other.load_state_dict(one.state_dict())
    assert digest(one) == digest(other)
    assert len({FCNScore(score, one, "a").identity.name for score in ("pixel", "class", "iou")}) == 3  # type: ignore[arg-type]


def test_contract() -> None:
    image, labels = items(1)[0]
    check_metric(FCNScore("iou", Copied(), record="none"), image, image, labels)


def test_the_judge_does_not_learn_and_is_in_eval_mode() -> None:
    judge = nn.Sequential(nn.Dropout(0.9), UNet(1, 2, 1, 2)).train()
    metric = FCNScore("pixel", judge, "none")
    image, labels = torch.rand(1, 8, 8), torch.ones(1, 8, 8)
    assert all(np.array_equal(metric(image, None, labels), metric(image, None, labels)) for _ in range(5))


@pytest.mark.parametrize(
    ("changed", "value"),
    [("score", "f1"), ("score", None), ("judge", len), ("judge", None), ("record", ""), ("record", 3)],
)
def test_wrong_parameters_are_refused(changed: str, value: Any) -> None:
    given = {"score": "iou", "judge": Copied(), "record": "none"}
    with pytest.raises(BadInput, match=changed):
        FCNScore(**{**given, changed: value})


@pytest.mark.parametrize(
    ("image", "labels"),
    [
        (torch.rand(3, 6, 7), torch.zeros(1, 7, 6)),
        (torch.rand(3, 6, 7), torch.zeros(2, 6, 7)),
        (torch.rand(6, 7), torch.zeros(6, 7)),
        (torch.rand(3, 6, 7), None),
        (torch.full((3, 6, 7), torch.nan), torch.zeros(6, 7)),
        (torch.rand(3, 6, 7), torch.full((6, 7), 0.5)),
        (torch.rand(3, 6, 7), torch.full((6, 7), 3)),
        (torch.rand(3, 6, 7), torch.full((6, 7), -2)),
        (torch.rand(3, 0, 7), torch.zeros(0, 7)),
    ],
)
def test_images_and_labels_that_do_not_fit_are_refused(image: Any, labels: Any) -> None:
    with pytest.raises(BadInput):
        FCNScore("iou", Copied(), record="none")(image, None, labels)


def test_a_judge_with_scores_of_another_size_or_nan_is_refused() -> None:
    image, labels = torch.rand(3, 6, 7), torch.zeros(6, 7)
    for judge in (nn.MaxPool2d(2), nn.Hardtanh(torch.nan, torch.nan)):
        with pytest.raises(BadInput, match="judge"):
            FCNScore("iou", judge, record="none")(image, None, labels)


def test_a_judge_of_other_images_is_one_line() -> None:
    judge = UNet(channels=3, classes=2, depth=1, width=2, padding="same")
    for one in (judge, nn.Conv2d(3, 2, 1), nn.Identity()):
        with pytest.raises(BadInput):
            FCNScore("iou", one, record="none")(torch.rand(1, 8, 8), None, torch.zeros(8, 9))
    with pytest.raises(BadInput, match="judge of"):
        FCNScore("iou", nn.Conv2d(3, 2, 1), record="none")(torch.rand(1, 8, 8), None, torch.zeros(8, 8))


@pytest.mark.parametrize("score", ["pixel", "class", "iou"])
def test_without_a_label_that_counts_there_is_no_score(score: Any) -> None:
    metric = FCNScore(score, nn.Conv2d(1, 2, 1), record="none")
    image, none, some = torch.rand(1, 4, 4), torch.full((4, 4), -1), torch.zeros(4, 4)
    with pytest.raises(BadInput, match="no pixel"):
        metric.contributions([metric(image, None, none)] * 2)
    assert len(metric.contributions([metric(image, None, none), metric(image, None, some)])) == 2
