"""Building again: what has changed is read again, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from repro import record
from repro.claim import paper
from repro.report import page
from repro.report.sphinx import changes
from repro.rerun import rot
from repro.rerun.rot import Trial

OTHER = """
[paper]
title = "The other paper"
authors = ["B. Other"]
year = 2021
"""
HOME = {"index", "papers/tiny"}


class Site:
    """A site of two papers, in a folder of its own; `again()` builds it and says what was read, written and heard."""

    def __init__(self, folder: Path) -> None:
        self.tiny, self.root = folder, folder.parents[1]
        self.parallel = 1
        other = self.root / "papers" / "other"
        (other / "configs").mkdir(parents=True)
        (other / "paper.toml").write_text(OTHER)
        for name in ("report.md", "tips.md"):
            (other / name).write_text("# Title\n\nNothing.\n")
        (self.root / "docs/guide.md").write_text("# Guide\n\nNo paper here.\n")
        (self.root / "docs/words.md").write_text("# Words\n\nOurs is {claim}`tiny/mean`.\n")
        index = self.root / "docs/index.md"
        index.write_text(index.read_text().replace("papers/*\n", "papers/*\nguide\nwords\n"))

    def again(self, papers: str = "other,tiny") -> tuple[set[str], set[str], str]:
        from sphinx.application import Sphinx
        from sphinx.util.docutils import docutils_namespace

        said, read = StringIO(), set()
        docs, html = self.root / "docs", self.root / "html"
        given = {"repro_papers": papers} if papers else {}
        before = {path: path.stat().st_mtime_ns for path in html.rglob("*.html")}
        with docutils_namespace():
            app = Sphinx(docs, docs, html, html / ".trees", "html", given, None, said, parallel=self.parallel)
            app.connect("env-before-read-docs", lambda app, env, names: read.update(names))
            app.build()
        changed = [path for path in html.rglob("*.html") if before.get(path) != path.stat().st_mtime_ns]
        written = {path.relative_to(html).with_suffix("").as_posix() for path in changed}
        apart = ("files/", "genindex", "search")
        return read, {name for name in written if not name.startswith(apart)}, said.getvalue()


@pytest.fixture(params=[1, pytest.param(2, marks=pytest.mark.slow)], ids=["one process", "two processes"])
def site(fresh: Path, request: pytest.FixtureRequest) -> Site:
    made = Site(fresh)
    made.parallel = request.param
    for number in range(6):  # as many documents as Sphinx wants before it reads them in parallel
        (made.root / f"docs/page{number}.md").write_text(f"---\norphan: true\n---\n# Page {number}\n")
    assert made.again()[2] == ""
    return made


def test_nothing_changed_nothing_read(site: Site) -> None:
    assert site.again() == (set(), set(), "")


def test_a_build_lists_the_folders_of_the_papers_a_few_times(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not once per paper or page: with 100 papers that would be 10,000 looks into folders."""
    listed: list[bool] = []
    folders = paper.folders
    monkeypatch.setattr(paper, "folders", lambda: listed.append(True) or folders())
    assert site.again()[2] == ""
    assert 0 < len(listed) <= 3


def test_what_writes_pages_does_not_load_numpy() -> None:
    """Only a page with intervals or signals needs it; it takes a quarter of the time to load the program."""
    code = "import sys, repro.report.sphinx.directives, repro.report.papers; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_changed_record_rebuilds_what_prints_it(site: Site) -> None:
    old = record.read(site.tiny / "records/full-seed0.json")
    record.write(replace(old, cost={"seconds": 80.0}), site.tiny / "records")
    read, written, said = site.again()
    assert read == written == {*HOME, "words"} and said == ""
    assert "3.8 min" in (site.root / "html/papers/tiny.html").read_text()  # 123 s and twice 75 s
    assert site.again() == (set(), set(), "")


