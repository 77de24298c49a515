"""Cross-validation: what each network has seen, resuming after a stop in any fold, and what is refused."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from repro.errors import BadInput
from repro.models.out_of_sample import OutOfSample
from repro.testing import same
from repro.trainers.cross_validated import CrossValidated
from repro.trainers.fit_once import FitOnce
from repro.trainers.supervised import Supervised

FOLDS = 3


class Seen(nn.Module):
    """Remembers which items it was fitted to: `scores[x]` is 1 for each of them."""

    scores: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scores", torch.zeros(100))

    def fit(self, inputs: torch.Tensor, target: torch.Tensor) -> None:
        self.scores[inputs.long().flatten()] = 1

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.scores[inputs.long()]


def numbers(start: int, stop: int) -> list[tuple[torch.Tensor, int]]:
    return [(torch.tensor([float(x)]), x % 2) for x in range(start, stop)]


def model(network: nn.Module, seed: int = 0) -> OutOfSample:
    torch.manual_seed(seed)
    return OutOfSample(network, folds=FOLDS)


def test_no_item_is_answered_by_a_network_that_has_seen_it(tmp_path: Path) -> None:
    made, train = model(Seen()), numbers(0, 40)
    CrossValidated(FitOnce()).fit(made, None, train, None, tmp_path, 0)
    inputs = torch.stack([one for one, _ in train])
    assert made.eval()(inputs).sum() == 0
    seen = torch.stack([network(inputs) for network in made.networks])
    assert (seen.sum(0) == FOLDS - 1).all(), "every other network has seen it"


def test_items_beside_are_seen_by_every_network_unless_they_are_in_its_fold(tmp_path: Path) -> None:
    made, train, beside = model(Seen()), numbers(0, 40), numbers(30, 60)
    CrossValidated(FitOnce(), beside=beside).fit(made, None, train, None, tmp_path, 0)
    made.eval()
    assert made(torch.arange(40.0)[:, None]).sum() == 0, "also 30 to 39, which are in both"
    assert all((network(torch.arange(40.0, 60.0)) == 1).all() for network in made.networks)


def supervised(steps: int = 20) -> CrossValidated:
    return CrossValidated(Supervised(steps, 8, functools.partial(torch.optim.SGD, lr=0.1)))


def fitted(folder: Path, loss: nn.Module | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    torch.manual_seed(1)
    made, train = model(nn.Linear(1, 2)), [(x / 40, label) for x, label in numbers(0, 40)]
    history = supervised().fit(made, loss or nn.CrossEntropyLoss(), train, None, folder, 5)
    return history, dict(made.state_dict())


class Breaks(nn.CrossEntropyLoss):
    """Fails in a fold, as if the process were killed."""

    def __init__(self, call: int) -> None:
        super().__init__()
        self.call, self.calls = call, [0]

    def __deepcopy__(self, memo: Any) -> Breaks:
        return self  # so that the calls of all folds are counted

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        self.calls[0] += 1
        if self.calls[0] == self.call:
            raise RuntimeError("killed")
        return super().forward(output, target)


@pytest.mark.parametrize("call", [1, 15, 20, 21, 40, 59])
def test_a_stopped_run_resumes_and_trains_no_finished_fold_again(tmp_path: Path, call: int) -> None:
    history, weights = fitted(tmp_path / "whole")
    with pytest.raises(RuntimeError):
        fitted(tmp_path / "parts", Breaks(call))
    counting = Breaks(call=-1)
    again, resumed = fitted(tmp_path / "parts", counting)
    assert same(weights, resumed)
    assert again["curves"] == history["curves"] and again["steps"] == history["steps"] == 20 * FOLDS
    assert counting.calls[0] == 20 * (FOLDS - (call - 1) // 20), "finished folds are read"


def test_a_damaged_fold_is_trained_again(tmp_path: Path) -> None:
    _, weights = fitted(tmp_path)
    path = next(tmp_path.glob("fold-2/finished-*"))
    path.write_bytes(path.read_bytes()[:-1])
    assert same(weights, fitted(tmp_path)[1])


def test_the_curves_are_those_of_the_folds_one_after_the_other(tmp_path: Path) -> None:
    history, _ = fitted(tmp_path)
    steps = [step for step, _ in history["curves"]["train"]]
    assert steps == [10, 20, 30, 40, 50, 60] and history["batch_size"] == 8


def test_bad_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        supervised().fit(nn.Linear(1, 2), None, numbers(0, 40), None, tmp_path, 0)  # type: ignore[arg-type]
    assert caught.value.expected == "models.OutOfSample"
    with pytest.raises(BadInput) as caught:
        supervised().fit(model(nn.Linear(1, 2)), None, numbers(0, 1), None, tmp_path, 0)
    assert "fewer folds" in caught.value.expected
