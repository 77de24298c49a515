"""The Sphinx extension: a page per paper, and the files beside them; `directives` says what a page may ask for."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.errors import SphinxError

import repro
from repro import paper
from repro.errors import BadInput
from repro.report import api, directives, files, page, prose
from repro.report.directives import names, to_root
from repro.report.markup import Markup, tag


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    app.add_config_value("repro_papers", [], "env", [list, str])
    directives.add_to(app)
    api.add_to(app)
    app.add_html_math_renderer("mathml", (formula, None), (formula, None))
    app.connect("builder-inited", prepare)
    app.connect("env-get-outdated", outdated)
    app.connect("include-read", relink)
    app.connect("build-finished", publish)
    return {"version": repro.__version__, "parallel_read_safe": True, "parallel_write_safe": True}


def prepare(app: Sphinx) -> None:
    """Write the pages; a paper that cannot be read is one line, no traceback."""
    page.forget()
    try:
        write_pages(app)
    except BadInput as error:
        raise SphinxError(str(error)) from None


def write_pages(app: Sphinx) -> None:
    """One page per paper below docs/papers/, written only where it changed; those of papers gone are removed."""
    folder = Path(app.srcdir) / "papers"
    folder.mkdir(exist_ok=True)
    wanted = names(app)
    for path in folder.glob("*.md"):
        if path.stem not in wanted:
            path.unlink()
            (Path(app.outdir) / "papers" / f"{path.stem}.html").unlink(missing_ok=True)
            shutil.rmtree(Path(app.outdir) / "files" / "papers" / path.stem, ignore_errors=True)
    for name in wanted:
        path, text = folder / f"{name}.md", page.text(page.read(name), folder)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def outdated(app: Sphinx, env: Any, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """Every document that prints records: whether one is stale depends on code that Sphinx does not watch."""
    return [name for name in env.found_docs if env.metadata.get(name, {}).get("repro")]


def relink(app: Sphinx, path: Path, document: str, content: list[str]) -> None:
    """Make the links of a paper's own texts lead to the copies of its files."""
    folder = (Path(app.srcdir) / path).resolve().parent
    if (folder / "paper.toml").is_file():
        content[0] = prose.relink(content[0], folder, to_root(app.env.docname))


def publish(app: Sphinx, error: Exception | None) -> None:
    """Put records, configs and sources beside the pages."""
    if error is not None or app.builder.format != "html":
        return
    target, known = Path(app.outdir), paper.folders()
    shown = target / "files" / "papers"
    for folder in shown.glob("*"):
        if folder.name not in known:
            shutil.rmtree(folder)
    for name in names(app):
        files.publish(known[name], name, target)
    files.publish_source(Path(repro.__file__).parent, target)


def formula(translator: Any, node: nodes.math | nodes.math_block) -> None:
    """A formula as MathML, which browsers draw by themselves: no script, nothing fetched."""
    block = isinstance(node, nodes.math_block)
    translator.body.append(tag("div" if block else "span", Markup(tex2mathml(node.astext(), block)), class_="math"))
    raise nodes.SkipNode
