"""The article as a PDF: pandoc converts the blocks to Typst, and typst sets them. No LaTeX is needed."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from repro.errors import BadInput, where
from repro.export import article, directives, needed, nodes
from repro.export.article import Article
from repro.files import disk
from repro.report.page import Page

LAYOUT = Path(__file__).with_name("article.typ")


def write(page: Page, folder: Path) -> Path:
    """Write `folder`/PAPER.pdf. The same records give the same bytes, because it has no date."""
    typst = needed("typst")
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        made = article.make(page, home, "svg")
        source = home / "article.typ"
        source.write_text(_typst(page, made), encoding="utf-8")
        try:
            printed = typst.compile(str(source), root=str(home))
        except RuntimeError as error:  # such as a formula that neither pandoc nor typst knows
            raise BadInput(f"typst cannot set the article: {error}", where(page.paper.folder)) from None
    path = folder / f"{page.name}.pdf"
    disk.write(path, printed)
    return path


def _typst(page: Page, made: Article) -> str:
    """The whole document. Texts of the paper are converted by pandoc or quoted, so they cannot contain commands."""
    title, group, date = (json.dumps(words, ensure_ascii=False) for words in (made.title, made.group, made.date))
    parts = [
        LAYOUT.read_text(encoding="utf-8"),
        f"#set document(title: {title}, author: {group}, date: none)",
        f"#title-block({title}, {group}, {date}, [\n{nodes.convert(made.abstract, 'typst')}\n])",
        nodes.convert(made.body, "typst"),
        "#heading(numbering: none)[References]",
        nodes.convert([nodes.para(*directives.citation(page))], "typst"),
    ]
    if made.appendix:
        parts += ['#counter(heading).update(0)\n#set heading(numbering: "A.1")', nodes.convert(made.appendix, "typst")]
    return "\n\n".join(parts)
