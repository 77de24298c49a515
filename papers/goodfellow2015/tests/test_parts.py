"""Tests of the parts of this paper: the attack against its closed form, the costs, the networks, the metrics."""

from __future__ import annotations

import functools
import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy, cross_entropy

from papers.goodfellow2015.dataset import Attacked, OnlyClasses
from papers.goodfellow2015.loss import Adversarial, IndependentUnits, NegativeLogLikelihood, Noisy, PerNetwork
from papers.goodfellow2015.metric import Agreement, Confidence, ConfidenceOfMistakes, MistakeRate
from papers.goodfellow2015.model import Maxout, RadialUnits, SoftmaxRegression, UnderAttack
from papers.goodfellow2015.trainer import OnPerturbed
from repro.datasets.digits import Digits
from repro.errors import BadInput
from repro.testing import check_dataset, check_loss, check_metric, check_model, check_trainer

NETWORKS = (SoftmaxRegression, lambda: Maxout(units=6, dropout=(0.0, 0.0)), RadialUnits)


def batch(count: int = 5) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(0)
    images = torch.rand(count, 1, 28, 28, generator=random)
    return images, torch.randint(10, (count,), generator=random)


def attacked(model: UnderAttack, epsilon: float = 0.25, against: int = 0) -> Tensor:
    images, labels = batch()
    count = len(images)
    return model.examples(images, labels, torch.full((count,), epsilon), torch.full((count,), against)) - images


def fitted(network: nn.Module) -> UnderAttack:
    torch.manual_seed(0)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.1)
    return UnderAttack([network], NegativeLogLikelihood()).eval()


def test_the_batteries() -> None:
    digits = Digits("test")
    check_dataset(Attacked(digits, epsilon=0.1))
    check_dataset(OnlyClasses(digits, classes=(3, 7)))
    images, labels = batch()
    for network in NETWORKS:
        torch.manual_seed(0)
        check_model(network(), images)
    output = torch.randn(5, 2, 10).log_softmax(-1)
    for loss in (NegativeLogLikelihood(), IndependentUnits(), PerNetwork([NegativeLogLikelihood()] * 2)):
        check_loss(loss, output, labels)
    metrics = (MistakeRate(), MistakeRate("mean"), ConfidenceOfMistakes(), Confidence(1), Agreement(0, 1, both=True))
    for metric in metrics:
        check_metric(metric, output[0], 3, None)


