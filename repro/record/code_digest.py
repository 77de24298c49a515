"""Digests of the source code that the numbers of a config depend on.

`code(config)` returns one digest per module: the modules that the config imports and, recursively, the modules of
`papers.*` and of the part packages of `repro` that they import. The source text is parsed; nothing is imported.
Comments, docstrings and layout do not change a digest. If the code of a module names a file next to it, such as
`words.txt`, that file has a digest of its bytes.

`core()` is one digest for the rest of `repro` that every run uses. The *core* is this code, not all of `repro/`.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from repro import HOME
from repro.config import Config
from repro.registry import parse, source

REPRO = HOME
READ = ("data.toml", "paper.toml")  # which no number is computed from: their data have fingerprints
FILE = re.compile(r"(?:[\w-][\w.-]*/){0,3}[\w-][\w.-]{0,80}\.(?!py$|gin$)\w{1,12}")
ROOMS = tuple(f"repro.{name}" for name in ("audio", "datasets", "labels", "models", "losses", "trainers", "metrics"))
"""The packages whose modules a record names one by one, each with its digest."""
COMMAND = ("repro.cli", "repro.cli.looking", "repro.cli.running", "repro.cli.streams", "repro.cli.system")
"""The modules of the command line that start a run; the other modules of `repro.cli` only print."""
WITH_CORE = ("data", "training")
"""The folders that are counted with the core although only parts import them."""


def code(config: Config) -> dict[str, str]:
    """The digest of every module that `config` depends on, by module name."""
    return of_modules([module for module, _ in config.modules], config.folder.parent)


def of_modules(modules: Iterable[str], papers: Path, repro: Path = REPRO) -> dict[str, str]:
    """The digest of every module that a config with the imports `modules` depends on, by module name.

    papers, repro: the folders of these two packages.
    """
    found = paths(modules, papers, repro)
    return {name: _bytes(path) if ":" in name else _examine(path)[0] for name, path in found.items()}


def files(config: Config) -> dict[str, Path]:
    """The files of the modules that `config` depends on, by module name, and files next to them that they name."""
    return paths([module for module, _ in config.modules], config.folder.parent)


def paths(modules: Iterable[str], papers: Path, repro: Path = REPRO) -> dict[str, Path]:
    """The files that a config with the imports `modules` depends on, by module name.

    The key of a file next to a module is, for example, `papers.mine.dataset:words.txt`.
    """
    found = _closure(["repro.experiment", *modules], {"repro": repro, "papers": papers}, counts)
    return found | {f"{name}:{file}": path.parent / file for name, path in found.items() for file in _named(path)}


def core(repro: Path = REPRO) -> str:
    """One digest of the code that every run uses (`core_files`): the `core` of a record.

    Error messages and type annotations do not change it.
    """
    rows = (f"{name} {_examine(path, bare=True)[0]}" for name, path in core_files(repro).items())
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]


def core_files(repro: Path = REPRO) -> dict[str, Path]:
    """The file of each module that takes part in every run, by module name.

    `repro.experiment` is not among them, because a record contains its digest under its own name.
    """
    roots = {"repro": repro}
    named = (path for folder in WITH_CORE for path in sorted((repro / folder).glob("*.py")))
    apart = [f"repro.{path.parent.name}.{path.stem}" for path in named if path.stem != "__init__"]
    followed = _closure(["repro.run", *apart], roots, lambda name: name != "repro.experiment", bare=True)
    started = ("repro", "repro.__main__", *COMMAND, *ROOMS)  # their imports are not followed: they import too much
    return dict(sorted((followed | {name: path for name in started if (path := _file(name, roots))}).items()))


def _closure(
    names: Iterable[str], roots: Mapping[str, Path], wanted: Callable[[str], bool], bare: bool = False
) -> dict[str, Path]:
    """The files of the modules `names` and of all modules that they import, recursively, if `wanted(name)` is true."""
    found: dict[str, Path] = {}
    met, waiting = set[str](), list(names)
    while waiting:
        name = waiting.pop()
        if name in met or not name:
            continue
        met.add(name)
        package = name.rpartition(".")[0]  # Python runs its `__init__` first
        waiting.extend([package] if package not in ROOMS else [])
        path = _file(name, roots) if wanted(name) else None
        if path is not None:
            found[name] = path
            waiting.extend(_absolute(name, path, _examine(path, bare)[1]))
    return dict(sorted(found.items()))


def counts(name: str) -> bool:
    """True if a record contains the digest of this module under its own name."""
    return name == "repro.experiment" or f"{name}.".startswith(("papers.", *(f"{room}." for room in ROOMS)))


def _named(path: Path) -> list[str]:
    """The files in the folder of a module that its code names and may read, for example `words.txt`."""
    return [name for name in _texts(_text(path, path.stat().st_mtime_ns)) if (path.parent / name).is_file()]


@functools.cache
def _texts(text: str) -> tuple[str, ...]:
    """The constants of a module that look like the name of a file, but not of a module or a config."""
    found = {node.value for node in _nodes(ast.parse(text)) if isinstance(node, ast.Constant)}
    return tuple(sorted(name for name in found if isinstance(name, str) and FILE.fullmatch(name) and name not in READ))


def _bytes(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _file(name: str, roots: Mapping[str, Path]) -> Path | None:
    """The file of a module, as Python finds it: a package before a module of the same name."""
    top, *rest = name.split(".")
    if top not in roots:
        return None
    stem = roots[top].joinpath(*rest)
    return next((path for path in (stem / "__init__.py", stem.with_suffix(".py")) if path.is_file()), None)


def _examine(path: Path, bare: bool = False) -> tuple[str, tuple[tuple[int, str], ...]]:
    """The digest of a module's code, and its imports as (level, name). Raises BadInput if it is not valid Python."""
    text = _text(path, path.stat().st_mtime_ns)
    try:
        return _examined(text, bare)
    except SyntaxError:
        parse(path)  # raises BadInput with file and line
        raise


