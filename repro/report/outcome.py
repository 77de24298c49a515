"""The outcome of a paper: one stacked bar, the counts in words; and the facts about its records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from repro.report import chosen, needed, rot
from repro.report.html.markup import Markup, join, link, picture, tag
from repro.report.html.words import count, day, duration, slug
from repro.report.page import Page
from repro.verdict import OUTCOMES, UNTRANSCRIBED, Verdict, untranscribed

SIGNS = {
    "reproduced": "✓",
    "exceeded": "↑",
    "trend holds": "◇",
    "last digit differs": "≈",
    "same conclusion": "⇒",
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
    "reproduced": "our 95 % interval is within the accepted range, or on the claimed side; "
    "or our number rounds to the printed digits",
    "exceeded": "our interval is completely outside the accepted range, on the better side",
    "trend holds": "only a proxy has a record, and its interval is on the claimed side",
    "last digit differs": "our number, rounded to the printed digits, differs by one unit of the last digit",
    "same conclusion": "our number rounds to other digits, but it is on the same side of the level that decides the "
    "paper's conclusion",
    "inconclusive": "a limit is inside our interval, or too few seeds were run to decide",
    "trend fails": "only a proxy has a record, and the proxy contradicts the ordering",
    "not reproduced": "our interval is completely outside, on the worse side; or our number rounds to other digits",
    "not comparable": "the records do not measure the same quantity, or do not use the same data",
    "stale": "a config, its code or its data has changed since the record was made",
    "not run": "the config of the claim has no record, or fewer seeds than the claim needs",
    "not checkable": "no config can test the claim",
    "not transcribed": "the number has not been copied from the paper yet",
}
"""The meaning of each outcome, in short. The page `EXPLAINED` of the guide has a section for each, with all details."""

OWN_SIGNS = {chosen.HOLDS: "+", chosen.FAILS: "−"}
OWN_MEANINGS = {
    chosen.HOLDS: "our own claim, which the paper does not make: our interval is on the side that we expected",
    chosen.FAILS: "our own claim, which the paper does not make: our interval is on the other side",
}
EXPLAINED = "guide/verdicts.html"
OWN = "own-claims"  # the section of EXPLAINED about the group's own claims
PLURALS = {"trend holds": "trends hold", "trend fails": "trends fail", "last digit differs": "last digits differ"}
ORDER = (*chosen.AGREES, *chosen.DIFFERS, *(name for name in OUTCOMES if name not in chosen.AGREES + chosen.DIFFERS))
"""The outcomes in the order of the bar: those that agree, those that do not, those that are open."""
NOTHING: Mapping[str, str] = {}
SEEN = 0.02  # the smallest share of the bar, so that one claim of hundreds is visible


def outcome(page: Page) -> Markup:
    """The bar, how many claims agree with the paper, and how many of our own claims hold."""
    needs = needed.chips(page)
    name, place = (GAPS if chosen.theirs(page.failed) else OWN_GAPS) if page.failed else REASONS
    way = link(name, f"{page.address}#{place}")
    told = tag("div", summed(page.verdicts, f"{page.root}{EXPLAINED}", needs), way, class_="repro-told")
    return tag("div", bar(page.verdicts, needs), told, later(page.verdicts), class_="repro-outcome")


GAPS = ("What does not agree, and why", "what-does-not-agree")
OWN_GAPS = ("What does not hold, and why", GAPS[1])
REASONS = ("How it differs, and why", "how-it-differs-and-why")
SUMS = (("agrees", "agree"), ("does not agree", "do not agree"), ("open", "open"))


def summed(verdicts: Sequence[Verdict], explained: str = "", needs: Mapping[str, str] = NOTHING) -> Markup:
    """How many claims of the paper agree, do not agree and are open, each with its verdicts; then our own claims."""
    rows = [_sum(one, worded(verdicts, needs), explained) for one in _sides(verdicts)]
    told = [tag("ul", *rows, class_="repro-sums")] if chosen.theirs(verdicts) else []
    return join([*told, own(verdicts, explained)]) or tag("p", "No claims yet.", class_="repro-muted")


def _sides(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, Sequence[str]]]:
    """(count in words, outcomes) of each side."""
    sides = chosen.AGREES, chosen.DIFFERS, ORDER[len(chosen.AGREES) + len(chosen.DIFFERS) :]
    for many, (one, more), names in zip(chosen.sums(chosen.theirs(verdicts)), SUMS, sides, strict=True):
        yield f"{many} {one if many == 1 else more}", names


def _sum(side: tuple[str, Sequence[str]], told: Iterable[tuple[str, str]], explained: str) -> Markup:
    """One side: its count, then the verdicts of which it consists."""
    name, outcomes = side
    parts = [_badge(one, words, explained) for one, words in told if one in outcomes]
    return tag("li", tag("strong", name), *([" ", tag("ul", *parts, class_="repro-counts")] if parts else []))


def _badge(name: str, words: str, explained: str) -> Markup:
    return tag("li", link(badge(name, words), f"{explained}#{slug(name)}" if explained else ""))


def own(verdicts: Sequence[Verdict], explained: str = "") -> Markup:
    """How many of the group's own claims hold, do not hold and are open; empty if there are none."""
    said = own_said(verdicts)
    name = link("Our own claims", f"{explained}#{OWN}" if explained else "", title=OWN_TOLD)
    return tag("p", tag("strong", name), f": {said}", class_="repro-own") if said else Markup("")


