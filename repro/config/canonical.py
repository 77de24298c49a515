"""The canonical form of a config: two texts have the same form if gin sets the same values for both.

These do not change the form: comments, blank lines, the order of statements, overridden statements, and the notation of
a value. The name of a macro does not matter either, unless its value contains a part; the value replaces the name.

These change the form: every value and its type (1 is not 1.0), the order of a list or dict, and the name of a part
(`Adam` is not `torch.optim.Adam`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from repro.config import syntax
from repro.config.syntax import Macro, Reference, Unreadable

SHORT = 200
"""The value of a macro replaces its name if it has at most this many characters. Otherwise the digest of the value
does, because nested macros could make the text extremely long."""

Key = tuple[str, str, str]
"""The scope, the last name of the part, and the parameter. For a macro: its scope, its name and ""."""


def canonical(text: str) -> str:
    """The canonical form of a config's text. Raises Unreadable if it is not valid gin, or binds `gin.macro` directly.

    >>> canonical("a.b = 1  # comment") == canonical("N = 1\\na.b = %N")
    True
    """
    modules, found = settings(text)
    lines = [repr((key, list(values.items()))) for key, values in found.items()]
    return "\n".join([repr(sorted(set(modules))), *sorted(lines)])


def settings(text: str) -> tuple[tuple[str, ...], dict[Key, dict[str, str]]]:
    """(imported modules, settings) of a config's text: its canonical form is made of these.

    The settings of a key are the canonical values by the name of the part, in their order: `Adam.lr` and
    `torch.optim.Adam.lr` may be the same parameter, so the order of these two matters. Raises Unreadable.

    >>> settings("N = 1\\na.b = %N")
    ((), {('', 'a', 'b'): {'a': 'int 1'}})
    """
    modules, rows = syntax.read(text)
    if any(row.parameter and row.selector.rpartition(".")[2] == "macro" for row in rows):
        raise Unreadable("the config binds gin.macro directly")
    try:
        macros = {row.name: row.value for row in rows if not row.parameter}
        used = {atom.name for row in rows for atom in syntax.atoms(row.value) if isinstance(atom, Macro)}
        replaced = used & plain(macros)
        written = _writer({name: macros[name] for name in replaced})
        found: dict[Key, dict[str, str]] = {}
        for row in rows:
            if row.parameter or row.name not in replaced:
                values = found.setdefault((row.scope, row.selector.rpartition(".")[2], row.parameter), {})
                values.pop(row.selector, None)
                values[row.selector] = written(row.value)
        return modules, found
    except (RecursionError, MemoryError, ValueError) as error:
        raise Unreadable(str(error)) from None


def value(found: Any) -> str:
    """The canonical form of one value. Macros in it keep their names."""
    return _writer({})(found)


def plain(macros: Mapping[str, Any]) -> set[str]:
    """The macros whose value contains no part, directly or through another macro.

    A part in a macro is different: gin builds it in the scope of the macro, so the name of the macro matters.
    """
    found: dict[str, bool] = {}

    def check(name: str) -> bool:
        if name not in found:
            found[name] = False  # a macro that refers to itself is not plain
            atoms = list(syntax.atoms(macros.get(name, Macro(name))))
            named = [atom.name for atom in atoms if isinstance(atom, Macro)]
            found[name] = not any(isinstance(atom, Reference) for atom in atoms) and all(map(check, named))
        return found[name]

    return {name for name in macros if check(name)}


def _writer(macros: Mapping[str, Any]) -> Callable[[Any], str]:
    """A function that writes a value with its type, and replaces each of these macros by its value."""
    known: dict[str, str] = {}

    def macro(name: str) -> str:
        if name not in known:
            text = written(macros[name])
            known[name] = (
                text
                if len(text) <= SHORT
                else f"sha256 {hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()}"
            )
        return known[name]

    def written(value: Any) -> str:
        if isinstance(value, Macro) and value.name in macros:
            return macro(value.name)
        if isinstance(value, dict):
            return f"{{{', '.join(f'{written(key)}: {written(item)}' for key, item in value.items())}}}"
        if isinstance(value, (list, tuple)):
            return f"{type(value).__name__}({', '.join(map(written, value))})"
        if type(value) is int:
            return f"int {value:x}"  # hexadecimal, because repr() fails for more than 4,300 decimal digits
        return f"{type(value).__name__} {value!r}"

    return written
