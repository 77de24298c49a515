"""The list of all symptoms of the site's tips, in the groups of `tips.GROUPS`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from repro.report.html.markup import Markup, tag


def index(listed: Mapping[str, Sequence[Markup]]) -> Markup:
    """A row for each group of symptoms, with a line for each of its tips (links). Groups without tips are left out."""
    rows = [
        tag("div", tag("dt", group), tag("dd", *(tag("span", one, class_="line") for one in links)))
        for group, links in listed.items()
        if links
    ]
    return tag("dl", *rows, class_="repro-pairs repro-index repro-symptoms") if rows else Markup("")
