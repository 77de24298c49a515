"""Read a config as text: replace the includes by their content, keep the place of each line, and compute a digest.

A run executes the flattened text, and its record stores it; the text needs no other file. The digest depends on the
values that the text sets (`repro.config.canonical`), not on comments or layout. This module imports neither gin nor the
parts; `repro.experiment.binding` does. `syntax` parses the lines, and `canonical` computes the canonical form.
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
from repro.errors import BadInput, not_utf8, where
from repro.files import regular

INCLUDES = 100
INCLUDE = re.compile(r"""^include\s+(['"])(?P<name>.+)\1\s*(#.*)?$""")
COPIED = re.compile(r"# a run of papers/(?P<paper>\w+)/")
IMPORT = re.compile(r"^import\s+(?P<module>[\w.]+)\s*(#.*)?$")


@dataclass(frozen=True)
class Line:
    """One line of a config, and its place: `configs/base.gin:12`."""

    text: str
    place: str


@dataclass(frozen=True)
class Config:
    """A config whose includes are replaced by their lines.

    `overrides` are the settings from the command line (`--set`). They are the last of the `lines` too.
    """

    path: Path
    folder: Path  # the paper's folder
    lines: tuple[Line, ...]
    overrides: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the file, without `.gin`."""
        return self.path.stem

    @property
    def paper(self) -> str:
        """The name of the paper."""
        return self.folder.name

    @property
    def committed(self) -> bool:
        """Whether the config is a file inside its paper's folder, read without `--set`. This does not ask git.

        Only records of such configs count for claims.
        """
        return not self.overrides and self.folder in self.path.resolve().parents

    @property
    def text(self) -> str:
        """The complete text, without includes. A record stores it."""
        return "".join(f"{line.text}\n" for line in self.lines)

    @cached_property
    def digest(self) -> str:
        """The sha256 of the canonical form: two configs that set the same values have the same digest."""
        return digest(self.text)

    @property
    def modules(self) -> list[tuple[str, str]]:
        """(module, place) of each import in the config."""
        hits = ((IMPORT.match(line.text), line.place) for line in self.lines)
        return [(hit["module"], place) for hit, place in hits if hit]

    def place(self, number: int) -> str:
        """Where line `number` (from 1) of the flattened text was written, for example `configs/base.gin:12`."""
        return self.lines[min(max(number, 1), len(self.lines)) - 1].place


def read(path: Path, overrides: tuple[str, ...] = ()) -> Config:
    """Read a `.gin` file of a paper, with its includes and the settings `overrides`.

    Raises BadInput if the file or an include does not exist, if it is not in a paper's folder, or if it is too large.
    """
    path = Path(path)
    for text in overrides:
        if len(text.splitlines()) > 1:
            raise BadInput("has more than one line", f"--set {text!r}", expected="one line")
        untrusted.refuse_unseen(text, "--set")
    if os.path.isdir(path):
        known = [
            str(found.relative_to(path)) for place in (".", "configs") for found in path.glob(f"{place}/[!.]*.gin")
        ]
        raise BadInput(f"{path} is a folder", expected="a .gin file", known=known)
    if regular.present(path):
        regular.check(path, regular.CONFIG)
    if not os.path.isfile(path):
        known = [str(other) for other in path.parent.glob("[!.]*.gin")] if os.path.isdir(path.parent) else []
        alike = [] if known else _same_name(path) or ["papers/PAPER/configs/NAME.gin"]
        if len(alike) == 1:
            raise BadInput(f"no config {path}", expected=alike[0])
        raise BadInput(f"no config {path}", given=str(path) if known else "", known=known or alike)
    above = (parent for parent in path.resolve().parents if regular.present(parent / "paper.toml"))
    folder = next(above, None) or _copied_from(path)
    if folder is None:
        raise BadInput(
            "this config is not in the folder of a paper", where(path), expected="a paper.toml in a folder above it"
        )
    lines = [*_flatten(path, (), itertools.count(1)), *(Line(text, f"--set {text!r}") for text in overrides)]
    if sum(len(line.text) + 1 for line in lines) > regular.CONFIG:
        raise BadInput(f"has more than {regular.CONFIG:,} characters with its includes", where(path))
    imports = [line for line in lines if IMPORT.match(line.text)]  # they come first, because gin requires it
    first = {line.text.split("#")[0].strip(): line for line in reversed(imports)}
    rest = [line for line in lines if not IMPORT.match(line.text)]
    return Config(path, folder, (*reversed(first.values()), *rest), overrides)


def _same_name(path: Path) -> list[str]:
    """The configs of papers that end as `path` does, as one would type them from here.

    `path` may have been typed as if in another folder, or the name of one of its folders is wrong.
    """
    found: dict[int, list[str]] = {}
    for folder in folders().values():
        for other in regular.files(folder / "configs", "*.gin", regular.CONFIG):
            pairs = zip(reversed(path.parts), reversed(other.resolve().parts), strict=False)
            alike = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
            found.setdefault(alike, []).append(os.path.relpath(other))
    found.pop(0, None)
    return found[max(found)] if found else []


def imported(text: str) -> list[str]:
    """The modules that the text of a config imports."""
    return [hit["module"] for hit in map(IMPORT.match, text.splitlines()) if hit]


def _copied_from(path: Path) -> Path | None:
    """The folder of the paper that the first line of a run's `config.gin` names, or None."""
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
    if there.parent != here.parent:  # checked first, so that the error tells nothing about that file
        raise BadInput(f"include '{name}' is in another folder", place, expected="the name of a file in this folder")
    if next(count) > INCLUDES:
        raise BadInput(f"more than {INCLUDES} files are included, directly or by other includes", place)
    if not os.path.isfile(target):
        known = [other.name for other in path.parent.glob("[!.]*.gin") if other != path]
        raise BadInput(f"include '{name}' not found in this folder", place, given=name, known=known)
    if there in (*above, here):
        raise BadInput(f"include '{name}' includes itself", place)
    return _flatten(target, (*above, here), count)


def _source(path: Path) -> str:
    regular.check(path, regular.CONFIG)
    try:
        text = path.read_bytes().decode("utf-8-sig")  # some editors write a byte order mark
        if untrusted.UNSEEN.search(text):
            untrusted.refuse_unseen_in(text, where(path))
        return text
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", where(path)) from None
    except UnicodeDecodeError as error:
        raise not_utf8(path, error) from None


@functools.lru_cache(maxsize=4096)
def digest(text: str) -> str:
    """The digest of a config's text. If the text is not valid gin, only comments and blanks are ignored."""
    try:
        form = f"canonical {canonical.canonical(text)}"
    except syntax.Unreadable:
        return _older(text)
    return hashlib.sha256(form.encode(errors="surrogatepass")).hexdigest()


@functools.lru_cache(maxsize=4096)
def _older(text: str) -> str:
    """The digest in older records: of the text without comments, blank lines and trailing blanks."""
    return hashlib.sha256(_bare(text).encode(errors="surrogatepass")).hexdigest()


def belongs(found: str, text: str) -> bool:
    """Whether `found` is the digest of `text`, by the current rule or by the older one."""
    return found == digest(text) or found == _older(text)


def same(found: str, text: str, other: str) -> bool:
    """Whether a file that stores the digest `found` and the config `text` was made from the config `other`."""
    return digest(text) == digest(other) and belongs(found, text)


def differences(one: Config, other: Config) -> list[tuple[str, str, str]]:
    """(name, value in `one`, value in `other`) of every different setting; "" if a config does not have the setting."""
    known = [*_statements(one.text), *_statements(other.text)]
    before, after = ({_full(row, known): row for row in _statements(each.text)} for each in (one, other))
    return [
        (name, before[name].written if name in before else "", after[name].written if name in after else "")
        for name in sorted({*before, *after})
        if not (name in before and name in after)
        or canonical.value(before[name].value) != canonical.value(after[name].value)
    ]


def _full(row: syntax.Statement, known: Iterable[syntax.Statement]) -> str:
    """The name of a setting, with the longer name of its part if exactly one longer name is in `known`.

    Example: `Adam.lr` becomes `torch.optim.Adam.lr`.
    """
    here = (row.scope, row.parameter)
    longer = {
        one.name for one in known if (one.scope, one.parameter) == here and one.selector.endswith(f".{row.selector}")
    }
    return longer.pop() if row.parameter and len(longer) == 1 else row.name


def values(text: str) -> dict[str, Any]:
    """The last value of each name in the text of a config; empty if the text is not valid gin."""
    return {row.name: row.value for row in _statements(text)}


def resolved(value: Any, known: dict[str, Any]) -> Any:
    """The value of a macro in `known`; `value` itself if it is not a macro."""
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
    """The text without comments. Python's tokenizer reads it, so a `#` in a string is not a comment."""
    kept: list[str] = []
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, IndentationError):
        return text  # not valid: the error comes later, when the config is bound
    for token in tokens:
        if token.type in (tokenize.COMMENT, tokenize.NL):
            continue
        kept.append("\n" if token.type == tokenize.NEWLINE else f"{token.string} ")
    return "".join(kept)
