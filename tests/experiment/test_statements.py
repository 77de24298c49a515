"""Every wrong statement of a config is one line with its place, what was expected and the nearest right name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro import config as configs
from repro.errors import BadInput
from repro.experiment import binding

PARTS = """
from typing import Any
from torch import nn
from repro.registry import MODELS

@MODELS.register
class Net(nn.Module):
    def __init__(self, name: str = "a", widths: list[int] = [1], rate: float = 0.5, inner: Any = None) -> None:
        super().__init__()
"""


@pytest.fixture
def bound(paper: Any) -> Callable[[str], None]:
    """Bind a config: an include of smoke.gin, an import of `models.Net`, then the text given, from its line 3."""
    module = paper.module("net", PARTS)

    def bind(text: str) -> None:
        path = paper.config("bad", f"import {module}\n{text}\n")
        binding.bind(configs.read(path), whole=True)

    return bind


NET = "experiment.model = @models.Net()\n"


@pytest.mark.parametrize(("text", "line", "words"), [
    ("experiment.loss = @losses.MeanSquares()", 3, ["no part 'losses.MeanSquares'", "mean 'losses.MeanSquare'"]),
    ("experiment.los = @losses.MeanSquare()", 3, ["experiment has no parameter 'los'", "did you mean 'loss'"]),
    ("trainers.Supervised.stepz = 3", 3, ["no parameter 'stepz'", "did you mean 'steps'"]),
    ("trainers.Superwised.steps = 3", 3, ["'trainers.Superwised'", "did you mean 'trainers.Supervised'"]),
    ("torch.optim.SGD.lrr = 3", 3, ["no parameter 'lrr'", "did you mean 'lr'"]),
    ("train/datasets.NoisyLine.sise = 3", 3, ["no parameter 'sise'", "did you mean 'size'"]),
    ("\ntorch.optim.Adam.lr = 0.1", 4, ["torch.optim.Adam.lr has no effect", "never built"]),
    ("valid/datasets.NoisyLine.size = 3", 3, ["valid/datasets.NoisyLine.size has no effect", "scope 'valid'"]),
    ("STEPS = 3", 3, ["STEPS has no effect", "a macro that nothing uses"]),
    ("ONE = 3\nTWO = %ONE", 3, ["ONE has no effect"]),
    ("STEPS = 3\ntrainers.Supervised.steps = %STEP", 4, ["no macro '%STEP'", "did you mean 'STEPS'"]),
    ("trainers.Supervised.steps = %A\nA = %B", 4, ["no macro '%B'"]),
    ("trainers.Supervised.steps = %A\nA = %A", 4, ["definition of macro '%A' contains itself"]),
    ("trainers.Supervised.steps = %A\nA = %B\nB = [%C]\nC = %A", 4, ["definition of macro '%A' contains itself"]),
    ("trainers.Supervised.precision = 16", 3, ["is 16", "'fp16'"]),
    ("trainers.Supervised.precision = 'fp61'", 3, ["is 'fp61'", "'fp16'"]),
    ("trainers.Supervised.steps = True", 3, ["is True", "expected int"]),
    ("trainers.Supervised.steps = 2.5", 3, ["is 2.5", "expected int"]),
    ("trainers.Supervised.steps = '9'", 3, ["is '9'", "expected int"]),
    ("trainers.Supervised.steps = [9]", 3, ["is [9]", "expected int"]),
    ("trainers.Supervised.optimizer = 'adam'", 3, ["optimizer is 'adam'", "expected", "Optimizer"]),
    ("trainers.Supervised.clip_norm = True", 3, ["is True", "expected float"]),
    ("torch.optim.SGD.lr = 'fast'", 3, ["lr is 'fast'", "expected float"]),
    ("trainers.Supervised.steps = %MANY\nMANY = 'many'", 3, ["is 'many'", "expected int"]),
    ("experiment.examples = '3'", 3, ["is '3'", "expected int"]),
    (NET + "models.Net.name = 3", 4, ["models.Net.name is 3", "expected str"]),
    (NET + "models.Net.widths = 3", 4, ["is 3", "expected list[int]"]),
    (NET + "models.Net.widths = [1, 'b']", 4, ["is [1, 'b']", "expected list[int]"]),
    (NET + "models.Net.widths = [1, %B]\nB = 2.5", 4, ["is [1, 2.5]", "expected list[int]"]),
    (NET + "models.Net.rate = '0.5'", 4, ["is '0.5'", "expected float"]),
    (NET + "models.Net.inner = @models.Net()", 4, ["@models.Net() is a part of itself"]),
    ("experiment.loss = @models.Line()", 3, ["experiment.loss is @models.Line()", "a part of losses"]),
    ("experiment.loss = %L\nL = @models.Line()", 3, ["experiment.loss is @models.Line()", "a part of losses"]),
    ("experiment.model = 'Line'", 3, ["experiment.model is 'Line'", "a part of models", "@models.Name()"]),
    ("experiment.metrics = [@losses.MeanSquare()]", 3, ["@losses.MeanSquare()", "a part of metrics"]),
    ("experiment.loss = @losses.MeanSquare", 3, ["@losses.MeanSquare names", "expected @losses.MeanSquare()"]),
    ("trainers.Supervised.optimizer = @torch.optim.SGD", 3, ["expected @torch.optim.SGD()"]),
    ("experiment.test = @test/datasets.NoisyLine()", 3, ["experiment.test is @datasets.NoisyLine()", "dict"]),
    ("experiment.metrics = @metrics.SquaredError()", 3, ["experiment.metrics is", "list"]),
    ("experiment.valid = @valid/datasets.NoisyLine()", 3, ["valid/datasets.NoisyLine.size has no value"]),
    ("trainers.Supervised.schedule = @torch.optim.lr_scheduler.StepLR()", 3, ["StepLR.step_size has no value"]),
    ("import papers.template.modle", 3, ["no module 'papers.template.modle'", "did you mean 'papers.template.model'"]),
    ("import papers.templte.model", 3, ["no module 'papers.templte.model'", "did you mean 'papers.template'"]),
    ("import rebro.trainers", 3, ["no module 'rebro.trainers'", "did you mean 'repro'"]),
])  # fmt: skip
def test_a_wrong_statement(paper: Any, bound: Callable[[str], None], text: str, line: int, words: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        bound(text)
    assert caught.value.where == f"papers/{paper.name}/configs/bad.gin:{line}"
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


@pytest.mark.parametrize("text", [
    "trainers.Supervised.clip_norm = 1", "trainers.Supervised.clip_norm = None", "experiment.model = None",
    NET + "models.Net.widths = [%A, 2]\nA = %B\nB = 3",
    NET + "models.Net.inner = @in/models.Net()\nin/models.Net.inner = None",
    "Supervised.steps = 5", "LOSS = @losses.MeanSquare()\nexperiment.loss = %LOSS", "trainers.Supervised:\n  steps = 5",
    "experiment.valid = @valid/datasets.NoisyLine()\ndatasets.NoisyLine.size = 3",
    "train/datasets.NoisyLine.size = %SIZE\ntest/datasets.NoisyLine.size = %SIZE\nSIZE = 20",
    "trainers.Supervised.optimizer = @torch.optim.AdamW()\ntorch.optim.AdamW.betas = (0.9, 0.99)",
    "trainers.Supervised.schedule = @torch.optim.lr_scheduler.MultiStepLR()\n"
    "torch.optim.lr_scheduler.MultiStepLR.milestones = [1, 2]",
])  # fmt: skip
def test_a_right_statement_binds(bound: Callable[[str], None], text: str) -> None:
    """Each stands close to one of the wrong ones: the checks must not refuse more than what is wrong."""
    bound(text)


def test_a_fault_in_a_later_line_of_an_include_names_that_file(paper: Any) -> None:
    base = paper.folder / "configs" / "base.gin"
    text = base.read_text()
    line = next(number for number, row in enumerate(text.splitlines(), 1) if row.startswith("torch.optim.SGD.lr"))
    for wrong in ("torch.optim.SGD.lr =", "torch.optim.SGD.lrr =", "torch.optim.SGD.lr = = "):
        base.write_text(text.replace("torch.optim.SGD.lr =", wrong).replace("= 0.3", "= 'x'"))
        with pytest.raises(BadInput) as caught:
            binding.bind(configs.read(paper.folder / "configs" / "smoke.gin"))
        assert caught.value.where == f"papers/{paper.name}/configs/base.gin:{line}"


def test_a_config_without_test_set_says_so(paper: Any) -> None:
    path = paper.config("bad", "experiment.examples = 1\n", base="")
    binding.bind(configs.read(path))  # as one that others include
    with pytest.raises(BadInput, match=r"configs/bad\.gin: experiment\.test has no value"):
        binding.build(configs.read(path))


def test_a_part_that_two_registries_share_must_be_told_apart(paper: Any) -> None:
    module = paper.module(
        "both",
        "from repro.registry import LOSSES, METRICS\n"
        "@LOSSES.register\nclass Twin: ...\nMETRICS.register(type('Twin', (), {}))\n",
    )
    path = paper.config("bad", f"import {module}\nexperiment.loss = @Twin()\n")
    with pytest.raises(BadInput, match=r"bad\.gin:3: 'Twin' may be any of losses\.Twin, metrics\.Twin"):
        binding.bind(configs.read(path))


def test_the_command_line_shows_the_one_line(paper: Any, refused: Callable[..., str]) -> None:
    path = paper.config("bad", "trainers.Supervised.stepz = 3\n")
    assert refused("run", path) == (f"{path}:2: trainers.Supervised has no parameter 'stepz'; did you mean 'steps'?")
    assert not list(Path("runs").glob("*/*/*")), "a config that cannot run leaves no run folder"
    smoke = f"papers/{paper.name}/configs/smoke.gin"
    assert refused("run", smoke, "--set", "trainers.Supervised.stepz=3").startswith(
        "--set 'trainers.Supervised.stepz=3': trainers.Supervised has no parameter"
    )
    assert refused("run", smoke, "--set", "no equals sign").startswith("--set 'no equals sign': cannot be read as gin")
