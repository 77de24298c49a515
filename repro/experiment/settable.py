"""Checks that the config of a sweep has the settings that the sweep changes, with values of these types.

A setting must be in the text of the config, so that the page can show where its usual value is. Nothing is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from repro import config as configs
from repro.claim.paper import Paper
from repro.claim.sweep import Sweep, drawn, literal
from repro.config import Config, syntax
from repro.config.syntax import Macro, Reference
from repro.errors import BadInput, nearest, where

Measures = Callable[[Config], Mapping[str, Collection[str] | None]]
"""Returns the names of what a config measures, by `test set` and `metric`; None if they are not known."""

WORDS = {bool: "True or False", int: "a whole number", float: "a number", str: "a string", list: "a list"}
WORDS |= {tuple: "a tuple, in quotes", dict: "a dict", Reference: "a part, as '@models.Name()'"}


def faults(one: Paper, sweep: Sweep, measures: Measures) -> Iterator[str]:
    """One line, with file and line number, for each wrong name or value of a sweep."""
    file = f"{where(one.folder)}/paper.toml"
    try:
        config = configs.read(one.folder / sweep.config)
    except BadInput as error:
        yield str(error)
        return
    for kind, names in measures(config).items():
        wanted = sweep.test if kind == "test set" else sweep.metric
        if names is not None and wanted not in names:
            what = f"sweep '{sweep.id}' asks for the {kind} '{wanted}', which its config does not have"
            yield f"{file}:{sweep.line}: {what}{nearest(wanted, names)}"
    known = configs.values(config.text)
    for name, given in sweep.values.items():
        place = f"{file}:{sweep.lines.get(name, sweep.line)}"
        if name not in known:
            yield f"{place}: {sweep.config} has no setting '{name}'{nearest(name, known)}"
        elif wrong := _wrong(name, given, known):
            yield f"{place}: {wrong}"


def _wrong(name: str, given: Any, known: Mapping[str, Any]) -> str:
    """The first value whose type is not that of the config; "" if there is none."""
    now = configs.resolved(known[name], dict(known))
    for text in map(literal, given) if isinstance(given, list) else [drawn(name, given, 0)]:
        try:
            value = configs.resolved(syntax.read(f"{name} = {text}")[1][0].value, dict(known))
        except syntax.Unreadable:
            return f"'{name}' has the value {text:.80}, which a config cannot have"
        if isinstance(value, Macro):
            return f"no macro '%{value.name}'{nearest(value.name, [one for one in known if '.' not in one])}"
        if not _alike(value, now):
            return f"'{name}' has the value {text:.80}; expected {WORDS.get(type(now), now)}, as in the config"
    return ""


def _alike(value: Any, now: Any) -> bool:
    return now is None or type(value) is type(now) or (type(value) is int and type(now) is float)
