"""The catalogue of parts: parameters, source and users of each part. It reads source text and imports nothing."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from repro import registry
from repro.claim.paper import Paper
from repro.registry import Declared
from repro.report import source
from repro.report.html import files
from repro.report.html.markup import Markup, fold, inline, join, link, markdown, tag
from repro.report.source import Method, Parameter

LONG = 72  # characters: a longer signature has a line per parameter


@dataclass(frozen=True)
class Use:
    """A line of a config that builds a part."""

    paper: str
    config: str
    line: int


@functools.cache
def every() -> list[Declared]:
    """Every part of `repro` and of all papers. Cached, because each page needs them."""
    return registry.every()


def forget() -> None:
    """Empty the caches: the files may have changed."""
    every.cache_clear()
    _mentions.cache_clear()


def of_kind(kind: str, papers: Sequence[str]) -> list[Declared]:
    """The parts of one kind in `repro` and in `papers`. `kind` is a registry, for example `losses`."""
    homes = ("repro.", *(f"papers.{name}." for name in papers))
    return [part for part in every() if part.kind == kind and part.module.startswith(homes)]


def entry(part: Declared, papers: list[Paper], root: str) -> Markup:
    """The entry of a part: the first paragraph of its docstring; in a fold signature, docstring, methods and facts.

    `root` is the relative address of the site's root.
    """
    told = source.read(part)
    facts = [
        ("In a config", _in_a_config(part)),
        ("Source", link(f"{part.module}, line {part.line}", address(part, root))),
        ("Dimensions", inline(told.letters.removeprefix("Letters: "))),
        ("Used by", _users(part, papers, root)),
    ]
    rows = [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts if value]
    first, _, rest = told.doc.partition("\n\n")
    about = [tag("div", markdown(rest), class_="repro-doc")] if rest.strip() else []
    more = fold(
        "Parameters, use in a config, source",
        _signature(part.name, told.parameters, root),
        *about,
        *(_method(method) for method in told.methods),
        tag("dl", *rows, class_="repro-pairs"),
    )
    return join([tag("div", markdown(first), class_="repro-doc"), more])


def index(papers: Sequence[str]) -> Markup:
    """A row for each kind of part: links to those of `repro`, then to those of each paper."""
    rows = []
    for kind in registry.REGISTRIES:
        homes: dict[str, list[Markup]] = {}
        for part in of_kind(kind, papers):
            home = "" if part.module.startswith("repro.") else part.module.split(".")[1]
            homes.setdefault(home, []).append(link(part.name, f"#{anchor(part)}"))
        lines = [_line(home, links) for home, links in sorted(homes.items())]
        rows.append(tag("div", tag("dt", link(kind.capitalize(), f"#{kind}")), tag("dd", *lines)))
    return tag("dl", *rows, class_="repro-pairs repro-index")


def _line(home: str, links: list[Markup]) -> Markup:
    """The links to the parts of `repro` ("") or of one paper."""
    name = [tag("span", f"{home}:", class_="repro-muted")] if home else []
    return tag("span", join([*name, *links], " "), class_="line")


def fold_by_part(found: Sequence[tuple[str, Markup]], papers: Sequence[str], root: str) -> Markup:
    """A fold with a row for each part: its name, and the links about it. Empty if there are none.

    `found`: pairs of a part's name in a config and a link. Names of parts that are not on the site are left out.
    """
    known = {anchor(part) for kind in registry.REGISTRIES for part in of_kind(kind, papers)}
    rows = [
        tag(
            "div",
            tag("dt", link(name, f"{root}parts.html#{name}")),
            tag("dd", join((about for named, about in found if named == name), "; ")),
        )
        for name in sorted(known & {named for named, _ in found})
    ]
    return fold("By part", tag("dl", *rows, class_="repro-pairs")) if rows else Markup("")


def anchor(part: Declared) -> str:
    """The id of a part's entry, which is also its name in a config: `losses.MeanSquare`."""
    return f"{part.kind}.{part.name}"


def address(part: Declared, root: str) -> str:
    """The address of the part's first line in the source listing."""
    stem = part.module.replace(".", "/")
    path = stem if Path(part.path).name != "__init__.py" else f"{stem}/__init__"
    return f"{files.shown(f'{root}files/{path}.py')}#L{part.line}"


def uses(part: Declared, one: Paper) -> Iterator[Use]:
    """The lines of the paper's configs that build the part."""
    mention = re.compile(rf"@(?:[\w.-]+/)*(?:{part.kind}\.)?{part.name}\b")
    for name, number, line in _mentions(one.folder):
        if part.name in line and mention.search(line):
            yield Use(one.name, name, number)


@functools.cache
def _mentions(folder: Path) -> list[tuple[str, int, str]]:
    """(file name, line number, line) of the lines in the paper's configs that build a part."""
    paths = sorted(folder.glob("configs/[!.]*.gin"))
    lines = ((path.name, path.read_text(encoding="utf-8-sig", errors="replace").splitlines()) for path in paths)
    split = ((name, number, line.partition("#")[0]) for name, rows in lines for number, line in enumerate(rows, 1))
    return [row for row in split if "@" in row[2]]


def config_links(found: list[Use], root: str) -> Markup:
    """The names of the configs that use a part. Each links to the first line that names the part."""
    first = {use.config: use for use in reversed(found)}
    return join(
        (
            link(name, f"{files.shown(f'{root}files/papers/{use.paper}/configs/{name}')}#L{use.line}")
            for name, use in sorted(first.items())
        ),
        ", ",
    )


def _users(part: Declared, papers: list[Paper], root: str) -> Markup:
    lines = []
    for one in papers:
        if found := list(uses(part, one)):
            name = link(one.title, f"{root}papers/{one.name}.html")
            lines.append(tag("span", name, ": ", config_links(found, root), class_="line"))
    return join(lines) or Markup("no config of a paper")


def _in_a_config(part: Declared) -> Markup:
    return join([tag("code", f"import {part.module}"), tag("code", f"@{anchor(part)}()")], " and then ")


def _signature(name: str, parameters: list[Parameter], root: str) -> Markup:
    shown = [_parameter(parameter, root) for parameter in parameters]
    between, around = (", ", "") if len(join(shown, ", ").striptags()) + len(name) < LONG else (",\n    ", "\n")
    indent = "    " if around else ""
    end = f",{around}" if around else ""
    return tag(
        "pre",
        tag("code", tag("strong", name), "(", around, indent, join(shown, between), end, ")"),
        class_="repro-signature",
    )


def _parameter(parameter: Parameter, root: str) -> Markup:
    """`name: type = default`. If the parameter takes a part, its kind links to the parts of that kind."""
    kind = link(f"@{parameter.kind}", f"{root}parts.html#{parameter.kind}") if parameter.kind else ""
    told = join([piece for piece in (parameter.type, kind) if piece], " of ")
    value = tag("span", " = ", tag("span", parameter.default, class_="s")) if parameter.default else ""
    return join([parameter.name, tag("span", ": ", told, class_="type") if told else "", value])


def _method(method: Method) -> Markup:
    return tag(
        "div",
        tag("pre", tag("code", tag("strong", method.name), method.signature), class_="repro-signature"),
        tag("div", markdown(method.doc), class_="repro-doc"),
        class_="repro-method",
    )
