"""A stranger's config names registered parts and data by name: it imports nothing else, and no value is a place."""

from __future__ import annotations

import importlib
import inspect
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from repro import config as configs
from repro import registry, untrusted
from repro.errors import BadInput
from repro.experiment import binding
from repro.registry import PARTS, REGISTRIES

SECRET = "TOPSECRET"
IMPORTS = [
    *("import os", "import subprocess", "import antigravity", "import gin", "import __gin__.dynamic_registration"),
    *("from __gin__ import dynamic_registration", "from os import system", "import os as repro", "import\tos"),
    *("import repro.__main__", "import papers.template.tests.test_parts", "import repro", "import papers"),
    *("import reprox.y", "import papersx.y", "import repro..os", "import \\\n  os", "A = '''\nimport os\n'''"),
]  # fmt: skip
NAMED = [
    *("@os.system()", "@builtins.eval()", "@torch.load()", "@gin.singleton()", "@gin.macro()", "@gin.constant()"),
    *("@subprocess.Popen()", "@torch.optim.Adam.__init__()", "@repro.cli.main()", "@x/gin.singleton()", "@os.system"),
    *("%os.environ", "%gin.REQUIRED", "{@gin.singleton(): 1}", "{'a': [{@os.system(): 1}]}", "{%A: 1}", "{[1]: 2}"),
    *("__import__('os')", "open('x')", "os.system", "(lambda: 1)()", "f'{x}'", "[" * 2000 + "]" * 2000),
]  # fmt: skip
ELSEWHERE = [
    *("/etc/passwd", "../../../etc/passwd", "..", "a/../../b", "~/.ssh", "~root/x", "file:/etc/passwd", "a\\..\\b"),
    *("file:///etc/passwd", "https://evil.example/x", "C:\\x", "c:/x", "\\\\host\\x", "//host/x", " /etc/passwd"),
    *("papers/../../x", "hf://x/y", "x\0y"),
]


@pytest.fixture
def bound(paper: Any) -> Callable[[str], None]:
    """Bind smoke.gin with this text below it."""

    def bind(text: str) -> None:
        binding.bind(configs.read(paper.config("bad", f"{text}\n")), whole=True)

    return bind


@pytest.mark.parametrize("text", IMPORTS)
def test_a_config_imports_modules_of_repro_and_papers_alone(bound: Callable[[str], None], text: str) -> None:
    with pytest.raises(BadInput, match=r"configs/bad\.gin:[23]: "):
        bound(text)


@pytest.mark.parametrize("name", ["repro.trainers.supervised", "papers.template.model", "papers.a1.model.networks"])
def test_and_those_it_may(name: str) -> None:
    untrusted.refuse_module(name)
    with pytest.raises(BadInput):
        untrusted.refuse_module(f"x{name}")


@pytest.mark.parametrize("value", NAMED)
def test_a_value_names_registered_parts_alone(bound: Callable[[str], None], value: str) -> None:
    with pytest.raises(BadInput, match=r"configs/bad\.gin"):
        bound(f"experiment.loss = {value}")


@pytest.mark.parametrize("name", ["os.system", "gin.singleton", "gin.macro", "x/gin.singleton", "builtins.exec"])
def test_nothing_but_a_part_is_bound(bound: Callable[[str], None], name: str) -> None:
    with pytest.raises(BadInput, match=r"bad\.gin:2: no part '"):
        bound(f"{name}.constructor = 'x'")


def test_what_a_config_may_name_is_parts_and_the_optimizers_of_torch() -> None:
    """Whatever is registered by importing every module that has parts."""
    for part in registry.every():
        importlib.import_module(part.module)
    kinds = {name.rpartition(".")[0] for name in PARTS}
    assert (
        kinds <= {"", *REGISTRIES, "torch.optim", "torch.optim.lr_scheduler", "repro.trainers.schedules"}
        and "experiment" in PARTS
    )


def _every() -> Iterator[registry.Declared]:
    """Every registered part. The template is left out, because the test has a copy of it."""
    return (one for one in registry.every() if not one.module.startswith("papers.template."))


def _texts() -> Iterator[tuple[str, str]]:
    """(part, parameter) of every parameter of every registered part that takes a text, of any kind."""
    for one in _every():
        part = getattr(importlib.import_module(one.module), one.name)
        hints = get_type_hints(part.__init__)
        for name in inspect.signature(part).parameters:
            if "str" in str(hints.get(name)) or hints.get(name, Any) is Any:
                yield f"{one.kind}.{one.name}", name


LEADS = r"configs/bad\.gin:\d+: .* points outside the allowed folders; expected a name"


