"""What a stranger writes into report.md and tips.md comes out inert: told with its line, and shown as it is typed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

SECRET, EVIL = "TOPSECRET", "alert(1)"
PAYLOAD = "import pathlib\npathlib.Path({!r}).touch()\n"

BLOCKS = {  # a directive, with what it might bring
    "raw": ("html", f"<script>{EVIL}</script>\n"),
    "include": ("../../secret.txt", ""),
    "literalinclude": ("../../secret.txt", ""),
    "csv-table": ("x", ":file: ../../secret.txt\n"),
    "eval-rst": ("", f".. raw:: html\n\n   <script>{EVIL}</script>\n\n.. include:: ../../secret.txt\n"),
    "image": ("../../secret.png", ""),
    "figure": ("../../secret.png", ""),
    "figure-md": ("", "![x](../../secret.png)\n\nx\n"),
    "automodule": ("papers.tiny.evil", ":members:\n"),
    "autofunction": ("papers.tiny.evil.f", ""),
    "meta": ("", ":http-equiv=refresh: 0;url=https://evil.example\n"),
    "toctree": ("", "../index\n"),
    "parsed-literal": ("", f"<script>{EVIL}</script>\n"),
    "role": ("html(raw)", ":format: html\n"),
    "only": ("html", "x\n"),
    "tips": ("", ""),
}
INLINE = {  # what is typed, and what is said of it ("": nothing, it is text, or a link that is none)
    f"<script>{EVIL}</script>": "may not have HTML",
    f"a <img src=x onerror={EVIL}> b": "may not have HTML",
    f"a \"><svg/onload={EVIL}> b": "",  # no HTML to Markdown
    f"a </style><script>{EVIL}</script>": "may not have HTML",
    f"<!-- --><iframe src=javascript:{EVIL}>": "may not have HTML",
    "{download}`../../secret.txt`": "may not have the role 'download'",
    f"[x](javascript:{EVIL})": "",
    f"[x](&#106;ava&#115;cript:{EVIL})": "",
    f"<javascript:{EVIL}>": "",
    f"[x](data:text/html,<script>{EVIL}</script>)": "",
    "[x](file:///etc/hostname)": "",
    "[x](vnd.x:y)": "may not have a link to 'vnd.x:y'",
    "[x](path:../../secret.txt)": "may not have a link to 'path:",
    "[x](inv:y)": "may not have a link to 'inv:y'",
    "[x](//evil.example/x)": "may not have a link to '//evil.example/x'",
    "[x](<../../secret.txt>)": "",
    "[x](../../secret.txt 'title')": "",
    "[x][y]\n\n[y]: ../../secret.txt": "",
    "[x](/../secret.txt)": "",
    f"[x](https://example.org '\"><script>{EVIL}</script>')": "",
    "![x](https://evil.example/p.png)": "may not have the picture 'https://evil.example/p.png'",
    "![x](../../secret.png)": "",
    f"![\" onerror=\"{EVIL}](records/full-seed0/m.png)": "",
    "![x](drawn.svg)": "",
    f"$\\text{{<script>{EVIL}</script>}}$ $\\href{{javascript:{EVIL}}}{{x}}$": "",
    ":::{admonition} {download}`../../secret.txt`\nx\n:::": "may not have the role 'download'",
    f"````{{note}}\n```{{raw}} html\n<script>{EVIL}</script>\n```\n````": "may not have the directive 'raw'",
    ":::{include} ../../secret.txt\n:::": "may not have the directive 'include'",
    f"::: \"><script>{EVIL}</script>\nx\n:::": "",
    f"```py\"><script>{EVIL}</script>\nx\n```": "",
    f"#### x <script>{EVIL}</script>": "may not have HTML",
    f"[x](a`/../model.py) <b onclick={EVIL}> `": "",  # code, were it not for what a rewriting makes of the link
    f"``` `x`\n<script>{EVIL}</script>\n```": "may not have HTML",  # no fence: its info has backticks
}  # fmt: skip
TIPS = """# Tips

## The <script>alert(1)</script> {download}`../../secret.txt` [x](javascript:alert(1)) fails

