"""The pages of files: the way back, links of a config, the file itself, and the theme of the site."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro.report.html import files
from repro.report.html.listing import Place, listing

CONFIG = """# @models.Net is a comment, include 'base.gin' too
import papers.mine.model
include 'base.gin'
include '../paper.toml'
experiment.model = @models.Net()
experiment.loss = @train/losses.Mean()
experiment.trainer = @Supervised()
trainers.Supervised.optimizer = @torch.optim.SGD()
name = 'base.gin @models.Net'
"""
PARTS = ("models.Net", "losses.Mean", "trainers.Supervised")


def made(tmp_path: Path, parts: tuple[str, ...] = PARTS) -> Path:
    """The folder of the published files of a paper `mine`; a private file is next to it."""
    folder = tmp_path / "papers" / "mine"
    (folder / "configs").mkdir(parents=True)
    (folder / "paper.toml").write_text('title = "<b>"\n')
    (folder / "configs/base.gin").write_text("a = 1\n")
    (folder / "configs/used.gin").write_text(CONFIG)
    files.publish(folder, "mine", tmp_path / "html", parts)
    return tmp_path / "html/files/papers/mine"


def lines(text: str) -> dict[int, list[str]]:
    """The addresses in each line of code, without that of the line itself."""
    rows = enumerate(text.partition("<pre")[2].splitlines(), 1)
    return {n: [piece.partition('"')[0] for piece in row.split('href="')[2:]] for n, row in rows}


def test_a_config_leads_to_its_includes_and_parts(tmp_path: Path) -> None:
    found = lines((made(tmp_path) / "configs/used.gin.html").read_text())
    parts = "../../../../parts.html#"
    assert found == {
        **{number: [] for number in range(1, 10)},
        3: ["base.gin.html"],
        5: [f"{parts}models.Net"],
        6: [f"{parts}losses.Mean"],
        7: [f"{parts}trainers.Supervised"],
    }
    assert (tmp_path / "html/files/papers/mine/configs/base.gin.html").is_file()


def test_a_site_without_the_page_of_parts_has_no_links_to_it(tmp_path: Path) -> None:
    found = lines((made(tmp_path, ()) / "configs/used.gin.html").read_text())
    assert found[3] == ["base.gin.html"] and not any(found[number] for number in range(4, 10))


def test_a_page_offers_the_file_itself(tmp_path: Path, elements: Callable[..., Any]) -> None:
    home = made(tmp_path)
    for page in home.rglob("*.html"):
        (raw,) = [given["href"] for _, given in elements(page.read_text()).found if "download" in given]
        source = tmp_path / "papers/mine" / page.relative_to(home).with_suffix("")
        assert page.with_name(raw).read_bytes() == source.read_bytes()


def test_a_file_that_is_gone_takes_its_page_and_its_copy_along(tmp_path: Path) -> None:
    home = made(tmp_path)
    folder = tmp_path / "papers/mine"
    (folder / "configs/used.gin").unlink()
    files.publish(folder, "mine", tmp_path / "html", PARTS)
    assert sorted(path.name for path in (home / "configs").iterdir()) == ["base.gin", "base.gin.html"]


@pytest.mark.parametrize("name", ["model.py", "configs/full.gin", "paper.toml", "report.md"])
def test_every_address_of_a_page_exists(name: str, built: Path, html: Callable[..., Any]) -> None:
    page = f"files/papers/tiny/{name}"
    found, folder = html(built, page), (built / "html" / page).parent
    addresses = [*found.values("href"), *found.values("src")]
    assert {Path(one).name for one in addresses} >= {"index.html", "tiny.html", "files.css", "files.js", "favicon.svg"}
    for one in addresses:
        assert one.startswith("#L") or folder.joinpath(one.partition("#")[0]).is_file(), one
    assert found.values("aria-label", "nav") and not found.values("style")


def test_a_line_has_its_number_and_its_text(elements: Callable[..., Any]) -> None:
    page = listing("a = 1\n\nb = '<i>'\n", ".gin", Place("papers/mine/configs/a.gin", "", ("mine", "mine.html")))
    found = elements(page)
    assert found.values("id") == ["L1", "L2", "L3"] and found.text.endswith("1a = 1\n2\n3b = '<i>'\n")
