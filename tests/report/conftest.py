"""The report: a site built from a small paper that stands in a temporary folder."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest

from repro import config, record
from repro.record import Measurement, Record, code_digest
from repro.report import page
from repro.verdict import OUTCOMES
from tests.conftest import trusted
from tests.report.shown import audit as audit
from tests.report.shown import browser as browser
from tests.report.shown import site as site

pytest.importorskip("sphinx")
pytest.importorskip("furo")

DOCS = Path(__file__).parents[2] / "docs"
HOSTILE = "<script>alert(1)</script>"
SVG = "{http://www.w3.org/2000/svg}"

PAPER = f"""
[paper]
title = "Twenty {HOSTILE} coins & *stars*"
authors = ["A. <b>Bold</b>"]
year = 2020
summary = 'An <img src=x onerror="alert(1)"> image'
text_read = "abstract"
tuned_on = "test"
outcome = 'The mean is {{claim}}`mean`, {{stated}}`mean` is "printed" {HOSTILE}.'

[[claim]]
id = "mean"
says = 'The mean "is" five {HOSTILE}'
where = "Table 1"
config = "configs/full.gin"
metric = "Length"
value = 5.0
tolerance = 0.5
because = "<i>because</i>"
seeds = 2
proxy = "configs/proxy.gin"

[[claim]]
id = "order"
says = "Full is longer than none"
where = "Table 2"
config = "configs/never.gin"
above = 0.0
metric = "Length"
deterministic = true
proxy = "configs/proxy.gin"

[[claim]]
id = "later"
says = "Nobody has read this"
where = "Table 9"
transcribed = false
"""

REPORT = """# Report

## Differences

We measured {record}`full-seed0:test:Length` in {record}`full-seed0:seconds`; in all {claim}`mean`.
See [the model](model.py#L2), [the guide](../../CONTRIBUTING.md) and [the web](https://example.org).
"""


INDEX = """# Home

```{papers}
```

```{claim} tiny/mean
```

It is {verdict}`tiny/mean`, and {verdict}`tiny/order`.

```{comparison} paper
```

```{toctree}
:glob:

papers/*
```
"""


class Elements(HTMLParser):
    """Every element of a page, with its attributes, and the text of the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, attribute: str, *tags: str) -> list[str]:
        return [given[attribute] for tag, given in self.found if attribute in given and (not tags or tag in tags)]


def _keep(folder: Path, name: str, seed: int, mean: float) -> Record:
    """A record of 50 items around `mean`, as a run would write it."""
    read = config.read(folder / "configs" / f"{name}.gin")
    draw = random.Random(f"{name}{seed}")
    identity = {"name": "length", "version": 1, "unit": "mm", "better": "higher"}
    made = Record(
        "tiny",
        name,
        seed,
        read.digest,
        text=read.text,
        code=code_digest.code(read),
        measurements=[Measurement("test", "Length", identity, [draw.gauss(mean, 0.5) for _ in range(50)])],
        cost={"seconds": 75.0},
        environment={"processor": "Abacus", "threads": 1, "cores": 2},
        curves={"train": [[10, 3.0], [20, 0.01]], "valid": [[20, 0.02]]},
        examples=[{"test": "test", "item": 0, "panels": [{"label": "mixture", "sound": "m.flac", "image": "m.png"}]}],
        finished="2026-01-02T03:04:05+00:00",
    )
    made = trusted(made)
    record.write(made, folder / "records")
    (folder / "records" / made.stem).mkdir(exist_ok=True)
    for file in ("m.flac", "m.png"):
        (folder / "records" / made.stem / file).write_bytes(b"bytes")
    return made


def _paper(root: Path) -> Path:
    folder = root / "papers" / "tiny"
    (folder / "configs").mkdir(parents=True)
    for name in ("full", "proxy", "never"):
        (folder / "configs" / f"{name}.gin").write_text(f"import papers.tiny.model\nwidth = '{name}'\n")
    (folder / "paper.toml").write_text(PAPER)
    (folder / "model.py").write_text('"""A model."""\nSIZE = 1\n')
    (folder / "report.md").write_text(REPORT)
    (folder / "tips.md").write_text("# Tips\n\nNothing was hard.\n")
    for name, seed in (("full", 0), ("full", 1), ("proxy", 0)):
        _keep(folder, name, seed, 5.0)
    docs = root / "docs"
    (docs / "_static").mkdir(parents=True)
    for file in ("conf.py",):
        (docs / file).write_bytes((DOCS / file).read_bytes())
    (docs / "index.md").write_text(INDEX)
    (docs / "guide").mkdir()
    (docs / "guide" / "claims.md").write_text(
        "---\norphan: true\n---\n# Claims\n\nThis is `one`. And two.\n\n## The verdicts\n"
    )
    heads = "\n\n".join(f"## {outcome}" for outcome in (*OUTCOMES, "Own claims"))
    (docs / "guide" / "verdicts.md").write_text(f"---\norphan: true\n---\n# Verdicts\n\n{heads}\n")
    (docs / "guide" / "concepts.md").write_text("---\norphan: true\n---\n# Concepts\n\n## Tiers\n")
    (docs / "guide" / "uncertainty.md").write_text("---\norphan: true\n---\n# Uncertainty\n")
    (root / "CONTRIBUTING.md").write_text("# Contributing\n")
    return folder


