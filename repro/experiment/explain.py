"""Where each value of a config comes from: the line that sets it, the lines that it overrides, and the default.

The parts are imported, because their signatures have the defaults.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass

from repro.config import Config
from repro.errors import where
from repro.experiment import binding
from repro.experiment.statements import Binding, Macro, Reference, atoms, built, resolve
from repro.registry import PARTS
from repro.signature import parameters


@dataclass(frozen=True)
class Value:
    """One parameter of a part of a config, or a macro. The values are text, as they are written in a config.

    place: the file and line that set it; empty if the config does not set it, and the default counts. default: the
    default of the part; None if it has none. overridden: (place, value) of the earlier lines that set it.
    """

    name: str
    value: str
    place: str
    default: str | None
    overridden: tuple[tuple[str, str], ...] = ()


def values(config: Config) -> list[Value]:
    """Every parameter of every part that the config builds, in the order in which the parts are found."""
    binding.bind(config, whole=True)
    rows = binding.bindings(config)
    macros = {row.selector: row for row in rows if not row.parameter}
    found: dict[str, Value] = {}
    for part in built(rows, macros, where(config.path), overridden=False):
        scope = f"{part.scope}/" if part.scope else ""
        bound = {row.parameter: row for row in part.rows}
        for name, parameter in parameters(PARTS[part.selector]).items():
            if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                full = f"{scope}{part.selector}.{name}"
                found[full] = _value(full, parameter, bound.get(name), rows, macros)
    return [*found.values(), *_macros(rows, macros)]


def _value(
    name: str, parameter: inspect.Parameter, row: Binding | None, rows: list[Binding], macros: dict[str, Binding]
) -> Value:
    default = None if parameter.default is parameter.empty else _default(parameter.default)
    if row is None:
        return Value(name, default or "", "", default)
    return Value(name, _resolved(row.value, macros), row.place, default, tuple(_earlier(row, rows)))


def _default(value: object) -> str:
    """A default as text. `inspect` shows the default of a dataclass that a function makes as `<factory>`."""
    return "a new, empty one" if repr(value) == "<factory>" else _written(value)


def _earlier(row: Binding, rows: list[Binding]) -> Iterator[tuple[str, str]]:
    """(place, value) of the statements before `row` that set the same parameter in the same scope."""
    full = resolve(row.selector, row.place) if row.parameter else row.selector
    for other in rows:
        if other is row:
            return
        same = (other.scope, other.parameter) == (row.scope, row.parameter)
        if same and (resolve(other.selector, other.place) if other.parameter else other.selector) == full:
            yield other.place, _written(other.value)


def _macros(rows: list[Binding], macros: dict[str, Binding]) -> Iterator[Value]:
    for name, row in macros.items():
        yield Value(f"%{name}", _written(row.value), row.place, None, tuple(_earlier(row, rows)))


def _resolved(value: object, macros: dict[str, Binding]) -> str:
    """A value as text; the value of a macro follows its name."""
    text = _written(value)
    if isinstance(value, Macro):
        return f"{text} = {_resolved(macros[value.name].value, macros)}"
    used = [atom.name for atom in atoms(value) if isinstance(atom, Macro)]
    return text + "".join(f", %{name} = {_written(macros[name].value)}" for name in dict.fromkeys(used))


def _written(value: object) -> str:
    """A value as a config writes it."""
    if isinstance(value, Macro):
        return f"%{value.name}"
    if isinstance(value, Reference):
        return f"@{value.scope}/{value.selector}()" if value.scope else f"@{value.selector}()"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_written(key)}: {_written(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(_written, value))}{',' if len(value) == 1 else ''})"
    return repr(value)
