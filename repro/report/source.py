"""Reads a part from its source text: parameters, docstrings, letters of shapes. It imports nothing."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import papers
import repro
from repro.registry import REGISTRIES, Declared, parse
from repro.signature import passed_in

LETTERS = re.compile(r"Letters: |[A-Z] [a-z]+, [A-Z] [a-z]+[,;.]")
CALLS = ("__call__", "__getitem__")


@dataclass(frozen=True)
class Parameter:
    """A parameter that a config may set. `default` is "" if it is required.

    `kind` is the registry whose parts the parameter takes (for example `losses`), else "".
    """

    name: str
    type: str = ""
    default: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Method:
    """A documented method. `signature` is its parameters and its return type, as written in the source."""

    name: str
    signature: str
    doc: str


@dataclass(frozen=True)
class Source:
    """All that the source text says about a part.

    `letters` is the paragraph of its module's docstring that explains the dimensions (`B batch, T samples`).
    """

    parameters: list[Parameter]
    doc: str
    methods: list[Method]
    letters: str


def read(part: Declared) -> Source:
    """Read `part`'s file. Raises BadInput with the line number if the file is not valid Python."""
    tree = parse(part.path)
    node = _node(part.name, tree)
    letters = [text for text in _paragraphs(ast.get_docstring(tree)) if LETTERS.match(text)]
    return Source(
        _parameters(node, tree), ast.get_docstring(node) or "", list(_methods(node)), letters[0] if letters else ""
    )


def parameters(name: str, tree: ast.Module) -> list[Parameter]:
    """The parameters of the class `name` in a module: a part of `read`, for whoever has parsed the file already."""
    return _parameters(_node(name, tree), tree)


def _node(name: str, tree: ast.Module) -> ast.ClassDef:
    return next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)


def _paragraphs(text: str | None) -> list[str]:
    return [" ".join(block.split()) for block in (text or "").split("\n\n")]


def _parameters(node: ast.ClassDef, tree: ast.Module) -> list[Parameter]:
    """The parameters of a class, and those of the parent classes that its `**kwargs` are passed to."""
    return _through(list(_lineage(node, tree)))


def _lineage(node: ast.ClassDef, tree: ast.Module) -> Iterator[ast.ClassDef]:
    """A class and its base classes, if their source is in this repository. A shared base comes after both heirs."""
    found = [node]
    for base in node.bases:
        inner = _class(ast.unparse(base), tree)
        if inner and inner[0] is not node:
            found += _lineage(*inner)
    places = [(one.name, one.lineno, one.end_lineno) for one in found]
    yield from (one for index, one in enumerate(found) if places[index] not in places[index + 1 :])


def _through(lineage: list[ast.ClassDef]) -> list[Parameter]:
    for index, node in enumerate(lineage):
        for inner in node.body:
            if isinstance(inner, ast.FunctionDef) and inner.name == "__init__":
                return _passed_on(inner, lineage[index + 1 :])
        if _is_dataclass(node):
            above = reversed([one for one in lineage[index:] if _is_dataclass(one)])
            return list({one.name: one for cls in above for one in _fields(cls)}.values())
    return []


def _is_dataclass(node: ast.ClassDef) -> bool:
    return any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list)


def _passed_on(init: ast.FunctionDef, rest: list[ast.ClassDef]) -> list[Parameter]:
    """The same as `repro.signature.parameters`, computed from source text."""
    own, passed = list(_arguments(init.args)), passed_in(init)
    if passed is None:
        return own
    if passed.to:
        names = [node.name for node in rest]
        rest = rest[names.index(passed.to) :] if passed.to in names else []
    above = {one.name: one for one in _through(rest)}
    mine = {one.name for one in own}
    for name in passed.left(list(above)):
        one = above.get(name, Parameter(name))
        optional = passed.supplies(name) and not one.default
        own += [] if name in mine else [replace(one, default="None") if optional else one]
    return own


def _class(name: str, tree: ast.Module) -> tuple[ast.ClassDef, ast.Module] | None:
    """The class `name`, and the module that defines it: `tree` itself, or a module that `tree` imports it from.

    None if the source is not in `repro` or in a paper.
    """
    holder, _, last = name.rpartition(".")
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return node, tree
        for known, module, inner in _imported(node):
            path = _path(module) if module.startswith(("repro.", "papers.")) else None
            if path and known == (holder or name) and (inner == "" or not holder):
                return _class(last if holder else inner, parse(path))
    return None


def _imported(node: ast.stmt) -> Iterator[tuple[str, str, str]]:
    """The names that an import defines: (name, module, "") for a module, (name, module, name there) for an object."""
    if isinstance(node, ast.Import):
        yield from ((alias.asname or alias.name, alias.name, "") for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            known = alias.asname or alias.name
            yield known, f"{node.module}.{alias.name}", ""
            yield known, f"{node.module}", alias.name


def _path(module: str) -> Path | None:
    """The file of a module of `repro` or of a paper. Python's own search would execute the parent packages."""
    top, *rest = module.split(".")
    roots = repro.__path__ if top == "repro" else papers.__path__
    stems = [Path(root, *rest) for root in roots]
    tried = (path for stem in stems for path in (stem.with_suffix(".py"), stem / "__init__.py"))
    return next((path for path in tried if path.is_file()), None)


def _fields(node: ast.ClassDef) -> Iterator[Parameter]:
    for inner in node.body:
        if isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Name):
            yield _parameter(inner.target.id, inner.annotation, inner.value)


def _arguments(given: ast.arguments) -> Iterator[Parameter]:
    """Every parameter except `self`."""
    placed = [*given.posonlyargs, *given.args]
    defaults = [*[None] * (len(placed) - len(given.defaults)), *given.defaults]
    named = zip(given.kwonlyargs, given.kw_defaults, strict=True)
    for argument, default in [*list(zip(placed, defaults, strict=True))[1:], *named]:
        yield _parameter(argument.arg, argument.annotation, default)


def _parameter(name: str, annotation: ast.expr | None, default: ast.expr | None) -> Parameter:
    hint, kind = annotation, ""
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Annotated":
        hint, marks = annotation.slice.elts[0], annotation.slice.elts[1:]  # type: ignore[attr-defined]
        kind = next((mark.id.lower() for mark in marks if isinstance(mark, ast.Name)), "")
    kind = kind if kind in REGISTRIES else ""
    told = ast.unparse(hint) if hint else ""
    return Parameter(name, "" if kind and told == "Any" else told, ast.unparse(default) if default else "", kind)


def _methods(node: ast.ClassDef) -> Iterator[Method]:
    """The methods that have a docstring, without private ones."""
    for inner in node.body:
        if not isinstance(inner, ast.FunctionDef) or (inner.name.startswith("_") and inner.name not in CALLS):
            continue
        if doc := ast.get_docstring(inner):
            returns = f" -> {ast.unparse(inner.returns)}" if inner.returns else ""
            yield Method(inner.name, f"({_without_self(inner.args)}){returns}", doc)


def _without_self(given: ast.arguments) -> str:
    shown = copy.deepcopy(given)
    del (shown.posonlyargs or shown.args)[:1]
    return ast.unparse(shown)
