"""The Sphinx extension: writes a page per paper, and copies the files that the pages link to.

`directives` and `roles` define what a page can contain.
"""

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
from repro.errors import BadInput, nearest
from repro.registry import REGISTRIES
from repro.report import comparison, page, parts, people, prose, quote, repository, spreadsheet
from repro.report.html import files
from repro.report.html.markup import Markup, tag
from repro.report.sphinx import api, changes, directives, guard, head, landing, reasons, roles, search, site
from repro.report.sphinx.directives import names

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"  # the style and the script of the pages
UNKNOWN = re.compile(r"Unknown (?:interpreted text )?(?P<kind>role|directive)(?: type:)? ['\"](?P<name>[\w-]+)['\"]")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension; Sphinx calls this."""
    app.add_config_value("repro_papers", [], "env", [list, str])
    directives.add_to(app)
    landing.add_to(app)
    search.add_to(app)
    head.add_to(app)
    roles.add_to(app)
    app.add_source_parser(guard.Parser, override=True)
    logging.getLogger("myst_parser.warnings_").logger.addFilter(suggest)
    api.add_to(app)
    app.add_html_math_renderer("mathml", (formula, None), (formula, None))
    app.add_config_value("repro_program", "", "env", str)
    app.add_config_value("repro_repository", "", "env", str)
    app.add_config_value("repro_home", "", "env", str)
    app.add_css_file("repro.css")
    app.add_js_file("repro.js", defer="defer")
    app.connect("config-inited", know_the_program)
    app.connect("config-inited", know_the_addresses)
    app.connect("builder-inited", prepare)
    app.connect("html-page-context", link_to_source)
    app.connect("html-page-context", add_viewer)
    app.connect("env-get-outdated", outdated)
    app.connect("env-purge-doc", changes.purge)
    app.connect("env-merge-info", changes.merge)
    app.connect("env-updated", renamed)
    app.connect("include-read", look_at_links)
    app.connect("doctree-read", reasons.mark)
    app.connect("build-finished", publish)
    return {"version": repro.__version__, "parallel_read_safe": True, "parallel_write_safe": True}


def suggest(warning: Any) -> bool:
    """Add the most similar name to MyST's warning about an unknown role or directive."""
    if hit := UNKNOWN.search(str(warning.msg)):
        known = {**directives.known(), **landing.known()} if hit["kind"] == "directive" else quote.LOOKS
        name = nearest(hit["name"], known)
        warning.msg = f"{warning.msg}{name if 'did you mean' in name else ''}"
    return True


def know_the_program(app: Sphinx, config: Any) -> None:
    """Make Sphinx read all documents again if the code that prints the pages has changed. Also add style and icon."""
    config.html_static_path.append(str(STATIC))
    config.html_favicon = config.html_favicon or str(STATIC / "favicon.svg")
    config.repro_program = changes.program()


def know_the_addresses(app: Sphinx, config: Any) -> None:
    """Check the addresses of the repository and of the site. The theme links each page to its text there."""
    try:
        found = repository.site(config.repro_repository, config.html_baseurl)
    except BadInput as error:
        log.error("%s", error, type="repro")
        raise SystemExit(site.TOLD) from None
    config.repro_repository, config.repro_home = found.repository, found.home
    if found.repository and config.html_theme == "furo":
        config.html_theme_options.setdefault("source_view_link", repository.text(found))