def test_no_parameter_of_any_part_takes_a_place_elsewhere(paper: Any) -> None:
    """One config per parameter: what the part would do with such a text is never asked."""
    modules = "".join(f"import {name}\n" for name in sorted({part.module for part in _every()}))
    found = list(_texts())
    assert {"root", "path", "name"} <= {parameter for _, parameter in found} and len(found) > 20
    for (part, parameter), text in zip(found, itertools.cycle(ELSEWHERE)):
        path = paper.config("bad", f"{modules}{part}.{parameter} = {text!r}\n")
        with pytest.raises(BadInput, match=LEADS):
            binding.bind(configs.read(path))


@pytest.mark.parametrize("text", ELSEWHERE)
def test_no_spelling_of_a_place_elsewhere_is_a_name(bound: Callable[[str], None], text: str) -> None:
    lines = "import repro.datasets.mixture_lists\nexperiment.valid = @datasets.ListedMixtures()\n"
    with pytest.raises(BadInput, match=LEADS):
        bound(f"{lines}datasets.ListedMixtures.path = {text!r}")


@pytest.mark.parametrize("value", [
    "['/etc']", "{'a': '/etc'}", "{'/etc/x': 1}", "{'../../x': @test/datasets.NoisyLine()}", "[[('~',)]]", "b'/etc'",
    "'/e' 'tc'", "'\\x2fetc'", "%A\nA = '/etc'",
])  # fmt: skip
def test_nor_does_a_value_hide_one(bound: Callable[[str], None], value: str) -> None:
    """A name of a test set, too: examples are written under it."""
    with pytest.raises(BadInput, match="points outside the allowed folders"):
        bound(f"experiment.test = {value}")


@pytest.mark.parametrize("text", [
    "mnist/train", "Normalized Number of Graphs/Plots", "distilbert/distilbert-base-uncased", "eq/pg", "a: b", "1..2",
    "papers/mine/lists/three.csv", "Radboud: 2", "x~y", "...",
])  # fmt: skip
def test_a_name_is_no_place(text: str) -> None:
    untrusted.refuse_elsewhere({"a": [text]}, "x")
    with pytest.raises(BadInput):
        untrusted.refuse_elsewhere({"a": [f"/{text}"]}, "x")


INCLUDES = ["../../../secret.gin", "../../secret.gin", "sub/secret.gin", "linked.gin", "../configs/../secret.gin", "."]


@pytest.mark.parametrize("name", INCLUDES)
def test_an_include_stands_beside_its_config(paper: Any, refused: Callable[..., str], name: str) -> None:
    """And a refusal tells nothing of what is there."""
    folder = paper.folder / "configs"
    (folder / "sub").mkdir()
    for place in (folder / "sub", folder.parent, folder.parents[1], folder.parents[2]):
        (place / "secret.gin").write_text(f"{SECRET} = 'x'\n")
    (folder / "linked.gin").symlink_to(folder.parents[2] / "secret.gin")
    path = paper.config("bad", f"include '{name}'\n")
    said = refused("run", path)
    assert "is in another folder" in said and SECRET not in said
    path = paper.config("bad", f"include '{Path(folder.parents[2] / 'secret.gin')}'\n")
    assert "is in another folder" in refused("run", path)


def test_a_config_that_is_a_link_out_is_refused_unread(paper: Any, refused: Callable[..., str]) -> None:
    Path("secret.txt").write_text(f"{SECRET} = 'x'\n")
    path = paper.folder / "configs" / "bad.gin"
    path.symlink_to(Path("secret.txt").absolute())
    said = refused("run", path)
    assert said.endswith("; expected a paper.toml in a folder above it") and SECRET not in said


@pytest.mark.parametrize("text", [
    "import os", "include '/etc/hostname'", "experiment.loss = @os.system()", "experiment.data = {'test': '/etc'}",
    "experiment.examples = 0\nimport os", "x = 1\nimport os\nimport os\nimport os", "experiment.examples=0\rimport os",
])  # fmt: skip
def test_what_is_set_on_the_command_line_is_held_to_the_same(paper: Any, refused: Any, text: str) -> None:
    said = refused("run", f"papers/{paper.name}/configs/smoke.gin", "--set", text)
    assert said.startswith("--set ")


def test_a_refused_config_has_run_nothing(paper: Any, refused: Callable[..., str]) -> None:
    module = paper.module("evil", "import pathlib\npathlib.Path('ran').touch()\n")
    refused("run", paper.config("bad", f"import os\nimport {module}\n"))
    refused("run", paper.config("bad", f"import {module}\nimport os\n"))
    assert not os.path.exists("ran")
