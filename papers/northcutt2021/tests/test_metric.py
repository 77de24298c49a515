"""The counts and shares of the metrics, compared with loops over the items, and how honest their intervals are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from papers.northcutt2021.metric import (
    LabelErrorShare,
    LabelIssues,
    Precision,
    Recall,
    ShownToCrowd,
    ValidatedErrors,
)
from repro.errors import BadInput
from repro.interval import interval
from repro.labels import confident
from repro.testing import check_metric


def answers(items: int, seed: int, flipped: float = 0.1) -> list[tuple[torch.Tensor, dict[str, Any]]]:
    """Scores of three classes and targets, of which a share has a wrong label."""
    chance = np.random.default_rng(seed)
    true = chance.integers(0, 3, items)
    label = np.where(chance.random(items) < flipped, (true + 1) % 3, true)
    scores = chance.normal(size=(items, 3))
    scores[np.arange(items), true] += 2.5
    rows = zip(scores, label, true, chance.random(items) < 0.5, strict=True)
    return [
        (torch.from_numpy(score), {"label": int(given), "wrong": bool(given != known), "shown": bool(shown)})
        for score, given, known, shown in rows
    ]


def mean(metric: Any, given: list[tuple[torch.Tensor, dict[str, Any]]]) -> float:
    return float(np.mean(contributions(metric, given)))


def contributions(metric: Any, given: list[tuple[torch.Tensor, dict[str, Any]]]) -> list[float]:
    values: list[float] = metric.contributions([metric(estimate, target, None) for estimate, target in given])
    assert len(values) == len(given)
    return values


@pytest.mark.parametrize("by", ["margin", "class", "noise rate", "both", "confident joint"])
@pytest.mark.parametrize("calibrate", [True, False])
def test_the_metrics_count_the_suspects(by: Any, calibrate: bool) -> None:
    given = answers(300, seed=1)
    p = torch.stack([estimate for estimate, _ in given]).softmax(1).numpy()
    labels = [target["label"] for _, target in given]
    flagged = set(confident.suspects(labels, p, by, calibrate=calibrate).tolist())
    wrong = {index for index, (_, target) in enumerate(given) if target["wrong"]}
    shown = {index for index, (_, target) in enumerate(given) if target["shown"]}
    issues = LabelIssues(by, calibrate, scores=True)
    assert mean(issues, given) == pytest.approx(len(flagged))
    assert mean(ValidatedErrors(issues), given) == pytest.approx(len(flagged & wrong))
    assert mean(LabelErrorShare(issues), given) == pytest.approx(100 * len(flagged & wrong) / 300)
    assert mean(ShownToCrowd(issues), given) == pytest.approx(len(flagged & shown))


def test_precision_and_recall_are_shares_of_flagged_and_of_wrong_labels() -> None:
    given = answers(300, seed=1)
    issues = LabelIssues(budget=40, scores=True)
    found = mean(ValidatedErrors(issues), given)
    assert mean(Precision(issues), given) == pytest.approx(100 * found / 40)
    assert mean(Recall(issues), given) == pytest.approx(100 * found / sum(target["wrong"] for _, target in given))


def test_a_budget_flags_the_lowest_margins() -> None:
    given = answers(200, seed=2)
    p = torch.stack([estimate for estimate, _ in given]).softmax(1).numpy()
    lowest = confident.ranked([target["label"] for _, target in given], p)[:17]
    flags = np.flatnonzero(contributions(LabelIssues(budget=17, scores=True), given))
    assert sorted(flags) == sorted(lowest)


@pytest.mark.parametrize("cls", [Precision, Recall])
def test_intervals_contain_the_true_value_as_often_as_they_say(cls: Any) -> None:
    """The true value is that of a very large test set with the same share of flagged items. 400 test sets."""
    truth = mean(cls(LabelIssues(budget=6000, scores=True)), answers(60_000, seed=10**6))
    metric = cls(LabelIssues(budget=60, scores=True))
    found = [interval([contributions(metric, answers(600, seed))]) for seed in range(400)]
    assert np.mean([one.low <= truth <= one.high for one in found]) >= 0.92


def test_metrics_pass_their_check() -> None:
    estimate, target = answers(3, seed=0)[0]
    for metric in (LabelIssues(), Precision(LabelIssues(budget=2)), ShownToCrowd(LabelIssues(budget=2))):
        check_metric(metric, estimate.softmax(-1), target, None)


def test_bad_input_is_named() -> None:
    given = answers(20, seed=0)
    with pytest.raises(BadInput) as caught:
        contributions(LabelIssues(budget=21, scores=True), given)
    assert caught.value.parameter == "budget"
    with pytest.raises(BadInput) as caught:
        contributions(Recall(LabelIssues(budget=2, scores=True)), answers(20, seed=0, flipped=0.0))
    assert caught.value.expected == "at least one"
    with pytest.raises(BadInput) as caught:
        Precision(LabelIssues())
    assert caught.value.parameter == "budget"
