"""The paragraphs of `report.md` that explain why a claim did not reproduce, and the sentence that says it.

A paragraph explains a claim if it names it, in code or in a role, in the section with the heading *Why it did or did
not reproduce*. The first such paragraph counts. On the page it has an id, so that the claim can link to it. Of its
sentences, the first one that names the claim counts. A heading (a sentence in bold or italics at the beginning) does
not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from repro.report import prose, sentence
from repro.report.html.words import slug
from repro.report.page import Page

WHY = re.compile(r"(?i)\bwhy it did\b")
END = re.compile(r"(?<=[.!?])(?:\*\*)?\s+(?=[A-Z*`{])")
BLOCK = re.compile(r"\s*(?:\||```|~~~|:)")  # a table, code or a directive
IDS = re.compile(r"\s*\((?:`[\w.+-]+`(?:, | and )?)+\)")  # the ids of claims in parentheses
SEE = re.compile(r"\s*\((?:see|compare) [^()]*\)")  # leads to a place of the report, which is not where the row is
ITEM = re.compile(r"\A(?:[-*+]|\d+[.)])\s+")
HEAD = re.compile(r"\A(?:(\*\*?)[^*]+[.:]\1|(\*\*?)[^*]+\2[.:])\s+")
MARKS = re.compile(r"\*+|\[([^\]]*)\]\([^)]*\)")  # emphasis and links, which become text


def anchor(claim: str) -> str:
    """The id of the paragraph that explains a claim."""
    return slug("why", claim)


def sentences(page: Page) -> dict[str, str]:
    """The sentence that explains a claim, as plain text, by claim id."""
    found: dict[str, str] = {}
    for text in _paragraphs(page.told):
        told = END.split(HEAD.sub("", ITEM.sub("", text)))
        for claim in named(page, text):
            first = next((one for one in told if claim in named(page, one)), told[0])
            found.setdefault(claim, _plain(page, first))
    return found


def _plain(page: Page, text: str) -> str:
    """A sentence without marks, and without parentheses that have the ids of claims or lead to another place."""
    return sentence.plain(page, MARKS.sub(r"\1", SEE.sub("", IDS.sub("", text)))).removesuffix(".")


def named(page: Page, text: str) -> list[str]:
    """The claims whose id is in `text`, in code, in a role or in a link to the claim."""
    words = set(re.findall(r"[\w.+-]+", text.replace("#claim-", " ")))
    return [claim.id for claim in page.paper.claims if claim.id in words]


def _paragraphs(lines: Sequence[str]) -> Iterator[str]:
    """The paragraphs and list items of the section about the reasons, each on one line."""
    level, block = 0, list[str]()
    for line, plain in zip([*lines, ""], [*prose.told(list(lines)), True], strict=True):
        hit = prose.HEADING.match(line) if plain else None
        if hit:
            level = len(hit[1]) if WHY.search(line) else 0 if len(hit[1]) <= level else level
        inside = bool(level) and plain and bool(line.strip()) and not hit and not BLOCK.match(line)
        if block and (not inside or re.match(r"\s*(?:[-*+]|\d+[.)])\s", line)):
            yield " ".join(block)
            block = []
        if inside:
            block.append(line.strip())
