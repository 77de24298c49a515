"""gin's door: syntax faults with their place, and what a part's constructor refuses as one line."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from repro import config as configs
from repro.errors import BadInput
from repro.experiment import binding


@pytest.mark.parametrize(("text", "line", "words"), [
    ("experiment.examples 3", 2, ["cannot be read as gin"]),
    ("experiment.examples = 3 4", 2, ["cannot be read as gin"]),
    ("# x\nexperiment.examples = three", 3, ["cannot be read as gin", "in quotes", "with @"]),
    ("experiment.examples = @", 2, ["cannot be read as gin"]),
    ("experiment.examples = 'x", 2, ["cannot be read as gin"]),
    ("experiment.test = {'a': 1\n\n# end", 2, ["never closed"]),
    ("experiment.examples = 1\nexperiment.metrics = [(1,\n  2]", 4, ["cannot be read as gin"]),
    ("from papers import template", 2, ["expected import package.module"]),
    ("import papers.template.model as m", 2, ["expected import package.module"]),
    ("  include 'base.gin'", 2, ["expected include 'file'"]),
])  # fmt: skip
def test_bad_syntax_is_one_line_with_its_place(paper: Any, text: str, line: int, words: list[str]) -> None:
    path = paper.config("bad", f"{text}\n")
    with pytest.raises(BadInput) as caught:
        binding.bindings(configs.read(path))
    assert caught.value.where == f"{path}:{line}"
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)
    assert "0x" not in str(caught.value), "no address of an object"


PARTS = """
from torch import nn
from repro.errors import BadInput
from repro.registry import MODELS

def deep(fault):
    if fault == "deep":
        one, two = fault  # a fault of the code, and a ValueError
    if fault == "helper":
        raise ValueError(
            f"fault is {fault}; expected another"
        )
    [check(one) for one in fault]

def check(one):
    raise TypeError("no letter will do") from None

@MODELS.register
class Net(nn.Module):
    def __init__(self, fault: str = "") -> None:
        super().__init__()
        if fault == "value":
            raise ValueError("fault is no good\\nnor is its second line")
        if fault == "type":
            raise TypeError("fault is of no good type")
        if fault == "input":
            raise BadInput("no such fault; did you mean 'value'?")
        if fault == "dropout":
            self.dropout = nn.Dropout(2.0)
        if fault in ("deep", "helper", "listed"):
            deep(fault)
        if fault == "runtime":
            raise RuntimeError("broken")
