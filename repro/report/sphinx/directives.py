"""The directives of the pages: they print claims, records and verdicts.

    ```{outcome} PAPER```    ```{claims}```    ```{claim} PAPER/abstract.sdr```

`roles` defines the roles for use within a sentence, and explains when a text must name its paper.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst.directives import unchanged_required
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from repro.claim.paper import Paper
from repro.errors import BadInput
from repro.record import Record
from repro.registry import REGISTRIES, Declared
from repro.report import (
    claims,
    entrants,
    figure,
    keys,
    leaderboard,
    metric_curve,
    page,
    parts,
    quote,
    repository,
    symptoms,
    tips,
    verdict_pictures,
)
from repro.report.entrants import Entrant
from repro.report.html.markup import Markup, inline, link, tag
from repro.report.page import Page
from repro.report.sections import AGING, SEARCHED, SECTIONS
from repro.report.sphinx import changes, search
from repro.report.sphinx.changes import note
from repro.report.sphinx.roles import here, named, raw, to_root

log = logging.getLogger(__name__)


def add_to(app: Sphinx) -> None:
    """Register the directives."""
    app.add_node(Quiet, html=(write_quiet, None))
    for name, directive in known().items():
        app.add_directive(name, directive)


def known() -> dict[str, type[Printed]]:
    """The directives by name."""
    others = {"keys": Keys, "parts": Parts, "tips": Tips, "claim": One, "verdict-picture": Picture}
    return {**dict.fromkeys(SECTIONS, Section), **others, "leaderboard": Board, "metric-curve": Curve}


def names(app: Sphinx) -> list[str]:
    """The names of this site's papers: all papers, unless `repro_papers` in conf.py selects some."""
    wanted = app.config.repro_papers
    chosen = wanted.split(",") if isinstance(wanted, str) else list(wanted)
    return sorted(chosen or changes.folders())


class Quiet(nodes.General, nodes.Element):
    """HTML that is not in the search index of the site: figures, digests, commands."""


def write_quiet(translator: Any, node: Quiet) -> None:
    """Write the HTML unchanged."""
    translator.body.append(node["html"])
    raise nodes.SkipNode


class Printed(SphinxDirective):
    """A directive that prints HTML made from records. Bad input becomes a warning and a visible line on the page."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        return list(self.guarded(self.made()))

    def guarded(self, made: Iterator[nodes.Node]) -> Iterator[nodes.Node]:
        """The nodes of `made`. If it raises BadInput, a warning and a visible line replace the rest."""
        try:
            yield from made
        except BadInput as error:
            note(self.env, changes.FAULT)
            log.warning("%s", error, location=self.get_location(), type="repro")
            yield raw(tag("p", str(error), class_="repro-fault"))

    def made(self) -> Iterator[nodes.Node]:
        raise NotImplementedError

    @property
    def root(self) -> str:
        return to_root(self.env.docname)

    def whose(self) -> str:
        """The name of the directive's paper: its argument. Without an argument: the paper in whose folder the text is.

        Raises BadInput if there is no argument and the text is in no paper's folder.
        """
        name = self.arguments[0] if self.arguments else here(self.get_source_info()[0], self.env.docname)
        if not name:
            raise BadInput(f"which paper? write ```{{{self.name}}} PAPER")
        note(self.env, f"paper {name}")
        return name

    def warn(self, shown: Page, found: Record) -> None:
        """Warn that a record is stale, in this build and in later ones."""
        note(self.env, changes.FAULT)
        place = f"papers/{shown.name}/records/{found.stem}.json"
        told = f"{place} is stale: {found.stale}"
        log.warning("%s", told, location=self.get_location(), type="repro")


class Section(Printed):
    """One section of a paper's page."""

    def made(self) -> Iterator[nodes.Node]:
        name = self.whose()
        note(self.env, *([f"history {name}"] if self.name == "people" else []))
        note(self.env, *(["parts"] if self.name in ("commands", "implementation") else []))
        shown = page.read(name, self.root, repository.Site(self.config.repro_repository, self.config.repro_home))
        note(self.env, *(["today"] if shown.trials and self.name in AGING else []))
        for found in (*shown.records, *shown.smoke) if self.name == "claims" else ():
            if found.stale:
                self.warn(shown, found)
        if self.name == "claims" and self.env.docname == f"papers/{name}":  # elsewhere they have no anchor
            search.note(self.env, [*search.claims(shown), *search.records(shown)])
        html = SECTIONS[self.name](shown)
        yield raw(html) if self.name in SEARCHED else Quiet("", html=str(html))


