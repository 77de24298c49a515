"""Read and check `paper.toml`. Every error is one line with the file, the line number and the nearest correct name.

The allowed keys are the fields of the data types in `repro.claim`, `repro.claim.paper` and `repro.claim.table`.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from repro import untrusted
from repro.claim import Cause, Claim, Features, Number
from repro.claim import behaviour as behaviours
from repro.claim import sweep as sweeps
from repro.claim.behaviour import Behaviour
from repro.claim.paper import Paper
from repro.claim.rules import refuse
from repro.claim.sweep import Sweep
from repro.claim.table import Table, filled, place_in_table, refuse_blanks
from repro.errors import BadInput, not_utf8, where
from repro.files import regular
from repro.files.toml_lines import Block, blocks
from repro.files.typed import fits, innermost, said

HEADLINES = 10
ONE = ("paper", "reproducibility", "labels")
MANY = ("claim", "table", "cause", "sweep", "behaviour")
GIVEN = {
    Paper: ("name", "folder", "claims", "causes", "sweeps", "behaviours", "features", "labels"),
    Claim: ("table", "row", "column", "line"),
    Cause: ("line",),
    Sweep: ("line", "lines"),
    Behaviour: ("line",),
}


def read(folder: Path) -> Paper:
    """Read and check `folder/paper.toml`; other modules call `repro.claim.paper.read`, which calls this function.

    Raises BadInput with file and line for a wrong key or value.
    """
    path = folder / "paper.toml"
    if not folder.name.isidentifier():  # it becomes part of module names, commands and web addresses
        raise BadInput(f"the folder is called {folder.name!r}", where(path), expected="a Python name, such as my_paper")
    untrusted.refuse_links(folder)
    text, data = load(path)
    found = blocks(text, where(path))
    _refuse_stray(data, found, where(path))
    head = one_table(data, found, "paper", where(path)) or {}
    place = found["paper"][0] if found["paper"] else Block(f"{where(path)}", 1)
    configs = frozenset(f"configs/{path.name}" for path in regular.files(folder / "configs", "*.gin", regular.CONFIG))
    cells = sorted(_cells(data, found, where(path)), key=lambda cell: cell[1].line)
    claims = [_claim(row, at, given, configs) for row, at, given in cells]
    _refuse_twins("claim id", claims, where(path))
    causes = [_cause(row, at, claims, configs) for row, at in tables(data, found, "cause", where(path))]
    swept = [_sweep(row, at, configs) for row, at in tables(data, found, "sweep", where(path))]
    _refuse_twins("sweep id", swept, where(path))
    required = [_behaviour(row, at, configs) for row, at in tables(data, found, "behaviour", where(path))]
    _refuse_twins("behaviour id", [*claims, *required], where(path))
    features = one_table(data, found, "reproducibility", where(path))
    scored = None if features is None else make(Features, features, found["reproducibility"][0], {})
    named = one_table(data, found, "labels", where(path)) or {}
    labels = _labels(named, found["labels"], [*claims, *required], configs)
    _refuse_many(claims, where(path))
    given = {"name": folder.name, "folder": folder, "features": scored, "labels": labels}
    given |= {"claims": claims, "causes": causes, "sweeps": swept, "behaviours": required}
    one: Paper = make(Paper, head, place, given)
    if not 1000 <= one.year <= 9999:
        raise BadInput(f"'year' is {one.year}", place.place("year"), expected="a year of four digits")
    if one.url and not re.fullmatch(r"https?://[^\s/]\S*", one.url):
        raise BadInput(f"'url' is {one.url!r:.80}", place.place("url"), expected="an address such as https://arxiv.org")
    return one


def load(path: Path) -> tuple[str, dict[str, Any]]:
    """The text and the data of a TOML file. Raises BadInput with file and line if it is not valid TOML."""
    try:
        untrusted.refuse_link(path, path.parent.resolve())
        regular.check(path)
        text = path.read_text(encoding="utf-8-sig")
        untrusted.refuse_unseen_in(text, where(path))
        data = tomllib.loads(text, parse_float=Number)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", where(path)) from None
    except UnicodeDecodeError as error:
        raise not_utf8(path, error) from None
    except RecursionError:
        raise BadInput("not TOML: it is nested too deep", where(path)) from None
    except ValueError as error:  # not TOML, or a number of 5,000 digits
        what, line = re.sub(r" \(at [^()]*\)$", "", str(error)), re.search(r"at line (\d+)", str(error))
        raise BadInput(f"not TOML: {what}", f"{where(path)}:{line[1]}" if line else where(path)) from None
    untrusted.refuse_unseen(data, where(path))
    return text, data


def _refuse_stray(data: dict[str, Any], found: dict[str, list[Block]], place: str) -> None:
    known = {*ONE, *MANY}
    if stray := sorted(set(data) - known):
        lines = [block.line for block in found.get(stray[0], [])]
        raise BadInput(
            f"unknown table '{stray[0]}'",
            f"{place}:{lines[0] if lines else 1}",
            expected=f"{', '.join(f'[{one}]' for one in ONE)} or {', '.join(f'[[{one}]]' for one in MANY)}",
            given=stray[0],
            known=known,
        )


def one_table(data: dict[str, Any], found: dict[str, list[Block]], name: str, place: str) -> dict[str, Any] | None:
    """The table `[name]`, or None. Raises BadInput if it is written in another form."""
    row = data.get(name)
    if row is not None and (not isinstance(row, dict) or len(found[name]) != 1):
        raise BadInput(
            f"'{name}' is written in the wrong form", place, expected=f"one [{name}], with its keys below it"
        )
    return row


def tables(
    data: dict[str, Any], found: dict[str, list[Block]], name: str, place: str
) -> Iterator[tuple[dict[str, Any], Block]]:
    """(keys, place) of each `[[name]]`."""
    rows = data.get(name, [])
    if not isinstance(rows, list) or len(rows) != len(found[name]):
        raise BadInput(
            f"'{name}' is written in the wrong form", place, expected=f"each {name} under its own [[{name}]]"
        )
    yield from zip(rows, found[name], strict=True)


def _cells(
    data: dict[str, Any], found: dict[str, list[Block]], place: str
) -> Iterator[tuple[dict[str, Any], Block, dict[str, Any]]]:
    """(keys, place, table with row and column) of every claim, also of those in a `[[table]]`."""
    for row, at in tables(data, found, "claim", place):
        yield row, at, {}
    for row, at in tables(data, found, "table", place):
        kinds = [key for key in ("printed", "value") if isinstance(row.get(key), dict)]
        if len(kinds) != 1:
            raise BadInput("a table needs either [table.printed] or [table.value]", at.place())
        make(Table, {key: value for key, value in row.items() if key != kinds[0]}, at, {})
        refuse_blanks(row, kinds[0], at)
        yield from _expand(row, at, kinds[0])


def _expand(table: dict[str, Any], at: Block, kind: str) -> Iterator[tuple[dict[str, Any], Block, dict[str, Any]]]:
    """One claim for each cell of a table. Its place is the line of the cell; each key has the line for its row."""
    for claim, row, column in filled(table, kind):
        lines = {key: place_in_table(key, kind, row, column, at).line for key in claim if key in table}
        cell = Block(at.path, at.below(kind, row, column).line, lines)
        yield claim, cell, {"table": table["id"], "row": row, "column": column}


def _claim(row: dict[str, Any], at: Block, given: dict[str, Any], configs: frozenset[str]) -> Claim:
    row = {key: [row[key]] if key.startswith("proxy") and isinstance(row[key], str) else row[key] for key in row}
    if "printed" in row or row.get("deterministic") is True:
        row.setdefault("seeds", 1)
    claim: Claim = make(Claim, row, at, {"line": at.line, **given})
    refuse(claim, at)
    if not claim.transcribed:
        return claim
    for key in ("config", "over", "proxy", "proxy_over"):
        for name in [getattr(claim, key)] if isinstance(getattr(claim, key), str) else getattr(claim, key):
            _refuse_missing(name, f"claim '{claim.id}'", at.place(key), configs)
    return claim


def _refuse_missing(name: str, whose: str, place: str, configs: frozenset[str]) -> None:
    if name and not re.fullmatch(r"configs/[\w.+-]+\.gin", name):  # it becomes part of a shell command
        raise BadInput(f"{whose} names {name}", place, expected="configs/<name>.gin")
    if name and name not in configs:
        raise BadInput(f"{whose} names {name}, which does not exist", place, given=name, known=configs)


def _cause(row: dict[str, Any], at: Block, claims: list[Claim], configs: frozenset[str]) -> Cause:
    cause: Cause = make(Cause, row, at, {"line": at.line})
    known = {claim.id for claim in claims} | {claim.table for claim in claims if claim.table}
    for name in cause.claims:
        if name not in known:
            raise BadInput(f"no claim or table '{name}'", at.place("claims"), given=name, known=known)
    for key in ("config", "over", "over_config"):
        _refuse_missing(getattr(cause, key), "this cause", at.place(key), configs)
    meant = [claim for claim in claims if claim.id in cause.claims or claim.table in cause.claims]
    _refuse_half(cause, meant, at)
    if not cause.claims or any(cause.unchanged(claim) for claim in meant):
        raise BadInput(
            "this cause tests nothing",
            at.place("config"),
            expected="a claim, and a config other than the one it changes",
        )
    return cause


def _refuse_half(cause: Cause, meant: list[Claim], at: Block) -> None:
    """Raise BadInput for an `over_config` if a claim of the cause has no `over`, or if the cause has `over` too."""
    if not cause.over_config:
        return
    if alone := [claim.id for claim in meant if not claim.over]:
        raise BadInput(
            f"'over_config' needs a claim with 'over', and claim '{alone[0]}' has none", at.place("over_config")
        )
    if cause.over:
        raise BadInput(
            "a cause has both 'over' and 'over_config'",
            at.place("over_config"),
            expected="one of them: 'config' changes the claim's 'config', and 'over_config' its 'over'",
        )


def _sweep(row: dict[str, Any], at: Block, configs: frozenset[str]) -> Sweep:
    if isinstance(row.get("values"), dict):
        row = {**row, "values": sweeps.flat(row["values"])}
    names = row.get("values", {})
    lines = {name: at.below("values", *name.split(".")).line for name in names} if isinstance(names, dict) else {}
    sweep: Sweep = make(Sweep, row, at, {"line": at.line, "lines": lines})
    _refuse_missing(sweep.config, f"sweep '{sweep.id}'", at.place("config"), configs)
    sweeps.refuse(sweep, at)
    return sweep


def _behaviour(row: dict[str, Any], at: Block, configs: frozenset[str]) -> Behaviour:
    made: Behaviour = make(Behaviour, row, at, {"line": at.line})
    _refuse_missing(made.config, f"behaviour '{made.id}'", at.place("config"), configs)
    behaviours.refuse(made, at)
    return made


def _labels(
    row: dict[str, Any], at: Sequence[Block], claims: Iterable[Claim | Behaviour], configs: frozenset[str]
) -> dict[str, str]:
    """The names of configs and metrics for readers. Raises BadInput for a name that the paper does not have."""
    known = {Path(name).stem for name in configs} | {claim.metric for claim in claims}
    for name, label in row.items():
        if name not in known:
            raise BadInput(f"no config or metric '{name}'", at[0].place(name), given=name, known=known)
        if not (isinstance(label, str) and label.strip()):
            raise BadInput(f"the label is {label!r:.60}", at[0].place(name), expected="a text")
    return row


def _refuse_many(claims: Iterable[Claim], path: str) -> None:
    """Raise BadInput for an eleventh headline claim."""
    for claim in [claim for claim in claims if claim.headline][HEADLINES:]:
        raise BadInput(f"more than {HEADLINES} claims have 'headline'", f"{path}:{claim.line}", expected="at most ten")


def _refuse_twins(what: str, rows: Iterable[Claim | Sweep | Behaviour], path: str) -> None:
    seen: dict[str, int] = {}
    for row in rows:
        if row.id in seen:
            raise BadInput(f"{what} '{row.id}' is already used in line {seen[row.id]}", f"{path}:{row.line}")
        seen[row.id] = row.line


@functools.cache
def keys(cls: type) -> dict[str, Any]:
    """The fields of `cls` that are allowed as keys in the file, with their types."""
    hints = get_type_hints(cls)
    return {spec.name: hints[spec.name] for spec in fields(cls) if spec.name not in GIVEN.get(cls, ())}


def meanings(cls: type) -> dict[str, str]:
    """The meaning of each of these keys, from the annotation of its type."""
    hints = get_type_hints(cls, include_extras=True)
    return {name: get_args(hints[name])[-1] for name in keys(cls) if get_origin(hints[name]) is Annotated}


def make(cls: type, row: dict[str, Any], at: Block, given: dict[str, Any]) -> Any:
    """Build `cls(**row, **given)`. Raises BadInput if a key in `row` is unknown, missing, or has the wrong type."""
    known = {key: hint for key, hint in keys(cls).items() if key not in given}
    for key, value in row.items():
        if key not in known:
            raise BadInput(f"unknown key '{key}'", at.place(key), given=key, known=known)
        if known[key] is int:
            untrusted.refuse_huge(value, f"'{key}'", at.place(key))
        if not fits(value, known[key]):
            wrong, hint, name = innermost(value, known[key], key)
            inner = name.removeprefix(key).replace("[", ".[").split(".")
            raise BadInput(f"'{name}' is {wrong!r}", at.below(key, *filter(None, inner)).place(), expected=said(hint))
    for spec in fields(cls):
        bare = spec.default is MISSING and spec.default_factory is MISSING
        if spec.name in known and spec.name not in row and bare:
            raise BadInput(f"missing key '{spec.name}'", at.place())
    return cls(**row, **given)
