"""The dependency check on a page: with which packages a paper still runs, and how long ago that was tested."""

from __future__ import annotations

import datetime

from repro.report.html.markup import Markup, box, copyable, fold, link, tag
from repro.report.html.words import count, slug
from repro.report.page import Page
from repro.rerun import rot
from repro.rerun.rot import STACKS, Trial

OLD = 14  # days; a result older than this is marked as old, because the weekly job has missed it twice
SIGNS = {"runs": "✓", "fails": "✗", "not run": "–"}
PLACE = "rot"


def badges(page: Page) -> Markup:
    """A line for each set of packages that was tested; empty if none was."""
    address = f"{page.address}#{PLACE}"
    items = [tag("li", link(_badge(trial), address), " ", *_age(trial)) for trial in page.trials]
    return tag("ul", *items, class_="repro-counts repro-rot") if items else Markup("")


def _badge(trial: Trial) -> Markup:
    """The result as sign, colour and words."""
    sign = tag("span", SIGNS[trial.outcome], aria_hidden="true", class_="sign")
    since = f" since {trial.since}" if trial.outcome == "fails" else ""
    text = f"{trial.outcome} on {STACKS[trial.stack]}{since}"
    return tag("span", sign, text, class_=f"repro-badge {slug(trial.outcome)}")


def _age(trial: Trial) -> list[Markup]:
    days = (rot.today() - datetime.date.fromisoformat(trial.date)).days
    ago = f"tried {count(days, 'day')} ago" if days > 0 else "tried today"
    told = tag("time", ago, datetime=trial.date, class_="repro-muted")
    return [told, tag("span", "old", class_="repro-chip stale")] if days > OLD else [told]


def section(page: Page) -> Markup:
    """The section: the results, the error line of each failure, and the versions that were tested."""
    again = copyable(f"repro rot {page.name}")
    if not page.trials:
        none = "It has not been tested yet whether the smoke config still runs with other packages. This tests it:"
        return tag("div", tag("p", none, class_="repro-muted"), again, id=PLACE)
    items = [tag("li", _badge(trial), " ", *_age(trial), _why(trial)) for trial in page.trials]
    about = "Does the smoke config still run? A weekly job tests it. You can test it with this command:"
    told = tag("ul", *items, class_="repro-counts repro-rot")
    return tag("div", tag("p", about), again, told, _versions(page), id=PLACE)


def _why(trial: Trial) -> Markup:
    return tag("p", tag("code", trial.said)) if trial.said else Markup("")


def _versions(page: Page) -> Markup:
    """A row per package, a column per set of packages. Versions that differ are in bold."""
    tried = [{"Python": trial.python, **trial.packages} for trial in page.trials]
    names = dict.fromkeys(name for versions in tried for name in versions)
    found = {name: [versions.get(name, "–") for versions in tried] for name in names}
    unlike = {name for name, versions in found.items() if len(set(versions)) > 1}
    rows = [_row(name, versions, name in unlike) for name, versions in found.items()]
    heads = ("Package", *(f"{STACKS[trial.stack]}, {trial.date}" for trial in page.trials))
    head = tag("tr", *(tag("th", text, scope="col") for text in heads))
    many = f", {len(unlike)} of {len(found)} differ" if len(tried) > 1 else ""
    table = box(tag("table", tag("thead", head), tag("tbody", *rows)), label="The versions that were tried")
    return fold(f"The versions that were tried{many}", table)


def _row(name: str, versions: list[str], unlike: bool) -> Markup:
    cells = (tag("td", tag("strong", version) if unlike else version) for version in versions)
    return tag("tr", tag("th", name, scope="row"), *cells)