class Board(Printed):
    """The configs of one or several papers, ranked by one metric on one test set."""

    option_spec: ClassVar = dict.fromkeys(("configs", "metric", "test"), unchanged_required)

    def made(self) -> Iterator[nodes.Node]:
        shown, given = page.read(self.whose(), self.root), self.options
        configs = given.get("configs", "").split()
        field = entrants.gather(shown, configs, given.get("metric", ""), given.get("test", "test"))
        self.watch(field.entrants)
        yield Quiet("", html=str(leaderboard.leaderboard(field)))

    def watch(self, shown: Sequence[Entrant]) -> None:
        """Note the papers of these configs, and warn of their stale records; the paper's own page warns by itself."""
        note(self.env, *(f"paper {one.page.name}" for one in shown))
        for one in shown:
            for found in one.records:
                if found.stale and one.page.name != here("", self.env.docname):
                    self.warn(one.page, found)


class Curve(Board):
    """A metric of several configs over a number in its name, or in the name of the test set."""

    option_spec: ClassVar = dict.fromkeys(("configs", "metric", "test", "across", "upward", "zero"), unchanged_required)

    def made(self) -> Iterator[nodes.Node]:
        given = {"metric": "", "test": "test", **self.options}
        configs = given.pop("configs", "").split()
        curve = metric_curve.gather(page.read(self.whose(), self.root), configs, **given)
        self.watch([line.entrant for line in curve.lines])
        yield Quiet("", html=str(metric_curve.figure(curve)))


class One(Printed):
    """One claim: its row of the figure and its row of the table."""

    required_arguments = 1
    optional_arguments = 0

    def made(self) -> Iterator[nodes.Node]:
        shown, rest = named(self.arguments[0], self.get_source_info()[0], self.env, self.name, self.root)
        verdict = quote.verdict_of(shown, rest)
        if verdict.outcome == "stale":
            note(self.env, changes.FAULT)
            log.warning("claim '%s' is stale: %s", rest, verdict.why, location=self.get_location(), type="repro")
        yield Quiet("", html=str(figure.one(shown, verdict)))
        yield raw(claims.one(shown, verdict))


class Picture(Printed):
    """The badge and the picture of a verdict, for the guide."""

    required_arguments, optional_arguments, final_argument_whitespace = 1, 0, True

    def made(self) -> Iterator[nodes.Node]:
        yield Quiet("", html=str(verdict_pictures.shown(self.arguments[0])))


class Keys(Printed):
    """The keys of one table of `paper.toml` or `data.toml`."""

    required_arguments, optional_arguments = 1, 0

    def made(self) -> Iterator[nodes.Node]:
        note(self.env, "parts")
        yield raw(keys.keys(self.arguments[0]))


class Parts(Printed):
    """The parts of the given kind; without an argument, of all kinds with a heading each. Each part has an anchor."""

    def made(self) -> Iterator[nodes.Node]:
        shown = names(self.env.app)
        note(self.env, "papers", "parts", *(f"code {name}" for name in shown))
        papers = [page.read(name).paper for name in shown]
        if not self.arguments:
            yield filtered("part", "Find a part by its name or by words of its description")
            yield Quiet("", html=str(parts.index(shown)))
        for kind in self.arguments or REGISTRIES:
            entries = [self._entry(part, papers) for part in parts.of_kind(kind, shown)]
            found = entries or [raw(tag("p", f"No {kind} yet.", class_="repro-muted"))]
            yield from found if self.arguments else [_section(kind, [nodes.Text(kind.capitalize())], *found)]

    def _entry(self, part: Declared, papers: list[Paper]) -> nodes.Node:
        html = raw(parts.entry(part, papers, self.root))
        return _section(parts.anchor(part), [nodes.Text(part.name)], html, class_="repro-entry")


