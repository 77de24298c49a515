"""The article about a paper: the sections of `report.md`, and those that are generated from `paper.toml` and records.

The order is that of the ML Reproducibility Challenge: scope, results, methodology and discussion (from `report.md`),
computing time, and in an appendix what was difficult (from `tips.md`).
"""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from repro.export import directives, figures, nodes, tables
from repro.export.myst import Text, copied
from repro.export.nodes import Nodes
from repro.report import departures
from repro.report.html.words import day
from repro.report.outcome import transcribed
from repro.report.page import Page
from repro.report.tiers import TIERS

log = logging.getLogger("repro")


@dataclass(frozen=True)
class Article:
    """The parts of an article as blocks. `pictures` are its files in `figures/`."""

    title: str
    group: str
    date: str
    abstract: Nodes
    body: Nodes
    appendix: Nodes
    pictures: list[Path] = field(default_factory=list)


def make(page: Page, folder: Path, form: str) -> Article:
    """The article about a paper; its figures are written to `folder`/figures, as `form` (svg or pdf)."""
    home = folder / "figures"
    text, tips = Text(page, page.paper.folder / "report.md"), Text(page, page.paper.folder / "tips.md", level=2)
    drawn = {
        one: list(draw(page, home, form)) for one, draw in (("claims", figures.claims), ("curves", figures.curves))
    }
    shown = {one: [nodes.figure(f"figures/{path.name}", words) for path, words in drawn[one]] for one in drawn}
    body = [*_scope(page), *_results(page, shown), *text.blocks(), *_cost(page)]
    appendix = [nodes.heading(1, "What was difficult"), *tips.blocks()] if tips.path.is_file() else []
    pictures = [path for rows in drawn.values() for path, _ in rows]
    for path in dict.fromkeys([*text.pictures, *tips.pictures]):
        home.mkdir(parents=True, exist_ok=True)
        pictures.append(Path(shutil.copyfile(path, home / copied(page, path))))
    return Article(title(page), page.paper.group, day(page.newest), abstract(page), body, appendix, pictures)


def title(page: Page) -> str:
    """The title of the article."""
    return f"Reproducibility report: {page.paper.title}"


def abstract(page: Page) -> Nodes:
    """What the paper does and finds, and the outcome of its reproduction."""
    about = page.paper.abstract or page.paper.summary
    outcome = directives.outcome(page)
    made = [nodes.para(*nodes.text(" ".join(about.split())))] if about else []
    return [*made, nodes.para(nodes.strong(nodes.text("Outcome.")), {"t": "Space"}, *nodes.text(outcome))]


def _scope(page: Page) -> Nodes:
    """Which paper, which of its claims, and how closely its experiment was repeated."""
    many = len(transcribed(page.verdicts))
    code, words = TIERS[page.tier]
    full = f" for {len(page.full)} of {many} claims" if page.tier == 3 else ""
    departed = f", {departures.said(page.departures)}" if page.tier > 1 else ""
    said = f"We test {many} statements of the paper; the tables of the next section list them. "
    said += f"Evidence: {code}, {words}{full}{departed}."
    lead = [*nodes.text("This report is about: "), *directives.citation(page)]
    return [nodes.heading(1, "Scope of reproducibility"), nodes.para(*lead), nodes.para(*nodes.text(said))]


def _results(page: Page, shown: dict[str, Nodes]) -> Nodes:
    causes = tables.causes(page)
    return [
        nodes.heading(1, "Claims and verdicts"),
        tables.meanings(page.verdicts),
        *shown["claims"],
        *tables.claims(page, page.verdicts),
        *([nodes.heading(2, "Suspected causes"), *causes] if causes else []),
        *([nodes.heading(2, "Learning curves"), *shown["curves"]] if shown["curves"] else []),
    ]


def _cost(page: Page) -> Nodes:
    command = f"repro verdict {page.name}\nrepro launch {page.name}"
    said = "The first command computes the verdicts from the records again, the second one runs what they still need:"
    return [
        nodes.heading(1, "Computational requirements"),
        *tables.cost(page),
        nodes.para(*nodes.text(said)),
        nodes.block_of_code(command),
    ]
