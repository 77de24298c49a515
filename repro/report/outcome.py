"""The outcome of a paper: one stacked bar, the counts in words; and the facts about its records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

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

EXPLAINED = "guide/verdicts.html"
PLURALS = {"trend holds": "trends hold", "trend fails": "trends fail", "last digit differs": "last digits differ"}
NOTHING: Mapping[str, str] = {}
SEEN = 0.02  # the smallest share of the bar, so that one claim of hundreds is visible
TIERS = {
    1: ("T1", "smoke: the program runs, no claim is judged"),
    2: ("T2", "proxy: other data, a smaller network or a shorter training"),
    3: ("T3", "the paper's data and metric"),
}


def outcome(page: Page) -> Markup:
    """The bar and the counts of a paper."""
    needs = needed.chips(page)
    told = counts(page.verdicts, f"{page.root}{EXPLAINED}", needs)
    where = ("What does not agree, and why", "what-does-not-agree")
    name, place = where if page.failed else ("How it differs, and why", "how-it-differs-from-the-paper-and-why")
    line = tag("div", told, link(name, f"{page.address}#{place}"), class_="repro-told")
    return tag("div", bar(page.verdicts, needs), line, later(page.verdicts), class_="repro-outcome")


def transcribed(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts that count: those whose number is transcribed from the paper."""
    return [verdict for verdict in verdicts if verdict.outcome != UNTRANSCRIBED]


def later(verdicts: Sequence[Verdict]) -> Markup:
    """How many numbers do not count, because they are not transcribed yet."""
    note = untranscribed(verdicts)
    return tag("p", note, class_="repro-muted") if note else Markup("")


def tally(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """The number of the transcribed claims per outcome, in the order of `OUTCOMES`, without zeros."""
    found = Counter(verdict.outcome for verdict in transcribed(verdicts))
    return {outcome: found[outcome] for outcome in OUTCOMES if found[outcome]}


def said(verdicts: Sequence[Verdict], needs: Mapping[str, str] = NOTHING) -> str:
    """The counts as text: `2 reproduced, 1 needs wsj0-2mix (licence)`."""
    return ", ".join(words for _, words in worded(verdicts, needs)) or "no claims yet"


def worded(verdicts: Sequence[Verdict], needs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(outcome, count in words) for the legend. `needs`: what claims without a run need, from `needed.chips`."""
    for outcome, many in tally(verdicts).items():
        lacking = Counter(needs[one.claim.id] for one in verdicts if outcome == "not run" and one.claim.id in needs)
        if many > lacking.total():
            left = many - lacking.total()
            yield outcome, f"{left} {outcome if left == 1 else PLURALS.get(outcome, outcome)}"
        for text, some in lacking.items():
            yield outcome, f"{some} {text if some == 1 else text.replace('needs', 'need', 1)}"


def bar(verdicts: Sequence[Verdict], needs: Mapping[str, str] = NOTHING) -> Markup:
    """One stacked bar. The width of a segment is the share of its outcome, but at least `SEEN`."""
    parts, left = [], 0.0
    whole = len(transcribed(verdicts))
    shares = {outcome: max(many / whole, SEEN) for outcome, many in tally(verdicts).items()}
    for outcome in tally(verdicts):
        width = 100 * shares[outcome] / sum(shares.values())
        parts.append(
            tag(
                "rect",
                tag("title", ", ".join(words for kind, words in worded(verdicts, needs) if kind == outcome)),
                x=f"{left:.3f}%",
                y=0,
                width=f"{width:.3f}%",
                height="100%",
                class_=f"fill {slug(outcome)}",
            )
        )
        left += width
    words = f"Of {count(whole, 'claim')}: {said(verdicts, needs)}."
    return picture("Outcome", words, *parts, class_="repro-bar", width="100%", height=18)


def counts(verdicts: Sequence[Verdict], explained: str = "", needs: Mapping[str, str] = NOTHING) -> Markup:
    """The counts in words, with sign and colour. Each links to its section of `explained`, the page on the outcomes."""
    items = [
        tag("li", link(badge(outcome, words), f"{explained}#{slug(outcome)}" if explained else ""))
        for outcome, words in worded(verdicts, needs)
    ]
    return tag("ul", *items, class_="repro-counts") if items else tag("p", "No claims yet.", class_="repro-muted")


def badge(outcome: str, text: str = "", title: str = "") -> Markup:
    """An outcome as word, sign and colour."""
    sign = tag("span", SIGNS[outcome], aria_hidden="true", class_="sign")
    return tag("span", sign, text or outcome, class_=f"repro-badge {slug(outcome)}", title=title or MEANINGS[outcome])


def badge_of(page: Page, verdict: Verdict) -> Markup:
    """The outcome of a claim. A claim without a run says what it needs, if its data cannot be downloaded."""
    word = needed.word(page, verdict)
    return badge(verdict.outcome, word, needed.how(page, verdict.claim) if word != verdict.outcome else "")


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


def cost(page: Page) -> str:
    """The time of all runs of the claims and causes together."""
    return f"{duration(page.seconds)} in {count(len(page.records), 'run')}" if page.records else "no run yet"


def tier(page: Page) -> Markup:
    """The tier, and for how many claims it was reached."""
    code, words = TIERS[page.tier]
    words = words.replace("the paper", "the course") if page.paper.kind == "course" else words
    if page.tier == 3:
        own = sum(map(chosen.data, page.full))
        words += f" for {len(page.full) - own} of {count(len(transcribed(page.verdicts)), 'claim')}"
        words += f"; data of our own choice for {own}" if own else ""
    return join([tag("strong", code), " ", words])


def _smoke(page: Page) -> list[tuple[str, Markup]]:
    """The run of the smoke config, which proves tier 1. It takes seconds to repeat."""
    if not page.smoke:
        return []
    first = page.smoke[0]
    seconds = duration(float(first.cost.get("seconds", 0.0)))
    old = [tag("span", "stale", class_="repro-chip stale")] if first.stale else []
    return [
        ("Smoke", join([link(f"ran in {seconds}", page.origin(first)), tag("time", day(first.finished)), *old], " "))
    ]
