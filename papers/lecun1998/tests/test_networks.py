"""Tests of the networks and losses: sizes as in the paper (from memory), layers compared with scipy."""

from __future__ import annotations

import functools
import math
from typing import Any

import pytest
import torch
from scipy import signal
from torch import nn

from papers.lecun1998.dataset import Framed
from papers.lecun1998.loss import Discriminative, PairTargets, SquaredTargets
from papers.lecun1998.model.bitmaps import CODES
from papers.lecun1998.model.networks import (
    PAIRS,
    Convolution,
    Dense,
    FullyConnected,
    LeNet1,
    LeNet4,
    LeNet5,
    PairwiseLinear,
    Subsampling,
    free,
    squashed,
)
from repro.datasets.digits import Digits
from repro.testing import check_loss, check_model, check_trainer
from repro.trainers.supervised import Supervised

NETWORKS = [
    (functools.partial(FullyConnected, [784, 30, 10]), 28),
    (functools.partial(FullyConnected, [784, 20, 15, 10], squash=True), 28),
    (functools.partial(PairwiseLinear, 784), 28),
    (LeNet1, 28),
    (LeNet4, 32),
    (LeNet5, 32),
]


@pytest.mark.parametrize(("network", "size"), NETWORKS)
def test_battery(network: Any, size: int) -> None:
    torch.manual_seed(0)
    check_model(network(), inputs=torch.rand(3, 1, size, size))


@pytest.mark.parametrize(
    ("network", "parameters"),
    [
        (FullyConnected([784, 10]), 7850),  # the linear classifier on images of 28 x 28
        (FullyConnected([400, 10]), 4010),  # and on deskewed images of 20 x 20
        (LeNet1(), 2578),  # "about 2600"
        (LeNet5(), 60000),
    ],
)
def test_free_parameters_are_those_of_the_paper(network: nn.Module, parameters: int) -> None:
    assert free(network) == parameters


def connections(network: nn.Module, size: int) -> int:
    """Count one connection per input of each unit, and one for its bias."""
    counts: list[int] = []

    def count(layer: Any, inputs: Any, output: torch.Tensor) -> None:
        units = output[0].numel()
        if isinstance(layer, Convolution):
            counts.append(layer.free * output[0, 0].numel())
        elif isinstance(layer, Subsampling):
            counts.append(5 * units)
        elif isinstance(layer, Dense):
            counts.append((inputs[0].shape[1] + 1) * units)

    for layer in network.modules():
        layer.register_forward_hook(count)
    network(torch.zeros(1, 1, size, size))
    return sum(counts)


def test_connections_are_those_of_the_paper() -> None:
    assert connections(LeNet1(), 28) == 98442  # "about 100,000 multiply/add steps"
    assert connections(LeNet4(), 32) == pytest.approx(260_000, rel=0.01)
    assert connections(LeNet5(), 32) + 10 * 84 == 340_908  # the radial units have one per pixel of their codes


def test_what_the_paper_says_of_lenet4_cannot_all_be() -> None:
    """The paper states about 17,000 parameters. 120 units with sixteen 5 x 5 maps as input have 48,120."""
    assert LeNet4().c5.weight.numel() + 120 == 48_120 > 17_000


def test_the_connections_of_c3() -> None:
    """Each map of C3 uses 3, 4 or 6 maps of S2. Each map of S2 is used by ten. No two maps use the same maps."""
    table = LeNet5.TABLE
    assert [len(row) for row in table] == [3] * 6 + [4] * 9 + [6]
    assert len({frozenset(row) for row in table}) == 16
    assert [sum(number in row for row in table) for number in range(6)] == [10] * 6
    assert sum(len(row) * 25 + 1 for row in table) == 1516


def test_a_convolution_adds_the_correlations_of_the_maps_it_sees() -> None:
    layer, x = Convolution(6, LeNet5.TABLE), torch.rand(1, 6, 14, 14)
    ours = layer(x)[0].detach()
    for number, row in enumerate(LeNet5.TABLE):
        theirs = layer.bias[number].item() + sum(
            signal.correlate2d(x[0, seen].numpy(), layer.weight[number, seen].detach().numpy(), mode="valid")
            for seen in row
        )
        assert torch.allclose(ours[number], torch.tensor(theirs, dtype=torch.float32), atol=1e-5)


def test_weights_that_the_table_leaves_out_do_not_learn() -> None:
    layer = Convolution(6, LeNet5.TABLE)
    layer(torch.rand(2, 6, 14, 14)).sum().backward()
    assert layer.weight.grad is not None
    unseen = layer.seen.expand_as(layer.weight) == 0
    assert not layer.weight.grad[unseen].any() and layer.weight.grad[~unseen].all()


