"""Registries: a part is an ordinary class under its name, a second of that name is refused, listing imports nothing."""

from __future__ import annotations

import functools
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import gin
import pytest
import torch

import repro.trainers.supervised  # torch's optimizers become nameable
from repro.errors import BadInput
from repro.registry import LOSSES, PARTS, REGISTRIES, declared


@pytest.fixture
def module() -> Iterator[ModuleType]:
    """A module of its own, whose parts are forgotten afterwards."""
    made = ModuleType("sandbox_parts")
    sys.modules[made.__name__] = made
    yield made
    del sys.modules[made.__name__]
    for registry in REGISTRIES.values():
        for name in [name for name, part in registry.parts.items() if part.__module__.startswith("sandbox")]:
            del registry.parts[name], PARTS[f"{registry.kind}.{name}"]
    gin.clear_config()


SOURCE = """
from repro.registry import LOSSES
@LOSSES.register
class SandboxLoss:
    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight
"""


def test_a_registered_class_stays_ordinary(module: ModuleType) -> None:
    exec(SOURCE, module.__dict__)
    gin.parse_config("losses.SandboxLoss.weight = 5.0")
    direct = module.SandboxLoss()
    assert direct.weight == 1.0, "a direct call must not see the config"
    assert LOSSES["SandboxLoss"] is module.SandboxLoss and type(direct) is module.SandboxLoss
    assert pickle.loads(pickle.dumps(direct)).weight == 1.0


def test_a_second_part_of_the_same_name_names_both_modules(module: ModuleType) -> None:
    exec(SOURCE, module.__dict__)
    with pytest.raises(BadInput, match=r"losses\.SandboxLoss.*sandbox_parts.*sandbox_other"):
        exec(SOURCE, {"__name__": "sandbox_other"})


def test_a_module_read_again_replaces_its_own_part(module: ModuleType) -> None:
    exec(SOURCE, module.__dict__)
    first = LOSSES["SandboxLoss"]
    exec(SOURCE, module.__dict__)
    assert LOSSES["SandboxLoss"] is module.SandboxLoss is not first
    assert list(LOSSES).count("SandboxLoss") == 1


def test_an_unknown_name_gets_the_nearest(module: ModuleType) -> None:
    exec(SOURCE, module.__dict__)
    with pytest.raises(BadInput, match="did you mean 'SandboxLoss'"):
        LOSSES["SandboxLos"]


def test_an_optimizer_of_a_config_is_a_recipe_that_pickles() -> None:
    recipe = pickle.loads(pickle.dumps(PARTS["torch.optim.SGD"](lr=0.25, momentum=0.5)))
    assert isinstance(recipe, functools.partial)
    optimizer = recipe([torch.nn.Parameter(torch.ones(1))])
    assert type(optimizer) is torch.optim.SGD
    assert (optimizer.defaults["lr"], optimizer.defaults["momentum"]) == (0.25, 0.5)


def test_declared_reads_text_and_imports_nothing(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "tests").mkdir()
    text = 'import no_such_module\n@MODELS.register\nclass Deep:\n    """A net.\n\n    More."""\n'
    (tmp_path / "inner" / "__init__.py").write_text(text)
    (tmp_path / "tests" / "test_it.py").write_text(text)
    (found,) = declared(tmp_path, "papers.some")
    assert (found.kind, found.name, found.module) == ("models", "Deep", "papers.some.inner")
    assert (found.line, found.summary, found.path.parent.name) == (3, "A net.", "inner")


@pytest.mark.parametrize("kind", sorted(REGISTRIES))
def test_what_the_core_declares_is_what_importing_registers(kind: str) -> None:
    """The listing (source text) and the registry (imports) must not drift apart."""
    import importlib

    found = [part for part in declared(Path(repro.__file__).parent, "repro") if part.kind == kind]
    for part in found:
        cls = getattr(importlib.import_module(part.module), part.name)
        assert REGISTRIES[kind][part.name] is cls
    core = {name for name, part in REGISTRIES[kind].parts.items() if part.__module__.startswith("repro.")}
    assert core <= {part.name for part in found}
