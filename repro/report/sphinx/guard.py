"""Parses the texts of groups as MyST, and allows only safe markup in them.

These are a paper's `report.md` and `tips.md`, and the texts in the folder `material/` of a course (slides, questions).

A pull request can change these texts, and the reviewer builds them. MyST's directives can read and copy any file,
write HTML, and import code; its links copy their target. So such a text may use:

- only the directives and roles that are listed below;
- only links to the web, or to files of that folder that are shown on the site;
- no HTML.

Anything else is shown as text, with a warning. The check happens after MyST has parsed the text: it does not guess
from the source what is code and what is markup.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives, roles
from myst_parser.mdit_to_docutils.base import token_line
from myst_parser.mdit_to_docutils.sphinx_ import SphinxRenderer
from myst_parser.parsers.mdit import create_md_parser
from myst_parser.parsers.sphinx_ import MystParser
from sphinx.util import logging

from repro.errors import nearest
from repro.report import prose
from repro.report.html import files
from repro.report.html.markup import tag
from repro.report.html.words import POWER, power
from repro.report.quote import ROLES
from repro.report.sections import SECTIONS
from repro.report.sphinx import changes
from repro.report.sphinx.roles import raw, to_root

log = logging.getLogger(__name__)

DIRECTIVES = frozenset({
    *SECTIONS, "claim", "leaderboard", "metric-curve",
    *("admonition", "attention", "caution", "danger", "error", "hint", "important", "note", "seealso", "tip"),
    *("warning", "code-block", "list-table", "math", "table"),
})  # fmt: skip


class Parser(MystParser):
    """MyST's parser with the renderer below. Settings of MyST within a page are ignored."""

    def parse(self, inputstring: str, document: nodes.document) -> None:
        reader = create_md_parser(document.settings.env.myst_config, Guarded)
        reader.options["document"] = document
        reader.render(inputstring)


class Guarded(SphinxRenderer):
    """MyST's renderer with checks. The methods that it does not override are harmless."""

    _known: tuple[str, Path | None] | None = None  # the source that was asked for last, and its folder

    @property
    def folder(self) -> Path | None:
        """The folder of the group's text that is being read; None for other pages of the site."""
        source = self.document["source"]
        if self._known is None or self._known[0] != source:  # each piece of text asks for it
            folder = Path(source).parent
            self._known = source, folder if (folder / "paper.toml").is_file() or prose.of_course(folder) else None
        return self._known[1]

    def run_directive(  # type: ignore[override]  # other arguments of MyST are passed on
        self, name: str, first_line: str, content: str, position: int, **more: Any
    ) -> list[Any]:
        if self.folder and name not in DIRECTIVES:
            known, _ = directives.directive(name, self.language_module_rst, self.document)
            if known is not None:  # an unknown directive is reported by `suggest`, with the most similar name
                self._refuse(f"the directive '{name}'{nearest(name, DIRECTIVES)}", position)
                return [nodes.literal_block(content, content)]
        return list(super().run_directive(name, first_line, content, position, **more))

    def render_restructuredtext(self, token: Any) -> None:
        if self.folder:
            self._show("reStructuredText", token)
        else:
            super().render_restructuredtext(token)

    def render_myst_role(self, token: Any) -> None:
        name = token.meta["name"]
        known = self.folder and roles.role(name, self.language_module_rst, token_line(token, 0), self.reporter)[0]
        if known and name not in ROLES:
            self._show(f"the role '{name}'{nearest(name, ROLES)}", token)
        else:
            super().render_myst_role(token)

    def render_html_block(self, token: Any) -> None:
        """Also called for HTML within a line."""
        if self.folder:
            self._show("HTML", token)
        else:
            super().render_html_block(token)

    def render_text(self, token: Any) -> None:
        """Typeset powers of ten, like the generated numbers: `1.5e-09` becomes `1.5 × 10⁻⁹`."""
        self.current_node.append(nodes.Text(POWER.sub(power, token.content) if self.folder else token.content))

    def render_link(self, token: Any) -> None:
        target = self.md.normalizeLinkText(str(token.attrGet("href") or ""))
        if self.folder is None or prose.WEB.match(target):
            return super().render_link(token)
        if prose.SCHEME.match(target):
            self._refuse(f"a link to '{target}'; expected https: or a file of the paper", token_line(token, 0))
        address = prose.address(target, self.folder, self._root)
        self._refuse_dead(address, target, token)
        node = nodes.reference(refuri=address, internal=True) if address else nodes.inline()
        with self.current_node_context(node, append=True):
            self.render_children(token)
        return None

    def render_image(self, token: Any) -> None:
        if self.folder is None:
            return super().render_image(token)
        target = self.md.normalizeLinkText(str(token.attrGet("src") or ""))
        said = self.renderInlineAsText(token.children or [])
        if prose.SCHEME.match(target):
            self._refuse(f"the picture '{target}'; expected a file of the paper", token_line(token, 0))
        address = prose.address(target, self.folder, self._root, copied=True)
        self._refuse_dead(address, target, token)
        self.current_node.append(raw(tag("img", src=address, alt=said)) if address else nodes.Text(said))
        return None

    @property
    def _root(self) -> str:
        return to_root(self.sphinx_env.docname)

    def _refuse_dead(self, address: str, target: str, token: Any) -> None:
        """Warn about a link without an address in a text of a course; `look_at_links` does so for papers."""
        if not address and self.folder and prose.of_course(self.folder) and not prose.SCHEME.match(target):
            expected = f"; expected a file in {self.folder.name}/ that is {', '.join(sorted(files.COPIES))}"
            self._refuse(f"a link to '{target}'{expected}", token_line(token, 0))

    def _show(self, what: str, token: Any) -> None:
        """Show refused markup as text, with a warning."""
        self._refuse(what, token_line(token, 0))
        kind = nodes.literal if isinstance(self.current_node, nodes.TextElement) else nodes.literal_block
        self.current_node.append(kind(token.content, token.content))

    def _refuse(self, what: str, line: int) -> None:
        changes.note(self.sphinx_env, changes.FAULT)
        place = f"{self.document['source']}:{line}"
        whose = "course" if self.folder and prose.of_course(self.folder) else "paper"
        log.warning("a %s's text may not have %s", whose, what, location=place, type="repro")