OWN_TOLD = "claims that the paper does not make: our own comparison, or a bound that we set"


def own_said(verdicts: Sequence[Verdict]) -> str:
    """The counts of the group's own claims in words: `5 hold, 1 does not hold, 2 open`; empty if there are none.

    A count of zero is left out.
    """
    words = ((chosen.HOLDS, "hold"), (chosen.FAILS, "do not hold"), ("open", "open"))
    many = chosen.sums(chosen.ours(verdicts))
    return ", ".join(
        f"{some} {one if some == 1 else more}" for some, (one, more) in zip(many, words, strict=True) if some
    )


def transcribed(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts that count: those whose number is transcribed from the paper."""
    return [verdict for verdict in verdicts if verdict.outcome != UNTRANSCRIBED]


def later(verdicts: Sequence[Verdict]) -> Markup:
    """How many numbers do not count, because they are not transcribed yet."""
    note = untranscribed(verdicts)
    return tag("p", note, class_="repro-muted") if note else Markup("")


def tally(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """The number of the paper's transcribed claims per outcome, in the order of `ORDER`, without zeros."""
    found = Counter(verdict.outcome for verdict in chosen.theirs(verdicts))
    return {outcome: found[outcome] for outcome in ORDER if found[outcome]}


def said(verdicts: Sequence[Verdict], needs: Mapping[str, str] = NOTHING) -> str:
    """The counts as text: `2 reproduced, 1 needs wsj0-2mix (licence); our own claims: 3 hold`."""
    told = ", ".join(words for _, words in worded(verdicts, needs))
    mine = own_said(verdicts)
    return "; ".join(filter(None, (told, mine and f"our own claims: {mine}"))) or "no claims yet"


def worded(verdicts: Sequence[Verdict], needs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(outcome, count in words) for the legend. `needs`: what claims without a run need, from `needed.chips`."""
    for outcome, many in tally(verdicts).items():
        waiting = [one.claim.id for one in chosen.theirs(verdicts) if one.outcome == outcome == "not run"]
        lacking = Counter(needs[name] for name in waiting if name in needs)
        if many > lacking.total():
            left = many - lacking.total()
            yield outcome, f"{left} {outcome if left == 1 else PLURALS.get(outcome, outcome)}"
        for text, some in lacking.items():
            yield outcome, f"{some} {text if some == 1 else text.replace('needs', 'need', 1)}"


def bar(verdicts: Sequence[Verdict], needs: Mapping[str, str] = NOTHING) -> Markup:
    """One stacked bar of the paper's claims; of our own claims, if the paper has none.

    The width of a segment is the share of its outcome, but at least `SEEN`.
    """
    rows = _segments(verdicts, needs)
    shares = [max(many / sum(one[1] for one in rows), SEEN) for _, many, _ in rows]
    parts, left = [], 0.0
    for share, (name, _, words) in zip(shares, rows, strict=True):
        width = 100 * share / sum(shares)
        note, kind = tag("title", words), f"fill {slug(name)}"
        parts.append(tag("rect", note, x=f"{left:.3f}%", y=0, width=f"{width:.3f}%", height="100%", class_=kind))
        left += width
    told = f"Of {count(sum(many for _, many, _ in rows), 'claim')}: {said(verdicts, needs)}."
    return picture("Outcome", told, *parts, class_="repro-bar", width="100%", height=18)


def _segments(verdicts: Sequence[Verdict], needs: Mapping[str, str]) -> list[tuple[str, int, str]]:
    """(outcome, number of claims, count in words) of each segment of the bar."""
    told = list(worded(verdicts, needs))
    if told:
        return [
            (name, many, ", ".join(words for one, words in told if one == name))
            for name, many in tally(verdicts).items()
        ]
    many = zip((*OWN_SIGNS, "not run"), chosen.sums(chosen.ours(verdicts)), strict=True)
    return [(name, some, f"{some} {name if name in OWN_SIGNS else 'open'}") for name, some in many if some]


def counts(verdicts: Sequence[Verdict], needs: Mapping[str, str] = NOTHING) -> Markup:
    """The counts of some claims in words, with sign and colour."""
    items = [_badge(outcome, words, "") for outcome, words in worded(verdicts, needs)]
    return tag("ul", *items, class_="repro-counts")


def badge(outcome: str, text: str = "", title: str = "") -> Markup:
    """An outcome as word, sign and colour. `outcome` may also be that of an own claim."""
    sign = tag("span", {**SIGNS, **OWN_SIGNS}[outcome], aria_hidden="true", class_="sign")
    meaning = title or {**MEANINGS, **OWN_MEANINGS}[outcome]
    return tag("span", sign, text or outcome, class_=f"repro-badge {slug(outcome)}", title=meaning)


def badge_of(page: Page, verdict: Verdict) -> Markup:
    """The outcome of a claim, and what is not as in the paper in its own config.

    A claim that is not run says what it needs: data, or more seeds.
    """
    title = needed.how(page, verdict) if needed.chip(page, verdict) else ""
    other = chosen.other(verdict.claim) if verdict.claim.config in page.answered else []
    with_ = [tag("span", f"with {', '.join(other)}", class_="line repro-muted")] if other else []
    return join([badge(chosen.outcome(verdict), needed.word(page, verdict), title), *with_], " ")


def facts(page: Page) -> Markup:
    """The facts of a paper: the smoke run, the date of the newest record, and the dependency check."""
    dirty = sum(bool(found.source.get("dirty")) for found in page.records)
    kept = [("Not from a commit", f"{count(dirty, 'record')} made with uncommitted changes")] if dirty else []
    rows = [
        *_smoke(page),
        ("Newest record", tag("time", day(page.newest), datetime=page.newest) if page.newest else "none yet"),
        *kept,
        *([("Still runs?", rot.badges(page))] if page.trials else []),
    ]
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in rows), class_="repro-facts")


def _smoke(page: Page) -> list[tuple[str, Markup]]:
    """The run of the smoke config, which proves tier 1. It takes seconds to repeat."""
    if not page.smoke:
        return []
    first = page.smoke[0]
    seconds = duration(float(first.cost.get("seconds", 0.0)))
    old = [tag("span", "stale", class_="repro-chip stale")] if first.stale else []
    return [
        (
            "Smoke test",
            join([link(f"ran in {seconds}", page.origin(first)), tag("time", day(first.finished)), *old], " "),
        )
    ]