class Tips(Printed):
    """The tips of every paper, in groups of symptoms, after a list of all symptoms and a collapsible list by part.

    Each has its symptom as heading, an anchor, and a link to its paper.
    """

    def made(self) -> Iterator[nodes.Node]:
        shown, links = names(self.env.app), list[tuple[str, Markup]]()
        note(self.env, "papers", "parts", *(f"code {name}" for name in shown))
        told = [name for name in shown if (changes.folders()[name] / tips.FILE).is_file()]
        box = filtered("tip", "Find a tip by its symptom or by any of its words")
        yield box if told else raw(tag("p", "No paper has tips yet.", class_="repro-muted"))
        groups: dict[str, list[nodes.Node]] = {group: [] for group in (*tips.GROUPS, tips.OTHER)}
        listed: dict[str, list[Markup]] = {group: [] for group in groups}
        for name in told:
            yield from self.guarded(self._of(name, links, groups, listed))
        yield Quiet("", html=str(symptoms.index(listed)))
        yield raw(parts.fold_by_part(links, shown, self.root))
        yield from (_section(nodes.make_id(g), [nodes.Text(g)], *found) for g, found in groups.items() if found)

    def _of(
        self,
        name: str,
        links: list[tuple[str, Markup]],
        groups: dict[str, list[nodes.Node]],
        listed: dict[str, list[Markup]],
    ) -> Iterator[nodes.Node]:
        """Add a section per tip to its group. Its lines are included from the file, so that links refer to its paper.

        Yields nothing itself: an error in the file is shown where `guarded` yields it.
        """
        shown, path = page.read(name, self.root), changes.folders()[name] / tips.FILE
        target = os.path.relpath(path, Path(self.env.doc2path(self.env.docname)).parent).replace(os.sep, "/")
        origin = tag("p", link(shown.paper.title, f"{shown.address}#what-was-hard"), class_="repro-muted")
        for tip in tips.read(path):
            text = f"```{{include}} {target}\n:start-line: {tip.first}\n:end-line: {tip.last}\n```"
            anchor = f"{shown.name}.{nodes.make_id(tip.symptom)}"
            words = self._words(tip.symptom, path)
            links += [(part, link(inline(tip.symptom), f"#{anchor}")) for part in tip.parts]
            search.note(self.env, [(f"tip {anchor}", tip.symptom.replace("`", ""), "tip", anchor)])
            entry = _section(anchor, words, raw(origin), *self.parse_text_to_nodes(text), class_="repro-entry")
            groups[tip.group].append(entry)
            listed[tip.group].append(link(inline(tip.symptom), f"#{anchor}"))
        yield from ()

    def _words(self, text: str, path: Path) -> list[nodes.Node]:
        """Parse a line of the file `path` under the rules for that file."""
        document = self.state.document
        here, document["source"] = document["source"], str(path)
        try:
            return self.parse_inline(text)[0]
        finally:
            document["source"] = here


def filtered(noun: str, label: str) -> nodes.raw:
    """The place where `repro.js` adds a box that filters the entries. Without JavaScript, all entries are shown."""
    return raw(tag("div", class_="repro-filter", data_noun=noun, data_label=label))


def _section(name: str, title: list[nodes.Node], *children: nodes.Node, class_: str = "") -> nodes.section:
    return nodes.section("", nodes.title("", "", *title), *children, ids=[name], names=[name], classes=class_.split())
