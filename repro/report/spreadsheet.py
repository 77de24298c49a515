"""The claims of a paper, and the papers of the site, as CSV files for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence

from repro.report import chosen
from repro.report.page import Page
from repro.verdict import OUTCOMES, Verdict

CLAIMS = (
    *("claim", "says", "where", "whose", "kind", "metric", "test", "item", "paper"),
    *("accepted from", "accepted to", "because", "ours", "low", "high", "unit"),
    *("seeds", "items", "verdict", "why", "config", "records"),
)
PAPERS = (
    "paper",
    "kind",
    "title",
    "year",
    "claims",
    *OUTCOMES,
    "own claims",
    "own claims that hold",
    "own claims that do not hold",
    "tier",
    "departures",
    "runs",
    "seconds",
    "newest record",
)


def claims(page: Page) -> str:
    """A row per claim. Our number is in the unit of the claim, and comes from the evidence that decided the verdict."""
    return as_csv(CLAIMS, (_claim(page, verdict) for verdict in page.verdicts))


def _claim(page: Page, verdict: Verdict) -> Sequence[object]:
    claim, found = verdict.claim, verdict.judged
    numbers: list[object] = ["", "", ""]
    if found is not None:
        numbers = [repr(value) for value in (found.interval.mean, found.interval.low, found.interval.high)]
    return (
        *(
            claim.id,
            claim.says,
            claim.where,
            "own" if chosen.own(claim) else "paper",
            claim.kind,
            claim.metric,
            claim.test,
            claim.item,
            claim.stated,
        ),
        *(claim.accepted or ("", "")),
        claim.because,
        *numbers,
        found.identity.get("unit", "") if found else page.unit(claim),
        *((found.interval.seeds, found.interval.items) if found else ("", "")),
        *(verdict.outcome, verdict.why),
        found.name if found else claim.config,
        " ".join(record.stem for record in (*found.records, *found.over)) if found else "",
    )


def papers(pages: Iterable[Page]) -> str:
    """A row per paper, with its kind (paper, course or template), and a column per outcome of the paper's claims."""
    return as_csv(PAPERS, map(_paper, pages))


def _paper(page: Page) -> Sequence[object]:
    mine = chosen.ours(page.verdicts)
    counts = Counter(verdict.outcome for verdict in page.verdicts if verdict not in mine)
    listed = "" if page.departures is None else page.departures.many
    return (
        *(page.name, page.paper.kind, page.paper.title, page.paper.year, len(chosen.theirs(page.verdicts))),
        *(counts[outcome] for outcome in OUTCOMES),
        *(len(mine), *chosen.sums(mine)[:2]),
        *(f"T{page.tier}", listed, len(page.records), f"{page.seconds:.1f}", page.newest),
    )


def as_csv(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV according to RFC 4180, with one addition: a text that looks like a formula gets an apostrophe in front."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(heads)
    writer.writerows([[_inert(cell) for cell in row] for row in rows])
    return text.getvalue()


def _inert(cell: object) -> object:
    if isinstance(cell, str) and cell.lstrip()[:1] in ("=", "+", "-", "@") and not _number(cell):
        return f"'{cell}"
    return cell


def _number(text: str) -> bool:
    try:
        float(text.rstrip("% "))
    except ValueError:
        return False
    return True
