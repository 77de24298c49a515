"""Steps per second of `Adversarial` against a bare loop on the same networks, data and optimizers, alternating."""

from __future__ import annotations

import functools
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
from torch.utils.data import DataLoader, RandomSampler

from repro.datasets.digits import Digits
from repro.datasets.latent import Latent
from repro.losses.adversarial import NonSaturating
from repro.models.adversarial import Adversarial as Pair
from repro.models.adversarial import DenseGenerator, MaxoutDiscriminator
from repro.trainers.adversarial import Adversarial

STEPS, BATCH = 60, 100
SGD = functools.partial(torch.optim.SGD, lr=0.01, momentum=0.5)


def bare(model: Any, data: Any) -> float:
    """Items per second of the loop that one would write without this project."""
    first, second = SGD(model.discriminator.parameters()), SGD(model.generator.parameters())
    loader = DataLoader(data, BATCH, sampler=RandomSampler(data), drop_last=True)
    began, step = time.perf_counter(), 0
    while step < STEPS:
        for noise, real in loader:
            fake = model.generator(noise)
            right, wrong = model.judge(real, noise), model.judge(fake.detach(), noise)
            first.zero_grad()
            (cross_entropy(right, torch.ones_like(right)) + cross_entropy(wrong, torch.zeros_like(wrong))).backward()
            first.step()
            second.zero_grad()
            again = model.judge(fake, noise)
            cross_entropy(again, torch.ones_like(again)).backward()
            second.step()
            step += 1
            if step == STEPS:
                break
    return STEPS * BATCH / (time.perf_counter() - began)


def test_items_per_second(benchmark: Any, measured: Any, tmp_path: Path) -> None:
    data = Latent(Digits("train"))
    assert len([data[index] for index in range(len(data))]) == 1500  # images and noise are made before the clock runs
    model = Pair(DenseGenerator(hidden=(300, 300)), MaxoutDiscriminator(((60, 5), (60, 5))))
    trainer = Adversarial(STEPS, BATCH, SGD, SGD)

    def ours() -> float:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))  # in one that was used, the training would be over
        return float(trainer.fit(model, NonSaturating(), data, None, folder, 0)["items_per_second"])

    bare(model, data)
    ratios = [ours() / bare(model, data) for _ in range(3)]
    benchmark.pedantic(ours, rounds=1)
    ratio = statistics.median(ratios)
    benchmark.extra_info["ratio_to_bare_loop"] = round(ratio, 3)
    measured("training with Adversarial", f"{ratio:.2f} times the items per second of a bare loop", "at least 0.95")
