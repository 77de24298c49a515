"""Check every statement of a config against the parts that it names, before gin reads it.

gin does not report a binding of a part that is never built, an unused macro or a value of the wrong type. For an
undefined macro it gives no file, and for a misspelt name it suggests no similar one. Here each fault is one line with
its file and line number.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any, Literal, get_args, get_origin

from repro import untrusted
from repro.config.syntax import Macro as Macro
from repro.config.syntax import Reference as Reference
from repro.errors import BadInput
from repro.registry import PARTS, Registry, readable
from repro.signature import parameters

VALUES = 10_000  # the maximum number of values in one macro
DEPTH = 50  # the maximum nesting of macros in macros
BUILT = 1_000  # the maximum number of parts in a config


@dataclass(frozen=True)
class Binding:
    """One statement: `scope/selector.parameter = value`. A macro's definition has no parameter."""

    scope: str
    selector: str
    parameter: str
    value: Any
    place: str

    @property
    def name(self) -> str:
        """The left side of the statement: `scope/selector.parameter`."""
        return "/".join(part for part in (self.scope, f"{self.selector}.{self.parameter}".rstrip(".")) if part)


def check(rows: list[Binding], place: str, whole: bool) -> None:
    """Check every statement of a config whose parts are imported.

    place: the file of the config, for errors without a line. whole: true for a config that will run, false for one
    that other configs include. Raises BadInput for an unknown name, a value of the wrong type and an unused binding. If
    `whole` is true, it also raises BadInput for a part without a required value.
    """
    for row in rows:
        untrusted.refuse_elsewhere(row.value, row.name, row.place)
    macros = {row.selector: row for row in rows if not row.parameter}
    _check_macros(rows, macros)
    for row in rows:
        _check(row, macros)
    _refuse_unused(rows, macros, place)
    if whole:
        _refuse_missing(rows, macros, place)


def _check_macros(rows: list[Binding], macros: dict[str, Binding]) -> None:
    """Every macro that is used must be defined, must not contain itself, and must not expand to too many values."""
    for row in rows:
        for name in _used(row.value):
            if name not in macros:
                raise BadInput(f"no macro '%{name}'", row.place, given=name, known=macros)
    sizes, depths = dict[str, int](), dict[str, int]()
    for name in _in_order(macros):
        used = _used(macros[name].value)
        sizes[name] = sum(sizes[one] for one in used) + sum(1 for _ in atoms(macros[name].value)) - len(used)
        depths[name] = 1 + max((depths[one] for one in used), default=0)
        if sizes[name] > VALUES or depths[name] > DEPTH:
            most = f"{VALUES} values" if sizes[name] > VALUES else f"{DEPTH} nested macros"
            raise BadInput(f"macro '%{name}' expands to more than {most}", macros[name].place)


def _used(value: Any) -> list[str]:
    """The names of the macros in a value."""
    return [atom.name for atom in atoms(value) if isinstance(atom, Macro)]


def _in_order(macros: dict[str, Binding]) -> list[str]:
    """The names of the macros; each comes after the macros in its definition."""
    try:
        return list(TopologicalSorter({name: _used(row.value) for name, row in macros.items()}).static_order())
    except CycleError as error:
        name = next(name for name in macros if name in error.args[1])
        raise BadInput(f"the definition of macro '%{name}' contains itself", macros[name].place) from None


def _check(row: Binding, macros: dict[str, Binding]) -> None:
    if any(isinstance(key, Reference | Macro) for key in atoms(list(_keys(row.value)))):
        raise BadInput(f"{row.name} has a part or a macro as a key", row.place, expected="a text or a number")
    for value in atoms(row.value):
        if isinstance(value, Reference):
            name = resolve(value.selector, row.place)
            if not value.called:
                raise BadInput(f"@{value.selector} names a part without building it", row.place, expected=f"@{name}()")
    if not row.parameter:
        return
    part = PARTS[resolve(row.selector, row.place)]
    known = parameters(part)
    if row.parameter not in known:
        raise BadInput(
            f"{row.selector} has no parameter '{row.parameter}'", row.place, given=row.parameter, known=known
        )
    _check_type(row, known[row.parameter].annotation, literal(row.value, macros))


def resolve(selector: str, place: str) -> str:
    """The full name of the part that `selector` (a full name or its end) means.

    Raises BadInput if no part or more than one part matches.
    """
    hits = [name for name in PARTS if name == selector or name.endswith(f".{selector}")]
    if len(hits) == 1 or selector in PARTS:
        return selector if selector in PARTS else hits[0]
    if hits:
        raise BadInput(f"'{selector}' may be any of {', '.join(sorted(hits))}", place)
    if modules := [part.module for part in readable()[0] if selector in (part.name, f"{part.kind}.{part.name}")]:
        said = f"the config does not import the module of part '{selector}'"
        raise BadInput(said, place, expected=f"import {modules[0]}")
    raise BadInput(f"no part '{selector}' among the imported modules", place, given=selector, known=PARTS)


