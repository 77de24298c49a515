"""Parts, tips and implementation details as pages: each entry has its anchor, each line it names is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from repro.report import page

HOSTILE = "<script>alert(2)</script>"
LOSS = f'''"""A loss.

Letters: B batch.
"""

from repro.registry import LOSSES


@LOSSES.register
class TinyLoss:
    """How far `a` is from `b` {HOSTILE}.

    A *second* paragraph:

        |a - b|^2     (Equation 7)
    """

    def __init__(self, weight: float = 0.5, kind: str = "{HOSTILE}") -> None:
        self.weight = weight  # eq. (8) {HOSTILE}

    def forward(self, a: object) -> object:
        """`(B, 1) -> (B,)`."""
'''
TIPS = """# Tips

## It `hangs` at 1/2 & stops

- **Symptom** nothing moves; see [the loss](loss.py#L2).
- **Cause** a lock in `losses.TinyLoss.forward`, as in `metrics.NotOnTheSite`.
- **Fix** {record}`full-seed0:test:Length`.
- **Test** none: no lock in a test.

## Another

- **Symptom** a.
- **Cause** b.
- **Fix** c.
- **Test** none.
"""


pytestmark = pytest.mark.xdist_group("test_details")  # one process builds the site of this module


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, small: Callable[..., Path], build: Callable[..., Any]
) -> Iterator[Path]:
    """A site with the pages of parts and tips, and a paper that has both; tests only read it."""
    root = tmp_path_factory.mktemp("details")
    with pytest.MonkeyPatch.context() as patch:
        folder = small(root)
        (folder / "loss.py").write_text(LOSS)
        (folder / "tips.md").write_text(TIPS)
        (folder / "configs/other.gin").write_text("# @losses.TinyLoss() is named here\nx = @losses.TinyLoss()\n")
        (root / "docs/parts.md").write_text("---\norphan: true\n---\n# Parts\n\n```{parts}\n```\n")
        (root / "docs/tips.md").write_text("---\norphan: true\n---\n# Tips\n\n```{tips}\n```\n")
        patch.syspath_prepend(str(root))
        page.forget()
        assert build(root) == (0, "")
        yield root


def _line(site: Path, link: str) -> str:
    """The source line that a link of a page below html/ leads to."""
    listing, _, number = link.partition("#L")
    name = listing.removeprefix("../").removeprefix("files/").removesuffix(".html")
    assert (site / "html/files" / f"{name}.html").is_file(), link
    path = (site if name.startswith("papers/tiny") else Path(__file__).parents[2]) / name
    return path.read_text(encoding="utf-8").splitlines()[int(number) - 1]


def test_every_part_has_an_entry_at_its_name(site: Path, html: Callable[..., Any]) -> None:
    found = html(site, "parts")
    assert {"losses.TinyLoss", "losses", "trainers.Supervised", "metrics.SDR"} <= set(found.values("id"))
    assert f"TinyLoss(weight: float = 0.5, kind: str = '{HOSTILE}')" in found.text
    assert "forward(a: object) -> object" in found.text and "B batch." in found.text


def test_docstrings_are_rendered(site: Path) -> None:
    raw = (site / "html/parts.html").read_text(encoding="utf-8")
    assert "How far <code>a</code> is from" in raw and "<em>second</em>" in raw
    assert HOSTILE not in raw and "<pre><code>|a - b|^2" in raw


def test_links_of_parts_lead_to_their_lines(site: Path, html: Callable[..., Any]) -> None:
    links = [link for link in html(site, "parts").values("href", "a") if "#L" in link]
    assert {"class TinyLoss:", "x = @losses.TinyLoss()"} <= {_line(site, link) for link in links}
    assert all(_line(site, link).startswith("class ") or "@" in _line(site, link) for link in links)


def test_the_paper_shows_its_parts_and_its_places(site: Path, html: Callable[..., Any]) -> None:
    found = html(site)
    links = found.values("href", "a")
    assert "../parts.html#losses.TinyLoss" in links and "../files/papers/tiny/configs/other.gin.html#L2" in links
    lines = {_line(site, link).strip() for link in links if "tiny/loss.py.html#L" in link}
    assert "|a - b|^2     (Equation 7)" in lines and any("# eq. (8)" in line for line in lines)
    assert "Equation 7" in found.text and "Equation 8" in found.text and HOSTILE in found.text


def test_every_tip_is_a_heading_with_an_anchor_and_its_paper(site: Path, html: Callable[..., Any]) -> None:
    found = html(site, "tips")
    anchors = [given["id"] for _, given in found.found if given.get("class") == "repro-entry"]
    assert anchors == ["tiny.it-hangs-at-1-2-stops", "tiny.another"]
    links = found.values("href", "a")
    assert links.count("#tiny.another") >= 1, "in the list of all symptoms"
    assert links.count("papers/tiny.html#what-was-hard") == 2
    assert "files/papers/tiny/loss.py.html#L2" in links and "papers/tiny.html#record-full-seed0" in links
    assert [tag for tag, _ in found.found].count("h3") == 2 and "It hangs at 1/2 & stops" in found.text


def test_the_tips_of_a_part_are_listed_with_it(site: Path, html: Callable[..., Any]) -> None:
    found = html(site, "tips")
    links = found.values("href", "a")
    assert {"parts.html#losses.TinyLoss", "#tiny.it-hangs-at-1-2-stops"} <= set(links)
    assert not [link for link in links if "NotOnTheSite" in link] and "By part" in found.text


def test_entries_can_be_filtered(site: Path, html: Callable[..., Any]) -> None:
    """The box is made by the script, which needs these; without it there is no box and all is shown."""
    for name, noun in (("tips", "tip"), ("parts", "part")):
        found = html(site, name)
        homes = [given for _, given in found.found if given.get("class") == "repro-filter"]
        assert [home["data-noun"] for home in homes] == [noun] and all(home["data-label"] for home in homes)
        assert not [tag for tag, given in found.found if "hidden" in given and tag == "section"]


def test_broken_tips_are_one_line_with_its_place(
    fresh: Path, build: Callable[..., Any], html: Callable[..., Any]
) -> None:
    root = fresh.parents[1]
    (fresh / "tips.md").write_text("## It hangs\n\nno items\n")
    (root / "docs/tips.md").write_text("---\norphan: true\n---\n# Tips\n\n```{tips}\n```\n")
    code, said = build(root)
    assert code != 0 and "tips.md:1: tip 'It hangs' has no items" in said and "Traceback" not in said
    assert "tip 'It hangs' has no items" in html(root, "tips").text
