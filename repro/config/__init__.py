"""A config as text: includes written out, each line knowing the file it came from, and a digest.

The flattened text is what a run executes, what a record keeps (it runs by itself) and what the digest is taken of.
The digest is of what the text binds (`repro.config.canonical`), not of how it is written. Nothing here imports gin or
the parts: `repro.experiment.binding` does.
"""

from __future__ import annotations

import functools
import hashlib
import io
import itertools
import os
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from repro import untrusted
from repro.claim.paper import folders
from repro.config import canonical, syntax
from repro.errors import BadInput, nearest, where
from repro.files import regular

INCLUDES = 100
INCLUDE = re.compile(r"""^include\s+(['"])(?P<name>.+)\1\s*(#.*)?$""")
COPIED = re.compile(r"# a run of papers/(?P<paper>\w+)/")
IMPORT = re.compile(r"^import\s+(?P<module>[\w.]+)\s*(#.*)?$")


@dataclass(frozen=True)
class Line:
    """One line of a config and where it stands."""

    text: str
    place: str


@dataclass(frozen=True)
class Config:
    """A config, flattened. `overrides` are the bindings given on the command line, already part of `lines`."""

    path: Path
    folder: Path  # the paper's folder
    lines: tuple[Line, ...]
    overrides: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def paper(self) -> str:
        return self.folder.name

    @property
    def committed(self) -> bool:
        """Whether this is a config of its paper as it stands there: only then may a claim rest on its record."""
        return not self.overrides and self.folder in self.path.resolve().parents

    @property
    def text(self) -> str:
        return "".join(f"{line.text}\n" for line in self.lines)

    @cached_property
    def digest(self) -> str:
        """sha256 of the canonical form of the text: two configs that bind the same values have one digest."""
        return digest(self.text)

    @property
    def modules(self) -> list[tuple[str, str]]:
        """The modules that the config imports, each with its place."""
        hits = ((IMPORT.match(line.text), line.place) for line in self.lines)
        return [(hit["module"], place) for hit, place in hits if hit]

    def place(self, number: int) -> str:
        """Where line `number` (from 1) of the flattened text stands: `configs/base.gin:12`."""
        return self.lines[min(max(number, 1), len(self.lines)) - 1].place


def read(path: Path, overrides: tuple[str, ...] = ()) -> Config:
    """Read a `.gin` file of a paper. Raises BadInput when it, its paper or an include is not where it must be."""
    path = Path(path)
    for text in overrides:
        if len(text.splitlines()) > 1:
            raise BadInput("expected one line", f"--set {text!r}")
        untrusted.refuse_unseen(text, "--set")
    if os.path.isdir(path):
        known = [
            str(found.relative_to(path)) for place in (".", "configs") for found in path.glob(f"{place}/[!.]*.gin")
        ]
        raise BadInput(f"{path} is a folder; expected a .gin file{nearest('', known)}")
    if regular.present(path):
        regular.check(path, regular.CONFIG)
    if not os.path.isfile(path):
        known = [str(other) for other in path.parent.glob("[!.]*.gin")] if os.path.isdir(path.parent) else []
        raise BadInput(f"no config {path}{nearest(str(path), known) or '; expected papers/PAPER/configs/NAME.gin'}")
    above = (parent for parent in path.resolve().parents if regular.present(parent / "paper.toml"))
    folder = next(above, None) or _copied_from(path)
    if folder is None:
        raise BadInput("this config lies in no paper: no folder above it has a paper.toml", where(path))
    lines = [*_flatten(path, (), itertools.count(1)), *(Line(text, f"--set {text!r}") for text in overrides)]
    if sum(len(line.text) + 1 for line in lines) > regular.CONFIG:
        raise BadInput(f"has more than {regular.CONFIG:,} letters with its includes", where(path))
    imports = [line for line in lines if IMPORT.match(line.text)]  # first, so that the text is valid gin
    first = {line.text.split("#")[0].strip(): line for line in reversed(imports)}
    rest = [line for line in lines if not IMPORT.match(line.text)]
    return Config(path, folder, (*reversed(first.values()), *rest), overrides)


def imported(text: str) -> list[str]:
    """The modules that the text of a config imports."""
    return [hit["module"] for hit in map(IMPORT.match, text.splitlines()) if hit]


def _copied_from(path: Path) -> Path | None:
    """The paper that a run's own `config.gin` names in its first line."""
    hit = COPIED.match(_source(path))
    return folders().get(hit["paper"]) if hit else None


