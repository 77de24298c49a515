"""Active learning: which labels each network has seen, resuming after a stop in any round, and what is refused."""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from repro.errors import BadInput
from repro.models.active_learner import ActiveLearner
from repro.testing import same
from repro.trainers.active import Active, chosen_in
from repro.trainers.fit_once import FitOnce
from repro.trainers.supervised import Supervised

ITEMS = 40


class Seen(nn.Module):
    """Remembers the items that it was fitted to. It is unsure about the items near to `doubt`, whatever the mask."""

    scores: Tensor

    def __init__(self, doubt: float = 17.0) -> None:
        super().__init__()
        self.doubt, self.dropout = doubt, nn.Dropout(0.5)
        self.register_buffer("scores", torch.zeros(ITEMS))

    def fit(self, inputs: Tensor, target: Tensor) -> None:
        self.scores[inputs.long().flatten()] = 1

    def forward(self, inputs: Tensor) -> Tensor:
        away = (inputs - self.doubt).abs().clamp(max=9)
        return torch.cat([away, torch.zeros_like(away)], dim=1)


def pool() -> list[tuple[Tensor, int]]:
    return [(torch.tensor([float(x)]), x % 2) for x in range(ITEMS)]


def fitted(folder: Path, seed: int = 0, **more: Any) -> ActiveLearner:
    model = ActiveLearner(Seen(), acquisitions=3, passes=2)
    trainer = Active(FitOnce(), **{"by": "entropy", "start": 4, "size": 3, "passes": 2, **more})
    trainer.fit(model, None, pool(), None, folder, seed)
    return model


def seen(model: ActiveLearner) -> list[set[int]]:
    return [set(network.scores.nonzero().flatten().tolist()) for network in model.networks]


def test_every_network_has_the_labels_of_the_one_before_and_more(tmp_path: Path) -> None:
    model = fitted(tmp_path)
    sets = seen(model)
    assert [len(one) for one in sets] == [4, 7, 10, 13]
    assert all(one < other for one, other in itertools.pairwise(sets))
    assert Counter(at % 2 for at in sets[0]) == {0: 2, 1: 2}, "the first labels are balanced"
    assert [set(one) for one in chosen_in(tmp_path)] == [
        sets[0],
        *(b - a for a, b in itertools.pairwise(sets)),
    ]


def test_the_items_with_the_highest_scores_that_have_no_label_are_added(tmp_path: Path) -> None:
    fitted(tmp_path)
    first, *added = chosen_in(tmp_path)
    for items in added:
        known = set(first)
        order = sorted((x for x in range(ITEMS) if x not in known), key=lambda x: abs(x - 17.0))
        assert abs(items[-1] - 17) <= abs(order[len(items) - 1] - 17) + 1e-6
        assert not known & set(items)
        first = [*first, *items]


def test_random_items_are_others_for_each_seed(tmp_path: Path) -> None:
    runs = [seen(fitted(tmp_path / str(seed), seed, by="random")) for seed in (0, 1, 2)]
    again = seen(fitted(tmp_path / "again", 1, by="random"))
    assert runs[1] == again
    assert len({frozenset(one[0]) for one in runs}) == len({frozenset(one[-1]) for one in runs}) == 3


def test_few_candidates_are_drawn_anew_each_time(tmp_path: Path) -> None:
    far = [abs(at - 17) for items in chosen_all(tmp_path, candidates=4) for at in items]
    near = [abs(at - 17) for items in chosen_all(tmp_path / "all") for at in items]
    assert max(far) > max(near), "the best of four are further away than the best of all"


def chosen_all(folder: Path, **more: Any) -> list[list[int]]:
    fitted(folder, **more)
    return chosen_in(folder)[1:]


def learner() -> ActiveLearner:
    torch.manual_seed(1)
    return ActiveLearner(nn.Sequential(nn.Linear(1, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2)), acquisitions=2)


def trained(folder: Path, loss: nn.Module | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    model = learner()
    inner = Supervised(6, 4, functools.partial(torch.optim.Adam, lr=0.01))
    trainer = Active(inner, by="bald", start=4, size=2, candidates=20)
    history = trainer.fit(model, loss or nn.CrossEntropyLoss(), pool(), None, folder, 5)
    return history, dict(model.state_dict())


class Breaks(nn.CrossEntropyLoss):
    """Fails after so many calls, as if the process were killed."""

    def __init__(self, calls: list[int]) -> None:
        super().__init__()
        self.calls = calls

    def forward(self, *given: Any) -> Tensor:
        self.calls[0] -= 1
        if self.calls[0] < 0:
            raise KeyboardInterrupt
        return super().forward(*given)

    def __deepcopy__(self, memo: Any) -> Breaks:
        return Breaks(self.calls)


@pytest.mark.parametrize("calls", [3, 6, 8, 17])
def test_a_stopped_run_resumes_at_its_round_and_ends_with_the_same_bits(tmp_path: Path, calls: int) -> None:
    expected, weights = trained(tmp_path / "whole")
    torch.manual_seed(99)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "stopped", Breaks([calls]))
    torch.manual_seed(77)  # the random state of another process
    history, found = trained(tmp_path / "stopped")
    assert same(found, weights)
    assert history["curves"] == expected["curves"]
    assert history["steps"] == expected["steps"] == 18
    assert chosen_in(tmp_path / "stopped") == chosen_in(tmp_path / "whole")


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    _, weights = trained(tmp_path)
    history, found = trained(tmp_path, Breaks([0]))
    assert same(found, weights)
    assert "earlier_seconds" in history
    assert not list(tmp_path.rglob("checkpoints/*")), "the checkpoints of finished rounds are deleted"


def test_a_damaged_round_is_trained_again(tmp_path: Path) -> None:
    _, weights = trained(tmp_path)
    path = next(tmp_path.glob("round-1/finished-*"))
    path.write_bytes(path.read_bytes()[:-1])
    assert same(trained(tmp_path)[1], weights)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("by", "balds"), ("start", 1), ("start", 2.5), ("size", 0), ("size", -1), ("candidates", -1)),
        *(("candidates", 9), ("passes", 0), ("passes", float("inf"))),
    ],
)
def test_wrong_values_are_refused(name: str, value: Any) -> None:
    with pytest.raises(BadInput, match=name):
        Active(FitOnce(), **{"by": "bald", name: value})


@pytest.mark.parametrize("more", [{"start": 5}, {"start": 34}, {"size": 20}])
def test_a_start_that_is_not_balanced_and_a_small_pool_are_refused(tmp_path: Path, more: Any) -> None:
    with pytest.raises(BadInput):
        fitted(tmp_path, **more)


def test_another_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="ActiveLearner"):
        Active(FitOnce(), by="bald").fit(nn.Linear(1, 2), None, pool(), None, tmp_path, 0)  # type: ignore[arg-type]