def test_code_that_makes_a_record_stale_rebuilds_and_warns_until_mended(site: Site) -> None:
    sound = (site.tiny / "model.py").read_text()
    (site.tiny / "model.py").write_text(sound.replace("SIZE = 1", "SIZE = 2"))
    read, _, said = site.again()
    assert (
        read == {*HOME, "words"}
        and "records/full-seed0.json is stale: changed since the record: papers.tiny.model" in said
    )
    read, _, said = site.again()
    assert "papers/tiny" in read and "is stale" in said  # a fault is told in every build, not in the first alone
    (site.tiny / "model.py").write_text(sound)
    assert site.again()[2] == ""
    assert site.again() == (set(), set(), "")


def test_a_try_of_the_smoke_config_rebuilds_its_pages_and_so_does_another_day(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = rot.today()
    rot.write(site.tiny, Trial("locked", day.isoformat(), day.isoformat(), "runs", "3.11.7", {}))
    assert site.again()[0] == {*HOME, "words"} and site.again() == (set(), set(), "")
    monkeypatch.setattr(rot, "today", lambda: day + timedelta(days=1))
    read, written, said = site.again()
    assert read == written == HOME and said == ""
    for name in HOME:
        assert "tried 1 day ago" in (site.root / f"html/{name}.html").read_text()
    assert site.again() == (set(), set(), "")


def test_another_paper_is_left_alone(site: Site) -> None:
    path = site.root / "papers/other/paper.toml"
    path.write_text(path.read_text() + 'summary = "New."\n')
    assert site.again()[0] == {"index", "papers/other"}


def test_pages_are_written_anew_by_another_program(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """`git pull` may bring another layout: no paper has changed, but each page has."""
    monkeypatch.setattr(changes, "program", lambda: "another")
    monkeypatch.setattr(page, "TEXT", page.TEXT.replace("## Cite", "## How to cite"))
    site.again()
    for name in ("tiny", "other"):
        assert "How to cite" in (site.root / f"html/papers/{name}.html").read_text()
    assert site.again() == (set(), set(), "")


def test_a_page_that_another_build_has_written_is_written_anew(site: Site) -> None:
    path = site.root / "docs/papers/tiny.md"
    sound = path.read_text()
    path.write_text("# Of another program\n")
    site.again()
    assert path.read_text() == sound


def test_papers_come_and_go(fresh: Path) -> None:
    site = Site(fresh)
    conf = site.root / "docs/conf.py"
    conf.write_text(conf.read_text() + "\nfrom pathlib import Path\nhome = Path(__file__).parents[1] / 'papers'\n")
    conf.write_text(
        conf.read_text() + "repro_papers = sorted(path.parent.name for path in home.glob('*/paper.toml'))\n"
    )
    assert site.again("")[2] == ""
    shutil.copytree(site.root / "papers/other", site.root / "papers/third")
    _, written, said = site.again("")
    assert "papers/third" in written and "words" in written and said == ""  # every page has the list beside it
    shutil.rmtree(site.root / "papers/third")
    _, written, said = site.again("")
    assert "words" in written and said == "" and not (site.root / "html/papers/third.html").exists()
    assert "third" not in (site.root / "html/index.html").read_text()
    assert not list(Path(site.root / "html/files/papers").glob("third*"))


def test_a_record_gone_takes_its_copy_along(fresh: Path) -> None:
    site = Site(fresh)
    site.again()
    (site.tiny / "records/proxy-seed0.json").unlink()
    shutil.rmtree(site.tiny / "records/proxy-seed0")
    assert site.again()[0] == {*HOME, "words"}
    assert not list((site.root / "html/files/papers/tiny/records").glob("proxy*"))


def test_a_time_alone_changes_no_page(fresh: Path, html: Callable[..., Any]) -> None:
    """A file that was written anew as it was may be read again, but the page stays as it is."""
    site = Site(fresh)
    site.again()
    before = (site.root / "html/papers/tiny.html").read_text()
    os.utime(site.tiny / "records/full-seed0.json")
    site.again()
    assert (site.root / "html/papers/tiny.html").read_text() == before
