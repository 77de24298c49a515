"""A paper may be named by the path of its folder, and a record by PAPER/NAME-seedN; a wrong name offers the nearest."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from repro import record
from repro.claim import paper as papers
from repro.cli import named
from repro.errors import BadInput
from repro.rerun import replay
from tests.review.conftest import made

SOURCE = {"commit": "0" * 40, "dirty": False}


@pytest.fixture
def recorded(paper: Any) -> Any:
    """A copied paper with records of the config `line`."""
    for seed in (0, 1):
        record.write(made(papers.read(paper.folder), "line", seed, source=SOURCE), paper.records)
    return paper


@pytest.mark.parametrize("command", ["check", "show", "todo", "verdict", "plan"])
@pytest.mark.parametrize("form", ["papers/{}", "papers/{}/", "./papers/{}", "{cwd}/papers/{}", "papers/../papers/{}"])
def test_a_path_is_as_good_as_the_name(paper: Any, repro: Any, command: str, form: str) -> None:
    path = form.format(paper.name, cwd=Path.cwd())
    assert repro(command, path) == repro(command, paper.name)


def test_the_working_directory_may_be_the_paper_or_above_it(
    paper: Any, repro: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, path in (("papers", f"{paper.name}/"), (paper.name, "."), ("configs", "..")):
        monkeypatch.chdir(folder)
        shown = repro("show", path)
        assert shown[0] == 0 and shown == repro("show", paper.name)


def test_a_wrong_path_is_refused_with_the_nearest_name(paper: Any, refused: Any, tmp_path: Path) -> None:
    assert f"did you mean '{paper.name}'" in refused("check", f"papers/{paper.name}x")
    other = tmp_path / "elsewhere" / "papers" / paper.name
    other.mkdir(parents=True)
    (other / "paper.toml").write_text((paper.folder / "paper.toml").read_text())
    assert f"no paper '{other}'" in refused("check", other), "another paper of the same name"


@pytest.fixture
def replayed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The records that `repro replay` would run again."""
    found: list[Path] = []

    def stop(path: Path, own_commit: bool = False) -> None:
        found.append(path)
        raise BadInput("not run in this test")

    monkeypatch.setattr(replay, "replay", stop)
    return found


def test_a_record_has_a_name(recorded: Any, repro: Any, replayed: list[Path]) -> None:
    path = Path("papers", recorded.name, "records", "line-seed1.json")
    for given in (f"{recorded.name}/line-seed1", f"{recorded.name}/line-seed1.json", path, path.absolute()):
        assert repro("replay", given)[0] == 2
    assert [os.path.samefile(path, one) for one in replayed] == [True] * 4


WRONG = ("{}/lin-seed0", "{}/line-seed9", "{}/line", "papers/{}/records/line-seed7.json", "{}/line.gin",
         "papers/{}/configs/line.gin", "line-seed9.json")  # fmt: skip


@pytest.mark.parametrize("given", WRONG)
def test_a_wrong_record_offers_the_nearest(recorded: Any, given: str) -> None:
    with pytest.raises(BadInput) as caught:
        named.find(given.format(recorded.name))
    assert caught.value.nearest.startswith(f"{recorded.name}/line-seed")


def test_a_wrong_record_is_one_line(recorded: Any, refused: Any) -> None:
    assert "no record 'nosuch.json'" in refused("replay", "nosuch.json")
    assert f"papers/{recorded.name}/configs/line.gin is a config" in refused(
        "replay", f"papers/{recorded.name}/configs/line.gin"
    )
