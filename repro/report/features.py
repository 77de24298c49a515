"""The features of a study of reproducibility (Raff 2019), next to the outcomes of the papers of this site."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from repro.claim import Features, paper_toml
from repro.claim.table import slug
from repro.errors import BadInput, nearest
from repro.report import needed
from repro.report.html.markup import Markup, entry, join, link, tag, worded
from repro.report.html.words import percent
from repro.report.outcome import bar, said
from repro.report.page import Page


@dataclass(frozen=True)
class Study:
    """The page of the study, and for each feature the id of its table there.

    The rows of such a table are the levels of the feature; its columns are "No" and "Yes" (reproduced).
    """

    page: Page
    tables: Mapping[str, str]

    def rate(self, feature: str, level: str) -> Markup | None:
        """How many papers of this level the study reproduced, as counted by our records. None if it has no count."""
        table = self.tables.get(feature)
        counts = [self._count(f"{table}.{slug(level)}.{column}") for column in ("yes", "no")] if table else []
        if not counts or None in counts:
            return None
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


HEADS = ("Paper", "Claims", "Feature, our level, how many reproduced")


def features(pages: Iterable[Page], there: Study) -> Markup:
    """A row per scored paper: the verdicts on its claims, and its level of each feature.

    Each level says how many papers of this level the study reproduced.
    """
    scored = [page for page in pages if page.paper.features is not None]
    rows = [entry(_name(page), HEADS, (_outcome(page), _levels(page, there))) for page in scored if _scored(page)]
    if not rows:
        return tag("p", "No paper has been scored yet.", class_="repro-muted")
    return worded("repro-features", HEADS, rows, label="Features of the papers")


def _levels(page: Page, there: Study) -> Markup:
    """The level of each feature that has one, and below it how many papers of that level the study reproduced."""
    pairs = []
    for name in _scored(page):
        level = _level(page, name)
        rate = there.rate(name, level)
        below = [tag("span", rate, class_="line repro-muted")] if rate else []
        title = name.replace("_", " ").capitalize()
        pairs.append(tag("div", tag("dt", title), tag("dd", join([level, *below], " "))))
    return tag("dl", *pairs, class_="repro-levels")


def _scored(page: Page) -> list[str]:
    """The features for which the group has chosen a level."""
    return [name for name in paper_toml.keys(Features) if _level(page, name)]


def _level(page: Page, name: str) -> str:
    """The level that the group has chosen; "" if it has not, or if the feature does not apply (`N/A`)."""
    value = getattr(page.paper.features, name)
    return f"{value:g}" if isinstance(value, float | int) else (value or "").replace("N/A", "")


def _name(page: Page) -> Markup:
    """The name of a paper. A line may break after an underscore, and only there."""
    pieces = [f"{piece}_" for piece in page.name.split("_")]
    name = join([*pieces[:-1], pieces[-1].removesuffix("_")], tag("wbr"))
    return link(name, page.address, title=page.paper.title)


def _outcome(page: Page) -> Markup:
    needs = needed.chips(page)
    return join([bar(page.verdicts, needs), tag("span", said(page.verdicts, needs), class_="line repro-muted")])
