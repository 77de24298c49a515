"""gin's door: check a config against the parts it names, and bind it.

gin is silent about a binding of a part that is never built, an unused macro and a value of the wrong type; it names
no file for an undefined macro and no near miss for a misspelt name. So every statement is checked here first, and
each fault is one line with its place. Only then is the text given to gin.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import gin
from gin import config_parser

from repro.config import Config
from repro.errors import BadInput, nearest
from repro.registry import PARTS, REGISTRIES, Registry


@dataclass(frozen=True)
class Reference:
    """`@scope/losses.DeepClustering()` in a value."""

    scope: str
    selector: str
    called: bool


@dataclass(frozen=True)
class Macro:
    """`%NAME` in a value."""

    name: str


@dataclass(frozen=True)
class Binding:
    """`scope/selector.parameter = value`; a macro's definition has no parameter."""

    scope: str
    selector: str
    parameter: str
    value: Any
    place: str

    @property
    def name(self) -> str:
        return "/".join(part for part in (self.scope, f"{self.selector}.{self.parameter}".rstrip(".")) if part)


class _Delegate(config_parser.ParserDelegate):  # type: ignore[misc]
    def configurable_reference(self, scoped_name: str, evaluate: bool) -> Reference:
        scope, _, selector = scoped_name.rpartition("/")
        return Reference(scope, selector, evaluate)

    def macro(self, name: str) -> Macro:
        return Macro(name)


def bind(config: Config) -> None:
    """Import the parts that `config` names, check every statement, and make it gin's only config.

    Raises BadInput for an unknown or misspelt name, a value of the wrong type, a binding that nothing uses.
    """
    rows = bindings(config)
    for module, place in config.modules:
        _import(module, place)
    macros = {row.selector: row for row in rows if not row.parameter}
    for row in rows:
        _check(row, macros)
    _refuse_unused(rows, macros)
    gin.clear_config()
    gin.parse_config(config.text)


def bindings(config: Config) -> list[Binding]:
    """Every statement of the config in order, later ones overriding earlier ones. Raises BadInput on bad syntax."""
    try:
        statements = list(config_parser.ConfigParser(config.text, _Delegate()))
    except SyntaxError as error:
        what = str(error.msg).partition("\n")[0].replace("malformed node or string on line 1: ", "")
        hint = "; a text needs quotes, a part needs @" if "ast." in what else ""
        raise BadInput(f"cannot be read as gin: {what}{hint}", config.place(error.lineno or 1)) from None
    rows = (s for s in statements if isinstance(s, config_parser.BindingStatement))
    return [Binding(s.scope, s.selector, s.arg_name or "", s.value, config.place(s.location.line_num)) for s in rows]


def _import(module: str, place: str) -> None:
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not module.startswith(str(error.name)):
            raise  # the module is there; what it imports is not: that is a fault of the module
        raise BadInput(f"no module '{module}'{nearest(module, _neighbours(module))}", place) from None


def _neighbours(module: str) -> list[str]:
    import pkgutil

    parent = module.rpartition(".")[0]
    try:
        path = importlib.import_module(parent).__path__
    except (ImportError, ValueError, AttributeError):
        return []
    return [f"{parent}.{entry.name}" for entry in pkgutil.iter_modules(path)]


def _check(row: Binding, macros: dict[str, Binding]) -> None:
    for value in _atoms(row.value):
        if isinstance(value, Macro) and value.name not in macros:
            raise BadInput(f"no macro '%{value.name}'{nearest(value.name, macros)}", row.place)
        if isinstance(value, Reference):
            resolve(value.selector, row.place)
    if not row.parameter:
        return
    part = PARTS[resolve(row.selector, row.place)]
    known = inspect.signature(part).parameters
    if row.parameter not in known:
        raise BadInput(f"{row.selector} has no parameter '{row.parameter}'{nearest(row.parameter, known)}", row.place)
    _check_type(row, part, _literal(row.value, macros))


def resolve(selector: str, place: str) -> str:
    """The full name of the one part that `selector` (a full name or its end) means."""
    hits = [name for name in PARTS if name == selector or name.endswith(f".{selector}")]
    if len(hits) == 1 or selector in PARTS:
        return selector if selector in PARTS else hits[0]
    if hits:
        raise BadInput(f"'{selector}' may be any of {', '.join(sorted(hits))}", place)
    raise BadInput(f"no part '{selector}' among the imported modules{nearest(selector, PARTS)}", place)


def _check_type(row: Binding, part: Any, value: Any) -> None:
    hint = _hints(part).get(row.parameter, Any)
    registry = next((extra for extra in get_args(hint)[1:] if isinstance(extra, Registry)), None)
    if registry is not None:
        _check_kind(row, value, registry)
    elif not any(isinstance(atom, (Reference, Macro)) for atom in _atoms(value)) and not _fits(value, hint):
        raise BadInput(f"{row.name} is {value!r}; expected {_describe(hint)}", row.place)


def _check_kind(row: Binding, value: Any, registry: Registry) -> None:
    for atom in _atoms(value):
        good = isinstance(atom, Reference) and atom.called and resolve(atom.selector, row.place) in {
            f"{registry.kind}.{name}" for name in registry}
        if not good and atom is not None:
            shown = f"@{atom.selector}{'()' * atom.called}" if isinstance(atom, Reference) else repr(atom)
            raise BadInput(f"{row.name} is {shown}; expected a part of {registry.kind}, as @{registry.kind}.Name()",
                           row.place)


def _hints(part: Any) -> dict[str, Any]:
    target = part.__init__ if inspect.isclass(part) and "__init__" in vars(part) else part
    return get_type_hints(target, include_extras=True)


def _fits(value: Any, hint: Any) -> bool:
    from pydantic import ConfigDict, TypeAdapter, ValidationError

    try:
        TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True)).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


def _describe(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        return _describe(get_args(hint)[0])
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint).replace("typing.", "")


def _literal(value: Any, macros: dict[str, Binding]) -> Any:
    """`value` with its macros replaced by what they stand for."""
    if isinstance(value, Macro):
        return _literal(macros[value.name].value, macros)
    if isinstance(value, dict):
        return {key: _literal(item, macros) for key, item in value.items()}
    return type(value)(_literal(item, macros) for item in value) if isinstance(value, (list, tuple)) else value


def _atoms(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _atoms(item)
    else:
        yield value


def _refuse_unused(rows: list[Binding], macros: dict[str, Binding]) -> None:
    """Walk from `experiment` through its references as gin would build them; what is not met is a mistake."""
    met: set[str] = set()

    def visit(value: Any, scope: str) -> None:
        for atom in _atoms(value):
            if isinstance(atom, Macro) and atom.name not in met:
                met.add(atom.name)
            if isinstance(atom, Macro):
                visit(macros[atom.name].value, scope)
            if isinstance(atom, Reference):
                build(resolve(atom.selector, ""), atom.scope or scope)

    def build(selector: str, scope: str) -> None:
        for row in rows:
            applies = not row.scope or f"{scope}/".startswith(f"{row.scope}/")
            if row.parameter and applies and resolve(row.selector, row.place) == selector:
                met.add(row.name)
                visit(row.value, scope)

    build("experiment", "")
    for row in rows:
        if row.name not in met:
            what = "is never built" if row.parameter else "is a macro that nothing uses"
            raise BadInput(f"{row.name} has no effect: {row.selector if row.parameter else row.name} {what}", row.place)
