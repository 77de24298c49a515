"""Find the binding of a config that an error is about.

A part knows its class and its parameter, but not the lines of a config. So the binding is found from the first word of
the message: `trainers.Supervised.steps is 0; ...`, or, in a constructor, `steps is 0; ...`. If the message names a
class and the config uses a subclass of it, the binding of the subclass is found.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Any

from repro.experiment.statements import Binding, Built, built, literal
from repro.registry import PARTS

WORD = re.compile(r"[\w./]+")
BARE = re.compile(r"(\w+) (is|are|has|must|should|cannot|needs)\b")


@dataclass(frozen=True)
class Caller:
    """The part whose constructor raised the error: its class name and its scope in the config. Both may be ""."""

    name: str = ""
    scope: str = ""


def located(message: str, value: Any, rows: list[Binding], place: str, caller: Caller) -> tuple[str, str]:
    """Find the binding that `message` is about: the first word of the message names it.

    Returns the message with the name as it is in the config, and the file and line of the binding; ("", "") if the
    first word names nothing in the config. value: the parameter's value, if it is known; if
    two bindings have the same name, the one with this value is chosen.
    """
    first = WORD.match(message)
    macros = {row.selector: row for row in rows if not row.parameter}
    parts = list(built(rows, macros, place, overridden=False)) if first else []
    word = first[0] if first else ""
    rest = message[len(word) :]
    if "." not in word:
        if not BARE.match(message):
            return "", ""
        parts = [part for part in parts if part.selector.rpartition(".")[2] == caller.name]
        return _written(_best(parts, word, value, macros, caller), word, rest, bound=True)
    selector, _, parameter = word.rpartition("/")[2].rpartition(".")
    for wanted, name in ((selector, parameter), (word, "")):
        if found := [part for part in parts if _is_a(part.selector, wanted)]:
            exact = [part for part in found if part.selector == wanted]
            return _written(_best(exact or found, name, value, macros, caller), name, rest, bound=False)
    return "", ""


def _is_a(selector: str, wanted: str) -> bool:
    """True if the part `selector` is `wanted` or a subclass of it."""
    part, other = PARTS[selector], PARTS.get(wanted)
    if inspect.isclass(part) and inspect.isclass(other):
        return issubclass(part, other)
    return selector == wanted


def _best(
    parts: list[Built], parameter: str, value: Any, macros: dict[str, Binding], caller: Caller
) -> tuple[Built, Binding | None] | None:
    """The most likely part, with its binding of the parameter; the last one if several are equally likely."""
    pairs = [(part, next((row for row in part.rows if row.parameter == parameter), None)) for part in parts]

    def likely(pair: tuple[Built, Binding | None]) -> tuple[bool, bool]:
        part, row = pair
        raised = (part.selector.rpartition(".")[2], part.scope) == (caller.name, caller.scope)
        return raised, row is not None and value is not None and bool(literal(row.value, macros) == value)

    return max(reversed(pairs), key=likely, default=None)


def _written(found: tuple[Built, Binding | None] | None, parameter: str, rest: str, bound: bool) -> tuple[str, str]:
    """The message, and the file and line of the binding; of the part itself if it has no binding."""
    if found is None or (bound and found[1] is None):
        return "", ""
    part, row = found
    name = row.name if row else f"{part.selector}.{parameter}".rstrip(".")
    return f"{name}{rest}", row.place if row else part.place