def link_to_source(app: Sphinx, name: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Link a paper's page to the paper's folder. Other pages that are generated get no link to their source."""
    link = "theme_source_view_link"
    if not context.get(link):
        return
    if name.startswith("papers/"):
        context[link] = repository.folder(repository.Site(app.config.repro_repository), name.removeprefix("papers/"))
    elif name == "course/calendar" or name.startswith("course/presentations/"):
        context[link] = ""


def add_viewer(app: Sphinx, name: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Add the script that shows signals to the pages that have one."""
    if 'class="repro-viewer"' in context.get("body", ""):
        app.add_js_file("strip.js", defer="defer")


def prepare(app: Sphinx) -> None:
    """Write the pages. If a paper cannot be read, the build ends with a one-line message.

    It raises SystemExit, because for other exceptions Sphinx prints a report for its developers.
    """
    page.forget()
    changes.forget()
    parts.forget()
    gc.disable()  # the records live until the end, so the garbage collector need not visit them
    try:
        write_pages(app)
    except BadInput as error:
        log.error("%s", error, type="repro")
        raise SystemExit(site.TOLD) from None
    finally:
        gc.freeze()
        gc.enable()


def write_pages(app: Sphinx) -> None:
    """Write one page per paper in docs/papers/, if it has changed. Remove the pages of papers that are gone."""
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
    """Write the page of one paper if its text has changed; returns the digests of what the text was made from.

    `written` are the digests of the last build: of the paper, of the program, and of the page itself (another build
    may have written it). If all are equal, the paper is not read, which saves time with thousands of records.
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
    """Warn in every build that a paper has no `report.md` or no `tips.md`. The page says so too."""
    folder = changes.folders().get(name)
    for path in [folder / "report.md", folder / "tips.md"] if folder else []:
        if not path.is_file():
            log.warning(
                "there is no %s: write what you did differently from the paper, or what was hard",
                path.name,
                location=f"{path}:1",
            )


def made_of(app: Sphinx, name: str, path: Path) -> str:
    """The digests of a paper, of the program, and of the page that exists."""
    there = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    return f"{changes.digest(f'paper {name}')} {app.config.repro_program} {there}"


def outdated(app: Sphinx, env: Any, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """The documents to read again: a source that they print has changed, or they show an error.

    Sphinx detects neither by itself.
    """
    sources = changes.printed(env)
    return [name for name in env.found_docs if any(changes.digest(s) != d for s, d in sources.get(name, {}).items())]


def renamed(app: Sphinx, env: Any) -> list[str]:
    """All documents if the list of papers in the sidebar has changed, so that Sphinx writes them again; else none."""
    titles = {name: changes.digest(f"title {name}") for name in names(app)}
    before, env.repro_titles = getattr(env, "repro_titles", titles), titles
    return [] if titles == before else list(env.found_docs)


def look_at_links(app: Sphinx, path: Path, document: str, content: list[str]) -> None:
    """Warn about dead links in a paper's `report.md` and `tips.md`, when its page includes them."""
    folder = (Path(app.srcdir) / path).resolve().parent
    # Not on the page of all tips, which includes a file once per tip: each warning would be repeated.
    if (folder / "paper.toml").is_file() and app.env.docname == f"papers/{folder.name}":
        warn_of_dead_links(app, folder / path.name, content[0])


def warn_of_dead_links(app: Sphinx, path: Path, text: str) -> None:
    """Warn about links to files that do not exist. The page shows them as text."""
    for line, target in prose.dead(text, path.parent):
        changes.note(app.env, changes.FAULT)
        log.warning("no file '%s' to link to", target, location=f"{path}:{line}", type="repro")


def publish(app: Sphinx, error: Exception | None) -> None:
    """Copy records, configs and sources next to the pages."""
    if error is not None or app.builder.format != "html":
        return
    target, known = Path(app.outdir), changes.folders()
    shown = target / "files" / "papers"
    for folder in shown.glob("*"):
        if folder.name not in known:
            shutil.rmtree(folder)
            (target / files.badge(folder.name)).unlink(missing_ok=True)
    catalogued = "parts" in app.env.found_docs
    listed = (one for kind in REGISTRIES for one in parts.of_kind(kind, names(app))) if catalogued else ()
    anchors = [parts.anchor(one) for one in listed]
    for name in names(app):
        files.publish(known[name], name, target, anchors)
    publish_tables(app)
    if catalogued:  # only the catalogue of parts links to the files of `repro`
        files.publish_source(Path(repro.__file__).parent, target)


def publish_tables(app: Sphinx) -> None:
    """Write the CSV tables and badges of papers whose pages have changed; if there are any, also the table of all."""
    target = Path(app.outdir)
    old = []
    for name in names(app):
        table = target / "files" / "papers" / name / files.TABLE
        if not files.fresh(target / "papers" / f"{name}.html", table):
            old.append((table, name))
    for table, name in old:
        table.parent.mkdir(parents=True, exist_ok=True)
        table.write_text(spreadsheet.claims(page.read(name)), encoding="utf-8", newline="")
        mark = target / files.badge(name)
        mark.parent.mkdir(exist_ok=True)
        mark.write_text(people.svg(page.read(name)), encoding="utf-8")
    if old:
        text = spreadsheet.papers(page.read(name) for name in names(app))
        (target / "files" / comparison.TABLE).write_text(text, encoding="utf-8", newline="")


def formula(translator: Any, node: nodes.math | nodes.math_block) -> None:
    """Write a formula as MathML, which browsers draw without a script. An invalid formula is shown as text."""
    block = isinstance(node, nodes.math_block)
    try:
        drawn: str = Markup(tex2mathml(node.astext(), block))
    except (ValueError, SyntaxError) as error:  # which one depends on the version of docutils
        log.warning("not a valid formula: %s", error, location=node, type="repro")
        drawn = tag("code", node.astext())
    translator.body.append(tag("div" if block else "span", drawn, class_="math"))
    raise nodes.SkipNode
