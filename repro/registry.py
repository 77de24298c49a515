"""The six registries of parts: DATASETS, PERTURBATIONS, MODELS, LOSSES, TRAINERS and METRICS.

A part is a normal class with one decorator:

    from repro.registry import LOSSES

    @LOSSES.register
    class DeepClustering(nn.Module): ...

In a config it is `@losses.DeepClustering()`: the name of the registry, then the name of the class. The config imports
the module that contains the class. `declared` finds parts in the source text, so listing them imports nothing.
"""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import gin

from repro import HOME
from repro.claim import paper
from repro.errors import BadInput, not_utf8, where
from repro.files import regular
from repro.signature import parameters

Part = TypeVar("Part", bound=type)

PARTS: dict[str, Callable[..., Any]] = {}
"""Everything that a config may use, by its full name: `losses.DeepClustering`, `torch.optim.Adam`, `experiment`."""


class Registry:
    """The parts of one kind, by name, such as all losses.

    `registry["Name"]` is the class; it raises BadInput if there is none. `list(registry)` is the sorted names.

    >>> SOUNDS = Registry("sounds")
    >>> @SOUNDS.register
    ... class Beep: ...
    >>> list(SOUNDS), SOUNDS["Beep"] is Beep
    (['Beep'], True)
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.parts: dict[str, type] = {}

    def register(self, part: Part) -> Part:
        """Class decorator: add `part` to this registry and to gin, and return it unchanged.

        Raises BadInput if another class with the same name is registered already; the error names both modules.

        >>> @Registry("notes").register
        ... class Quarter: ...
        >>> PARTS["notes.Quarter"] is Quarter
        True
        """
        name = part.__name__
        holder = self.parts.get(name)
        if holder is not None and _origin(holder) != _origin(part):
            raise BadInput(f"{self.kind}.{name} is registered twice: in {holder.__module__} and in {part.__module__}")
        self.parts[name] = part
        _tell_gin(f"{self.kind}.{name}", part)
        return part

    def __getitem__(self, name: str) -> type:
        if name not in self.parts:
            raise BadInput(f"no part '{name}' in {self.kind}", given=name, known=self.parts)
        return self.parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.parts))

    def __len__(self) -> int:
        return len(self.parts)


DATASETS = Registry("datasets")
PERTURBATIONS = Registry("perturbations")
MODELS = Registry("models")
LOSSES = Registry("losses")
TRAINERS = Registry("trainers")
METRICS = Registry("metrics")
REGISTRIES = {one.kind: one for one in (DATASETS, PERTURBATIONS, MODELS, LOSSES, TRAINERS, METRICS)}


def name_of(part: Any) -> str:
    """The name of an object's class in a config. If the class is not registered, the plain class name.

    >>> from repro.metrics.classification import Accuracy
    >>> name_of(Accuracy()), name_of(3)
    ('metrics.Accuracy', 'int')
    """
    cls = type(part)
    named = (f"{registry.kind}.{cls.__name__}" for registry in REGISTRIES.values() if cls.__name__ in registry.parts)
    return next((name for name in named if _origin(PARTS[name]) == _origin(cls)), cls.__name__)


def wrong_value(part: Any, parameter: str, value: Any, expected: str) -> BadInput:
    """The error that a part raises for a wrong parameter. The command line adds file and line of the config.

    >>> class Average:
    ...     def __init__(self, decay: float) -> None:
    ...         if not 0 < decay < 1:
    ...             raise wrong_value(self, "decay", decay, "a number between 0 and 1")
    >>> Average(decay=2.0)
    Traceback (most recent call last):
    repro.errors.BadInput: Average.decay is 2.0; expected a number between 0 and 1
    """
    what = f"{name_of(part)}.{parameter} is {value}"
    return BadInput(what, expected=expected, parameter=parameter, value=value)


def adopt(module: ModuleType, names: list[str]) -> None:
    """Allow classes of another library in configs, such as the optimizers of torch.

    `@torch.optim.Adam()` in a config becomes `functools.partial(torch.optim.Adam, **bindings)`. The trainer calls it
    with the missing first argument, here the weights. A partial can be pickled; gin's own reference cannot.

    >>> import fractions
    >>> adopt(fractions, ["Fraction"])
    >>> half = PARTS["fractions.Fraction"](denominator=2)
    >>> half(1)
    Fraction(1, 2)
    """
    for name in names:
        _tell_gin(f"{module.__name__}.{name}", _recipe(getattr(module, name)))


def _recipe(cls: type) -> Callable[..., Any]:
    def recipe(**bindings: Any) -> functools.partial[Any]:
        return functools.partial(cls, **bindings)

    given = list(parameters(cls).values())[1:]  # without the first, which the trainer passes
    keywords = [p.replace(kind=p.KEYWORD_ONLY) for p in given if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    recipe.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]  # for gin and for our checks
    recipe.recipe_of = cls  # type: ignore[attr-defined]  # its type hints are checked
    recipe.__name__, recipe.__doc__, recipe.__module__ = cls.__name__, cls.__doc__, cls.__module__
    return recipe


def _tell_gin(name: str, part: Callable[..., Any]) -> None:
    module, _, short = name.rpartition(".")
    PARTS[name] = part
    with gin.unlock_config(), gin.config.interactive_mode():  # allows a reloaded module to replace its own part
        gin.register(short, module=module)(part)


def _origin(part: Callable[..., Any]) -> tuple[str, str]:
    return part.__module__, part.__qualname__


@dataclass(frozen=True)
class Declared:
    """A part that was found in source text. `summary`: the first line of its docstring."""

    kind: str
    name: str
    module: str
    path: Path
    line: int
    summary: str


def parse(path: Path) -> ast.Module:
    """The syntax tree of a source file. Raises BadInput with the line of the error if it is not Python.

    >>> type(parse(HOME / "registry.py")).__name__
    'Module'
    """
    try:
        return ast.parse(source(path))
    except SyntaxError as error:
        raise BadInput(f"not Python: {error.msg}", f"{where(path)}:{error.lineno}") from None


def source(path: Path) -> str:
    """The text of a source file, without a byte order mark. Raises BadInput if it is missing or not UTF-8.

    >>> source(HOME / "registry.py").splitlines()[0]
    '\"\"\"The six registries of parts: DATASETS, PERTURBATIONS, MODELS, LOSSES, TRAINERS and METRICS.'
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", str(path)) from None
    except UnicodeDecodeError as error:
        raise not_utf8(path, error) from None