def _flatten(path: Path, above: tuple[Path, ...], count: Iterator[int]) -> list[Line]:
    lines: list[Line] = []
    file = where(path)
    for number, text in enumerate(_source(path).splitlines(), 1):
        place = f"{file}:{number}"
        hit = INCLUDE.match(text)
        lines.extend(_included(path, hit["name"], place, above, count) if hit else [Line(text, place)])
    return lines


def _included(path: Path, name: str, place: str, above: tuple[Path, ...], count: Iterator[int]) -> list[Line]:
    target = path.parent / name
    here, there = path.resolve(), target.resolve()
    if there.parent != here.parent:  # said before it is looked at: a refusal tells nothing of it
        raise BadInput(f"include '{name}' leads elsewhere; expected the name of a file beside this one", place)
    if next(count) > INCLUDES:
        raise BadInput(f"more than {INCLUDES} files are included, one by way of another", place)
    if not os.path.isfile(target):
        known = [other.name for other in path.parent.glob("[!.]*.gin") if other != path]
        raise BadInput(f"include '{name}' not found beside this file{nearest(name, known)}", place)
    if there in (*above, here):
        raise BadInput(f"include '{name}' includes itself", place)
    return _flatten(target, (*above, here), count)


def _source(path: Path) -> str:
    regular.check(path, regular.CONFIG)
    try:
        text = path.read_bytes().decode("utf-8-sig")  # an editor may have put a byte order mark before it
        if untrusted.UNSEEN.search(text):
            untrusted.refuse_unseen_in(text, where(path))
        return text
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", where(path)) from None
    except UnicodeDecodeError as error:
        raise BadInput(f"not a text in UTF-8 ({error.reason} at byte {error.start})", where(path)) from None


@functools.lru_cache(maxsize=4096)
def digest(text: str) -> str:
    """The digest of a config's text; of the bare text if gin could not read it either."""
    try:
        form = f"canonical {canonical.canonical(text)}"
    except syntax.Unreadable:
        return _older(text)
    return hashlib.sha256(form.encode(errors="surrogatepass")).hexdigest()


@functools.lru_cache(maxsize=4096)
def _older(text: str) -> str:
    """The digest as records held it at first: of the text without comments, blank lines and trailing blanks."""
    return hashlib.sha256(_bare(text).encode(errors="surrogatepass")).hexdigest()


def belongs(found: str, text: str) -> bool:
    """Whether a digest is the digest of a text, by the present rule or by the older one."""
    return found == digest(text) or found == _older(text)


def same(found: str, text: str, other: str) -> bool:
    """Whether a file that holds a digest and the text of a config was made from the config whose text is `other`."""
    return digest(text) == digest(other) and belongs(found, text)


def differences(one: Config, other: Config) -> list[tuple[str, str, str]]:
    """(name, value in `one`, value in `other`) of every setting in which they differ; empty where a side has none."""
    known = [*_statements(one.text), *_statements(other.text)]
    before, after = ({_full(row, known): row for row in _statements(each.text)} for each in (one, other))
    return [
        (name, before[name].written if name in before else "", after[name].written if name in after else "")
        for name in sorted({*before, *after})
        if not (name in before and name in after)
        or canonical.value(before[name].value) != canonical.value(after[name].value)
    ]


def _full(row: syntax.Statement, known: Iterable[syntax.Statement]) -> str:
    """The name of a setting; with the longer name of its part, if just one statement of `known` has such a name."""
    here = (row.scope, row.parameter)
    longer = {
        one.name for one in known if (one.scope, one.parameter) == here and one.selector.endswith(f".{row.selector}")
    }
    return longer.pop() if row.parameter and len(longer) == 1 else row.name


def values(text: str) -> dict[str, Any]:
    """What each name is set to in the text of a config, the last time it is; nothing where gin could not read it."""
    return {row.name: row.value for row in _statements(text)}


def resolved(value: Any, known: dict[str, Any]) -> Any:
    """`value`, or what it stands for if it is a macro of `known`."""
    for _ in known:
        if not isinstance(value, syntax.Macro):
            break
        value = known.get(value.name)
    return value


def _statements(text: str) -> tuple[syntax.Statement, ...]:
    try:
        return syntax.read(text)[1]
    except syntax.Unreadable:
        return ()


def _bare(text: str) -> str:
    """The text without comments: a `#` in a string stays, so Python's own tokenizer reads it."""
    kept: list[str] = []
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, IndentationError):
        return text  # not well formed: binding it will say so; the digest is of the raw text
    for token in tokens:
        if token.type in (tokenize.COMMENT, tokenize.NL):
            continue
        kept.append("\n" if token.type == tokenize.NEWLINE else f"{token.string} ")
    return "".join(kept)
