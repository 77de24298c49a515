"""Records, configs and sources beside the pages: every link of the site works offline.

A text (`.py`, `.gin`, `.toml`) becomes a page with numbered lines, `model.py.html#L30`; records, sounds and pictures
are copied as they are.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from repro.report.markup import Markup, join, tag

TEXTS = {".py": "python", ".gin": "python", ".toml": "toml", ".md": "markdown"}
COPIES = frozenset({".json", ".flac", ".wav", ".ogg", ".mp3", ".png", ".jpg", ".svg"})

STYLE = """
:root{color-scheme:light dark}body{margin:1rem;font:14px/1.5 ui-monospace,Menlo,Consolas,monospace}
h1{font-size:1rem}pre{overflow-x:auto}pre a{display:inline-block;min-width:4ch;margin-right:2ch;text-align:right;
color:#767676;text-decoration:none;user-select:none}span:target{background:#e69f0055}.c,.c1,.sd{color:#767676}
.k,.kn,.kd{color:#0072b2}.s,.s1,.s2{color:#00785a}@media(prefers-color-scheme:dark){.k,.kn,.kd{color:#56b4e9}
.s,.s1,.s2{color:#4cc9a4}.c,.c1,.sd,pre a{color:#9a9a9a}}
"""


def shown(address: str) -> str:
    """The address of what shows a file: of its page with numbered lines where it is a text."""
    return f"{address}.html" if Path(address).suffix in TEXTS else address


def publish(folder: Path, name: str, target: Path) -> None:
    """Put the files of a paper's `folder` below `target`, those that are there already and no older left alone."""
    home = target / "files" / "papers" / name
    for path in _files(folder):
        relative = path.relative_to(folder)
        if path.suffix in TEXTS:
            _write(path, home / f"{relative}.html", f"papers/{name}/{relative.as_posix()}")
        else:
            _copy(path, home / relative)


def publish_source(folder: Path, target: Path) -> None:
    """The Python files of the core, for the catalogue of parts."""
    for path in sorted(folder.rglob("*.py")):
        relative = path.relative_to(folder)
        _write(path, target / "files" / folder.name / f"{relative}.html", f"{folder.name}/{relative.as_posix()}")


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith((".", "__pycache__")) for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and path.suffix in {*TEXTS, *COPIES}:
            yield path


def _copy(path: Path, target: Path) -> None:
    if not _fresh(path, target):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)


def _write(path: Path, target: Path, title: str) -> None:
    if not _fresh(path, target):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(listing(path.read_text(encoding="utf-8"), TEXTS[path.suffix], title), encoding="utf-8")


def _fresh(path: Path, target: Path) -> bool:
    return target.is_file() and target.stat().st_mtime >= path.stat().st_mtime


def listing(text: str, language: str, title: str) -> str:
    """A page of numbered lines, each with the id `L<number>`."""
    from pygments import highlight  # type: ignore[import-untyped]
    from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
    from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]

    lexer = get_lexer_by_name(language, stripnl=False)
    coloured = highlight(text, lexer, HtmlFormatter(nowrap=True)).splitlines()
    lines = [_line(number, Markup(line)) for number, line in enumerate(coloured, 1)]
    body = tag("h1", title) + tag("pre", join(lines, "\n"))
    head = tag("meta", charset="utf-8").removesuffix("</meta>") + tag("title", title) + tag("style", Markup(STYLE))
    width = '<meta name="viewport" content="width=device-width">'
    return f'<!doctype html>\n<html lang="en"><head>{head}{width}</head>\n<body>{body}</body></html>\n'


def _line(number: int, line: Markup) -> Markup:
    return tag("span", tag("a", str(number), href=f"#L{number}"), line, id=f"L{number}")