"""


@pytest.fixture
def faulty(paper: Any) -> Callable[[str], Path]:
    module = paper.module("net", PARTS)
    return lambda fault: paper.config(
        "bad", f"import {module}\n# ...\nexperiment.model = @models.Net()\nmodels.Net.fault = '{fault}'\n"
    )


@pytest.mark.parametrize(("fault", "message"), [
    ("value", "models.Net.fault is no good nor is its second line"), ("type", "models.Net.fault is of no good type"),

    ("helper", "models.Net.fault is helper; expected another"), ("listed", "no letter will do"),
    ("input", "no such fault; did you mean 'value'?"),
    ("dropout", "dropout probability has to be between 0 and 1, but got 2.0"),
])  # fmt: skip
def test_what_a_constructor_refuses_is_one_line(faulty: Any, refused: Any, fault: str, message: str) -> None:
    path = faulty(fault)
    line = 5 if message.startswith("models.Net.fault") else 4
    assert refused("run", path) == f"{path}:{line}: {message}"


@pytest.mark.parametrize(("fault", "kind"), [("deep", ValueError), ("runtime", RuntimeError)])
def test_a_fault_deeper_inside_passes(faulty: Any, fault: str, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=r"too many values|broken"):
        binding.build(configs.read(faulty(fault)))


@pytest.mark.parametrize(("line", "words"), [
    ("clip_percentile = 110.0", "expected a number in (0, 100]"), ("clip_norm = -1.0", "expected a number above 0"),
])  # fmt: skip
def test_what_the_trainer_refuses_names_its_binding(paper: Any, refused: Any, line: str, words: str) -> None:
    path = paper.config("bad", f"# ...\ntrainers.Supervised.{line}\n")
    assert refused("run", path) == f"{path}:3: trainers.Supervised.{line.replace('=', 'is')}; {words}"


def test_what_two_bindings_together_break_names_the_part(paper: Any, refused: Any) -> None:
    text = "trainers.Supervised.clip_percentile = 10\ntrainers.Supervised.clip_norm = 1\n"
    message = refused("run", paper.config("bad", text))
    base = (paper.folder / "configs" / "base.gin").read_text().splitlines()
    number = base.index("experiment.trainer = @trainers.Supervised()") + 1
    assert message.startswith(f"papers/{paper.name}/configs/base.gin:{number}: ") and "both clip_norm and" in message


def test_a_batch_larger_than_the_data_names_the_binding(paper: Any, refused: Any) -> None:
    path = paper.config("bad", "trainers.Supervised.batch_size = 40\ntrain/datasets.NoisyLine.size = 30\n")
    assert refused("run", path).startswith(f"{path}:2: trainers.Supervised.batch_size is 40; expected 1 to 30")
    path = paper.config("bad", "# ...\ntrainers.Supervised.valid_every = 1\n")
    assert refused("run", path).startswith(f"{path}:3: trainers.Supervised.valid_every is 1")


@pytest.mark.parametrize(("mirror", "words"), [
    (None, "fsdd is not here"), ("nowhere", "REPRO_MIRROR is nowhere, which is not a folder"), (".", ". has no fsdd"),
])  # fmt: skip
def test_missing_data_names_the_part_that_wants_it(
    paper: Any, repro: Any, monkeypatch: pytest.MonkeyPatch, mirror: str | None, words: str
) -> None:
    monkeypatch.setenv("REPRO_DATA", "none")
    monkeypatch.delenv("REPRO_MIRROR", raising=False)
    if mirror:
        monkeypatch.setenv("REPRO_MIRROR", mirror)
    text = "import repro.datasets.fsdd\nexperiment.valid = @datasets.Fsdd()\ndatasets.Fsdd.split = 'train'\n"
    path = paper.config("bad", text)
    code, _, err = repro("run", path)
    assert err.splitlines()[-1].startswith(f"repro: {path}:3: ") and words in err
    assert code == (2 if mirror == "nowhere" else 66)


def test_build_gives_what_the_config_names(paper: Any) -> None:
    text = "models.Line.slope = False\ntorch.optim.SGD.lr = 0.25\ntrainers.Supervised.steps = 3\n"
    sizes = "datasets.NoisyLine.size = 70\ntrain/datasets.NoisyLine.size = 60\ntest/datasets.NoisyLine.size = 60\n"
    built = binding.build(configs.read(paper.config("more", f"{text}{sizes}")))
    assert type(built.model).__name__ == "Line" and built.model.slope is None
    assert (len(built.train), len(built.test["test"]), built.trainer.steps) == (60, 60, 3), "a scope goes before none"
    assert not torch.equal(built.train.x, built.test["test"].x), "each scope has its own seed"
    assert built.trainer.optimizer(built.model.parameters()).defaults["lr"] == 0.25


def test_what_is_built_pickles(paper: Any) -> None:
    """Workers that are spawned get the parts by pickle and see no gin."""
    built = binding.build(configs.read(paper.folder / "configs" / "smoke.gin"))
    for part in (built.train, built.model, built.loss, built.trainer, *built.metrics):
        assert type(pickle.loads(pickle.dumps(part))) is type(part)


def test_a_config_leaves_nothing_for_the_next(paper: Any) -> None:
    binding.build(configs.read(paper.config("one", "models.Line.slope = False\n")))
    assert binding.build(configs.read(paper.folder / "configs" / "smoke.gin")).model.slope is not None


@pytest.mark.parametrize(("text", "line", "words"), [
    ("import no_such_library\n", 1, "no_such_library"),
    ("import sys\nsys.exit()\n", 2, "ends the program"),
    ("\nSIZE = sise\n", 2, "'sise'"),
    ("def size():\n    return 1 / 0\n\nsize()\n", 2, "ZeroDivisionError"),
    ("import os\nSIZE = (\n", 2, "not Python"),
])  # fmt: skip
@pytest.mark.parametrize("through", [False, True])
def test_a_module_that_fails_when_imported_is_one_line(
    paper: Any, refused: Any, text: str, line: int, words: str, through: bool
) -> None:
    """The place is that of the fault, also if another module of the paper imports the faulty one."""
    module = paper.module("broken", text)
    named = paper.module("outer", f"import {module}\n") if through else module
    said = refused("run", paper.config("bad", f"import {named}\n"))
    assert f"papers/{paper.name}/broken.py:{line}: " in said and words in said


@pytest.mark.parametrize("command", ["run", "debug"])
def test_a_part_that_ends_the_program_is_a_failure(paper: Any, repro: Any, command: str) -> None:
    code, _, err = repro(command, _config(paper, "import sys; sys.exit(0)"))
    assert code == 1 and "sys.exit" in err


def _config(paper: Any, line: str) -> Any:
    """A config with a model whose constructor runs `line`."""
    text = "from repro.registry import MODELS\n\n\n@MODELS.register\nclass Ends:\n    def __init__(self):\n"
    module = paper.module("ends", f"{text}        {line}\n")
    return paper.config("ends", f"import {module}\nexperiment.model = @models.Ends()\n")
