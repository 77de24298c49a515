"""The features of a study of reproducibility (Raff 2019), compared with the outcomes of the papers of this site."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import get_args

from repro.claim import Features, paper_toml
from repro.claim.table import slug
from repro.errors import BadInput, nearest
from repro.report.html.markup import Markup, entry, join, link, tag, worded
from repro.report.html.words import percent
from repro.report.outcome import bar, said
from repro.report.page import Page

HEADS = ("Feature", "Level", "Reproduced in the study", "Papers of this site, with the outcomes of their claims")


@dataclass(frozen=True)
class Study:
    """The page of the study, and for each feature the id of its table there.

    The rows of such a table are the levels of the feature; its columns are "No" and "Yes" (reproduced).
    """

    page: Page
    tables: Mapping[str, str]

    def rate(self, feature: str, level: str) -> Markup:
        """How many papers of this level the study reproduced, as counted by our records."""
        table = self.tables.get(feature)
        counts = [self._count(f"{table}.{slug(level)}.{column}") for column in ("yes", "no")] if table else []
        if not counts or None in counts:
            return join(["–"])
        yes, no = (round(count) for count in counts if count is not None)
        where = self.page.place(self.page.paper.claim(f"{table}.{slug(level)}.yes"))
        return link(f"{yes} of {yes + no} ({percent(yes, yes + no)})", where)

    def _count(self, claim: str) -> float | None:
        found = [verdict for verdict in self.page.verdicts if verdict.claim.id == claim]
        return found[0].judged.interval.mean if found and found[0].judged else None


def study(page: Page, lines: Iterable[str]) -> Study:
    """Read `feature: table` from each line. Raises BadInput for an unknown feature or table."""
    tables = dict(line.replace(" ", "").split(":", 1) for line in lines if ":" in line)
    known = {"feature": set(paper_toml.keys(Features)), "table": {claim.table for claim in page.paper.claims}}
    for kind, names in (("feature", tables), ("table", tables.values())):
        for name in names:
            if name not in known[kind]:
                raise BadInput(f"no {kind} '{name}'{nearest(name, known[kind])}")
    return Study(page, tables)


def features(pages: Iterable[Page], there: Study) -> Markup:
    """A row per level of each feature, with the papers that have this level and the outcomes of their claims."""
    scored = [page for page in pages if page.paper.features is not None]
    rows = [row for name in paper_toml.keys(Features) for row in _rows(name, scored, there)]
    if not rows:
        return tag("p", "No paper has been scored yet.", class_="repro-muted")
    table = worded("repro-features", HEADS, rows, label="Features of the papers and their outcomes")
    silent = any(">–<" in row for row in rows)
    return join([table, tag("p", "–: the study has no count.", class_="repro-muted") if silent else ""])


def _rows(name: str, pages: list[Page], there: Study) -> list[Markup]:
    """The rows of one feature. The levels are in the order of its scale, if it has one."""
    by_level: dict[str, list[Page]] = {}
    for page in pages:
        if level := _level(page, name):
            by_level.setdefault(level, []).append(page)
    scale = [str(level) for level in get_args(paper_toml.keys(Features)[name])]
    levels = sorted(by_level, key=lambda level: (scale.index(level) if level in scale else len(scale), level))
    title = name.replace("_", " ").capitalize()
    return [
        entry(title, HEADS, (level, there.rate(name, level), join(map(_outcome, by_level[level])))) for level in levels
    ]


def _level(page: Page, name: str) -> str:
    value = getattr(page.paper.features, name)
    return f"{value:g}" if isinstance(value, float | int) else value or ""


def _outcome(page: Page) -> Markup:
    """One paper with its own bar, so that a paper with many claims does not outweigh the others."""
    name = link(page.name, page.address, title=page.paper.title)
    return tag("div", name, bar(page.verdicts), tag("span", said(page.verdicts), class_="repro-muted"))
