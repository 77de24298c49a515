"""Check that no words of a template are left in a paper: they are placeholders until its group replaces them.

The templates themselves are read, papers/template and the folders of papers/kinds. So there is no list of placeholders
that could go out of date.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from repro import HOME
from repro.claim import paper, paper_toml
from repro.claim.paper import Paper
from repro.errors import BadInput, where
from repro.files import regular
from repro.files.toml_lines import blocks
from repro.report import prose
from repro.testing.consistency import PLACE, Records

GROUP = "your group"
"""The group of a new paper, until its `paper.toml` names another."""
PAPERS = HOME.parent / "papers"
PAGES = ("report.md", "tips.md")
ALIKE = ("base.gin", "smoke.gin")  # their headers may be the same in every paper
CODE = re.compile(r"(?:\{[\w-]+\})?(`+)[^`]+?\1")  # also a role; `repro new` renames the parts and paths in it
END = re.compile(r"\n\s*\n|\n(?=\s*[-*|])|(?<=[.!?:])\s+")
CUT = "..."  # in place of code
FEWEST = 2  # words of a sentence that is compared
FEWEST_WITH_CODE = 5


@dataclass(frozen=True)
class Text:
    """What a group writes in one place: a value of paper.toml, a section, a tip, the header of a config, or a line of
    code that names a place of the paper.
    """

    place: str
    sentences: tuple[str, ...]
    expected: str = "words about your paper"


def left(one: Paper, records: Records) -> Iterator[BadInput]:
    """As soon as a paper has a record, no sentence in it is one of a template. A paper of kind `template` is one."""
    if one.kind == "template" or not any(True for _ in records):
        return
    known, told = _templates(), set[tuple[str, ...]]()
    for text in texts(one):
        found = ((sentence, _words(sentence)) for sentence in text.sentences)
        sentence, key = next(((sentence, key) for sentence, key in found if key in known), ("", ()))
        if sentence and key not in told:
            told.add(key)
            what = f"'{' '.join(sentence.split()):.60}' is still the text of {known[key]}"
            yield BadInput(what, text.place, expected=text.expected)


@functools.cache
def _templates() -> dict[tuple[str, ...], str]:
    """Where each sentence of a template is from, by its words."""
    found = dict[tuple[str, ...], str]()
    for folder in (PAPERS / "template", *sorted(PAPERS.glob("kinds/*"))):
        if regular.present(folder / "paper.toml"):
            one = replace(paper.read(folder), group=GROUP)  # as in a new paper
            for text in texts(one):
                found |= dict.fromkeys(map(_words, text.sentences), f"papers/{folder.relative_to(PAPERS).as_posix()}")
    found.pop((), None)
    return found


def _words(sentence: str) -> tuple[str, ...]:
    """The words of a sentence, without code; empty if they are too few to say where they are from."""
    words = tuple(re.findall(r"\w+", sentence.lower()))
    return words if len(words) >= (FEWEST_WITH_CODE if CUT in sentence else FEWEST) else ()


def _sentences(text: str) -> tuple[str, ...]:
    return tuple(END.split(CODE.sub(CUT, text)))


def texts(one: Paper) -> Iterator[Text]:
    """What the group of a paper writes, in the order of the files."""
    yield from _citation(one)
    file = f"{where(one.folder)}/paper.toml"
    for claim in one.claims:  # a place such as `Section 2` is a placeholder only for the template's own claim
        yield Text(f"{file}:{claim.line}", (claim.says, claim.because, f"{claim.id}: {claim.where}"))
    yield from (Text(f"{file}:{cause.line}", (cause.says,)) for cause in one.causes)
    for path in (one.folder / name for name in PAGES):
        yield from _sections(path) if regular.present(path) else ()
    for path in (path for path in one.configs if path.name not in ALIKE):
        header = itertools.takewhile(lambda line: line.startswith("#"), prose.read(path))
        yield Text(f"{where(path)}:1", (" ".join(line for line in header if " repro " not in line),))
    yield from (text for path in sorted(one.folder.glob("*.py")) for text in _places(path))


def _places(path: Path) -> Iterator[Text]:
    """Each line of a module that names a section or an equation: the page shows these as places of the paper."""
    for number, line in enumerate(prose.read(path), 1):
        if PLACE.search(line) and len(re.findall(r"\w+", line)) >= FEWEST_WITH_CODE:
            yield Text(f"{where(path)}:{number}", (line,), "where your paper says it; or delete the part")


def _citation(one: Paper) -> Iterator[Text]:
    path = one.folder / "paper.toml"
    (at, *_) = blocks(paper_toml.load(path)[0], where(path))["paper"]
    yield Text(at.place("title"), (one.title,))
    yield Text(at.place("authors"), tuple(one.authors))
    yield Text(at.place("group"), (one.group,))
    for key in ("outcome", "summary", "abstract"):
        yield Text(at.place(key), _sentences(getattr(one, key)))


def _sections(path: Path) -> Iterator[Text]:
    """Each section with a heading. The heading of a tip is its symptom, which is the group's too."""
    lines = prose.read(path)
    section, first = list[str](), 1
    for number, (line, plain) in enumerate(zip(lines, prose.told(lines), strict=True), 1):
        if plain and prose.HEADING.match(line):
            yield Text(f"{where(path)}:{first}", _sentences("\n".join(section)))
            section, first = [f"{line}\n\n"] if path.name == "tips.md" else [], number
        elif plain:
            section.append(line)
    yield Text(f"{where(path)}:{first}", _sentences("\n".join(section)))