- **Symptom** <script>alert(1)</script>
- **Cause** {download}`../../secret.txt`
- **Fix** [x](../../secret.txt)
- **Test** `none`, why.
"""


class Site(NamedTuple):
    root: Path
    heard: str
    lines: dict[str, int]


def _attacks() -> dict[str, str]:
    blocks = {name: f"```{{{name}}} {arguments}\n{body}```" for name, (arguments, body) in BLOCKS.items()}
    return blocks | {text: text for text in INLINE}


def _written(folder: Path) -> dict[str, int]:
    """Write every attack into report.md; the line at which each begins."""
    text, lines = "# Report\n\n", {}
    for name, attack in _attacks().items():
        lines[name] = text.count("\n") + 1
        text += f"{attack}\n\n"
    (folder / "report.md").write_text(text)
    return lines


pytestmark = pytest.mark.xdist_group("test_guard")  # one process builds the site of this module


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, small: Callable[..., Path], build: Callable[..., Any]
) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        folder = small(root)
        (root / "secret.txt").write_text(SECRET)
        (root / "secret.png").write_bytes(SECRET.encode())
        (folder / "drawn.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg"><script>{EVIL}</script></svg>')
        (folder / "a`").mkdir()
        (folder / "evil.py").write_text(PAYLOAD.format(str(root / "ran")))
        (folder / "tips.md").write_text(TIPS)
        (root / "docs" / "tips.md").write_text("---\norphan: true\n---\n# Tips\n\n```{tips}\n```\n")
        patch.syspath_prepend(str(root))
        lines = _written(folder)
        code, heard = build(root)
        assert code == 1, heard
        yield Site(root, heard, lines)


@pytest.mark.parametrize("name", BLOCKS)
def test_a_directive_that_is_not_on_the_list_is_told_with_its_line(site: Site, name: str) -> None:
    said = "reStructuredText" if name == "eval-rst" else f"the directive '{name}'"
    assert f"tiny/report.md:{site.lines[name]}: WARNING: a paper's text may not have {said}" in site.heard


@pytest.mark.parametrize("text", [text for text, said in INLINE.items() if said])
def test_what_is_refused_within_a_line_is_told_with_its_line(site: Site, text: str) -> None:
    first = site.lines[text]
    places = [f"tiny/report.md:{line}: WARNING: a paper's text {INLINE[text]}" for line in (first, first + 1)]
    assert any(place in site.heard for place in places), site.heard


@pytest.mark.parametrize("page", ["papers/tiny", "tips"])
def test_no_text_becomes_markup(site: Site, inert: Callable[..., Any], page: str) -> None:
    """Every typed tag is there to be read."""
    assert f"<script>{EVIL}</script>" in inert(site.root, page).text


def test_nothing_outside_of_the_paper_is_shown_or_copied(site: Site) -> None:
    files = [path for path in (site.root / "html").rglob("*") if path.is_file()]
    assert len(files) > 20 and not [path for path in files if SECRET.encode() in path.read_bytes()]
    assert not [path for path in files if path.name.startswith(("secret", "passwd", "hostname"))]


def test_a_drawing_that_may_hold_a_script_is_not_published(site: Site) -> None:
    assert not list((site.root / "html").rglob("drawn.svg*"))


def test_no_code_of_the_paper_runs(site: Site) -> None:
    assert not (site.root / "ran").exists()


GOOD = """# Report

The links [one
two](model.py) and [`code`](model.py#L1), `[x](model.py)`, 2e-9, `2e-9`, [out](gone.py), [in
a folder](configs), {claim}`mean`.

```py
[x](model.py)
```

```{note}
![the *picture*](records/full-seed0/m.png) and [in](model.py)
```
"""


def test_what_a_report_needs_is_there(fresh: Path, build: Callable[..., Any], html: Callable[..., Any]) -> None:
    """Links of prose alone are turned; code stays as it is."""
    (fresh / "report.md").write_text(GOOD)
    (fresh / "gone.py").write_text("")
    assert build(fresh.parents[1]) == (0, "")
    found = html(fresh.parents[1])
    links = found.values("href", "a")
    assert links.count("../files/papers/tiny/model.py.html") == 2 and "../files/papers/tiny/model.py.html#L1" in links
    assert ("../files/papers/tiny/records/full-seed0/m.png", "the picture") in [
        (given["src"], given["alt"]) for tag, given in found.found if tag == "img" and "picture" in given.get("alt", "")
    ]
    text = " ".join(found.text.split())
    assert "[x](model.py), 2 × 10⁻⁹, 2e-9, out, in a folder, " in text.replace("\N{NARROW NO-BREAK SPACE}", " ")
