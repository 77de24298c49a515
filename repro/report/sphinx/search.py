"""What the search of the site finds: words of generated HTML; and claims, tips and records as results of their own.

Sphinx puts the HTML of `nodes.raw` into its index with the tags removed: words of neighbouring cells run together,
and descriptions of pictures become words. `Html` gives the index only what a reader sees. `repro.js` does the same for
the excerpts below the results.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.domains import Domain, ObjType

from repro.report import chosen, quote
from repro.report.html.words import slug
from repro.report.page import Page
from repro.verdict import Verdict

UNSEEN = re.compile(
    r"<(svg|script|style)\b.*?</\1>"  # pictures: their titles are for screen readers
    r'|<(\w+)\b[^>]*\baria-hidden="true"[^>]*>[^<]*</\2>',  # the sign of a verdict
    re.DOTALL,
)
WITHIN = re.compile(r"</?(?:a|abbr|b|code|em|i|strong|sub|sup|wbr)\b[^>]*>")  # these do not end a word
TAG = re.compile(r"<[^>]*>")
SAFE = str.maketrans({"'": "’", '"': "”", "&": "+", "<": "‹", ">": "›"})  # the results show an escape as it is


def add_to(app: Sphinx) -> None:
    """Register the node and the results."""
    app.add_node(Html, html=(write, None))
    app.add_domain(Results)


class Html(nodes.raw):
    """Generated HTML. As text, for the index of the search, it is what a reader sees."""

    def astext(self) -> str:
        """The visible words."""
        return words(_html(self))


def write(translator: Any, node: Html) -> None:
    """Write the HTML unchanged."""
    translator.body.append(_html(node))
    raise nodes.SkipNode


def _html(node: nodes.Element) -> str:
    return "".join(map(str, node.children))


def words(text: str) -> str:
    """The visible words of HTML, with blanks between its blocks.

    >>> words('<tr><td>10 <b>i</b>tems</td><td><span aria-hidden="true">^</span>exceeded</td></tr>')
    '10 items exceeded'
    """
    return " ".join(html.unescape(TAG.sub(" ", WITHIN.sub("", UNSEEN.sub(" ", text)))).split())


Row = tuple[str, str, str, str]  # an id, which is not the anchor; the name in the results; the kind; the anchor


PRIORITY = {"claim": 1, "tip": 1, "record": 2}
"""The kinds of results. Sphinx shows those with 2 after the pages that have the words."""


class Results(Domain):
    """What the search of the site finds besides pages: claims, tips and records, each with its place."""

    name = "repro"
    label = "repro"
    object_types: ClassVar = {kind: ObjType(kind) for kind in PRIORITY}
    initial_data: ClassVar = {"rows": {}}

    @property
    def rows(self) -> dict[str, list[Row]]:
        """The results of each document."""
        found: dict[str, list[Row]] = self.data["rows"]
        return found

    def clear_doc(self, docname: str) -> None:
        """Forget a document that is removed or read again."""
        self.rows.pop(docname, None)

    def merge_domaindata(self, docnames: Iterable[str], otherdata: dict[str, Any]) -> None:
        """Take over the results of documents that another process has read."""
        self.rows.update({name: rows for name, rows in otherdata["rows"].items() if name in docnames})

    def get_type_name(self, type: ObjType, primary: bool = False) -> str:
        """The name of a kind of result, as the results show it."""
        return str(type.lname)

    def resolve_any_xref(self, *given: Any) -> list[Any]:
        """No results: a text links to a claim by a role."""
        return []

    def get_objects(self) -> Iterator[tuple[str, str, str, str, str, int]]:
        """The results as Sphinx wants them."""
        for document, rows in self.rows.items():
            for name, shown, kind, anchor in rows:
                yield name, shown.translate(SAFE), kind, document, anchor, PRIORITY[kind]


def note(env: Any, rows: Iterable[Row]) -> None:
    """Add results of the document that is being read."""
    env.get_domain(Results.name).rows.setdefault(env.docname, []).extend(rows)


def claims(page: Page) -> list[Row]:
    """The claims of a paper: `LeNet-5 misreads 0.95 % of the images: reproduced`."""
    return [
        (f"{page.name}/{one.claim.id}", _name(page, one), "claim", slug("claim", one.claim.id)) for one in page.verdicts
    ]


def records(page: Page) -> list[Row]:
    """The records of a paper: `lenet5-seed0`."""
    return [
        (f"{page.name}/{one.stem}", one.stem, "record", slug("record", one.stem))
        for one in (*page.records, *page.smoke)
    ]


def _name(page: Page, verdict: Verdict) -> str:
    """What the claim says, its number if that does not contain it, and the verdict."""
    claim = verdict.claim
    has_number = claim.kind in ("value", "printed") and not _contains(claim.says, claim.number)
    number = [quote.stated(page, claim.id).text] if has_number else []
    return ": ".join([claim.says, *number, chosen.outcome(verdict)])


def _contains(text: str, number: float | None) -> bool:
    """Whether `text` has the number, perhaps in percent."""
    found = [float(digits) for digits in re.findall(r"\d+(?:\.\d+)?", text)]
    return number is not None and any(math.isclose(one, scale * number) for one in found for scale in (1, 100))
