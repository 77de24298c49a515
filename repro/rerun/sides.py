"""Read one side of `repro diff`: a record, the folder of a run, or a config."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from repro import config as configs
from repro import record
from repro.claim import paper
from repro.config import Config, names
from repro.errors import BadInput, close, where
from repro.files import regular
from repro.record import Record, code_digest
from repro.run import resume, run_folders

EXPECTED = "a record (.json), a config (PAPER/NAME or .gin), or the folder of a run, or a part of its name"

Kind = Literal["record", "config", "unfinished run"]


@dataclass(frozen=True)
class Side:
    """What is known of a record, a run or a config. None: it is not known, so it is not compared.

    The code of a config is the present code. A run that is not finished has no `record`.
    """

    name: str
    kind: Kind
    text: str
    code: dict[str, str]
    core: str
    source: dict[str, Any]
    seed: int | None = None
    data: dict[str, str] | None = None
    environment: dict[str, Any] | None = None
    record: Record | None = None


def read(given: str) -> Side:
    """The record, config or run `given`: a path, the name of a config, or for a run a part of the name of its folder.

    Raises BadInput if it is none of these, if several runs have such a name, or if a record cannot be trusted: its text
    does not match its digest.
    """
    path = names.every().get(given, Path(given))
    if path.suffix == ".gin":
        return _config(configs.read(path))
    if os.path.isdir(path):
        return _run(path)
    if not regular.present(path):
        return _run(_named(given))
    if path.suffix != ".json":
        raise BadInput("is not a record, a run or a config", where(path), expected=EXPECTED)
    return _record(path)


def _config(config: Config) -> Side:
    return Side(where(config.path), "config", config.text, code_digest.code(config), code_digest.core(), {})


def _record(path: Path) -> Side:
    found = record.read(path)
    _refuse_other_text(found.digest, found.text, where(path))
    data = {role: found.fingerprint(role) for role in found.data}
    environment = {"variables": {}, **found.environment}
    basis = (found.text, found.code, found.core, found.source, found.seed)
    return Side(where(path), "record", *basis, data, environment, found)


def _refuse_other_text(digest: str, text: str, place: str) -> None:
    if not configs.belongs(digest, text):
        raise BadInput(f"its text does not match its digest {digest[:16]}", place)


def _run(folder: Path) -> Side:
    """A run: its record if it has one, else what it stored when it started."""
    found = sorted(folder.glob("[!.]*-seed*.json"))
    if len(found) == 1:
        return _record(found[0])
    begun = resume.read(folder)
    if begun is None or found:
        runs = (run for depth in ("", "*/") for run in sorted(folder.glob(f"{depth}[!.]*-seed*/")))
        known = [where(path) for path in (*found, *runs)]
        raise BadInput("is not the folder of one run", where(folder), expected=EXPECTED, known=known)
    return _unfinished(folder, begun)


def _unfinished(folder: Path, begun: resume.Started) -> Side:
    text = configs.read(folder / "config.gin").text
    _refuse_other_text(begun.digest, text, where(folder / "config.gin"))
    seed = re.search(r"-seed(\d{1,18})(\.\d+)?$", folder.resolve().name)
    data = {role: _fingerprint(found) for role, found in begun.data.items()}
    environment = {"packages": begun.packages, **({"threads": begun.threads} if begun.threads else {})}
    basis = (text, begun.code, begun.core, begun.source, int(seed[1]) if seed else None)
    return Side(where(folder), "unfinished run", *basis, data or None, environment)


def _fingerprint(found: Any) -> str:
    return found if isinstance(found, str) else json.dumps(found, sort_keys=True)


def _named(given: str) -> Path:
    """The only folder of a run that is called `given` (`run_folders.called`)."""
    hits = run_folders.called(given)
    if len(hits) == 1:
        return hits[0]
    if hits:
        shown = ", ".join("/".join(run.parts[-3:]) for run in hits[:8]) + (", ..." if len(hits) > 8 else "")
        raise BadInput(f"{len(hits)} runs are called {given!r:.80}", expected=f"one of {shown}")
    runs = list(run_folders.every())
    known = [*(name for run in runs for name in run_folders.names(run)), *map(where, runs), *_files(), *names.every()]
    alike = known if close(given, known) else []
    raise BadInput(f"no record, run or config {given!r:.200}", expected=EXPECTED, given=given, known=alike)


def _files() -> list[str]:
    """The records and configs of all papers, as one would type them from here."""
    folders = paper.folders().values()
    records = (path for folder in folders for path in record.paths(folder))
    return [where(path) for path in (*records, *(path for one in folders for path in one.glob("configs/*.gin")))]
