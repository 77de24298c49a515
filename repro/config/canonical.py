"""The canonical form of a config: the same for two texts by which gin binds the same values.

Comments, blank lines, the order of statements, overridden statements and the notation of a value do not count. Nor
does the name of a macro whose value holds no part, because the value replaces it. What counts: every value and its type
(1 is not 1.0), the order of a list and of a dict, and how a part is named (`Adam` is not `torch.optim.Adam`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from repro.config import syntax
from repro.config.syntax import Macro, Reference, Statement, Unreadable

SHORT = 200
"""Characters up to which the value of a macro replaces its name. Of a longer value its digest does: macros of macros of
macros could otherwise grow without bound."""


def canonical(text: str) -> str:
    """The form of a config's text. Raises Unreadable for one that gin cannot read either, or that hides a macro."""
    modules, rows = syntax.read(text)
    if any(row.parameter and row.selector.rpartition(".")[2] == "macro" for row in rows):
        raise Unreadable("a macro defined by way of gin's own part for it")
    try:
        return _form(modules, rows)
    except (RecursionError, MemoryError, ValueError) as error:
        raise Unreadable(str(error)) from None


def value(found: Any) -> str:
    """The form of one value, whatever its notation; its macros keep their names."""
    return _writer({})(found)


def _form(modules: Iterable[str], rows: Iterable[Statement]) -> str:
    macros = {row.name: row.value for row in rows if not row.parameter}
    plain = _plain(macros)
    replaced = {atom.name for row in rows for atom in syntax.atoms(row.value) if isinstance(atom, Macro)} & plain
    written = _writer({name: macros[name] for name in replaced})
    # `Adam.lr` and `torch.optim.Adam.lr` may be one parameter: between these two the order counts
    spellings: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in rows:
        if row.parameter or row.name not in replaced:
            short = row.selector.rpartition(".")[2]
            values = spellings.setdefault((row.scope, short, row.parameter), {})
            values.pop(row.selector, None)
            values[row.selector] = written(row.value)
    lines = [repr((key, list(values.items()))) for key, values in spellings.items()]
    return "\n".join([repr(sorted(set(modules))), *sorted(lines)])


def _plain(macros: Mapping[str, Any]) -> set[str]:
    """The macros whose value holds no part, nor a macro that does: gin builds such a part in the macro's own scope."""
    found: dict[str, bool] = {}

    def check(name: str) -> bool:
        if name not in found:
            found[name] = False  # what is defined by way of itself is not plain
            atoms = list(syntax.atoms(macros.get(name, Macro(name))))
            named = [atom.name for atom in atoms if isinstance(atom, Macro)]
            found[name] = not any(isinstance(atom, Reference) for atom in atoms) and all(map(check, named))
        return found[name]

    return {name for name in macros if check(name)}


def _writer(macros: Mapping[str, Any]) -> Callable[[Any], str]:
    """Writes a value with its types, each of these macros replaced by its value."""
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
            return f"int {value:x}"  # of any length, where repr() refuses more than 4,300 digits
        return f"{type(value).__name__} {value!r}"

    return written
