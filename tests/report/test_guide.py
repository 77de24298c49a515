"""The entrances of the site: the landing page and the guide lead each reader to a page."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
LINK = re.compile(r"\]\((?P<page>[\w-]+)\.md\)")


def test_the_guide_lists_each_of_its_pages_once_with_a_line() -> None:
    lines = (DOCS / "guide/index.md").read_text(encoding="utf-8").splitlines()
    listed = [line for line in lines if line.startswith("- ")]
    pages = [hit["page"] for line in listed if (hit := LINK.search(line))]
    assert sorted(pages) == sorted({path.stem for path in (DOCS / "guide").glob("*.md")} - {"index"})
    assert all(len(line.partition("): ")[2].split()) > 2 for line in listed)


def test_no_item_of_a_numbered_list_is_in_the_middle_of_a_line() -> None:
    """A tool that fills paragraphs joins items that are not indented as it expects: `... of ten. 3. The median`."""
    found = {
        f"{path.name}: {hit[0]}"
        for path in DOCS.rglob("*.md")
        for hit in re.finditer(r"[.!?)] \d\. (?:\*\*|[A-Z]).*", path.read_text(encoding="utf-8"))
    }
    assert found == set()
    items = re.findall(r"(?m)^(\d)\. ", (DOCS / "guide/planning.md").read_text(encoding="utf-8"))
    assert items[:4] == ["1", "2", "3", "4"]


def test_the_landing_page_has_an_entrance_for_each_reader() -> None:
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    doors = text.partition("{container} repro-doors")[2].partition(":::")[0]
    entrances = re.findall(r"(?m)^- \[(.+)\]\((.+)\)\n\n  \w.+\.$", doors)
    assert len(entrances) == 4
    for words, address in entrances:
        page, _, anchor = address.partition("#")
        path = DOCS / page
        heads = re.findall(r"(?m)^#+ (.+)$", path.read_text(encoding="utf-8"))
        assert words and (not anchor or anchor in [head.lower().replace(" ", "-") for head in heads]), address
