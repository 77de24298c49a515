"""`repro new NAME`: copy a template to a new paper, which runs at once.

papers/template is copied, or a folder of papers/kinds for another kind of paper or for data of the catalogue.
"""

from __future__ import annotations

import json
import keyword
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from repro import HOME, registry
from repro.claim import paper
from repro.data import catalogue
from repro.data.catalogue import DataSet
from repro.errors import BadInput, where
from repro.files import disk
from repro.testing import placeholders

TEXTS = (".py", ".gin", ".toml", ".md")
PAPERS = HOME.parent / "papers"
SUMMARY = re.compile(r'\n(?:summary|abstract) = (?:"""(?s:.*?)"""|".*")')
SHOWN = {"training": "mnist", "benchmark": "mnist", "text": "imdb", "sound": "fsdd"}
"""The folders of papers/kinds that train, and the data set that the files of each name."""
FITTING = {  # the templates of a kind by the module that reads the data: images of 28 x 28 pixels, texts, recordings
    "training": {"idx": "training", "imdb": "text", "fsdd": "sound", "librispeech": "sound"},
    "benchmark": {"idx": "benchmark"},
}
Change = tuple[str, str | Callable[[re.Match[str]], str]]
"""A pattern, and what replaces it."""


def new(name: str, kind: str = "training", on: str = "", facts: dict[str, Any] | None = None) -> str:
    """Copy the template of this kind to papers/`name` in the working directory; returns what to do next.

    Modules and parts are renamed (`papers.name`, `NameLine`), because two papers must not register the same name.
    Records and verdicts are not copied. `on`: a data set of the catalogue, on which the copy trains. `facts`: keys of
    `[paper]` and their values. The folder appears complete or not at all.

    Raises BadInput if the name is not valid or is taken, if there is no template for the kind and the data, if there
    is no folder papers/ in the working directory, or if it cannot be written.
    """
    refuse_name(name)
    source, data = template(kind, on)
    target = Path("papers") / name
    if not target.parent.is_dir():
        raise BadInput("no folder papers/ here", expected="the root of the project as the working directory")
    with complete(target) as folder:
        fill(folder, name, source, data, facts or {})
    first = f"git add {target} && git commit -m '{name}'"  # a record of code that is not committed is stale
    return f"{target}/paper.toml\n  next: {first}; repro todo {name} | sh && repro verdict {name}; then edit it"


FREE = "another name; or remove it, if nothing in it is needed"
RESERVED = ("tests",)  # `papers.NAME.tests` are the tests of a paper, so no import leads to this name


