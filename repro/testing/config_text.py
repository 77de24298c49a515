"""Check the configs of a paper against the source text of the parts that they name. No part is imported.

The checks are those of `repro.experiment.statements` that need no part. Types, missing values and parameters of torch's
optimizers are left to `repro.testing.check_paper`, which imports the parts.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from repro import config, registry, untrusted
from repro.claim.paper import Paper
from repro.config import Config, syntax
from repro.errors import BadInput, where
from repro.experiment import Experiment, binding
from repro.experiment.statements import Binding, Macro, Reference, atoms
from repro.record import code_digest
from repro.report import source
from repro.signature import parameters
from repro.testing.consistency import Records

LIBRARY = "torch.optim."  # its names are known only to torch


@dataclass(frozen=True)
class Names:
    """The parameters of each part that a config may name, by the part's full name; None if they are not known."""

    parts: Mapping[str, Collection[str] | None]

    def find(self, selector: str, place: str) -> str:
        """The full name of the part that `selector` means. Raises BadInput, with the nearest, if there is none."""
        hits = [name for name in self.parts if name == selector or name.endswith(f".{selector}")]
        if not hits:
            raise BadInput(f"no part '{selector}' in the imported modules", place, given=selector, known=self.parts)
        return hits[0]


def configs(one: Paper, records: Records) -> Iterator[BadInput]:
    """Every config can be read, imports modules that exist, and names parts, parameters and macros that exist."""
    told = set[tuple[str, str]]()  # an included line is checked once for each config that includes it
    run = {one.folder / name for _, name, _ in one.runs} | {path for path in one.configs if path.name == "smoke.gin"}
    for error in (error for path in one.configs for error in _config(path, path in run)):
        if (error.where, error.what) not in told:
            told.add((error.where, error.what))
            yield error


def _config(path: Path, run: bool) -> Iterator[BadInput]:
    """The faults of one config. run: it is the smoke config, or a claim needs it, so it sets an experiment."""
    try:
        found = config.read(path)
        rows = _without_places(found) or binding.bindings(found)
        yield from _modules(found)
        if run and not any(row.selector == "experiment" for row in rows):
            expected = (
                "an experiment that runs in seconds" if path.name == "smoke.gin" else "the experiment of its claim"
            )
            yield BadInput("it sets nothing", f"{where(path)}:1", expected=expected)
    except BadInput as error:
        yield error
        return
    names = _names(tuple(module for module, _ in found.modules), found.folder.parent)
    if any(True for _ in _rows(rows, names)):
        yield from _rows(binding.bindings(found), names)


def _without_places(found: Config) -> list[Binding]:
    """The statements of a config as its digest reads them, which is faster than gin; empty if only gin may judge them.

    They have no places. So gin reads a config with a fault again.
    """
    try:
        modules, rows = syntax.read(found.text)
    except syntax.Unreadable:
        return []
    if list(modules) != [module for module, _ in found.modules]:  # an import in a form that gin's reader refuses
        return []
    return [Binding(row.scope, row.selector, row.parameter, row.value, "") for row in rows]


def _modules(found: Config) -> Iterator[BadInput]:
    roots = {"repro": code_digest.REPRO, "papers": found.folder.parent}
    for module, place in found.modules:
        untrusted.refuse_module(module, place)
        top, *rest = module.split(".")
        path = roots[top].joinpath(*rest)
        if not (path.with_suffix(".py").is_file() or path.is_dir()):
            known = [f"{module.rpartition('.')[0]}.{file.stem}" for file in path.parent.glob("[!_.]*.py")]
            yield BadInput(f"no module '{module}'", place, given=module, known=known)


@functools.lru_cache(maxsize=64)
def _names(modules: tuple[str, ...], papers: Path) -> Names:
    """The names that a config with these imports may use; `papers` is the folder of all papers."""
    known: dict[str, Collection[str] | None] = {"experiment": _of_experiment()}
    for module, path in code_digest.paths(modules, papers).items():
        if path.suffix == ".py":
            known |= _in_file(module, path, path.stat().st_mtime_ns)
    return Names(known)


@functools.lru_cache(maxsize=256)
def _in_file(module: str, path: Path, changed: int) -> dict[str, Collection[str] | None]:
    """The parts that a file registers; `changed` is the time of its last change."""
    tree = registry.parse(path)
    own = {f"{part.kind}.{part.name}": _parameters(part, tree) for part in registry.declared_in(path, module)}
    return {**dict.fromkeys(_adopted(tree)), **dict.fromkeys(_own_recipes(module, tree)), **own}


@functools.cache
def _of_experiment() -> tuple[str, ...]:
    return tuple(parameters(Experiment))


def _adopted(tree: ast.Module) -> tuple[str, ...]:
    """The classes of a library that a module registers: `for loss in (nn.L1Loss, ...): LOSSES.register(loss)`."""
    loops = [node for node in tree.body if isinstance(node, ast.For)]
    called = [(loop, ast.unparse(node.func)) for loop in loops for node in ast.walk(loop) if isinstance(node, ast.Call)]
    found = [(loop, name.removesuffix(".register").lower()) for loop, name in called if name.endswith(".register")]
    return tuple(
        f"{kind}.{ast.unparse(one).rpartition('.')[2]}"
        for loop, kind in found
        if kind in registry.REGISTRIES and isinstance(loop.iter, ast.Tuple)
        for one in loop.iter.elts
    )


def _own_recipes(module: str, tree: ast.Module) -> tuple[str, ...]:
    """The classes that a module adopts from itself: `adopt(sys.modules[__name__], ["RisingMomentum"])`."""
    calls = [node.value for node in tree.body if isinstance(node, ast.Expr)]
    found = [call.args for call in calls if isinstance(call, ast.Call) and ast.unparse(call.func) == "adopt"]
    names = [ast.literal_eval(args[1]) for args in found if ast.unparse(args[0]) == "sys.modules[__name__]"]
    return tuple(f"{module}.{name}" for listed in names for name in listed)


def _parameters(part: registry.Declared, tree: ast.Module) -> tuple[str, ...]:
    return tuple(one.name for one in source.parameters(part.name, tree))


def _rows(rows: list[Binding], names: Names) -> Iterator[BadInput]:
    macros = {row.selector for row in rows if not row.parameter}
    for row in rows:
        try:
            _refuse(row, names, macros)
        except BadInput as error:
            yield error


def _refuse(row: Binding, names: Names, macros: Collection[str]) -> None:
    """Raise BadInput for a statement that names a part, a parameter or a macro that does not exist."""
    for atom in atoms(row.value):
        if isinstance(atom, Macro) and atom.name not in macros:
            raise BadInput(f"no macro '%{atom.name}'", row.place, given=atom.name, known=macros)
        if isinstance(atom, Reference) and not atom.selector.startswith(LIBRARY):
            names.find(atom.selector, row.place)
    if not row.parameter or row.selector.startswith(LIBRARY):
        return
    known = names.parts[names.find(row.selector, row.place)]
    if known is not None and row.parameter not in known:
        what = f"{row.selector} has no parameter '{row.parameter}'"
        raise BadInput(what, row.place, given=row.parameter, known=known)