def _check_type(row: Binding, hint: Any, value: Any) -> None:
    registry = next((extra for extra in get_args(hint)[1:] if isinstance(extra, Registry)), None)
    if registry is not None:
        _check_kind(row, value, registry)
    elif any(isinstance(atom, Reference) for atom in atoms(value)):
        return  # the part that receives a part checks its type
    if not _fits(value, hint):
        raise BadInput(f"{row.name} is {_shown(value)}", row.place, expected=_describe(hint))


def _check_kind(row: Binding, value: Any, registry: Registry) -> None:
    for atom in atoms(value):
        good = (
            isinstance(atom, Reference)
            and atom.called
            and resolve(atom.selector, row.place) in {f"{registry.kind}.{name}" for name in registry}
        )
        if not good and atom is not None:
            raise BadInput(
                f"{row.name} is {_shown(atom)}",
                row.place,
                expected=f"a part of {registry.kind}, as @{registry.kind}.Name()",
            )


def _shown(value: Any) -> str:
    return f"@{value.selector}()" if isinstance(value, Reference) else repr(value)


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
    if get_origin(hint) is Literal:
        return " or ".join(map(repr, get_args(hint)))
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint).replace("typing.", "")


def literal(value: Any, macros: dict[str, Binding]) -> Any:
    """`value` with its macros replaced by their values."""
    if isinstance(value, Macro):
        return literal(macros[value.name].value, macros)
    if isinstance(value, dict):
        return {key: literal(item, macros) for key, item in value.items()}
    return type(value)(literal(item, macros) for item in value) if isinstance(value, (list, tuple)) else value


def atoms(value: Any) -> Iterator[Any]:
    """The innermost values of nested lists, tuples and dicts; the keys of a dict are not among them."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from atoms(item)
    else:
        yield value


def _keys(value: Any) -> Iterator[Any]:
    """The keys of every dict in a value."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _keys(item)


@dataclass(frozen=True)
class Built:
    """A part that gin would build: its full name, its scope, its file and line, and the bindings that apply to it."""

    selector: str
    scope: str
    place: str
    rows: list[Binding]


def built(rows: list[Binding], macros: dict[str, Binding], place: str, overridden: bool) -> Iterator[Built]:
    """The parts that gin would build, found by following the references from `experiment`.

    If `overridden` is true, bindings that a later one overrides are followed too, and each part is yielded once. Use
    it to find the statements that have an effect.
    """
    waiting: list[tuple[str, str, str, tuple[tuple[str, str], ...]]] = [("experiment", "", place, ())]
    met = set[tuple[str, str]]()
    for count in itertools.count(1):
        if not waiting:
            return
        selector, scope, place, above = waiting.pop()
        if (selector, scope) in met and overridden:
            continue
        if (selector, scope) in above:
            raise BadInput(f"@{selector}() is a part of itself", place)
        if count > BUILT:
            raise BadInput(f"the config describes more than {BUILT} parts", place)
        met.add((selector, scope))
        mine = [
            row
            for row in rows
            if row.parameter
            and resolve(row.selector, row.place) == selector
            and (not row.scope or f"{scope}/".startswith(f"{row.scope}/"))
        ]
        if not overridden:  # the longest scope counts, and within it the last statement
            mine = list({row.parameter: row for row in sorted(mine, key=lambda row: len(row.scope))}.values())
        yield Built(selector, scope, place, mine)
        for row in mine:
            for atom in _through(row.value, macros):
                if isinstance(atom, Reference):
                    inner = resolve(atom.selector, row.place), atom.scope or scope, row.place
                    waiting.append((*inner, (*above, (selector, scope))))


def _through(value: Any, macros: dict[str, Binding]) -> Iterator[Any]:
    """The atoms of `value` and of the definition of each macro in it; each macro is followed once."""
    met, waiting = set[str](), [value]
    while waiting:
        for atom in atoms(waiting.pop()):
            yield atom
            if isinstance(atom, Macro) and atom.name not in met:
                met.add(atom.name)
                waiting.append(macros[atom.name].value)


def _refuse_unused(rows: list[Binding], macros: dict[str, Binding], place: str) -> None:
    """Raise BadInput for a statement without effect. A statement that a later one overrides counts as used."""
    used = [row for part in built(rows, macros, place, overridden=True) for row in part.rows]
    met = {row.name for row in used} | {
        atom.name for row in used for atom in _through(row.value, macros) if isinstance(atom, Macro)
    }
    for row in rows:
        if row.name not in met:
            what = f"{row.selector} is never built" if row.parameter else "it is a macro that nothing uses"
            scope = f" in scope '{row.scope}'" if row.scope else ""
            raise BadInput(f"{row.name} has no effect: {what}{scope}", row.place)


def _refuse_missing(rows: list[Binding], macros: dict[str, Binding], place: str) -> None:
    """Raise BadInput for a part that is built without a value for a required parameter."""
    for part in built(rows, macros, place, overridden=False):
        bound = {row.parameter for row in part.rows}
        for name, parameter in parameters(PARTS[part.selector]).items():
            open_ended = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
            if parameter.default is parameter.empty and not open_ended and name not in bound:
                scope = f"{part.scope}/" if part.scope else ""
                raise BadInput(f"{scope}{part.selector}.{name} has no value and no default", part.place)
