"""What the verdicts of a paper depend on, in one line: the text that was read, tuning, seeds, departures, reviews."""

from __future__ import annotations

from repro.report.html.markup import Markup, join, link, tag
from repro.report.html.words import count
from repro.report.outcome import departed
from repro.report.page import Page

READ = {
    "full paper": "we read the full text",
    "parts": "we read parts of the text",
    "abstract": "we read only the abstract",
    "quoted elsewhere": "we read only a table of it in another text",
}
TUNED = {
    "nothing": "nothing was tuned",
    "validation": "tuned on the validation set",
    "test": "tuned on the test set",
}


def line(page: Page) -> Markup:
    """The line. What paper.toml does not say is left out."""
    told = [READ.get(page.paper.text_read, ""), TUNED.get(page.paper.tuned_on, ""), seeds(page), departed(page)]
    facts = [*filter(None, told), reviewed(page)]
    return tag("p", join(facts, " · "), class_="repro-basis")


def seeds(page: Page) -> str:
    """The number of seeds behind the judged claims: `1 to 5 seeds`; "" if no claim is judged."""
    many = {verdict.judged.interval.seeds for verdict in page.verdicts if verdict.judged}
    if not many:
        return ""
    low, high = min(many), max(many)
    return count(high, "seed") if low == high else f"{low} to {count(high, 'seed')}"


def reviewed(page: Page) -> Markup:
    """Which groups reviewed the paper, and when the last review was."""
    if not page.reviews:
        return join(["not reviewed yet"])
    groups = ", ".join(dict.fromkeys(one.group for one in page.reviews))
    newest = tag("time", page.reviews[-1].date, datetime=page.reviews[-1].date)
    return join(["reviewed by ", link(groups, f"{page.address}#reviews"), ", ", newest])
