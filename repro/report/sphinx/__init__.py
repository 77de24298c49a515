"""The Sphinx extension: a page per paper, and the files beside them; `directives` says what a page may ask for."""

from __future__ import annotations

import gc
import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

import repro
from repro.claim import paper
from repro.errors import BadInput, nearest
from repro.report import page, parts, prose, spreadsheet
from repro.report import papers as cards
from repro.report.html import files
from repro.report.html.markup import Markup, tag
from repro.report.sphinx import api, changes, directives, guard, roles, site
from repro.report.sphinx.directives import names

log = logging.getLogger(__name__)

UNKNOWN = re.compile(r"Unknown (?:interpreted text )?(?P<kind>role|directive)(?: type:)? ['\"](?P<name>[\w-]+)['\"]")


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    app.add_config_value("repro_papers", [], "env", [list, str])
    directives.add_to(app)
    roles.add_to(app)
    app.add_source_parser(guard.Parser, override=True)
    logging.getLogger("myst_parser.warnings_").logger.addFilter(suggest)
    api.add_to(app)
    app.add_html_math_renderer("mathml", (formula, None), (formula, None))
    app.add_config_value("repro_program", "", "env", str)
    app.connect("config-inited", know_the_program)
    app.connect("builder-inited", prepare)
    app.connect("env-get-outdated", outdated)
    app.connect("env-purge-doc", changes.purge)
    app.connect("env-merge-info", changes.merge)
    app.connect("env-updated", renamed)
    app.connect("include-read", look_at_links)
    app.connect("build-finished", publish)
    return {"version": repro.__version__, "parallel_read_safe": True, "parallel_write_safe": True}


def suggest(warning: Any) -> bool:
    """Name the nearest of ours below MyST's warning of an unknown role or directive."""
    if hit := UNKNOWN.search(str(warning.msg)):
        name = nearest(hit["name"], directives.known() if hit["kind"] == "directive" else roles.LOOKS)
        warning.msg = f"{warning.msg}{name if 'did you mean' in name else ''}"
    return True


def know_the_program(app: Sphinx, config: Any) -> None:
    """Make Sphinx read everything again when what prints the pages has changed."""
    config.repro_program = changes.program()


def prepare(app: Sphinx) -> None:
    """Write the pages. A paper that cannot be read ends the build with one line: of an exception that is not an exit
    Sphinx prints a report for its own developers."""
    page.forget()
    changes.forget()
    parts.forget()
    gc.disable()  # the records stay to the end: the collector need not visit them again and again
    try:
        write_pages(app)
    except BadInput as error:
        log.error("%s", error, type="repro")
        raise SystemExit(site.TOLD) from None
    finally:
        gc.freeze()
        gc.enable()


def write_pages(app: Sphinx) -> None:
    """One page per paper below docs/papers/, written only where it changed; those of papers gone are removed."""
    folder = Path(app.srcdir) / "papers"
    folder.mkdir(exist_ok=True)
    wanted = names(app)
    for path in folder.glob("*.md"):
        if path.stem not in wanted and path.read_text(encoding="utf-8").startswith(page.WRITTEN):
            path.unlink()
            (Path(app.outdir) / "papers" / f"{path.stem}.html").unlink(missing_ok=True)
            shutil.rmtree(Path(app.outdir) / "files" / "papers" / path.stem, ignore_errors=True)
    written = getattr(app.env, "repro_written", {})
    app.env.repro_written = {name: write_page(app, name, written.get(name, "")) for name in wanted}  # type: ignore[attr-defined]


def write_page(app: Sphinx, name: str, written: str) -> str:
    """Write the page of one paper where its text is another; returns what that text was made of.

    A paper of thousands of records is read only where this differs from what was `written`, in any part: the paper,
    the program that makes the text, and the text that stands there, which another build may have made.
    """
    warn_of_missing_prose(name)
    path = Path(app.srcdir) / "papers" / f"{name}.md"
    if written and written == made_of(app, name, path):
        return written
    text = page.text(page.read(name), path.parent).encode()
    if not path.is_file() or path.read_bytes() != text:
        path.write_bytes(text)
    return made_of(app, name, path)


def warn_of_missing_prose(name: str) -> None:
    """A page says so too where nobody has written it; it is warned of in every build."""
    folder = paper.folders().get(name)
    for path in [folder / "report.md", folder / "tips.md"] if folder else []:
        if not path.is_file():
            log.warning(
                "there is no %s: write what was done otherwise, or what was hard", path.name, location=f"{path}:1"
            )


def made_of(app: Sphinx, name: str, path: Path) -> str:
    """The digests of a paper, of the program and of the page that is there."""
    there = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    return f"{changes.digest(f'paper {name}')} {app.config.repro_program} {there}"


def outdated(app: Sphinx, env: Any, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """The documents of which something printed has changed, or that show a fault: Sphinx watches neither."""
    sources = changes.printed(env)
    return [name for name in env.found_docs if any(changes.digest(s) != d for s, d in sources.get(name, {}).items())]


def renamed(app: Sphinx, env: Any) -> list[str]:
    """Every document, to be written again, where the papers that stand beside each page are no longer the same."""
    titles = {name: changes.digest(f"title {name}") for name in names(app)}
    before, env.repro_titles = getattr(env, "repro_titles", titles), titles
    return [] if titles == before else list(env.found_docs)


def look_at_links(app: Sphinx, path: Path, document: str, content: list[str]) -> None:
    """Warn of the dead links of a paper's own texts where they join its page."""
    folder = (Path(app.srcdir) / path).resolve().parent
    if (folder / "paper.toml").is_file() and app.env.docname == f"papers/{folder.name}":  # the page of all tips has
        warn_of_dead_links(app, folder / path.name, content[0])  # them too, and includes a file once for each tip


def warn_of_dead_links(app: Sphinx, path: Path, text: str) -> None:
    """Links to files that are not there: they are shown as text."""
    for line, target in prose.dead(text, path.parent):
        changes.note(app.env, changes.FAULT)
        log.warning("no file '%s' to link to", target, location=f"{path}:{line}", type="repro")


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
    publish_tables(app)
    files.publish_source(Path(repro.__file__).parent, target)


def publish_tables(app: Sphinx) -> None:
    """Write the tables for download: those of the papers whose pages are newer, and that of all with them."""
    target = Path(app.outdir)
    old = []
    for name in names(app):
        table = target / "files" / "papers" / name / files.TABLE
        if not files.fresh(target / "papers" / f"{name}.html", table):
            old.append((table, name))
    for table, name in old:
        table.parent.mkdir(parents=True, exist_ok=True)
        table.write_text(spreadsheet.claims(page.read(name)), encoding="utf-8", newline="")
    if old:
        text = spreadsheet.papers(page.read(name) for name in names(app))
        (target / "files" / cards.TABLE).write_text(text, encoding="utf-8", newline="")


def formula(translator: Any, node: nodes.math | nodes.math_block) -> None:
    """A formula as MathML, which browsers draw by themselves, with no script; a wrong one is shown as it is typed."""
    block = isinstance(node, nodes.math_block)
    try:
        drawn: str = Markup(tex2mathml(node.astext(), block))
    except (ValueError, SyntaxError) as error:  # docutils raises one or the other, by its version
        log.warning("no formula: %s", error, location=node, type="repro")
        drawn = tag("code", node.astext())
    translator.body.append(tag("div" if block else "span", drawn, class_="math"))
    raise nodes.SkipNode
