"""The five registries: the places where parts are known by name.

A part is an ordinary class under one decorator:

    from repro.registry import LOSSES

    @LOSSES.register
    class DeepClustering(nn.Module): ...

which makes it `@losses.DeepClustering()` in a config. The registry name is the gin name; the config imports the
module that holds the part, so there is no plugin loader. `declared` finds parts by reading source text, so that
listing them imports nothing.
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
from repro.errors import BadInput, nearest
from repro.files import regular
from repro.signature import parameters

Part = TypeVar("Part", bound=type)

PARTS: dict[str, Callable[..., Any]] = {}
"""Everything a config may name, by its full gin name: `losses.DeepClustering`, `torch.optim.Adam`, `experiment`."""


class Registry:
    """One kind of part, by name. A second part of the same name is refused, naming both modules."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.parts: dict[str, type] = {}

    def register(self, part: Part) -> Part:
        """Class decorator: know `part` as `<kind>.<its name>`, in this registry and in gin. Returns it unchanged."""
        name = part.__name__
        holder = self.parts.get(name)
        if holder is not None and _origin(holder) != _origin(part):
            raise BadInput(f"{self.kind}.{name} is registered twice: in {holder.__module__} and in {part.__module__}")
        self.parts[name] = part
        _tell_gin(f"{self.kind}.{name}", part)
        return part

    def __getitem__(self, name: str) -> type:
        if name not in self.parts:
            raise BadInput(f"no part '{name}' in {self.kind}{nearest(name, self.parts)}")
        return self.parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.parts))

    def __len__(self) -> int:
        return len(self.parts)


DATASETS = Registry("datasets")
MODELS = Registry("models")
LOSSES = Registry("losses")
TRAINERS = Registry("trainers")
METRICS = Registry("metrics")
REGISTRIES = {registry.kind: registry for registry in (DATASETS, MODELS, LOSSES, TRAINERS, METRICS)}


def name_of(part: Any) -> str:
    """The name of a built part in a config, as `trainers.Supervised`: its own class, not one that it inherits from."""
    cls = type(part)
    named = (f"{registry.kind}.{cls.__name__}" for registry in REGISTRIES.values() if cls.__name__ in registry.parts)
    return next((name for name in named if _origin(PARTS[name]) == _origin(cls)), cls.__name__)


def wrong_value(part: Any, parameter: str, value: Any, expected: str) -> BadInput:
    """The error for a value that `part` cannot use. `repro.experiment.binding` adds the place of the binding.

    A part raises it: `raise wrong_value(self, "decay", decay, "a number between 0 and 1")`.
    """
    return BadInput(f"{name_of(part)}.{parameter} is {value}; expected {expected}", parameter=parameter, value=value)


def adopt(module: ModuleType, names: list[str]) -> None:
    """Make classes of a foreign library nameable in configs, as recipes to be finished by the trainer.

    `@torch.optim.Adam()` in a config is `functools.partial(torch.optim.Adam, **bindings)`: the trainer calls it with
    the parameters. A partial of the real class pickles, which gin's own reference to a class does not.
    """
    for name in names:
        _tell_gin(f"{module.__name__}.{name}", _recipe(getattr(module, name)))


def _recipe(cls: type) -> Callable[..., Any]:
    def recipe(**bindings: Any) -> functools.partial[Any]:
        return functools.partial(cls, **bindings)

    given = list(parameters(cls).values())[1:]  # the first is what the trainer gives
    keywords = [p.replace(kind=p.KEYWORD_ONLY) for p in given if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    recipe.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]  # gin and our checks read this
    recipe.recipe_of = cls  # type: ignore[attr-defined]  # our checks read its types
    recipe.__name__, recipe.__doc__, recipe.__module__ = cls.__name__, cls.__doc__, cls.__module__
    return recipe


def _tell_gin(name: str, part: Callable[..., Any]) -> None:
    module, _, short = name.rpartition(".")
    PARTS[name] = part
    with gin.unlock_config(), gin.config.interactive_mode():  # a cell or module read again replaces its own part
        gin.register(short, module=module)(part)


def _origin(part: Callable[..., Any]) -> tuple[str, str]:
    return part.__module__, part.__qualname__


@dataclass(frozen=True)
class Declared:
    """A part as its source text declares it: no import needed."""

    kind: str
    name: str
    module: str
    path: Path
    line: int
    summary: str


def parse(path: Path) -> ast.Module:
    """The syntax tree of a source file. Raises BadInput with the line where it is not Python."""
    try:
        return ast.parse(source(path))
    except SyntaxError as error:
        raise BadInput(f"not Python: {error.msg}", f"{path}:{error.lineno}") from None


def source(path: Path) -> str:
    """The text of a source file, without the byte order mark that Python ignores too. Raises BadInput if unreadable."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", str(path)) from None
    except UnicodeDecodeError as error:
        raise BadInput(f"not a text in UTF-8 ({error.reason} at byte {error.start})", str(path)) from None


def declared(folder: Path, package: str) -> Iterator[Declared]:
    """The parts registered in the `.py` files below `folder` (tests aside), read as text."""
    for path in sorted(folder.rglob("[!.]*.py")):
        if "tests" in path.relative_to(folder).parts:
            continue
        regular.check(path)
        if ".register" in source(path):
            inner = path.relative_to(folder).with_suffix("").parts
            yield from _declared_in(path, ".".join((package, *(p for p in inner if p != "__init__"))))


def _declared_in(path: Path, module: str) -> Iterator[Declared]:
    for node in parse(path).body:
        for decorator in getattr(node, "decorator_list", []):
            if isinstance(decorator, ast.Attribute) and decorator.attr == "register":
                kind = getattr(decorator.value, "id", "").lower()
                if kind in REGISTRIES and isinstance(node, ast.ClassDef):
                    summary = (ast.get_docstring(node) or "").partition("\n")[0]
                    yield Declared(kind, node.name, module, path, node.lineno, summary)


def every() -> list[Declared]:
    """Every part that the source text of the core and of the papers declares. Raises BadInput for a faulty file."""
    found, faults = readable()
    for fault in faults:
        raise fault
    return found


def readable() -> tuple[list[Declared], list[BadInput]]:
    """The parts that the source text of the core and of each paper declares, and why others cannot be read."""
    found, faults = list(declared(HOME, "repro")), []
    for name, folder in sorted(paper.folders().items()):
        try:
            found.extend(list(declared(folder, f"papers.{name}")))
        except BadInput as error:
            faults.append(error)
    return sorted(found, key=lambda part: (part.kind, part.name)), faults
