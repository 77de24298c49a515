"""The answer of a page: what came out in two sentences, what this depends on, and the headline claims."""

from __future__ import annotations

from pathlib import Path

from repro.report import basis, chosen, effort, evidence, quote, sentence, tiers
from repro.report.figure import theirs
from repro.report.html.markup import Markup, command, entry, join, link, tag, unbroken, worded
from repro.report.html.words import count
from repro.report.outcome import badge_of
from repro.report.page import Page
from repro.verdict import Verdict

NARROW = "our interval is wider than the accepted range"
"""Below a verdict that no mean could have passed with these seeds."""


def answer(page: Page) -> Markup:
    """The outcome in bold."""
    said = page.paper.outcome
    return tag("p", tag("strong", sentence.html(page, said)), class_="repro-answer") if said else Markup("")


def basis_of(page: Page) -> Markup:
    """What the outcome depends on, and what all runs together cost."""
    told = [("Tier", tiers.tier(page)), *basis.rows(page), ("All runs", effort.cost(page))]
    rows = [tag("div", tag("dt", name), " ", tag("dd", value)) for name, value in told]
    title = tag("p", "What this depends on", class_="repro-basis-title")
    return join([title, tag("dl", join(rows, " "), class_="repro-facts repro-basis")])


def headlines(page: Page) -> Markup:
    """The table of the headline claims; empty without any."""
    found = [quote.verdict_of(page, claim.id) for claim in chosen.headlines(page.paper)]
    rows = [row for one in found for row in _rows(page, one)]
    return worded("repro-headlines", heads(page), rows, label="Headline claims") if rows else Markup("")


def heads(page: Page) -> tuple[str, ...]:
    """The names of the columns."""
    return "Headline claim", evidence.source(page), "Ours, 95 % interval", "Verdict"


def _rows(page: Page, verdict: Verdict) -> list[Markup]:
    """The claim with its numbers; below it, across all columns, the command that makes them."""
    says = link(verdict.claim.says, page.place(verdict.claim))
    made = _command(page, verdict)
    more = (
        [tag("tr", tag("td", made, colspan=len(heads(page)), role="cell"), class_="more", role="row")] if made else []
    )
    return [entry(says, heads(page), _cells(page, verdict)), *more]


def _command(page: Page, verdict: Verdict) -> Markup:
    """The command that made the numbers or would make them, and how long its records took; empty without a config."""
    claim, found = verdict.claim, verdict.judged
    names = [name for name in ((found.config, found.other) if found else (claim.config, claim.over)) if name]
    if not names:
        return Markup("")
    many = max(claim.seeds, *(1 + one.seed for one in found.records)) if found else claim.seeds
    seeds = f" --seeds {many}" if many > 1 else ""
    commands = [command(f"repro run {page.name}/{Path(name).stem}{seeds}") for name in names]
    return tag("span", join(commands, ", "), f": {effort.of_configs(page, names, many)}", class_="repro-muted")


def _cells(page: Page, verdict: Verdict) -> tuple[Markup, ...]:
    note = [tag("span", NARROW, title=verdict.out_of_reach, class_="line repro-muted")] if verdict.out_of_reach else []
    return theirs(page, verdict.claim), _ours(verdict), join([badge_of(page, verdict), *note], " ")


def _ours(verdict: Verdict) -> Markup:
    """Our number. Before all seeds have run, that of the first ones, and how many they are."""
    if said := evidence.ours(verdict):
        what = evidence.compared(verdict)
        return join([unbroken(said), *([tag("span", what, class_="line repro-muted")] if what else [])], " ")
    early = [one for one in verdict.evidence if verdict.outcome == "not run" and not one.proxy]
    if not early:
        return tag("span", "–")
    many = f"{early[0].interval.seeds} of {count(verdict.claim.seeds, 'seed')}"
    return join(
        [tag("span", unbroken(evidence.shown(verdict.claim, early[0]))), tag("span", many, class_="line repro-muted")],
        " ",
    )