def declared(folder: Path, package: str) -> Iterator[Declared]:
    """The parts in the `.py` files below `folder`, which is the package `package`; folders named `tests` are skipped.

    >>> found = {one.name: one for one in declared(HOME / "metrics", "repro.metrics")}
    >>> found["Accuracy"].kind, found["Accuracy"].module
    ('metrics', 'repro.metrics.classification')
    """
    for path in sorted(folder.rglob("[!.]*.py")):
        if "tests" in path.relative_to(folder).parts:
            continue
        regular.check(path)
        if ".register" in source(path):
            inner = path.relative_to(folder).with_suffix("").parts
            yield from declared_in(path, ".".join((package, *(p for p in inner if p != "__init__"))))


def declared_in(path: Path, module: str) -> Iterator[Declared]:
    """The parts in one file, which is the module `module`."""
    for node in parse(path).body:
        for decorator in getattr(node, "decorator_list", []):
            if isinstance(decorator, ast.Attribute) and decorator.attr == "register":
                kind = getattr(decorator.value, "id", "").lower()
                if kind in REGISTRIES and isinstance(node, ast.ClassDef):
                    summary = (ast.get_docstring(node) or "").partition("\n")[0]
                    yield Declared(kind, node.name, module, path, node.lineno, summary)


def every() -> list[Declared]:
    """All parts of `repro` and of the papers. Raises BadInput for the first file that is not valid Python.

    >>> "metrics.Accuracy" in {f"{part.kind}.{part.name}" for part in every()}
    True
    """
    found, faults = readable()
    for fault in faults:
        raise fault
    return found


def readable() -> tuple[list[Declared], list[BadInput]]:
    """All parts of `repro` and of the papers, and the errors of the papers that cannot be read.

    >>> parts, errors = readable()
    >>> {part.kind for part in parts} == set(REGISTRIES), errors
    (True, [])
    """
    found, faults = list(declared(HOME, "repro")), []
    for name, folder in sorted(paper.folders().items()):
        try:
            found.extend(list(declared(folder, f"papers.{name}")))
        except BadInput as error:
            faults.append(error)
    return sorted(found, key=lambda part: (part.kind, part.name)), faults
