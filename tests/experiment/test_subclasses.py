"""A part that inherits from another: its parent's parameters are bound, checked and named as its own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from repro import config as configs
from repro import registry
from repro.errors import BadInput
from repro.experiment import binding
from repro.signature import parameters
from repro.trainers.supervised import Supervised

SOURCE = """
from dataclasses import dataclass
from typing import Any

from torch import nn

from papers.NAME.dataset import NoisyLine
from papers.NAME.loss import MeanSquare
from papers.NAME.metric import SquaredError
from papers.NAME.model import Line
from repro.registry import DATASETS, LOSSES, METRICS, MODELS, TRAINERS
from repro.trainers.supervised import Supervised

@TRAINERS.register
class Mine(Supervised):
    def __init__(self, extra: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.extra = extra

@TRAINERS.register
class Plain(Supervised):
    pass

@TRAINERS.register
class Twice(Mine):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, extra=2, **kwargs)

@TRAINERS.register
class Ready(Supervised):
    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("steps", 2)
        super().__init__(workers=0, **kwargs)

@TRAINERS.register
class Staged:
    def __init__(self, first: Any, then: Any) -> None:
        self.first, self.then = first, then

    def fit(self, *given: Any) -> Any:
        return max(self.first, self.then, key=lambda trainer: trainer.batch_size).fit(*given)

@DATASETS.register
class MyLine(NoisyLine):
    def __init__(self, more: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)

@MODELS.register
class MyModel(Line):
    def __init__(self, more: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)

@LOSSES.register
class MyLoss(MeanSquare):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)