def _build(root: Path, *options: str) -> tuple[int, str]:
    """Build as `make docs` does; returns the exit code and what was said on stderr."""
    from sphinx.cmd.build import main

    said = StringIO()
    given = ["-q", "-W", "--keep-going", "-D", "repro_papers=tiny", *options, "-b", "html"]
    with redirect_stderr(said), redirect_stdout(StringIO()):
        try:
            code = main([*given, str(root / "docs"), str(root / "html")])
        except SystemExit as stopped:  # by bad input, after a line that says so
            code = int(stopped.code or 0)
    return code, re.sub(r"\x1b\[[\d;]*m", "", said.getvalue())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of a module that share a built site to one process; otherwise each process builds it."""
    for item in items:
        shares = "built" in getattr(item, "fixturenames", ())
        if shares and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a site that was built without a warning; tests only read it."""
    root = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        _paper(root)
        patch.syspath_prepend(str(root))
        assert _build(root) == (0, "")
        yield root


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The site of all papers, built as `make docs` does; and its exit code with the heavy libraries it loaded."""
    root = tmp_path_factory.mktemp("real")
    shutil.copytree(DOCS, root / "docs", ignore=shutil.ignore_patterns("_build", "papers"))
    for name in ("papers", "repro"):  # the design page shows the docstring of the core
        (root / name).symlink_to(DOCS.parent / name)
    lines = (
        "import sys; from sphinx.cmd.build import main",
        "code = main(['-q', '-W', '--keep-going', '-b', 'html', 'docs', 'html'])",
        "print(code, sorted({'torch', 'torchaudio', 'matplotlib', 'nussl'} & set(sys.modules)))",
    )
    command = [sys.executable, "-c", "\n".join(lines)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return root / "html", f"{done.stdout}{done.stderr}".strip()


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A paper of one's own, to be changed, with no site yet."""
    monkeypatch.syspath_prepend(str(tmp_path))
    page.forget()
    return _paper(tmp_path)


def _html(root: Path, name: str = "papers/tiny") -> Elements:
    return Elements((root / "html" / f"{name}.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def html() -> Callable[..., Elements]:
    """`html(root, page)`: the elements of a built page."""
    return _html


def _inert(root: Path, name: str) -> Elements:
    """The elements of a page; no script, handler, style or far source among them but what every page has."""
    found, clean = _html(root, name), _html(root, "guide/claims")
    for kind in ("script", "style", "iframe", "meta", "form", "object", "embed", "base"):
        mine, theirs = (sum(tag == kind for tag, _ in one.found) for one in (found, clean))
        assert mine <= theirs, kind
    assert not [name for _, given in found.found for name in given if name.startswith("on")]
    links = [link.strip().lower() for name in ("href", "src", "action", "xlink:href") for link in found.values(name)]
    assert not [link for link in links if link.startswith(("javascript:", "data:", "vbscript:", "file:", "//"))]
    assert not [link for link in found.values("src") if link.startswith("http")]
    return found


@pytest.fixture(scope="session")
def inert() -> Callable[[Path, str], Elements]:
    """`inert(root, page)`: the elements of a built page, none of which is a stranger's."""
    return _inert


@pytest.fixture(scope="session")
def build() -> Callable[..., tuple[int, str]]:
    """`build(root, *options)`: the exit code and what was said."""
    return _build


@pytest.fixture(scope="session")
def small() -> Callable[[Path], Path]:
    """`small(root)`: write the paper and its docs; the paper's folder."""
    return _paper


@pytest.fixture(scope="session")
def keep() -> Callable[..., Record]:
    """`keep(folder, config, seed, mean)`: write a record."""
    return _keep


@pytest.fixture(scope="session")
def elements() -> type[Elements]:
    """`elements(text)`: the elements of a text."""
    return Elements
