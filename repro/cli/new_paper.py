"""`repro new NAME`: a paper that already runs, copied from papers/template."""

from __future__ import annotations

import keyword
import re
import shutil
from pathlib import Path

from repro import disk, registry
from repro.claim import paper
from repro.errors import BadInput, where

TEXTS = (".py", ".gin", ".toml", ".md")


def new(name: str) -> str:
    """Copy papers/template to papers/`name` below the working directory; returns what to do next.

    Modules and parts are renamed (`papers.name`, `NameLine`), since no two papers may register one name. Records,
    verdicts and the like stay behind: a paper's numbers come from its own runs.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        hint = "expected a Python name of small letters, digits and _ that begins with a letter, as my_paper"
        raise BadInput(f"'{name}' cannot name a paper; {hint}")
    known = paper.folders()
    target = Path("papers") / name
    if name in known or target.exists():
        raise BadInput(f"a paper '{name}' stands already in {where(known.get(name, target))}")
    if twin := next((other for other in known if _prefix(other) == _prefix(name)), ""):
        raise BadInput(f"the parts of '{name}' would be called as those of '{twin}': {_prefix(name)}...")
    if not target.parent.is_dir():
        raise BadInput("no folder papers/ here; expected to be called from the root of the project")
    disk.refuse_unwritable(target, "records/dependency_checks")  # the longest name
    shutil.copytree(known["template"], target, ignore=shutil.ignore_patterns(paper.WRITTEN, "__pycache__", ".*"))
    (target / "records").mkdir()
    _rename(target, name)
    return f"{target}/paper.toml\n  next: repro todo {name} | sh && repro verdict {name}, then make it your paper's"


def _prefix(name: str) -> str:
    """What the names of the copied parts begin with."""
    return "".join(word.capitalize() for word in name.split("_"))


def _rename(folder: Path, name: str) -> None:
    """Give the copied modules and parts the names of their new paper."""
    prefix = _prefix(name)
    parts = [part.name for part in registry.declared(folder, f"papers.{name}")]
    pattern = re.compile(rf"\b({'|'.join(parts)})\b")
    for path in folder.rglob("*"):
        if path.suffix in TEXTS:
            text = pattern.sub(rf"{prefix}\1", path.read_text(encoding="utf-8"))
            text = re.sub(r"\b(papers[./])template\b", rf"\g<1>{name}", text)
            path.write_text(re.sub(r"\b(repro \w+) template\b", rf"\1 {name}", text), encoding="utf-8")