def refuse_name(name: str) -> None:
    """Raise BadInput if a new paper cannot have this name."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in RESERVED or keyword.iskeyword(name):
        raise BadInput(
            f"'{name}' cannot be the name of a paper",
            expected="a name such as my_paper: lower-case letters, digits and _; no Python keyword, not 'tests'",
        )
    known = paper.folders()
    target = Path("papers") / name
    if name in known:
        raise BadInput(f"there is already a paper '{name}' in {where(known[name])}")
    if name == "kinds" or os.path.lexists(target):
        raise BadInput(
            f"there is already something called '{name}', which is not a paper", where(target), expected=FREE
        )
    if twin := next((other for other in known if _prefix(other) == _prefix(name)), ""):
        raise BadInput(
            f"the parts of '{name}' would have the same names as those of '{twin}': {_prefix(name)}...",
            expected="another name",
        )


def template(kind: str, on: str) -> tuple[Path, DataSet | None]:
    """The folder to copy, and the data set of the copy. Raises BadInput if a kind cannot use a data set."""
    if kind == "statistics":
        if on:
            raise BadInput("--on cannot be used with --kind statistics, which trains nothing")
        return PAPERS / "kinds" / kind, None
    if kind == "training" and not on:
        return PAPERS / "template", None
    found = catalogue.find(on or SHOWN[kind])
    if folder := _folder(kind, found):
        return PAPERS / "kinds" / folder, found
    fitting = [name for name, one in catalogue.every().items() if _folder(kind, one)]
    expected = f"{', '.join(fitting)}; or start without --on and name {found.reader.partition(':')[2]} in base.gin"
    raise BadInput(f"no template of the kind '{kind}' uses the data set '{on}'", expected=expected)


def _folder(kind: str, data: DataSet) -> str:
    """The folder of papers/kinds that can use a data set; empty if none can."""
    module = data.reader.partition(":")[0].removeprefix("repro.datasets.")
    return FITTING[kind].get(module, "") if {"train", "test"} <= set(data.variants) else ""


@contextmanager
def complete(target: Path) -> Iterator[Path]:
    """A temporary folder, which becomes `target` at the end. It is deleted if an error occurs before."""
    disk.refuse_unwritable(target, "records/dependency_checks")  # the longest name
    folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp"))
    try:
        with disk.full(target):
            yield folder
        folder.chmod(0o755)
        folder.rename(target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def fill(folder: Path, name: str, source: Path, data: DataSet | None, facts: dict[str, Any]) -> None:
    """Copy the template `source` into `folder`, for the paper `name`."""
    ignored = shutil.ignore_patterns(paper.WRITTEN, "__pycache__", ".*")
    shutil.copytree(source, folder, ignore=ignored, dirs_exist_ok=True)  # it also makes the folders above
    (folder / "records").mkdir()
    _rename(folder, name, source, data)
    _cite(
        folder / "paper.toml", {"group": placeholders.GROUP, "kind": "paper", "text_read": "", "tuned_on": "", **facts}
    )


def _prefix(name: str) -> str:
    """The prefix of the names of the copied parts."""
    return "".join(word.capitalize() for word in name.split("_"))


def _rename(folder: Path, name: str, source: Path, data: DataSet | None) -> None:
    """Give the copied modules and parts the names of their new paper, and name its data set."""
    parts = [part.name for part in registry.declared(folder, f"papers.{name}")]
    place = "[./]".join(source.relative_to(PAPERS).parts)
    changes: list[Change] = [
        (rf"\brepro run papers/{place}/configs/(\w+)\.gin\b", rf"repro run {name}/\1"),
        (rf"\b({'|'.join(parts)})\b", rf"{_prefix(name)}\1"),
        (rf"\b(papers[./]){place}\b", rf"\g<1>{name}"),
        (rf"\b(repro \w+) {source.name}\b", rf"\1 {name}"),
    ]
    if data:
        changes += _of_data(catalogue.find(SHOWN[source.name]), data)
    for path in folder.rglob("*"):
        if path.suffix in TEXTS:
            text = path.read_text(encoding="utf-8")
            for old, now in changes:
                text = re.sub(old, now, text)
            path.write_text(text, encoding="utf-8")


def _of_data(shown: DataSet, data: DataSet) -> list[Change]:
    """The changes that replace the data set of a template: its variants, its reader with the arguments, its name."""
    (module, _, old), (now_module, _, now) = shown.reader.partition(":"), data.reader.partition(":")

    def bound(hit: re.Match[str]) -> str:
        return "\n".join(f"{hit[1]}{old}.{key} = {value!r}" for key, value in data.variants[hit[2]].arguments.items())

    def called(hit: re.Match[str]) -> str:
        arguments = data.variants[hit[1]].arguments
        rest = {key: value for key, value in arguments.items() if key != "split"}
        words = [f"{key}={json.dumps(value)}" for key, value in (rest and arguments).items()]
        return f"{old}({', '.join(words)})" if words else hit[0]

    return [
        (rf"(?m)^(.*\bdatasets\.){old}\.split = '(\w+)'$", bound),
        (rf'\b{old}\("(\w+)"\)', called),
        *((rf"\b{module.replace('.', '[.]')}\b", now_module), (rf"\b{old}\b", now)),
        (rf"\b{shown.name}/", f"{data.name}/"),
    ]


def _cite(path: Path, facts: dict[str, Any]) -> None:
    """Write the keys of `[paper]`. Other keys keep their values, but a new title removes the old title's summary."""
    head, claims, rest = path.read_text(encoding="utf-8").partition("\n\n")
    head = SUMMARY.sub("", head) if "title" in facts else head
    lines = head.split("\n")
    for key, value in facts.items():
        line = f"{key} = {json.dumps(value, ensure_ascii=False)}"  # text, numbers and lists are the same in TOML
        at = next((i for i, old in enumerate(lines) if old.startswith(f"{key} = ")), len(lines))
        lines[at : at + 1] = [line]
    path.write_text("\n".join(lines) + claims + rest, encoding="utf-8")
