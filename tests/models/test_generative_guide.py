"""docs/guide/generative.md: its config trains, its loss is one of scores, and its comparison comes out as it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import gin
import torch

from repro import config
from repro.experiment import binding
from tests.guide import blocks

ROOT = Path(__file__).parents[2]


def test_the_config_trains_and_its_samples_become_better(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "paper.toml").touch()
    path = tmp_path / "configs" / "digits.gin"
    path.write_text(blocks("generative", "text")[0], encoding="utf-8")
    torch.manual_seed(0)
    try:
        built = binding.build(config.read(path))
    finally:
        gin.clear_config()  # otherwise an experiment of a later test would have these parts
    before = built.measure(lambda indices, name: indices)[0].mean
    history = built.fit(tmp_path / "run", 0)
    likelihood, sigma = built.measure(lambda indices, name: indices)
    assert len(likelihood.values) == 297 and 0.1 <= sigma.mean <= 1
    assert likelihood.mean > before + 5
    assert {"diversity", "accuracy of the discriminator", "ParzenLogLikelihood"} <= set(history["curves"])
    assert len(list((tmp_path / "run" / "samples").glob("samples-*.png"))) == 3


def test_the_loss_has_a_gradient_for_both_networks() -> None:
    names: dict[str, Any] = {"__name__": "guide"}
    exec(re.sub(r"^@[A-Z]+\.register\n", "", blocks("generative", "py")[0], flags=re.MULTILINE), names)
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
