"""Copies records, configs and sources next to the pages, so that every link of the site works offline.

A text (`.py`, `.gin`, `.toml`, `.md`) becomes a page with numbered lines: `model.py.html#L30`. Records, sounds and
pictures are copied unchanged.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from repro.report.html.markup import Markup, escape, join, link, numbered, tag

TEXTS = {".py": "python", ".gin": "gin", ".toml": "toml", ".md": "text"}
SIMPLE = re.compile(r"""("[^"\n]*"|'[^'\n]*'|\#.*)""")
TABLE = "claims.csv"  # the claims of a paper, written at the end of the build
COPIES = frozenset({".json", ".flac", ".wav", ".ogg", ".mp3", ".png", ".jpg"})  # not .svg: it may contain a script

STYLE = """
:root{color-scheme:light dark}body{margin:1rem;font:14px/1.5 ui-monospace,Menlo,Consolas,monospace}
h1{font-size:1rem;overflow-wrap:anywhere}pre{overflow-x:auto}
pre a{display:inline-block;min-width:4ch;margin-right:2ch;text-align:right;
color:#767676;text-decoration:none;user-select:none}span:target{background:#e69f0055}.c,.c1,.sd{color:#767676}
.k,.kn,.kd{color:#0072b2}.s,.s1,.s2{color:#00785a}@media(prefers-color-scheme:dark){.k,.kn,.kd{color:#56b4e9}
.s,.s1,.s2{color:#4cc9a4}.c,.c1,.sd,pre a{color:#9a9a9a}}
"""


def shown(address: str) -> str:
    """The address that shows a file: a text has a page with numbered lines, at `address` + `.html`."""
    return f"{address}.html" if Path(address).suffix in TEXTS else address


def badge(name: str) -> str:
    """The address of a paper's badge, relative to the root of the site."""
    return f"files/badges/{name}.svg"


def publish(folder: Path, name: str, target: Path) -> None:
    """Copy the files of a paper's `folder` to `target`, if they have changed. Remove copies of files that are gone."""
    home = target / "files" / "papers" / name
    kept = {home / TABLE}
    for path in _files(folder):
        relative = path.relative_to(folder).as_posix()
        kept.add(copy := home / shown(relative))
        if path.suffix in TEXTS:
            back = os.path.relpath(target / "papers" / f"{name}.html", copy.parent)
            _write(path, copy, f"papers/{name}/{relative}", Path(back).as_posix())
        else:
            _same(path, copy)
    _drop(home, kept)


def mirror(folder: Path, target: Path) -> None:
    """Copy the pictures, sounds and JSON files of `folder` to `target`. Remove copies of files that are gone."""
    found = {target / path.name: path for path in folder.glob("[!.]*") if path.suffix in COPIES and path.is_file()}
    for copy, path in found.items():
        _same(path, copy)
    _drop(target, set(found))


def _drop(home: Path, kept: set[Path]) -> None:
    """Remove the files that are not `kept`, then the empty folders."""
    for path in _walk(home):
        if path not in kept:
            path.unlink()
    for folder, _, _ in os.walk(home, topdown=False):
        if not os.listdir(folder):
            os.rmdir(folder)


def publish_source(folder: Path, target: Path) -> None:
    """Write a listing of each Python file of the core, for the catalogue of parts."""
    for path in sorted(folder.rglob("[!.]*.py")):
        relative = path.relative_to(folder)
        copy = target / "files" / folder.name / f"{relative}.html"
        back = os.path.relpath(target / "parts.html", copy.parent)
        _write(path, copy, f"{folder.name}/{relative.as_posix()}", Path(back).as_posix())


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in _walk(folder) if path.suffix in {*TEXTS, *COPIES})


def _walk(folder: Path) -> Iterator[Path]:
    """The files below a folder, without hidden files. Symbolic links are left out: they may lead to private files."""
    for home, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__pycache__"))]
        found = (Path(home, name) for name in names if not name.startswith("."))
        yield from (path for path in found if not path.is_symlink())


def _same(path: Path, target: Path) -> None:
    """Copy a file with its time, unless the copy is up to date.

    A hard link is replaced by a copy, so that an edit of the site cannot change a record.
    """
    state = path.stat()
    try:
        there = target.stat()
        if (there.st_size, there.st_mtime_ns) == (state.st_size, state.st_mtime_ns) and there.st_ino != state.st_ino:
            return
        target.unlink()
    except FileNotFoundError:
        target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)  # copy2 would take twice as long; only the time is needed
    os.utime(target, ns=(state.st_atime_ns, state.st_mtime_ns))


def _write(path: Path, target: Path, title: str, back: str) -> None:
    if not (fresh(path, target) and fresh(Path(__file__), target)):
        target.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text(encoding="utf-8-sig", errors="replace")  # another check reports what is not UTF-8
        target.write_text(listing(text, TEXTS[path.suffix], title, back), encoding="utf-8")


def fresh(path: Path, target: Path) -> bool:
    """Whether `target` exists and is not older than `path`, from which it is made."""
    try:
        return target.stat().st_mtime >= path.stat().st_mtime
    except FileNotFoundError:
        return False


def listing(text: str, language: str, title: str, back: str) -> str:
    """An HTML page of numbered lines, each with the id `L<number>`. `back` is the address of the page to return to."""
    coloured = _python(text) if language == "python" else escape(text) if language == "text" else _plain(text)
    body = tag(
        "main",
        tag("p", link(f"← {Path(back).stem}", back)),
        tag("h1", title),
        tag("pre", numbered(coloured.splitlines()), tabindex="0"),
    )
    head = tag("meta", charset="utf-8").removesuffix("</meta>") + tag("title", title) + tag("style", Markup(STYLE))
    width = '<meta name="viewport" content="width=device-width">'
    return f'<!doctype html>\n<html lang="en"><head>{head}{width}</head>\n<body>{body}</body></html>\n'


def _python(text: str) -> Markup:
    from pygments import highlight  # type: ignore[import-untyped]
    from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
    from pygments.lexers import PythonLexer  # type: ignore[import-untyped]

    return Markup(highlight(text, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)))


def _plain(text: str) -> Markup:
    """Colour strings and comments of a config or TOML file. A regex is faster than pygments for thousands of files."""
    pieces = SIMPLE.split(text)
    return join(
        tag("span", piece, class_="c" if piece[0] == "#" else "s") if n % 2 else piece for n, piece in enumerate(pieces)
    )
