"""The training loop and its parts against torch, numpy and a loop written out by hand."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, load_model
from torch import nn
from torch.utils.data import TensorDataset

from repro.trainers.clipping import AutoClip, ClipNorm
from repro.trainers.supervised import Supervised

NORMS = st.lists(st.floats(0.01, 100), min_size=1, max_size=30)
SGD = functools.partial(torch.optim.SGD, lr=0.1)


def line(items: int = 32, seed: int = 0) -> TensorDataset:
    x = torch.rand(items, 1, generator=torch.Generator().manual_seed(seed))
    return TensorDataset(x, 3 * x + 1)


def linear(seed: int = 0) -> nn.Linear:
    torch.manual_seed(seed)
    return nn.Linear(1, 1)


def fit(
    folder: Path,
    model: nn.Module | None = None,
    train: Any = None,
    valid: Any = None,
    cls: type = Supervised,
    loss: nn.Module | None = None,
    order: int = 0,
    **more: Any,
) -> tuple[dict[str, Any], nn.Module, Any]:
    """Fit a line; the history, the model and the trainer."""
    model = linear() if model is None else model
    trainer = cls(**({"steps": 20, "batch_size": 8, "optimizer": SGD} | more))
    folder.mkdir(exist_ok=True)
    history = trainer.fit(model, loss or nn.MSELoss(), train or line(), valid, folder, order)
    return history, model, trainer


def entries(folder: Path, curve: str = "train") -> list[dict[str, Any]]:
    rows = [json.loads(row) for row in (folder / "metrics.jsonl").read_text().splitlines()]
    return [row for row in rows if row["curve"] == curve]


def parameter(norm: float) -> nn.Parameter:
    made = nn.Parameter(torch.zeros(4))
    made.grad = torch.full((4,), norm / 2)  # the norm of four halves is one
    return made


@given(NORMS, st.floats(0.5, 100))
def test_autoclip_clips_to_the_percentile_of_all_norms_so_far(norms: list[float], percentile: float) -> None:
    clip = AutoClip(percentile)
    for count, norm in enumerate(norms, 1):
        made = parameter(norm)
        assert clip([made]) == pytest.approx(norm, rel=1e-5)
        limit = np.percentile(norms[:count], percentile)
        assert made.grad is not None
        assert float(made.grad.norm()) == pytest.approx(min(norm, limit), rel=2e-4)  # torch, too, adds 1e-6


def test_autoclip_forgets_norms_that_are_not_finite() -> None:
    clip = AutoClip(50)
    for norm in (1.0, float("nan"), 3.0, float("inf"), 2.0):
        clip([parameter(norm)])
    assert clip.threshold() == pytest.approx(2.0)


@pytest.mark.parametrize("percentile", [0, -1, 100.5, float("nan")])
def test_autoclip_refuses_what_is_no_percentile(percentile: float) -> None:
    with pytest.raises(ValueError, match=r"expected a number in \(0, 100\]"):
        AutoClip(percentile)


@given(NORMS, st.floats(0.01, 50))
def test_a_fixed_norm_is_torchs(norms: list[float], limit: float) -> None:
    ours, theirs = [parameter(norm) for norm in norms], [parameter(norm) for norm in norms]
    before = float(torch.nn.utils.clip_grad_norm_(theirs, limit))
    assert ClipNorm(limit)(iter(ours)) == pytest.approx(before, rel=1e-5)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine.grad, other.grad)


def test_the_loop_is_the_one_written_out(tmp_path: Path) -> None:
    """Full batches, so that the order does not matter: gradient descent by hand."""
    _, model, _ = fit(tmp_path, batch_size=32, clip_norm=0.5)
    other, (x, y) = linear(), line().tensors
    for _ in range(20):
        other.zero_grad()
        (other(x) - y).pow(2).mean().backward()
        torch.nn.utils.clip_grad_norm_(other.parameters(), 0.5)
        with torch.no_grad():
            for p in other.parameters():
                p -= 0.1 * p.grad
    torch.testing.assert_close(model.weight, other.weight, atol=1e-5, rtol=1e-5)


def test_clipping_bounds_the_step(tmp_path: Path) -> None:
    start = linear()
    for name, more in (("norm", {"clip_norm": 0.01}), ("percentile", {"clip_percentile": 1e-9})):
        _, model, _ = fit(tmp_path / name, steps=1, **more)
        moved = torch.cat([(a - b).flatten() for a, b in zip(model.parameters(), start.parameters(), strict=True)])
        limit = 0.01 if name == "norm" else float("inf")  # one norm is every percentile of itself
        assert 0 < float(moved.detach().norm()) <= 0.1 * limit * 1.001


class Batches(Supervised):
    """Keeps the inputs of every step."""

    def step(self, model: nn.Module, loss: nn.Module, batch: Any) -> torch.Tensor:
        if model.training:
            self.seen = [*getattr(self, "seen", []), batch[0].flatten().tolist()]
        return super().step(model, loss, batch)


def test_the_order_comes_from_its_seed_alone(tmp_path: Path) -> None:
    orders = []
    for number, (order, seed) in enumerate([(1, 0), (1, 5), (2, 0)]):
        _, _, trainer = fit(tmp_path / str(number), linear(seed), cls=Batches, order=order, steps=8)
        orders.append(trainer.seen)
    assert orders[0] == orders[1] != orders[2]
    for seen in orders:
        for start in (0, 4):  # 32 items in batches of 8: each pass meets each item once
            met = [value for batch in seen[start : start + 4] for value in batch]
            assert sorted(met) == sorted(line().tensors[0].flatten().tolist())
    assert orders[0][:4] != orders[0][4:], "a pass has an order of its own"


def test_a_dataset_is_told_each_pass(tmp_path: Path) -> None:
    class Epochs(TensorDataset):
        told: list[int] = []  # noqa: RUF012

        def set_epoch(self, epoch: int) -> None:
            self.told.append(epoch)

    fit(tmp_path, train=Epochs(*line().tensors), steps=10)
    assert sorted(Epochs.told) == Epochs.told and set(Epochs.told) == {0, 1, 2}  # accelerate tells it once more


def test_step_is_overridable(tmp_path: Path) -> None:
    class Upside(Supervised):
        def step(self, model: nn.Module, loss: nn.Module, batch: Any) -> torch.Tensor:
            return (model.weight - 7).pow(2).sum()

    _, model, _ = fit(tmp_path, cls=Upside, steps=100)
    assert model.weight.item() == pytest.approx(7.0, abs=1e-3)


def test_a_schedule_advances_once_a_step(tmp_path: Path) -> None:
    schedule = functools.partial(torch.optim.lr_scheduler.ExponentialLR, gamma=0.9)
    fit(tmp_path, schedule=schedule, steps=30)
    rates = {row["step"]: row["lr"] for row in entries(tmp_path)}
    assert rates == pytest.approx({step: 0.1 * 0.9 ** (step - 1) for step in (10, 20, 30)})


def test_a_schedule_may_be_as_long_as_the_training(tmp_path: Path) -> None:
    schedule = functools.partial(torch.optim.lr_scheduler.OneCycleLR, max_lr=0.1, total_steps=20)
    fit(tmp_path, schedule=schedule, steps=20)
    assert entries(tmp_path)[-1]["lr"] < 1e-4


def test_a_plateau_lowers_the_rate_once_a_validation(tmp_path: Path) -> None:
    schedule = functools.partial(torch.optim.lr_scheduler.ReduceLROnPlateau, factor=0.5, patience=0)
    still = functools.partial(torch.optim.SGD, lr=1e-20)  # nothing moves: every validation after the first is no better
    watched = {"steps": 40, "valid_every": 10, "valid": line()}
    fit(tmp_path, schedule=functools.partial(schedule, eps=0.0), optimizer=still, **watched)
    assert [row["lr"] for row in entries(tmp_path)] == pytest.approx([1e-20, 1e-20, 5e-21, 2.5e-21], rel=1e-6, abs=0)


class Drifting(Supervised):
    """The weight walks from 0 upward by 0.1 a step, whatever the data say."""

    def step(self, model: nn.Module, loss: nn.Module, batch: Any) -> torch.Tensor:
        return -model.weight.sum() if model.training else super().step(model, loss, batch)


def drifting() -> nn.Linear:
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    return model


def test_validation_keeps_the_best_weights_and_patience_stops(tmp_path: Path) -> None:
    """The validation set wants a weight of 0.5, which the walk meets at step 5 and leaves behind."""
    x = torch.ones(10, 1)
    valid = TensorDataset(x, 0.5 * x)
    history, model, _ = fit(tmp_path, drifting(), valid=valid, cls=Drifting, steps=50, valid_every=1, patience=3)
    assert history["steps"] == 8, "three validations without improvement after step 5"
    assert history["curves"]["train"], "a training shorter than one entry still has a curve"
    assert model.weight.item() == pytest.approx(0.5)
    last = load_file(tmp_path / "checkpoints" / "last.safetensors")["weight"]
    assert float(last) == pytest.approx(0.8)
    scores = [row["loss"] for row in entries(tmp_path, "valid")]
    assert scores == pytest.approx([(0.1 * step - 0.5) ** 2 for step in range(1, 9)], abs=1e-6)


def test_without_validation_the_last_weights_stay(tmp_path: Path) -> None:
    _, model, _ = fit(tmp_path, drifting(), cls=Drifting, steps=9)
    assert model.weight.item() == pytest.approx(0.9)
    assert not (tmp_path / "checkpoints" / "best.safetensors").exists()


def test_a_validation_is_the_mean_over_items_whatever_the_batches(tmp_path: Path) -> None:
    valid = line(13, seed=4)  # batches of 8 and 5
    fit(tmp_path, optimizer=functools.partial(torch.optim.SGD, lr=0.0), steps=1, valid_every=1, valid=valid)
    x, y = valid.tensors
    (row,) = entries(tmp_path, "valid")
    assert row["loss"] == pytest.approx(float((linear()(x) - y).pow(2).mean().detach()), rel=1e-5)


def test_validation_is_in_eval_mode_and_training_resumes(tmp_path: Path) -> None:
    modes = []

    class Watch(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            modes.append((self.training, torch.is_grad_enabled()))
            return super().forward(x)

    fit(tmp_path, Watch(1, 1), valid=line(8), steps=4, valid_every=2)
    train, valid = (True, True), (False, False)
    assert modes == [train, train, valid, train, train, valid]


def test_a_loss_that_is_not_finite_stops_the_training(tmp_path: Path) -> None:
    class Rotten(Supervised):
        def step(self, model: nn.Module, loss: nn.Module, batch: Any) -> torch.Tensor:
            self.count = getattr(self, "count", 0) + 1
            return super().step(model, loss, batch) * (float("nan") if self.count == 13 else 1.0)

    with pytest.raises(FloatingPointError, match=r"^step 13: the loss is nan$"):
        fit(tmp_path, cls=Rotten, steps=40)
    assert [row["step"] for row in entries(tmp_path)] == [10], "what came before is kept"


def test_metrics_are_json_lines_and_the_history_is_their_curve(tmp_path: Path) -> None:
    history, _, _ = fit(tmp_path, steps=35, valid_every=20, valid=line(), clip_norm=1.0)
    assert [(row["step"], sorted(row)) for row in entries(tmp_path)] == [
        (step, ["curve", "gradient_norm", "loss", "lr", "step", "time"]) for step in (10, 20, 30, 35)
    ]
    assert history["steps"] == 35 and history["items_per_second"] > 0
    for name, curve in history["curves"].items():
        assert curve == [[row["step"], pytest.approx(row["loss"], abs=1e-6)] for row in entries(tmp_path, name)]
    losses = [row["loss"] for row in entries(tmp_path)]
    assert losses[-1] < losses[0]


def test_a_long_curve_keeps_its_mean_in_few_points(tmp_path: Path) -> None:
    history, _, _ = fit(tmp_path, steps=1010)
    curve, rows = history["curves"]["train"], entries(tmp_path)
    assert len(rows) == 101 and len(curve) <= 100 and curve[-1][0] == 1010
    assert curve[0][1] == pytest.approx(np.mean([row["loss"] for row in rows[:2]]), abs=1e-5)


def test_tensorboard_holds_the_same_numbers(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    fit(tmp_path, steps=30, valid_every=10, valid=line())
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    for curve in ("train", "valid"):
        found = [(event.step, event.value) for event in events.Scalars(f"{curve}/loss")]
        assert found == [(row["step"], pytest.approx(row["loss"], rel=1e-6)) for row in entries(tmp_path, curve)]


def test_a_checkpoint_loads_back_into_the_model(tmp_path: Path) -> None:
    _, model, _ = fit(tmp_path)
    other = linear(seed=9)
    load_model(other, tmp_path / "checkpoints" / "last.safetensors")
    x = line().tensors[0]
    assert torch.equal(other(x), model(x)) and not torch.equal(linear(seed=9)(x), model(x))


def test_fit_twice_gives_the_same_bits(tmp_path: Path) -> None:
    """A trainer keeps nothing from one fit to the next."""
    trainer = Supervised(steps=20, batch_size=8, optimizer=SGD, clip_percentile=10.0)
    weights = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        model = linear()
        trainer.fit(model, nn.MSELoss(), line(), None, tmp_path / name, 0)
        weights.append(model.weight.detach().clone())
    assert torch.equal(*weights)
