"""The outcome of a paper as one stacked bar, with its counts in words; and the facts beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from repro.report import departures, rot, uncertainty
from repro.report.html.markup import Markup, join, link, picture, tag
from repro.report.html.words import count, day, duration, slug
from repro.report.page import Page
from repro.verdict import OUTCOMES, UNTRANSCRIBED, Verdict, untranscribed

SIGNS = {
    "reproduced": "✓",
    "exceeded": "↑",
    "trend holds": "◇",
    "inconclusive": "?",
    "trend fails": "◆",
    "not reproduced": "✗",
    "not comparable": "≠",
    "stale": "↻",
    "not run": "–",
    "not checkable": "∅",
    "not transcribed": "·",
}
MEANINGS = {
    "reproduced": "our 95 % interval is within the accepted range, or on the claimed side; or ours rounds to the print",
    "exceeded": "our interval lies beyond the accepted range, on the better side",
    "trend holds": "only a proxy has a record, and its interval lies on the claimed side",
    "inconclusive": "our interval straddles the border, or too few seeds were run to know it",
    "trend fails": "only a proxy has a record, and the proxy contradicts the ordering",
    "not reproduced": "our interval lies outside, on the worse side; or ours rounds to another number than the print",
    "not comparable": "the records do not measure the same thing, or not on the same data",
    "stale": "a config, its code or its data has changed since the record",
    "not run": "no record, or fewer seeds than the claim asks for",
    "not checkable": "no config could answer it",
    "not transcribed": "nobody has copied the number from the paper yet",
}
"""What each outcome says, in short; the guide says it in full, at `EXPLAINED`."""

EXPLAINED = "guide/claims.html#the-verdicts"
SEEN = 0.02  # the least share of the bar
TIERS = {
    1: ("T1", "smoke: the chain runs, nothing is judged"),
    2: ("T2", "proxy: other data, a smaller network or a shorter training"),
    3: ("T3", "the paper's data and metric"),
}


def outcome(page: Page) -> Markup:
    """The bar, the counts and the facts of a paper."""
    told = counts(page.verdicts, f"{page.root}{EXPLAINED}")
    return tag("div", bar(page.verdicts), told, later(page.verdicts), facts(page), class_="repro-outcome")


def transcribed(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts that count: those on numbers that are transcribed from the paper."""
    return [verdict for verdict in verdicts if verdict.outcome != UNTRANSCRIBED]


def later(verdicts: Sequence[Verdict]) -> Markup:
    """How many numbers are outside the counts, for nobody has transcribed them."""
    note = untranscribed(verdicts)
    return tag("p", note, class_="repro-muted") if note else Markup("")


def tally(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """How many claims came out how, in the order of `OUTCOMES`, those that never occur left out."""
    found = Counter(verdict.outcome for verdict in transcribed(verdicts))
    return {outcome: found[outcome] for outcome in OUTCOMES if found[outcome]}


def said(verdicts: Sequence[Verdict]) -> str:
    """`2 reproduced, 1 inconclusive`."""
    return ", ".join(f"{many} {outcome}" for outcome, many in tally(verdicts).items()) or "no claims yet"


def bar(verdicts: Sequence[Verdict]) -> Markup:
    """One stacked bar, a segment per outcome as wide as its share; one claim of hundreds is still seen."""
    parts, left = [], 0.0
    whole = len(transcribed(verdicts))
    shares = {outcome: max(many / whole, SEEN) for outcome, many in tally(verdicts).items()}
    for outcome, many in tally(verdicts).items():
        width = 100 * shares[outcome] / sum(shares.values())
        parts.append(
            tag(
                "rect",
                tag("title", f"{many} {outcome}"),
                x=f"{left:.3f}%",
                y=0,
                width=f"{width:.3f}%",
                height="100%",
                class_=f"fill {slug(outcome)}",
            )
        )
        left += width
    words = f"Of {count(whole, 'claim')}: {said(verdicts)}."
    return picture("Outcome", words, *parts, class_="repro-bar", width="100%", height=18)


def counts(verdicts: Sequence[Verdict], explained: str = "") -> Markup:
    """The same counts in words, each with its sign and colour, and a link to where its word is `explained`."""
    badges = (badge(outcome, f"{many} {outcome}") for outcome, many in tally(verdicts).items())
    items = [tag("li", link(one, explained)) for one in badges]
    return tag("ul", *items, class_="repro-counts") if items else tag("p", "No claims yet.", class_="repro-muted")


def badge(outcome: str, text: str = "") -> Markup:
    """An outcome told by word, sign and colour, in this order of trust."""
    sign = tag("span", SIGNS[outcome], aria_hidden="true", class_="sign")
    return tag("span", sign, text or outcome, class_=f"repro-badge {slug(outcome)}", title=MEANINGS[outcome])


def facts(page: Page) -> Markup:
    """Tier, cost and date: how far this went, what it took and how old it is."""
    cost = f"{duration(page.seconds)} in {count(len(page.records), 'run')}" if page.records else "no run yet"
    dirty = sum(bool(found.source.get("dirty")) for found in page.records)
    kept = [("Not from a commit", f"{count(dirty, 'record')} made with uncommitted changes")] if dirty else []
    inside = uncertainty.contained(page.verdicts)
    rows = [
        ("Tier", tier(page)),
        *_smoke(page),
        ("Cost", cost),
        *([("Intervals contain", link(inside, f"{page.root}{uncertainty.EXPLAINED}"))] if inside else []),
        ("Newest record", tag("time", day(page.newest), datetime=page.newest) if page.newest else "none yet"),
        *kept,
        *([("Rot clock", rot.badges(page))] if page.trials else []),
    ]
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in rows), class_="repro-facts")


def tier(page: Page) -> Markup:
    """How far the verification went, for how many claims, and with how many departures from the paper."""
    code, words = TIERS[page.tier]
    if page.tier == 3:
        words += f" for {len(page.full)} of {count(len(transcribed(page.verdicts)), 'claim')}"
    return join([tag("strong", code), " ", words, *([", ", departed(page)] if page.tier > 1 else [])])


def departed(page: Page) -> Markup:
    """How many departures the report lists, and a link to them."""
    found = page.departures
    return link(departures.said(found), f"{page.address}#{found.anchor}") if found else join([departures.said(found)])


def _smoke(page: Page) -> list[tuple[str, Markup]]:
    """What tier 1 rests on: the run of the smoke config, which anyone can make again in seconds."""
    if not page.smoke:
        return []
    first = page.smoke[0]
    seconds = duration(float(first.cost.get("seconds", 0.0)))
    old = [tag("span", "stale", class_="repro-chip stale")] if first.stale else []
    return [
        ("Smoke", join([link(f"ran in {seconds}", page.origin(first)), tag("time", day(first.finished)), *old], " "))
    ]
