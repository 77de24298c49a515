"""Checks that a paper's configs have the metric, the test set and the item that its claims ask for.

`settable` checks the sweeps.

The names are read from the text of the configs, from the source text of the metrics, and from records. So a misspelt
name is reported before any run. Nothing is imported or built, so some names are unknown; these are not checked here.
`repro.testing.check_paper` builds the metrics and knows all names.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from repro import HOME
from repro import config as configs
from repro.claim import Claim
from repro.claim.paper import Paper
from repro.config import Config
from repro.config.syntax import Reference
from repro.errors import BadInput, nearest, where
from repro.experiment import settable
from repro.record import Record
from repro.registry import parse


@dataclass(frozen=True)
class Known:
    """The names of what a config measures. None means unknown. `items` has the item names of each test set.

    whose: where the names were read, in words.
    """

    tests: Collection[str] | None = None
    metrics: Collection[str] | None = None
    items: Mapping[str, Collection[str]] = field(default_factory=dict)
    whose: str = field(default="its config", compare=False)


Metrics = Callable[[Config], Collection[str] | None]
"""Returns the names of a config's metrics, or None if they are not known."""


def faults(one: Paper, records: Iterable[Record], metrics: Metrics | None = None) -> list[str]:
    """One line, with file and line, for each name that a claim or behaviour asks for and its config does not have."""
    fresh: dict[str, list[Record]] = {}
    for found in records:
        if not found.stale and not found.overrides:
            fresh.setdefault(f"configs/{found.config}.gin", []).append(found)
    known: dict[str, list[Known]] = {}
    lines: dict[tuple[str, ...], list[str]] = {}
    for word, claim in one.tested:
        place = f"{where(one.folder)}/paper.toml:{claim.line}"
        for config, test in asked(claim):
            if config not in known:
                known[config] = _known(one.folder / config, fresh.get(config, []), metrics or _declared)
            for each in known[config]:
                for kind, wanted, what, names in missing(claim, test, each, word):
                    key = (config, each.whose, kind, wanted)
                    lines.setdefault(key, []).append(f"{place}: {what}{nearest(wanted, names)}")
    told = [first if not more else f"{first} ({len(more)} more ask for it)" for first, *more in lines.values()]
    return [*told, *(fault for sweep in one.sweeps for fault in settable.faults(one, sweep, _measures(metrics)))]


def _measures(metrics: Metrics | None) -> settable.Measures:
    """A function that returns the test sets and the metrics of a config."""
    return lambda config: {"test set": _tests(config), "metric": (metrics or _declared)(config)}


def asked(claim: Claim) -> Iterator[tuple[str, str]]:
    """Each config that a claim compares, with the test set that the claim asks for in it."""
    for config, other, _ in claim.pairs if claim.transcribed else ():
        yield config, claim.test
        if other:
            yield other, claim.over_test or claim.test


def missing(
    claim: Claim, test: str, known: Known, word: str = "claim"
) -> Iterator[tuple[str, str, str, Collection[str]]]:
    """What a claim asks for and its config is known not to have: (kind, name, message, the names that exist).

    word: what the message calls it, "claim" or "behaviour".
    """
    rows = [("test set", test, known.tests), ("metric", claim.metric, known.metrics)]
    if claim.item:
        rows.append(("item", claim.item, known.items.get(test)))
    for kind, wanted, names in rows:
        if names is not None and wanted not in names:
            what = f"{word} '{claim.id}' asks for the {kind} '{wanted}', which {known.whose} does not have"
            yield kind, wanted, what, names


def _known(path: Path, records: Iterable[Record], metrics: Metrics) -> list[Known]:
    """The names from the records of a config, one `Known` for all records with the same names; else from its text."""
    if found := [_of_record(one) for one in records]:
        return [one for number, one in enumerate(found) if one not in found[:number]]
    try:
        config = configs.read(path)
        return [Known(_tests(config), metrics(config))]
    except BadInput:
        return [Known()]  # a run reports what is wrong


def _of_record(record: Record) -> Known:
    tests, names = ({getattr(found, key) for found in record.measurements} for key in ("test", "metric"))
    items = {test: record.items.get(test, ()) for test in tests}
    return Known(tests, names, items, f"records/{record.stem}.json")


def _tests(config: Config) -> Collection[str] | None:
    known = configs.values(config.text)
    found = configs.resolved(known.get("experiment.test"), known)
    return list(found) if isinstance(found, dict) and all(isinstance(name, str) for name in found) else None


def _declared(config: Config) -> Collection[str] | None:
    """The metrics' names, read from their source text."""
    known = configs.values(config.text)
    found = configs.resolved(known.get("experiment.metrics"), known)
    if not isinstance(found, (list, tuple)) or not all(isinstance(one, Reference) for one in found):
        return None
    names = [_stated(one.selector.rpartition(".")[2], config) for one in found]
    return None if None in names else [name for name in names if name is not None]


def _stated(part: str, config: Config) -> str | None:
    """The name of a metric, if its class sets `identity = Identity("Name", ...)` and no other code can set it."""
    roots = {"repro": HOME, "papers": config.folder.parent}
    found = []
    for module, _ in config.modules:
        top, *rest = module.split(".")
        path = roots[top].joinpath(*rest).with_suffix(".py") if top in roots else None
        tree = _tree(path, path.stat().st_mtime_ns) if path and path.is_file() else ast.Module([], [])
        found += [(node, tree) for node in tree.body if isinstance(node, ast.ClassDef) and node.name == part]
    return _literal(*found[0]) if len(found) == 1 else None


@functools.lru_cache(maxsize=64)
def _tree(path: Path, changed: int) -> ast.Module:
    """The syntax tree of a file; `changed` is the time of its last change."""
    return parse(path)


def _literal(part: ast.ClassDef, module: ast.Module) -> str | None:
    elsewhere = any(isinstance(node, ast.Attribute) and node.attr == "identity" for node in ast.walk(module))
    if part.bases or part.keywords or len(part.decorator_list) != 1 or elsewhere:
        return None
    stated = [value for name, value in _assigned(part) if name == "identity"]
    if len(stated) != 1 or not isinstance(stated[0], ast.Call) or getattr(stated[0].func, "id", "") != "Identity":
        return None
    named = [keyword.value for keyword in stated[0].keywords if keyword.arg == "name"]
    first = next(iter([*stated[0].args, *named]), None)
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def _assigned(node: ast.ClassDef | ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """The names that are assigned in a body, with their values."""
    for statement in node.body:
        targets = [statement.target] if isinstance(statement, ast.AnnAssign) else getattr(statement, "targets", [])
        value = getattr(statement, "value", None)
        if value is not None:
            yield from ((target.id, value) for target in targets if isinstance(target, ast.Name))