@pytest.mark.parametrize("sign", [1, -1])
def test_for_two_classes_the_attack_is_the_sign_of_the_difference_of_the_weights(sign: int) -> None:
    """Section 5: for logistic regression it is known without a gradient, and no other change of its size is worse."""
    torch.manual_seed(0)
    network = SoftmaxRegression(classes=2)
    nn.init.normal_(network.layer.weight)
    model, (images, _) = UnderAttack([network], NegativeLogLikelihood()), batch()
    labels = torch.full((5,), (1 - sign) // 2)
    weight = (network.layer.weight[0] - network.layer.weight[1]).detach().view(1, 28, 28)
    found = model.examples(images, labels, torch.full((5,), 0.25), torch.zeros(5, dtype=torch.int64))
    assert torch.allclose(found - images, (-sign * 0.25 * weight.sign()).expand_as(images), atol=1e-6)
    cost = model.cost(model(found), labels)
    for _ in range(50):
        other = images + 0.25 * (2 * torch.rand_like(images) - 1)
        assert model.cost(model(other), labels) < cost


def test_the_attack_is_the_sign_of_the_numeric_gradient() -> None:
    model, (images, labels) = fitted(Maxout(units=3)).double(), batch()
    images = images.double()
    zeros = torch.zeros(5, dtype=torch.int64)
    change = model.examples(images, labels, torch.full((5,), 0.25), zeros) - images
    seen = 0
    for row, column in itertools.product(range(10, 16), repeat=2):
        step = torch.zeros(1, 28, 28, dtype=torch.float64)
        step[0, row, column] = 1e-5
        for item in range(5):
            one = images[item : item + 1]
            up, down = (float(model.cost(model(one + side * step), labels[item : item + 1])) for side in (1, -1))
            if abs(up - down) > 1e-9:
                assert np.sign(up - down) == change[item, 0, row, column].sign()
                seen += 1
    assert seen > 100


@pytest.mark.parametrize("network", NETWORKS)
def test_an_attack_raises_the_cost_and_keeps_to_epsilon(network: functools.partial[nn.Module]) -> None:
    model, (images, labels) = fitted(network()), batch()
    small, large = (attacked(model, epsilon) for epsilon in (1e-3, 0.25))
    assert large.abs().max().item() == pytest.approx(0.25, abs=1e-6)
    assert model.cost(model(images + small), labels) > model.cost(model(images), labels)
    assert not torch.equal((images + large).clamp(0, 1), images + large)  # no pixel is clipped


def test_the_attack_in_inference_mode_gives_the_same_examples() -> None:
    model, (images, labels) = fitted(Maxout(units=3)), batch()
    with torch.inference_mode():
        given = {"images": images.clone(), "labels": labels.clone()}
        one = model({**given, "epsilon": torch.full((5,), 0.25), "against": torch.zeros(5, dtype=torch.int64)})
    assert torch.equal(one, model(images + attacked(model)))


def test_the_sign_for_a_sure_network_needs_double_precision() -> None:
    network = SoftmaxRegression()
    with torch.no_grad():
        network.layer.bias[3] = 25.0
        network.layer.weight.normal_(std=1e-3, generator=torch.Generator().manual_seed(0))
    model, (images, _) = UnderAttack([network], NegativeLogLikelihood()), batch()
    labels = torch.full((5,), 3)
    single = model.gradients(images, labels)[0]
    double = model.double().gradients(images.double(), labels)[0]
    assert float((single.sign() != double.sign()).float().mean()) > 0.2


def test_each_network_is_attacked_by_its_own_gradient() -> None:
    torch.manual_seed(0)
    networks = [Maxout(units=3), Maxout(units=4)]
    together = UnderAttack(networks, NegativeLogLikelihood()).eval()
    for number, network in enumerate(networks):
        alone = UnderAttack([network], NegativeLogLikelihood()).eval()
        assert torch.equal(attacked(together, against=number), attacked(alone))
    images, labels = batch()
    total = sum(one for one in together.gradients(images, labels))
    assert torch.equal(attacked(together, against=-1).sign(), total.sign())
    with pytest.raises(BadInput, match="against is 2"):
        attacked(together, against=2)


def test_the_costs_are_those_of_torch() -> None:
    scores, labels = torch.randn(5, 2, 10, dtype=torch.float64), torch.arange(5)
    wanted = sum(cross_entropy(scores[:, network], labels) for network in range(2))
    assert NegativeLogLikelihood()(scores.log_softmax(-1), labels).item() == pytest.approx(float(wanted))
    hot = nn.functional.one_hot(labels, 10).double()
    wanted = sum(10 * binary_cross_entropy(scores[:, network].sigmoid(), hot) for network in range(2))
    found = IndependentUnits()(nn.functional.logsigmoid(scores), labels)
    assert found.item() == pytest.approx(float(wanted), rel=1e-5)
    both = PerNetwork([NegativeLogLikelihood(), IndependentUnits()])
    parts = NegativeLogLikelihood()(scores[:, :1], labels) + IndependentUnits()(-scores[:, 1:].abs(), labels)
    mixed = torch.cat([scores[:, :1], -scores[:, 1:].abs()], 1)
    assert both(mixed, labels).item() == pytest.approx(parts.item())


def test_adversarial_training_is_the_equation_of_section_6() -> None:
    model, (images, labels) = fitted(Maxout(units=3)), batch()
    for alpha in (0.0, 0.3, 1.0):
        found = Adversarial(model.cost, epsilon=0.25, alpha=alpha).of(model, images, labels)
        clean, fooled = (model.cost(model(given), labels) for given in (images, images + attacked(model)))
        assert found.item() == pytest.approx((alpha * clean + (1 - alpha) * fooled).item(), rel=1e-6)


def test_a_network_that_is_left_out_is_trained_as_alone() -> None:
    torch.manual_seed(0)
    networks = [Maxout(units=3), Maxout(units=3)]
    model, (images, labels) = UnderAttack(networks, NegativeLogLikelihood()).eval(), batch()
    Adversarial(model.cost, networks=[1]).of(model, images, labels).backward()
    found = [parameter.grad.clone() for parameter in networks[0].parameters()]
    model.zero_grad()
    UnderAttack(networks[:1], model.cost).cost(model(images)[:, :1], labels).backward()
    for one, parameter in zip(found, networks[0].parameters(), strict=True):
        assert torch.allclose(one, parameter.grad, atol=1e-7)


@pytest.mark.parametrize("kind", ["sign", "uniform"])
def test_noise_is_of_its_kind(kind: str) -> None:
    seen: list[Tensor] = []

    class Spy(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            seen.append(images)
            return torch.zeros(len(images), 1, 10).log_softmax(-1)

    Noisy(NegativeLogLikelihood(), kind, epsilon=0.25).of(Spy(), torch.zeros(4, 784), torch.arange(4))
    sizes = seen[0].abs()
    assert sizes.max() <= 0.25 and abs(float(seen[0].mean())) < 0.02
    assert float(sizes.mean()) == pytest.approx(0.25 if kind == "sign" else 0.125, abs=0.01)


def test_maxout_is_the_largest_of_its_pieces() -> None:
    torch.manual_seed(0)
    network = Maxout(units=3, pieces=2).double().eval()
    images = torch.rand(4, 1, 28, 28, dtype=torch.float64)
    units = images.flatten(1)
    for layer in network.hidden:
        pieces = (units @ layer.weight.T + layer.bias).detach()
        units = torch.maximum(pieces[:, 0::2], pieces[:, 1::2])
    wanted = (units @ network.top.weight.T + network.top.bias).log_softmax(-1)
    assert torch.allclose(network(images), wanted, atol=1e-12)


def test_weights_are_shortened_and_never_lengthened() -> None:
    network = Maxout(units=4, max_norm=0.5)
    before = network.hidden[0].weight.detach().clone()
    network.constrain()
    norms = network.hidden[0].weight.norm(dim=1)
    assert bool((norms <= 0.5 + 1e-5).all())
    short = before.norm(dim=1) <= 0.5
    assert torch.equal(network.hidden[0].weight[short], before[short])
    cosine = nn.functional.cosine_similarity(network.hidden[0].weight, before)
    assert torch.allclose(cosine, torch.ones_like(cosine), atol=1e-5)


def test_radial_units_are_a_gaussian_of_the_distance() -> None:
    torch.manual_seed(0)
    network, (images, _) = RadialUnits(widths="one"), batch()
    width = np.log1p(np.exp(network.widths.detach().double().numpy()[:, 0]))
    away = images.flatten(1).double().numpy()[:, None] - network.centres.detach().double().numpy()
    assert np.allclose(network(images).detach().numpy(), -width * (away**2).sum(-1), rtol=1e-4)
    with torch.no_grad():
        network.centres[0] = images[0].flatten()
    assert network(images)[0, 0].item() == 0.0


def test_metrics_of_a_test_set() -> None:
    random = torch.Generator().manual_seed(0)
    scores = torch.randn(50, 2, 10, generator=random).log_softmax(-1)
    targets = torch.randint(10, (50,), generator=random).tolist()
    best = scores.exp().max(-1)
    wrong = best.indices != torch.tensor(targets)[:, None]

    def value(metric: object) -> float:
        items = [metric(*item, None) for item in zip(scores, targets, strict=True)]
        return float(np.mean(metric.contributions(items) if hasattr(metric, "contributions") else items))

    assert value(MistakeRate(1)) == pytest.approx(100 * float(wrong[:, 1].float().mean()))
    assert value(ConfidenceOfMistakes()) == pytest.approx(100 * float(best.values[:, 0][wrong[:, 0]].mean()), rel=1e-5)
    same = best.indices[:, 0] == best.indices[:, 1]
    assert value(Agreement(0, 1)) == pytest.approx(100 * float(same[wrong[:, 0]].float().mean()), rel=1e-5)
    both = wrong.all(1)
    assert value(Agreement(0, 1, both=True)) == pytest.approx(100 * float(same[both].float().mean()), rel=1e-5)
    mean = scores.exp().mean(1).argmax(-1) != torch.tensor(targets)
    assert value(MistakeRate("mean")) == pytest.approx(100 * float(mean.float().mean()))


def test_noise_is_a_mistake_from_one_half() -> None:
    for best, mistaken in ((0.49, 0.0), (0.51, 100.0)):
        scores = torch.tensor([[best, 1 - best - 0.2, 0.2]]).log()
        assert MistakeRate()(scores, -1, None) == mistaken
    none = ConfidenceOfMistakes()
    assert none.contributions([none(torch.tensor([[0.4, 0.6]]).log(), 1, None)]) == [0.0]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (lambda: Attacked(Digits("test"), epsilon=-1.0), "epsilon"),
        (lambda: Attacked(Digits("test"), epsilon=float("nan")), "epsilon"),
        (lambda: Attacked(Digits("test"), epsilon=0.1, against=-2), "against"),
        (lambda: OnlyClasses(Digits("test"), classes=(3, 3)), "classes"),
        (lambda: OnlyClasses(Digits("test"), classes=(3, 12)).chosen, "12"),
        (lambda: Maxout(units=0), "units"),
        (lambda: Maxout(outputs="linear"), "outputs"),
        (lambda: Maxout(dropout=(0.2, 1.5)), "dropout"),
        (lambda: RadialUnits(widths="full"), "widths"),
        (lambda: UnderAttack([], NegativeLogLikelihood()), "networks"),
        (lambda: Adversarial(NegativeLogLikelihood(), alpha=2.0), "alpha"),
        (lambda: Noisy(NegativeLogLikelihood(), "gaussian"), "kind"),
        (lambda: MistakeRate(-1), "network"),
        (lambda: MistakeRate(1)(torch.zeros(1, 2), 0, None), "network"),
        (lambda: PerNetwork([NegativeLogLikelihood()])(torch.zeros(1, 2, 2), torch.zeros(1).long()), "costs"),
    ],
)
def test_wrong_values_are_named(part: functools.partial[object], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        part()


def test_the_trainer_overfits_a_batch_and_keeps_the_norm(tmp_path: Path) -> None:
    torch.manual_seed(0)
    cost = NegativeLogLikelihood()
    trainer = OnPerturbed(steps=10, batch_size=20, optimizer=functools.partial(torch.optim.Adam, lr=0.01))
    for loss in (cost, Adversarial(cost, epsilon=0.05), Noisy(cost, "sign", epsilon=0.05)):
        check_trainer(trainer, UnderAttack([SoftmaxRegression()], cost), loss, Digits("train"))
    model = UnderAttack([Maxout(units=8, max_norm=1.0)], cost)
    trainer.fit(model, Adversarial(cost), Digits("train"), None, tmp_path, order_seed=0)
    assert model.networks[0].hidden[0].weight.norm(dim=1).max().item() <= 1.0 + 1e-5