@METRICS.register
class MyMetric(SquaredError):
    def __init__(self, more: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
"""
TRAINER = "experiment.trainer = @trainers.Mine()\ntrainers.Mine.optimizer = @torch.optim.SGD()\n"
MINE = f"{TRAINER}trainers.Mine.extra = 1\ntrainers.Mine.steps = 2\ntrainers.Mine.batch_size = 10\n"


@pytest.fixture
def config(paper: Any) -> Callable[..., Path]:
    """A config with every part of its own: line 1 imports them, the text begins at line 2."""
    module = paper.module("mine", SOURCE.replace("NAME", paper.name))
    rest = """
import papers.NAME.dataset
import papers.NAME.metric
import papers.NAME.model
import papers.NAME.loss
experiment.train = @train/datasets.NoisyLine()
experiment.model = @models.Line()
experiment.loss = @losses.MeanSquare()
experiment.test = {'test': @test/datasets.NoisyLine()}
experiment.metrics = [@metrics.SquaredError()]
torch.optim.SGD.lr = 0.1
datasets.NoisyLine.size = 20
"""

    def write(text: str) -> Path:
        path = paper.folder / "configs" / "mine.gin"
        path.write_text(f"import {module}\n{text}{rest.replace('NAME', paper.name)}")
        return path

    return write


def _line(path: Path, text: str) -> int:
    return path.read_text().splitlines().index(text) + 1


def test_the_parameters_of_the_parent_are_bound(config: Any) -> None:
    built = binding.build(configs.read(config(f"{MINE}trainers.Mine.clip_norm = 0.5\n")))
    assert (built.trainer.extra, built.trainer.steps, built.trainer.clip_norm) == (1, 2, 0.5)
    text = MINE.replace("Mine", "Ready").replace("trainers.Ready.extra = 1\ntrainers.Ready.steps = 2\n", "")
    assert binding.build(configs.read(config(text))).trainer.steps == 2, "given by the subclass where it is not bound"


@pytest.mark.parametrize(("text", "words"), [
    ("trainers.Mine.stepz = 3", ["has no parameter 'stepz'", "did you mean 'steps'"]),
    ("trainers.Mine.precision = 'fp61'", ["trainers.Mine.precision is 'fp61'", "'bf16'"]),
    ("trainers.Mine.steps = 2.5", ["trainers.Mine.steps is 2.5", "expected int"]),
    ("trainers.Mine.extra = 'a'", ["trainers.Mine.extra is 'a'", "expected int"]),
    ("trainers.Mine.kwargs = 3", ["has no parameter 'kwargs'"]),
])  # fmt: skip
def test_a_wrong_statement_is_refused(config: Any, text: str, words: list[str]) -> None:
    path = config(f"{MINE}{text}\n")
    with pytest.raises(BadInput) as caught:
        binding.bind(configs.read(path), whole=True)
    assert f"configs/mine.gin:{_line(path, text)}: " in str(caught.value)
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


@pytest.mark.parametrize("name", ["Plain", "Twice", "Ready"])
def test_other_ways_to_inherit_are_checked_alike(config: Any, name: str) -> None:
    text = MINE.replace("Mine", name).replace(f"trainers.{name}.extra = 1\n", "")
    binding.bind(configs.read(config(text)), whole=True)
    for wrong in ("stepz = 3", "precision = 'fp61'"):
        with pytest.raises(BadInput, match=r"did you mean 'steps'|is 'fp61'; expected"):
            binding.bind(configs.read(config(f"{text}trainers.{name}.{wrong}\n")), whole=True)


@pytest.mark.parametrize(("name", "given"), [("Twice", "extra"), ("Ready", "workers")])
def test_what_the_subclass_gives_its_parent_cannot_be_bound(config: Any, name: str, given: str) -> None:
    text = f"{MINE.replace('Mine', name)}trainers.{name}.{given} = 1\n".replace(f"trainers.{name}.extra = 1\n", "", 1)
    with pytest.raises(BadInput, match=f"has no parameter '{given}'"):
        binding.bind(configs.read(config(text)), whole=True)


@pytest.mark.parametrize("needed", ["extra", "steps", "batch_size"])
def test_a_missing_one_is_said(config: Any, needed: str) -> None:
    text = "".join(line for line in MINE.splitlines(keepends=True) if f".{needed} " not in line)
    with pytest.raises(BadInput, match=rf"mine\.gin:2: trainers\.Mine\.{needed} has no value and no default"):
        binding.bind(configs.read(config(text)), whole=True)


@pytest.mark.parametrize(("old", "new", "right", "wrong", "near"), [
    ("@train/datasets.NoisyLine", "@train/datasets.MyLine", "datasets.MyLine.size = 20",
     "datasets.MyLine.sise = 1", "size"),
    ("@models.Line", "@models.MyModel", "models.MyModel.slope = False", "models.MyModel.slopes = 1", "slope"),
])  # fmt: skip
def test_every_registry(config: Any, old: str, new: str, right: str, wrong: str, near: str) -> None:
    def read(line: str) -> Any:
        path = config(f"{MINE}{line}\n")
        path.write_text(path.read_text().replace(old, new))
        return configs.read(path)

    binding.bind(read(right), whole=True)
    with pytest.raises(BadInput, match=f"did you mean '{near}'"):
        binding.bind(read(f"{right}\n{wrong}"), whole=True)


@pytest.mark.parametrize("kind", ["losses.MyLoss", "metrics.MyMetric", "models.MyModel", "datasets.MyLine"])
def test_every_kind_of_part_has_its_parents_parameters(config: Any, kind: str) -> None:
    binding.bind(configs.read(config(MINE)))
    part = registry.PARTS[kind]
    parent = part.__mro__[1]
    assert set(parameters(part)) - {"kwargs", "args"} >= set(inspect.signature(parent).parameters) - {"kwargs", "args"}


def test_kwargs_that_lead_nowhere_stay_as_they_are() -> None:
    class Options:
        def __init__(self, one: int, **kwargs: int) -> None:
            self.options = dict(kwargs)

    class Below(Options):
        def __init__(self, two: int, **kwargs: int) -> None:
            super().__init__(**kwargs)

    class Apart(Supervised):
        def __init__(self, one: int, **kwargs: int) -> None:
            self.options = kwargs

    assert list(parameters(Options)) == ["one", "kwargs"]
    assert list(parameters(Below)) == ["two", "one", "kwargs"]
    assert list(parameters(Apart)) == ["one", "kwargs"]


def test_a_parameter_keeps_the_type_and_the_default_of_its_class() -> None:
    class Mine(Supervised):
        def __init__(self, extra: int = 3, **kwargs: Any) -> None:
            super().__init__(**kwargs)

    found, own = parameters(Mine), parameters(Supervised)
    assert {name: found[name].annotation for name in own} == {name: own[name].annotation for name in own}
    assert {name: found[name].default for name in own} == {name: own[name].default for name in own}
    assert found["extra"].annotation is int and found["extra"].default == 3


@pytest.mark.parametrize(("line", "words"), [
    ("trainers.Mine.batch_size = 40", "trainers.Mine.batch_size is 40; expected 1 to 20"),
    ("trainers.Mine.steps = 0", "trainers.Mine.steps is 0; expected a whole number from 1"),
    ("trainers.Mine.valid_every = 1", "trainers.Mine.valid_every is 1; expected 0"),
    ("trainers.Mine.clip_norm = -1.0", "trainers.Mine.clip_norm is -1.0; expected a number above 0"),
    ("Mine.clip_percentile = 101.0", "Mine.clip_percentile is 101.0; expected a number in (0, 100]"),
])  # fmt: skip
def test_an_error_names_the_subclass_and_its_binding(config: Any, refused: Any, line: str, words: str) -> None:
    path = config(f"{MINE}# ...\n{line}\n")
    message = refused("run", path)
    assert message.startswith(f"papers/{path.parent.parent.name}/configs/mine.gin:{_line(path, line)}: {words}")


def test_an_error_names_the_scope_of_its_binding(config: Any, refused: Any) -> None:
    text = MINE.replace("@trainers.Mine", "@a/trainers.Mine")
    path = config(f"{text}a/trainers.Mine.batch_size = 40\n")
    line = _line(path, "a/trainers.Mine.batch_size = 40")
    assert f"mine.gin:{line}: a/trainers.Mine.batch_size is 40; expected 1 to 20" in refused("run", path)
    path = config(f"{text}a/trainers.Mine.clip_norm = -2.0\n")
    assert "mine.gin:7: a/trainers.Mine.clip_norm is -2.0; expected" in refused("run", path)


@pytest.mark.parametrize("wrong", ["a", "b"])
def test_of_two_scopes_the_one_that_is_wrong_is_named(config: Any, refused: Any, wrong: str) -> None:
    text = MINE.replace("experiment.trainer = @trainers.Mine()", "experiment.trainer = @trainers.Staged()")
    text += "trainers.Staged.first = @a/trainers.Mine()\ntrainers.Staged.then = @b/trainers.Mine()\n"
    path = config(f"{text}a/trainers.Mine.batch_size = 15\nb/trainers.Mine.batch_size = 16\n")
    line = f"{wrong}/trainers.Mine.batch_size = 4{'5' if wrong == 'a' else '6'}"
    path.write_text(path.read_text().replace(line.replace("= 4", "= 1"), line))
    told = f"mine.gin:{_line(path, line)}: {line.replace('=', 'is')}; expected 1 to 20"
    assert told in refused("run", path)


def test_a_part_that_names_itself_is_taken_for_the_subclass(paper: Any, config: Any, refused: Any) -> None:
    """Parts that write their own class's name into the message are found too."""
    paper.module(
        "old",
        """
from repro.errors import BadInput
from repro.registry import DATASETS
from papers.NAME.dataset import NoisyLine

@DATASETS.register
class Old(NoisyLine):
    def __init__(self, size: int = 1, level: int = 0) -> None:
        if level < 0:
            raise BadInput(f"datasets.Old.level is {level}; expected 0 or more")
        super().__init__(size=size)

@DATASETS.register
class New(Old):
    pass
""".replace("NAME", paper.name),
    )
    path = config(
        f"import papers.{paper.name}.old\n{MINE}train/datasets.New.size = 20\ntrain/datasets.New.level = -1\n"
    )
    path.write_text(path.read_text().replace("@train/datasets.NoisyLine", "@train/datasets.New"))
    assert "mine.gin:9: train/datasets.New.level is -1; expected 0 or more" in refused("run", path)


def test_the_listing_shows_them(repro: Any, config: Any) -> None:
    config(MINE)
    code, out, _ = repro("show", "trainers.Mine")
    assert code == 0
    assert out.startswith("trainers.Mine(extra: int, steps: int, batch_size: int, optimizer: Callable[")
    assert "precision: Literal['no', 'fp16', 'bf16'] = 'no'" in out


def test_the_name_of_a_part_is_that_of_its_class() -> None:
    class Unregistered(Supervised):
        pass

    sgd = functools.partial(torch.optim.SGD, lr=0.1)
    assert registry.name_of(Supervised(1, 1, sgd)) == "trainers.Supervised"
    assert registry.name_of(Unregistered(1, 1, sgd)) == "Unregistered"