@functools.lru_cache(maxsize=2000)
def _text(path: Path, changed: int) -> str:
    return source(path)


@functools.cache
def _examined(text: str, bare: bool) -> tuple[str, tuple[tuple[int, str], ...]]:
    """The result of `_examine` for a text. It is cached, because the cores of two commits differ in few files."""
    tree = ast.parse(text)
    imported = tuple(_imports(tree))
    computed = "__doc__" in text  # then a docstring may change a number
    counted = without_messages(tree) if bare else tree if computed else _without_docstrings(tree)
    return hashlib.sha256(written(counted).encode()).hexdigest()[:16], imported


def without_messages(tree: ast.AST) -> ast.AST:
    """The tree without docstrings, plain annotations, and the messages of raised errors."""
    return _Bare().visit(_without_docstrings(tree))


def _without_docstrings(tree: ast.AST) -> ast.AST:
    for node in _nodes(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            del body[0]
    return tree


PLAIN = (ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.BinOp, ast.BitOr, ast.Tuple, ast.List, ast.Load)
"""The syntax of a plain annotation: it would compute nothing even if it were evaluated."""


class _Bare(ast.NodeTransformer):
    """Removes code that cannot change a number: plain annotations, and the messages of raised errors."""

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        if isinstance(node.exc, ast.Call) and all(map(_tells, [*node.exc.args, *node.exc.keywords])):
            node.exc.args, node.exc.keywords = [], []
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = _plain(node.annotation) or ast.Constant(None)
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = _plain(node.annotation)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = _plain(node.returns)
        return self.generic_visit(node)


MESSAGE = (
    *(*PLAIN, ast.Call, ast.keyword, ast.JoinedStr, ast.FormattedValue, ast.BoolOp, ast.Or, ast.IfExp, ast.ListComp),
    *(ast.comprehension, ast.Store, ast.UnaryOp, ast.USub, ast.Add, ast.Div, ast.FloorDiv, ast.Compare, ast.Eq),
)
"""The syntax of a plain error message: it has no side effect. A message with other syntax counts as code."""
TELLING = frozenset(
    (
        *("Path", "cores", "int", "isinstance", "len", "main", "map", "min", "sorted", "str", "sum", "tuple", "type"),
        *("S_IFMT", "below", "close", "get", "join", "nearest", "place", "removeprefix", "repr", "rglob", "split"),
        *("said", "strip", "where", "_describe", "_named", "_neighbours", "_place", "_read", "_said", "_shown"),
        "_unclosed",
    )
)
"""Functions without side effects. An error message that calls any other function counts as code."""


def _tells(node: ast.AST) -> bool:
    """True if an argument of an error has no side effect, so that it does not count as code."""
    parts = list(ast.walk(node))
    called = [part.func for part in parts if isinstance(part, ast.Call)]
    names = [one.id if isinstance(one, ast.Name) else getattr(one, "attr", "") for one in called]
    return all(isinstance(part, MESSAGE) for part in parts) and TELLING.issuperset(names)


def _plain(annotation: ast.expr | None) -> ast.expr | None:
    """None for a plain annotation; an annotation that could compute something is returned unchanged."""
    inner = [] if annotation is None else _nodes(annotation)
    return None if all(isinstance(node, PLAIN) for node in inner) else annotation


def written(node: Any) -> str:
    """The tree as text without empty fields, because `ast.dump` writes those differently in each Python version."""
    if isinstance(node, list):
        return f"[{','.join(map(written, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [(name, getattr(node, name, None)) for name in node._fields]
    given = [f"{name}={written(value)}" for name, value in fields if value is not None and value != []]
    return f"{type(node).__name__}({','.join(given)})"


def _nodes(tree: ast.AST) -> list[ast.AST]:
    """All nodes of a tree, as `ast.walk` gives them, but faster."""
    found = [tree]
    for node in found:  # which grows until no node has children that are not in it
        for value in vars(node).values():
            if type(value) is list:
                found.extend([one for one in value if isinstance(one, ast.AST)])
            elif type(value) is not int and isinstance(value, ast.AST):  # an int is a line or a column
                found.append(value)
    return found


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in _nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield node.level, node.module or ""
            yield from ((node.level, f"{node.module or ''}.{alias.name}".lstrip(".")) for alias in node.names)


def _absolute(name: str, path: Path, imported: tuple[tuple[int, str], ...]) -> Iterator[str]:
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for level, target in imported:
        base = package[: len(package) - level + 1] if level else []
        yield ".".join([*base, *([target] if target else [])])
