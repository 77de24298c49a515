"""What two configs bind differently: no row if and only if their digests are equal.

Macros are replaced by their values, so a value has one row for each parameter that it sets. `repro.config.differences`
compares the statements as they are written, for the page of a paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from repro.config import canonical, digest, syntax
from repro.config.canonical import Key
from repro.config.syntax import Macro, Statement, Unreadable

IMPORTED = "imported"
TEXT = "the text (not valid gin), by its digest"


class Row(NamedTuple):
    """One difference: the values in the two configs, None if that config does not set it."""

    name: str
    one: str | None
    other: str | None


def differences(one: str, other: str) -> list[Row]:
    """The rows of what the texts of two configs import and bind differently, sorted by name.

    >>> differences("N = 1\\na.b = %N", "a.b = 1")
    []
    >>> differences("N = 1\\na.b = %N", "a.b = 2")
    [Row(name='a.b', one='1', other='2')]
    """
    if digest(one) == digest(other):
        return []
    try:
        (modules, before), (others, after) = canonical.settings(one), canonical.settings(other)
    except Unreadable:
        return [Row(TEXT, digest(one)[:16], digest(other)[:16])]
    rows = [_imported(name, modules) for name in {*modules} ^ {*others}]
    shown = _shown(one), _shown(other)
    for key in {*before, *after}:
        rows += _rows(key, before.get(key, {}), after.get(key, {}), *shown)
    return sorted(rows, key=lambda row: row.name)


def _imported(name: str, modules: tuple[str, ...]) -> Row:
    here = name in modules
    return Row(f"import {name}", IMPORTED if here else None, None if here else IMPORTED)


def _rows(
    key: Key, one: Mapping[str, str], other: Mapping[str, str], shown: Mapping[str, str], others: Mapping[str, str]
) -> Iterator[Row]:
    """The rows of one parameter; one and other: its canonical value, by each name of its part."""
    names = {part: _name(key, part) for part in {**one, **other}}
    unlike = {part: name for part, name in names.items() if one.get(part) != other.get(part)}
    for part, name in unlike.items():
        yield Row(name, shown[name] if part in one else None, others[name] if part in other else None)
    if not unlike and list(one) != list(other):
        last = (names[list(found)[-1]] for found in (one, other))
        yield Row(f"the last of {', '.join(sorted(names.values()))}", *last)


def _name(key: Key, part: str) -> str:
    scope, _, parameter = key
    return Statement(scope, part, parameter, None, "").name


def _shown(text: str) -> dict[str, str]:
    """The value of each setting as it is written, by its name, with the values of the macros in it."""
    rows = {row.name: row for row in syntax.read(text)[1]}
    macros = {name: row for name, row in rows.items() if not row.parameter}
    plain = canonical.plain({name: row.value for name, row in macros.items()})
    known = {name: row for name, row in macros.items() if name in plain}
    return {name: _written(row, known) for name, row in rows.items()}


def _written(row: Statement, macros: Mapping[str, Statement]) -> str:
    """`2109` for a macro with this value; `[%A, 2] where A = 1` for a value with a macro in it."""
    while isinstance(row.value, Macro) and row.value.name in macros:
        row = macros[row.value.name]
    used: dict[str, str] = {}
    waiting = [row]
    while waiting:
        for name in _macros(waiting.pop()):
            if name in macros and name not in used:
                used[name] = macros[name].written
                waiting.append(macros[name])
    where = ", ".join(f"{name} = {used[name]}" for name in sorted(used))
    return f"{row.written} where {where}" if where else row.written


def _macros(row: Statement) -> list[str]:
    return [atom.name for atom in syntax.atoms(row.value) if isinstance(atom, Macro)]