def test_first_weights_are_within_their_bounds() -> None:
    torch.manual_seed(0)
    for layer, inputs in ((Dense(100, 400), 100), (Convolution(6, [(0, 1, 2)] * 40), 75)):
        kept = layer.weight[:, :3] if isinstance(layer, Convolution) else layer.weight
        limit = 2.4 / inputs
        assert float(kept.detach().abs().max()) == pytest.approx(limit, rel=0.01) and kept.abs().max() <= limit
        assert float(kept.detach().std()) == pytest.approx(limit / math.sqrt(3), rel=0.05)


def test_the_sigmoid_keeps_one() -> None:
    assert squashed(torch.tensor([-1.0, 0.0, 1.0])).tolist() == pytest.approx([-1, 0, 1], abs=1e-4)


def test_subsampling_adds_four_neighbours() -> None:
    layer, x = Subsampling(2), torch.rand(1, 2, 4, 6)
    layer.coefficient.data[1], layer.bias.data[1] = 3.0, 0.5
    assert float(layer(x).detach()[0, 1, 1, 2]) == pytest.approx(3 / 4 * float(x[0, 1, 2:4, 4:6].sum()) + 0.5, abs=1e-5)


def test_codes_are_bitmaps_far_from_each_other() -> None:
    codes = torch.tensor(CODES)
    assert codes.shape == (10, 84) and set(codes.unique().tolist()) == {-1.0, 1.0}
    apart = torch.cdist(codes, codes, p=0) + 84 * torch.eye(10)
    assert apart.min() >= 8  # pixels


def test_the_penalty_of_a_class_is_the_distance_from_its_code() -> None:
    network, x = LeNet5(), torch.rand(2, 1, 32, 32)
    seen: list[torch.Tensor] = []
    network.f6.register_forward_hook(lambda layer, inputs, output: seen.append(squashed(output)))
    scores = network(x)
    for item in range(2):
        for digit in range(10):
            penalty = sum((a - b) ** 2 for a, b in zip(seen[0][item].tolist(), CODES[digit], strict=True))
            assert -scores[item, digit].item() == pytest.approx(penalty, rel=1e-4)


def test_pairs_vote_as_the_paper_says() -> None:
    network, x = PairwiseLinear(4), torch.rand(3, 4)
    units = network.train()(x)
    scores = network.eval()(x)
    for digit in range(10):
        mine = sum(units[:, number] for number, (i, _) in enumerate(PAIRS) if i == digit)
        mine = mine - sum(units[:, number] for number, (_, j) in enumerate(PAIRS) if j == digit)
        assert torch.allclose(scores[:, digit], mine, atol=1e-5)


@pytest.mark.parametrize(
    ("loss", "outputs"),
    [(SquaredTargets(), 10), (PairTargets(), 45), (Discriminative(), 10), (Discriminative(0.0), 10)],
)
def test_battery_of_losses(loss: nn.Module, outputs: int) -> None:
    check_loss(loss, torch.randn(6, outputs), torch.tensor([0, 3, 9, 3, 1, 2]))


def test_squared_targets_is_the_mean_square_error_of_torch() -> None:
    output, target = torch.randn(5, 10), torch.tensor([0, 1, 9, 4, 4])
    wanted = -torch.ones(5, 10)
    wanted[range(5), target] = 1
    assert torch.allclose(SquaredTargets()(output, target), 5 * nn.functional.mse_loss(output, wanted))


def test_pair_targets_leave_the_other_units_alone() -> None:
    output, target = torch.randn(3, 45), torch.tensor([2, 7, 0])
    total = 0.0
    for item, digit in enumerate(target.tolist()):
        for number, pair in enumerate(PAIRS):
            if digit in pair:
                total += (output[item, number].item() - (1 if pair[0] == digit else -1)) ** 2 / 2
    assert float(PairTargets()(output, target)) == pytest.approx(total / 3, rel=1e-5)


def test_the_discriminative_loss_is_its_formula() -> None:
    penalties, target, j = torch.rand(4, 10) * 20, torch.tensor([1, 0, 9, 5]), 3.0
    rows = zip(penalties.tolist(), target.tolist(), strict=True)
    theirs = [row[digit] + math.log(math.exp(-j) + sum(math.exp(-y) for y in row)) for row, digit in rows]
    assert float(Discriminative(j)(-penalties, target)) == pytest.approx(sum(theirs) / 4, rel=1e-5)


@pytest.mark.parametrize(
    ("network", "loss", "size"),
    [
        (FullyConnected([784, 30, 10]), SquaredTargets(), 28),
        (PairwiseLinear(784), PairTargets(), 28),
        (LeNet1(), SquaredTargets(), 28),
        (LeNet4(), SquaredTargets(), 32),
        (LeNet5(), Discriminative(), 32),
    ],
)
def test_one_batch_can_be_overfitted(network: nn.Module, loss: nn.Module, size: int) -> None:
    trainer = Supervised(steps=1, batch_size=10, optimizer=functools.partial(torch.optim.Adam, lr=0.003))
    check_trainer(trainer, network, loss, Framed(Digits("train"), size=size), steps=60, ratio=0.6)
