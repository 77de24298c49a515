"""A folder for the LaTeX template of ReScience C: `metadata.yaml`, `content.tex`, `bibliography.bib` and figures.

The template itself is not copied, because its files have their own licences. The README of the folder says how to add
it. `preamble.tex` has the packages and commands that pandoc's LaTeX needs.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from repro.export import article, directives, needed, nodes, write_once
from repro.export.article import Article
from repro.export.home import repository
from repro.export.nodes import Nodes
from repro.files import disk
from repro.report import cite
from repro.report.page import Page
from repro.verdict import Verdict

AGREES = {"reproduced", "exceeded", "trend holds", "last digit differs", "same conclusion"}
SPECIAL = re.compile(r"[&%#_$]")
CODE = re.compile(r"\\texttt\{((?:[^{}\\]|\\[&%#_$])*)\}")
BREAK = re.compile(r"(?<=[/.:=])|(?<=\\_)")  # where a line may end in code: a path does not fit into one
PREAMBLE = r"""% What content.tex needs. In article.tex, write \input{preamble.tex} before \begin{document}.
\usepackage{longtable,booktabs,array,calc,graphicx}
\IfFileExists{ulem.sty}{\usepackage[normalem]{ulem}\newcommand{\st}{\sout}}{\newcommand{\st}[1]{##1}}
\newcommand{\pandocbounded}[1]{\sbox0{#1}\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi}
\newcommand{\tightlist}{\setlength{\itemsep}{0pt}\setlength{\parskip}{0pt}}
\newcounter{none}
"""
README = """\
# An article for ReScience C

`repro export {name} --as rescience` wrote this folder. To make the PDF:

1. Get the template: `git clone https://github.com/ReScience/template`
2. Copy `metadata.yaml`, `content.tex`, `preamble.tex`, `bibliography.bib` and `figures/` into it.
3. In its `article.tex`, add the line `\\input{{preamble.tex}}` before `\\begin{{document}}`.
4. Complete `metadata.yaml`: authors with ORCID and address, keywords, the DOI of the code. The title begins with [Re],
   or with [¬Re] if the replication failed.
5. Type `make` in the template. It needs XeLaTeX and biber.

Numbers and tables come from records. If a record changes, write the folder again instead of editing `content.tex`.
"""


def write(page: Page, folder: Path) -> Path:
    """Write the folder `folder`/rescience."""
    home = folder / "rescience"
    home.mkdir(exist_ok=True)
    yaml = needed("yaml")
    made = article.make(page, home, "pdf")
    write_once(
        home / "metadata.yaml", yaml.safe_dump(metadata(page, made), sort_keys=False, allow_unicode=True, width=100)
    )
    write_once(home / "content.tex", _content(made))
    disk.write(home / "preamble.tex", PREAMBLE)
    disk.write(home / "bibliography.bib", _bibliography(page))
    disk.write(home / "README.md", README.format(name=page.name))
    return home


def _content(made: Article) -> str:
    appendix = f"\n\\appendix\n\n{_latex(made.appendix)}" if made.appendix else ""
    return f"{_latex(made.body)}{appendix}\n\\nocite{{*}}\n"


def _latex(blocks: Nodes) -> str:
    """The blocks as LaTeX: code has no colours, which need more commands, and may be broken into lines."""
    text = nodes.convert([_uncoloured(block) for block in blocks], "latex")
    return CODE.sub(lambda hit: BREAK.sub(r"\\allowbreak{}", hit[0]), text)


def _uncoloured(node: Any) -> Any:
    """The element without the languages of the code in it."""
    if isinstance(node, list):
        return [_uncoloured(one) for one in node]
    if not isinstance(node, dict) or "t" not in node:
        return node
    kind, content = nodes.parts(node)
    if kind in ("Code", "CodeBlock"):
        return {"t": kind, "c": [nodes.PLAIN, content[1]]}
    return {"t": kind, **({"c": _uncoloured(content)} if "c" in node else {})}


def metadata(page: Page, made: Article) -> dict[str, Any]:
    """The content of `metadata.yaml`: all keys that the template reads; empty if only the authors know the value."""
    paper = page.paper
    empty = {"name": None, "orcid": None}
    doi = re.search(r"doi\.org/(\S+)", paper.url)
    return {
        "title": tex(f"{sign(page.verdicts)} {paper.title}"),
        "authors": [{"name": paper.group or None, "orcid": None, "email": None, "affiliations": "1,*"}],
        "affiliations": [{"code": 1, "name": "", "address": ""}],
        "keywords": "reproducibility, deep learning, Python",
        "code": [{"url": repository(paper.folder) or None}, {"doi": None}, {"swh": None}],
        "data": [{"url": None}, {"doi": None}],
        "replication": [
            {"cite": tex(nodes.said(directives.citation(page)))},
            {"bib": paper.key or paper.name},
            {"url": paper.url or None},
            {"doi": doi[1] if doi else None},
        ],
        "abstract": tex(" ".join(nodes.said([block]) for block in made.abstract)),
        "bibliography": "bibliography.bib",
        "type": "Replication",
        "domain": "Machine learning",
        "language": "Python",
        "review": [{"url": None}],
        "contributors": [{**empty, "role": role} for role in ("editor", "reviewer", "reviewer")],
        "dates": [{"received": None}, {"accepted": None}, {"published": None}],
        "article": [{"number": None}, {"doi": None}, {"url": None}],
        "journal": [{"name": "ReScience C"}, {"issn": "2430-3658"}, {"volume": None}, {"issue": None}],
    }


def sign(verdicts: list[Verdict]) -> str:
    """`[¬Re]` if at least one claim failed and none was reproduced, else `[Re]`. The authors may change it."""
    outcomes = {one.outcome for one in verdicts}
    failed = outcomes & {"not reproduced", "trend fails"} and not outcomes & AGREES
    return "[¬Re]" if failed else "[Re]"


def _bibliography(page: Page) -> str:
    paper = page.paper
    safe = replace(paper, title=tex(paper.title), venue=tex(paper.venue), authors=[tex(name) for name in paper.authors])
    return cite.entry(safe) + "\n"


def tex(words: str) -> str:
    """A text for LaTeX: the template copies titles and the abstract unchanged.

    >>> tex("R&D at 5 %")
    'R\\\\&D at 5 \\\\%'
    """
    return SPECIAL.sub(r"\\\g<0>", words)
