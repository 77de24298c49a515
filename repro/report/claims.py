"""The claims as a table: what the paper says, what the records say, the verdict, and how to get it again."""

from __future__ import annotations

from collections.abc import Iterable

from repro.paper import Claim
from repro.report import files
from repro.report.figure import claimed
from repro.report.markup import Markup, box, copyable, fold, join, link, tag
from repro.report.outcome import badge
from repro.report.page import Page
from repro.report.words import count, slug, spread
from repro.verdict import Evidence, Verdict

HEADS = ("Claim", "The paper says", "Ours, 95 % interval", "Seeds × items", "Verdict")


def claims(page: Page) -> Markup:
    """The table of the claims that were read, and those unread folded below it."""
    judged = [verdict for verdict in page.verdicts if verdict.outcome != "unread"]
    unread = [verdict for verdict in page.verdicts if verdict.outcome == "unread"]
    parts = [box(_table(page, judged), label="Claims and verdicts")] if judged else []
    return join([*parts, *([_unread(unread)] if unread else [])])


def _table(page: Page, verdicts: Iterable[Verdict]) -> Markup:
    names = [tag("th", name, scope="col", role="columnheader") for name in HEADS]
    head = tag("thead", tag("tr", *names, role="row"), role="rowgroup")
    bodies = [tag("tbody", _row(page, verdict), _more(page, verdict), role="rowgroup") for verdict in verdicts]
    return tag("table", head, *bodies, class_="repro-claims", role="table")


def _row(page: Page, verdict: Verdict) -> Markup:
    claim, unit = verdict.claim, page.unit(verdict.claim)
    place = tag("span", f"{claim.where} · {claim.id}", class_="repro-muted")
    name = tag("th", claim.says, place, scope="row", role="rowheader")
    ours = _lines(_ours(found, unit) for found in verdict.evidence)
    size = _lines(f"{found.interval.seeds} × {found.interval.items:,}" for found in verdict.evidence)
    said = (claimed(claim, unit), ours or "–", size or "–", badge(verdict.outcome))
    cells = [
        tag("td", tag("div", cell), data_label=head, role="cell") for head, cell in zip(HEADS[1:], said, strict=True)
    ]
    return tag("tr", name, *cells, id=slug("claim", claim.id), role="row")


def _ours(found: Evidence, unit: str) -> Markup:
    kind = [tag("span", "proxy", class_="repro-muted")] if found.proxy else []
    old = [tag("span", "stale", class_="repro-chip stale")] if found.stale else []
    return join([*kind, spread(found.interval, unit), *old], " ")


def _lines(items: Iterable[str]) -> Markup:
    return join(tag("span", item, class_="line") for item in items)


def _more(page: Page, verdict: Verdict) -> Markup:
    """Why, the files and the commands: the second line of a claim."""
    claim = verdict.claim
    why = tag("p", tag("strong", "Why: "), verdict.why, ".")
    because = tag("p", tag("strong", "Tolerance: "), claim.because) if claim.because else ""
    source = tag("p", tag("strong", "Read in: "), claim.source) if claim.source else ""
    run = fold("Run it", because, source, copyable("\n".join(commands(page, claim))))
    cell = tag("td", why, _files(page, verdict), run, colspan=len(HEADS), role="cell")
    return tag("tr", cell, class_="more", role="row")


def _files(page: Page, verdict: Verdict) -> Markup:
    configs = [link(name.removeprefix("configs/"), files.shown(page.file(name))) for name in verdict.claim.configs]
    found = [found.stem for found in page.records if f"configs/{found.config}.gin" in verdict.claim.configs]
    records = [link(f"{stem}.json", page.file("records", f"{stem}.json")) for stem in found]
    listed = [tag("strong", "Configs: "), join(configs, ", ")]
    if records:
        listed += [tag("strong", " Records: "), join(records, ", ")]
    return tag("p", *listed)


def commands(page: Page, claim: Claim) -> list[str]:
    """What to type to make the records of a claim: proxies with one seed, its own configs with all."""
    seeds: dict[str, int] = {}
    for name, _ in claim.runs:
        seeds[name] = seeds.get(name, 0) + 1
    return [_command(f"repro run papers/{page.name}/{name} --seed", many) for name, many in seeds.items()]


def _command(once: str, seeds: int) -> str:
    return f"{once} 0" if seeds == 1 else f"for seed in $(seq 0 {seeds - 1}); do {once} $seed; done"


def _unread(verdicts: list[Verdict]) -> Markup:
    items = [
        tag(
            "li",
            verdict.claim.says,
            tag("span", f" {verdict.claim.where}", class_="repro-muted"),
            id=slug("claim", verdict.claim.id),
        )
        for verdict in verdicts
    ]
    return fold(
        f"{count(len(verdicts), 'claim')} that nobody has read in the paper yet",
        tag("p", "They are known to stand there; until someone reads the number they are not judged."),
        tag("ul", *items),
        class_="repro-unread",
    )
