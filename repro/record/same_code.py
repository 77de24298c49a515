"""Do two versions of a module compute the same? Their syntax trees are compared, without what changes no number.

These do not count: comments, docstrings, plain annotations, the messages of raised errors, imports of modules that are
in no record's digest, and how an imported name is spelt (`disk.write` after `from repro import disk`, or `write` after
`from repro.files.disk import write`, by the present name of a module that was renamed). Everything else counts.

Code can compute with a message, an annotation or a docstring: `float(error.args[0])`. If any module of a config may do
that, nothing is taken to be the same, and `repro renew` runs the config.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from repro.record import code_digest
from repro.record.renewal import Changed
from repro.registry import source

NAMED = (ast.Name, ast.Attribute, ast.alias, ast.ImportFrom, ast.Constant)
TEXTS = frozenset(
    (
        *("args", "exc_info", "format_exc", "get_annotations", "get_type_hints", "getdoc", "inspect", "signature"),
        *("traceback", "__annotations__", "__dict__", "__doc__"),
    )
)
"""The names by which code may get at a message, an annotation or a docstring."""
RENAMED: dict[str, str] = {}
"""Modules, and names in them, by what they were called in committed records, with their present names."""


def unchanged(changed: Changed, before: Mapping[str, Path], now: Mapping[str, Path]) -> bool:
    """Whether each changed module has the same syntax tree before and now. before, now: the file of each module."""
    old = {_present(name, RENAMED): name for name, (digest, _) in changed.items() if digest}
    new = {name for name, (_, digest) in changed.items() if digest}
    if set(old) != new or any(":" in name for name in changed):
        return False
    if any(reads_texts(source(path)) for code in (before, now) for name, path in code.items() if ":" not in name):
        return False
    pairs = [(before.get(old[name]), now.get(name), name) for name in new]
    return all(one and other and same(source(one), source(other), name) for one, other, name in pairs)


def reads_texts(text: str) -> bool:
    """Whether a module may compute with the message of an error, an annotation or a docstring.

    >>> reads_texts("try: f()\\nexcept ValueError as error: x = float(error.args[0])"), reads_texts("x = f.__doc__")
    (True, True)
    >>> reads_texts("try: f()\\nexcept ValueError as error: raise KeyError(f'no number: {error}') from None")
    False
    """
    for node in ast.walk(ast.parse(text)):
        words = (
            {getattr(node, key, None) for key in ("id", "attr", "name", "module", "value")}
            if isinstance(node, NAMED)
            else ()
        )
        if not TEXTS.isdisjoint(words) or (isinstance(node, ast.ExceptHandler) and _uses(node)):
            return True
    return False


def _uses(handler: ast.ExceptHandler) -> bool:
    """Whether a handler does more with its error than to raise another one."""
    raised = {id(part) for node in ast.walk(handler) if isinstance(node, ast.Raise) for part in ast.walk(node)}
    names = (node for node in ast.walk(handler) if isinstance(node, ast.Name) and node.id == handler.name)
    return any(id(node) not in raised for node in names)


def same(before: str, now: str, name: str, renamed: Mapping[str, str] = RENAMED) -> bool:
    """Whether two sources of the module `name` have the same syntax tree, apart from parts that change no number.

    >>> same("from repro import git\\ngit.write(1)", "from repro.git import write\\nwrite(1)", "papers.a.model")
    True
    >>> same("x = 1", "x = 1.0", "papers.a.model")
    False
    """
    return form(before, name, renamed) == form(now, name, renamed)


def form(text: str, name: str, renamed: Mapping[str, str] = RENAMED) -> str:
    """The source `text` of the module `name` in a normal form. Two versions with the same form compute the same.

    The form has no comments, docstrings, plain annotations or error messages, and each imported name is written in
    full. renamed: former name -> present name of modules that were moved. Raises SyntaxError if `text` is not Python.
    """
    tree = ast.parse(text)
    known = {local: _present(target, renamed) for local, target in _bound(tree, name).items()}
    counted = sorted({target for target in known.values() if _counts(target)})
    tree = _Spelt(known).visit(code_digest.without_messages(tree))
    return "\n".join([*counted, code_digest.written(tree)])


def _bound(tree: ast.AST, name: str) -> dict[str, str]:
    """What each imported name of `repro` and `papers` stands for; not a name that is bound in another way too."""
    found: dict[str, str] = {}
    others = set(_assigned(tree))
    for local, target in _imported(tree, name):
        if found.get(local, target) != target:
            others.add(local)
        found[local] = target
    return {local: target for local, target in found.items() if local not in others}


def _imported(tree: ast.AST, name: str) -> Iterator[tuple[str, str]]:
    """(local name, full name) of each import of `repro` and `papers`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = name.split(".")[: -node.level] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            if module.split(".")[0] in ("repro", "papers"):
                yield from ((alias.asname or alias.name, f"{module}.{alias.name}") for alias in node.names)


def _assigned(tree: ast.AST) -> Iterator[str]:
    """The names that anything but an import binds."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            yield from node.names


def _present(target: str, renamed: Mapping[str, str]) -> str:
    """The present name of a module, or of something in it."""
    parts = target.split(".")
    for length in range(len(parts), 0, -1):
        if new := renamed.get(".".join(parts[:length])):
            return ".".join([new, *parts[length:]])
    return target


def _counts(target: str) -> bool:
    return code_digest.counts(target) or code_digest.counts(target.rpartition(".")[0])


class _Spelt(ast.NodeTransformer):
    """Replaces each imported name by its full name, and removes the imports themselves."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self.known = known

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        node.names = [alias for alias in node.names if (alias.asname or alias.name) not in self.known]
        return node if node.names else None

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self.known.get(node.id, node.id), node.ctx)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id in self.known.values():
            return ast.Name(f"{node.value.id}.{node.attr}", node.ctx)
        return node
