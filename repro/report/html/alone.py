"""A page that is one HTML file: it needs no server and no script, and loads nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from repro.files import disk
from repro.report.html.markup import Markup, tag

STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
h1 { overflow-wrap: anywhere }
"""


def write(path: Path, title: str, body: Sequence[Markup], style: str = "", media: str = "") -> Path:
    """Write the page `title` to `path`. style: more CSS. media: what it may load, as a policy: `img-src data:;`."""
    head = [
        tag("meta", charset="utf-8"),
        tag(
            "meta",
            http_equiv="Content-Security-Policy",
            content=f"default-src 'none'; {media} style-src 'unsafe-inline'",
        ),
        tag("meta", name_="viewport", content="width=device-width"),
        tag("title", title),
        tag("style", Markup(STYLE + style)),
    ]
    page = tag("html", tag("head", *head), tag("body", tag("h1", title), *body), lang="en")
    return disk.write(path, f"<!DOCTYPE html>\n{page}\n")
