"""The section "People": who reproduced the paper, who reviewed it, and what its authors say.

Below them: how the verdicts changed, and the badge of the paper.
"""

from __future__ import annotations

from repro.report import chosen, history, needed, repository
from repro.report.history import Change
from repro.report.html import badges, files, markup
from repro.report.html.markup import Markup, copyable, fold, inline, join, link, outside, tag
from repro.report.html.words import count, day
from repro.report.outcome import badge, own_said, worded
from repro.report.page import Page
from repro.verdict import OUTCOMES

HEADS = ("Date", "Before", "After", "Claims")
MANY = 3  # claims of a change that are named; the others are counted


def section(page: Page) -> Markup:
    """The group, the reviewers, the authors of the paper; the change log; the badge."""
    rows = (
        ("Reproduced by", _group(page)),
        ("Reviewed by", _reviewers(page)),
        ("Authors of the paper", _authors(page)),
        ("Mistakes on this page", _mistakes(page)),
    )
    told = tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in rows), class_="repro-pairs")
    return tag("div", told, log(page), _badge(page), class_="repro-people")


def _group(page: Page) -> Markup:
    group, people = page.paper.group or "a group that paper.toml does not name", ", ".join(page.paper.people)
    return join([f"{group}: {people}" if people else group])


def _reviewers(page: Page) -> Markup:
    """A line for each review, and one for each person who replayed records."""
    lines = [
        join([link(f"{one.who} ({one.group})", files.shown(page.file("reviews", one.path.name))), f", {one.date}"])
        for one in page.reviews
    ]
    replayed: dict[tuple[str, str], list[str]] = {}
    for one in page.replays:
        if not one.fault:
            replayed.setdefault((one.who, one.group), []).append(one.again.finished)
    for (who, group), days in replayed.items():
        lines.append(join([f"{who} ({group}), {day(max(days))}: replayed {count(len(days), 'record')}"]))
    return join(tag("span", line, class_="line") for line in lines) if lines else join(["nobody yet"])


def _authors(page: Page) -> Markup:
    """The response of the paper's authors, and how they can respond."""
    said = page.paper.author_response
    response = tag("blockquote", inline(said)) if said else tag("span", "no response yet", class_="line")
    body = f"I am an author of {page.paper.title}.\n\nMy response to this reproduction:\n"
    address = repository.issue(page.site, f"Response of the authors: {page.name}", body)
    way = link("Send your response as an issue", address, rel="external") if address else ""
    way = way or f"Send your response to {_who(page)}"
    file = tag("code", f"papers/{page.name}/paper.toml")
    told = ". The group adds it unchanged (", tag("code", "author_response"), " in ", file, ")."
    return join([response, tag("span", "Are you an author of the paper? ", way, *told, class_="repro-muted")])


def mistake(page: Page, words: str) -> Markup:
    """A link that reports a mistake on the page: a new issue; without a repository, the list of the group's members."""
    body = f"Page: papers/{page.name}\nPaper: {page.paper.title}\n\nWhat is wrong, and how do you know?\n"
    address = repository.issue(page.site, f"Mistake: {page.name}", body)
    return link(words, address, rel="external") if address else link(words, f"{page.address}#people")


def _mistakes(page: Page) -> Markup:
    """Where to report a mistake: an issue, or the group if the site has no repository."""
    return mistake(page, "open an issue") if page.site.repository else join([f"tell {_who(page)}"])


def _who(page: Page) -> str:
    """The members of the group; its name if they are not listed."""
    return ", ".join(page.paper.people) or page.paper.group or "the group"


def log(page: Page) -> Markup:
    """How the verdicts changed, folded: a row for each commit and change of outcome."""
    found = history.of_folder(page.paper.folder)
    limit = tag("p", found.limit, class_="repro-muted") if found.limit else ""
    if not found.changes:
        return tag("p", found.limit or "No verdict is committed yet, so there is no change log.", class_="repro-muted")
    known = {claim.id: (claim.says, page.place(claim)) for claim in page.paper.claims}
    rows = [_change(page, one, known) for one in found.changes]
    title = f"How the verdicts changed: {count(len(found.changes), 'change')}"
    table = markup.worded("repro-changes", HEADS, rows, label="Changes of verdicts")
    return fold(title, table, limit, class_="repro-log")


def _change(page: Page, one: Change, known: dict[str, tuple[str, str]]) -> Markup:
    names = [link(*known.get(name, (name, ""))) for name in one.claims[:MANY]]
    more = [f"and {len(one.claims) - MANY} more"] if one.claims[MANY:] else []
    commit = repository.commit(page.site, one.commit)
    date = link(one.date, outside(commit), title=f"commit {one.commit[:12]}")
    cells = (_outcome(one.before, "new"), _outcome(one.after, "removed"), join([*names, *more], "; "))
    return markup.entry(date, HEADS, cells)


def _outcome(name: str, none: str) -> Markup:
    return badge(name) if name in OUTCOMES else join([name or none])


def svg(page: Page) -> Markup:
    """The badge of the paper as a file of its own."""
    return badges.svg("reproduction", counts(page) or [("not run", "no claims yet")])


def counts(page: Page) -> list[tuple[str, str]]:
    """(outcome, count in words) of the paper's claims; last, our own claims together."""
    mine = own_said(page.verdicts)
    return [*worded(page.verdicts, needed.chips(page)), *([(chosen.HOLDS, f"own: {mine}")] if mine else [])]


def _badge(page: Page) -> Markup:
    """The badge, and the Markdown that shows it on another page."""
    words = f"Reproduction: {', '.join(said for _, said in counts(page)) or 'no claims yet'}"
    image = tag("img", src=f"{page.root}{files.badge(page.name)}", alt=words, class_="repro-paper-badge")
    home = page.site.home
    if not home:
        return join([tag("p", "The badge of this paper:"), tag("p", image)])
    embed = f"[![{words}]({home}/{files.badge(page.name)})]({home}/papers/{page.name}.html)"
    return join([tag("p", "The badge of this paper, for other pages, as Markdown:"), tag("p", image), copyable(embed)])
