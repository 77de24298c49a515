"""docs/guide/generative.md: its config trains, its loss is one of scores, and its comparison comes out as it says."""

from __future__ import annotations

import hashlib
import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import gin
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from repro import config
from repro.experiment import binding
from repro.losses.adversarial import WassersteinGP
from repro.models.adversarial import Adversarial
from repro.models.image_classifiers import SmallCNN
from repro.models.unet import UNet
from repro.testing.adversarial import check_pair
from tests.guide import blocks

ROOT = Path(__file__).parents[2]


def unregistered(code: str) -> str:
    return re.sub(r"^@[A-Z]+\.register\n", "", code, flags=re.MULTILINE)


def built(folder: Path, text: str) -> Any:
    """The experiment of a config with this text."""
    (folder / "configs").mkdir()
    (folder / "paper.toml").touch()
    path = folder / "configs" / "digits.gin"
    path.write_text(text, encoding="utf-8")
    try:
        return binding.build(config.read(path))
    finally:
        gin.clear_config()  # otherwise an experiment of a later test would have these parts


def test_the_config_trains_and_its_samples_become_better(tmp_path: Path) -> None:
    torch.manual_seed(0)
    one = built(tmp_path, blocks("generative", "text")[0])
    before = one.measure(lambda indices, name: indices)[0].mean
    history = one.fit(tmp_path / "run", 0)
    likelihood, sigma = one.measure(lambda indices, name: indices)
    assert len(likelihood.values) == 297 and 0.1 <= sigma.mean <= 1
    assert likelihood.mean > before + 5
    assert {"diversity", "accuracy of the discriminator", "ParzenLogLikelihood"} <= set(history["curves"])
    assert len(list((tmp_path / "run" / "samples").glob("samples-*.png"))) == 3


def test_the_loss_has_a_gradient_for_both_networks() -> None:
    names: dict[str, Any] = {"__name__": "guide"}
    exec(unregistered(blocks("generative", "py")[1]), names)
    real, fake = torch.tensor([2.0, 0.0], requires_grad=True), torch.tensor([-2.0, 0.0], requires_grad=True)
    loss = names["Hinge"]()
    assert loss.discriminator(real, fake).item() == 1.0  # the mean of 0 and 1, twice
    loss.discriminator(real, fake).backward()
    assert real.grad is not None and real.grad.tolist() == [0.0, -0.5]
    assert loss.generator(fake).item() == 1.0


def test_the_comparison_comes_out_as_it_says(tmp_path: Path) -> None:
    """In a process of its own, as a reader runs it."""
    (tmp_path / "known.py").write_text(blocks("generative", "python")[0], encoding="utf-8")
    subprocess.run([sys.executable, str(tmp_path / "known.py")], check=True, cwd=ROOT)


def test_the_networks_fit_each_other_and_a_gradient_penalty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "networks_of_the_guide.py").write_text(unregistered(blocks("generative", "py")[0]), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    networks = importlib.import_module("networks_of_the_guide")
    torch.manual_seed(0)
    model = Adversarial(networks.SmallGenerator(), networks.SmallDiscriminator())
    check_pair(model, WassersteinGP(), torch.randn(3, 20), torch.rand(3, 1, 8, 8))
    model.check_data([(torch.randn(20), torch.rand(1, 8, 8))])


@pytest.mark.parametrize(
    ("number", "model", "weights"),
    [
        (1, SmallCNN(classes=10, channels=1, width=16, blocks=3), "classifier"),
        (2, UNet(channels=1, classes=2, depth=3, width=8, padding="same"), "judge"),
    ],
)
def test_a_network_of_your_own_judges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, model: nn.Module, weights: str
) -> None:
    """The config of the first block, with the metric of another block."""
    path = tmp_path / "papers" / "my_images" / "weights" / f"{weights}.safetensors"
    path.parent.mkdir(parents=True)
    save_file(model.state_dict(), path)
    monkeypatch.chdir(tmp_path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    text = blocks("generative", "text")[0] + blocks("generative", "text")[number].replace("the SHA-256", digest)
    one = built(tmp_path, text)
    assert f"my_images/{weights}-seed0" in one.metrics[-1].identity.reference
