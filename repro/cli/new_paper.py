"""`repro new NAME`: copy papers/template to a new paper, which runs at once."""

from __future__ import annotations

import keyword
import re
import shutil
from pathlib import Path

from repro import registry
from repro.claim import paper
from repro.errors import BadInput, where
from repro.files import disk

TEXTS = (".py", ".gin", ".toml", ".md")


def new(name: str) -> str:
    """Copy papers/template to papers/`name` in the working directory; returns what to do next.

    Modules and parts are renamed (`papers.name`, `NameLine`), because two papers must not register the same name.
    Records and verdicts are not copied. Raises BadInput if the name is not valid or is taken, or if there is no folder
    papers/ in the working directory.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise BadInput(
            f"'{name}' cannot be the name of a paper",
            expected="a name such as my_paper: lower-case letters, digits and _, first a letter, and no Python keyword",
        )
    known = paper.folders()
    target = Path("papers") / name
    if name in known or target.exists():
        raise BadInput(f"there is already a paper '{name}' in {where(known.get(name, target))}")
    if twin := next((other for other in known if _prefix(other) == _prefix(name)), ""):
        raise BadInput(
            f"the parts of '{name}' would have the same names as those of '{twin}': {_prefix(name)}...",
            expected="another name",
        )
    if not target.parent.is_dir():
        raise BadInput("no folder papers/ here", expected="the root of the project as the working directory")
    disk.refuse_unwritable(target, "records/dependency_checks")  # the longest name
    shutil.copytree(known["template"], target, ignore=shutil.ignore_patterns(paper.WRITTEN, "__pycache__", ".*"))
    (target / "records").mkdir()
    _rename(target, name)
    first = f"git add {target} && git commit -m '{name}'"  # a record of code that is not committed is stale
    return f"{target}/paper.toml\n  next: {first}; repro todo {name} | sh && repro verdict {name}; then edit it"


def _prefix(name: str) -> str:
    """The prefix of the names of the copied parts."""
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
