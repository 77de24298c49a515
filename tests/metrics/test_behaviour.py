"""The metrics of behaviour tests, compared with a plain count over a batch of random outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import softmax

from repro.datasets.digits import Digits
from repro.datasets.pairs import BeforeAndAfter, Pairs
from repro.datasets.perturb_images import Covered, ImageNoise
from repro.errors import BadInput
from repro.experiment import Experiment
from repro.metrics.behaviour import Passed, ValuePassed
from repro.metrics.classification import Accuracy
from repro.metrics.ratios import FLOOR_DB
from repro.metrics.separation import SISDR
from repro.testing import check_metric

OUTPUTS = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 300, 4))).float()


def target(expect: str, score: int = 1) -> dict[str, Any]:
    return {"before": 0, "after": 0, "expect": expect, "score": score}


def passed(expect: str, score: int = 1) -> list[float]:
    return [Passed()((one, other), target(expect, score), None) for one, other in zip(*OUTPUTS, strict=True)]


@pytest.mark.parametrize("score", [0, 1, 3])
def test_a_probability_must_move_in_the_direction(score: int) -> None:
    change = np.diff(softmax(OUTPUTS.double().numpy(), axis=2)[:, :, score], axis=0)[0]
    assert passed("higher", score) == (change > 0).astype(float).tolist()
    assert passed("lower", score) == (change < 0).astype(float).tolist()


def test_the_answer_must_be_the_same() -> None:
    assert passed("same") == (OUTPUTS[0].argmax(1) == OUTPUTS[1].argmax(1)).double().tolist()
    check_metric(Passed(), (OUTPUTS[0, 0], OUTPUTS[1, 0]), target("same"), None)


@pytest.mark.parametrize("expect", ["lower", "higher"])
def test_without_a_change_no_score_moves(expect: str) -> None:
    assert not any(Passed()((one, one), target(expect), None) for one in OUTPUTS[0])


def test_an_item_that_is_no_pair_passes_if_the_answer_is_right() -> None:
    labels = [index % 4 for index in range(300)]
    for scores, label in zip(OUTPUTS[0], labels, strict=True):
        assert Passed()(scores, label, None) == Accuracy()(scores, label, None)
    with pytest.raises(TypeError):
        Passed()((OUTPUTS[0, 0], OUTPUTS[1, 0]), 1, None)


def test_the_value_of_a_metric_must_change_as_expected() -> None:
    sources = torch.from_numpy(np.random.default_rng(1).normal(size=(50, 2, 200)))
    noise = torch.from_numpy(np.random.default_rng(2).normal(size=(2, 50, 2, 200)))
    values = [
        [SISDR()(source + error, source, {}) for source, error in zip(sources, one, strict=True)] for one in noise
    ]
    change = np.diff(values, axis=0)[0]
    wanted = {"same": abs(change) <= 0.5, "lower": change < -0.5, "higher": change > 0.5}
    for expect, right in wanted.items():
        found = [
            ValuePassed(SISDR(), 0.5)(
                (source + noise[0, index], 2 * (source + noise[1, index])),
                {"before": source, "after": 2 * source, "expect": expect, "score": source},
                ({}, {}),
            )
            for index, source in enumerate(sources)
        ]
        assert found == right.astype(float).tolist() and 0 < sum(found) < 50
    assert min(map(min, values)) > FLOOR_DB


def test_another_margin_or_metric_is_another_identity() -> None:
    made = [
        Passed(),
        *(ValuePassed(SISDR(rate), margin) for rate in (8000, 16000) for margin in (0.5, 1.0)),
    ]
    assert len({str(one.identity) for one in made}) == 5 and all(one.identity.better == "higher" for one in made)
    assert ValuePassed(SISDR(), 1.0).identity.name == "ValuePassed(SISDR)"


def test_a_margin_out_of_range_is_refused() -> None:
    with pytest.raises(BadInput) as error:
        ValuePassed(SISDR(), -1.0)
    assert "margin" in str(error.value)


class Ink(torch.nn.Module):
    """Scores of ten classes; only the ink of the image decides."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        ink = images.mean((1, 2, 3))[:, None]
        return ink * torch.arange(10.0)


def test_one_experiment_measures_pairs_and_other_items() -> None:
    """The model says 9 for every image with ink: it changes no answer, and less ink lowers the score of 9."""
    digits = Digits("test", size=8)
    tests = {
        "noise": Pairs(BeforeAndAfter(digits, ImageNoise(0.1))),
        "less": Pairs(BeforeAndAfter(digits, Covered(0.5)), "lower", score=9),
        "more": Pairs(BeforeAndAfter(digits, Covered(0.5)), "higher", score=9),
        "plain": digits,
    }
    measured = Experiment(tests, [Passed()], Ink(), batch=50).measure(lambda indices, name: indices)
    means = {found.test: found.mean for found in measured}
    nines = float((digits.labels == 9).double().mean())
    assert means == {"noise": 1.0, "less": 1.0, "more": 0.0, "plain": pytest.approx(nines)}
