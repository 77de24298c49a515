"""The `>>>` examples in the docstrings of repro and papers run, and every registered part has one."""

from __future__ import annotations

import ast
import doctest
import importlib
from pathlib import Path

import gin
import pytest
import torch

import papers
from repro import HOME, registry

PARSER = doctest.DocTestParser()
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
ROOTS = [(HOME, "repro"), *((Path(root), "papers") for root in papers.__path__)]

WITHOUT = {
    "datasets.Attempts": "it reads the author's table, which is not in the repository",
    "datasets.Released": "it reads the authors' files, which are not in the repository",
    "datasets.CrowdChecked": "the same",
    "datasets.Pictures": "it reads published images, which are not in the repository",
}
"""Parts without an example, by name, with the reason."""


def documented(tree: ast.Module) -> dict[str, tuple[str, int]]:
    """The docstrings of a module, its classes and functions, by their names: text and first line."""
    found = {}
    waiting: list[tuple[str, ast.AST]] = [("", tree)]
    while waiting:
        name, node = waiting.pop()
        if text := ast.get_docstring(node, clean=False):  # type: ignore[arg-type]  # a module, class or function
            found[name] = text, node.body[0].lineno  # type: ignore[attr-defined]
        inner = [one for one in ast.iter_child_nodes(node) if isinstance(one, ast.ClassDef | ast.FunctionDef)]
        waiting += [(f"{name}.{one.name}".lstrip("."), one) for one in inner]
    return found


def examples(path: Path) -> dict[str, tuple[str, int]]:
    """The docstrings with an example in one file; its text is read, and the module is not imported."""
    text = path.read_text(encoding="utf-8")
    if ">>> " not in text:
        return {}
    return {name: row for name, row in documented(ast.parse(text)).items() if PARSER.get_examples(row[0])}


def modules() -> dict[str, Path]:
    """The file of each module with examples, by its name."""
    found = {}
    for root, package in ROOTS:
        for path in sorted(root.rglob("*.py")):
            if "tests" not in path.relative_to(root).parts and examples(path):
                parts = path.relative_to(root).with_suffix("").parts
                found[".".join([package, *(part for part in parts if part != "__init__")])] = path
    return found


MODULES = modules()


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each docstring has its own names and working directory, and the names of its module."""
    monkeypatch.setenv("REPRO_DATA", str(tmp_path / "data"))  # an example may set it: it is restored afterwards
    monkeypatch.delenv("REPRO_MIRROR", raising=False)
    module = importlib.import_module(name)
    gin.clear_config()  # what an earlier test has read from a config would be the defaults of an example
    for number, (inner, (text, line)) in enumerate(examples(MODULES[name]).items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.chdir(folder)
        torch.manual_seed(0)
        case = PARSER.get_doctest(text, dict(vars(module)), f"{name}.{inner}", str(MODULES[name]), line - 1)
        report: list[str] = []
        failed = doctest.DocTestRunner(optionflags=FLAGS).run(case, out=report.append).failed
        assert not failed, "".join(report)


def test_every_part_has_an_example() -> None:
    """`WITHOUT` names only parts that have none."""
    with_one = {f"{module}.{name}" for module, path in MODULES.items() for name in examples(path)}
    missing = {f"{part.kind}.{part.name}" for part in registry.every() if f"{part.module}.{part.name}" not in with_one}
    assert missing == set(WITHOUT)
