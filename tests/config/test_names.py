"""Every command that takes a config takes its name `PAPER/NAME` too, in any folder of the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from repro import config
from repro.config import names
from repro.errors import BadInput


def test_every_config_of_every_paper_is_found_by_its_name() -> None:
    known = names.every()
    assert known
    for name, path in known.items():
        assert names.find(name).resolve() == path.resolve()
        found = config.read(path)
        assert f"{found.paper}/{found.name}" == name


def test_a_path_is_returned_as_it_is(paper: Any) -> None:
    for given in ("x.gin", f"papers/{paper.name}/configs/line.gin", str(paper.folder / "configs")):
        assert names.find(given) == Path(given)


@pytest.mark.parametrize("words", [
    ("run",), ("debug",), ("certify",), ("launch",), ("plan",), ("show",), ("explain",),
])  # fmt: skip
def test_an_unknown_name_offers_the_nearest(paper: Any, refused: Any, words: tuple[str, ...]) -> None:
    line = refused(*words, f"{paper.name}/ten_step")
    assert "did you mean" in line and "ten_steps'" in line


def test_a_paper_in_the_place_of_a_config_lists_its_configs(paper: Any, refused: Any) -> None:
    assert "is a paper" in refused("run", paper.name)
    with pytest.raises(BadInput) as caught:
        names.find(paper.name)
    assert set(caught.value.known) == {f"{paper.name}/{path.stem}" for path in paper.folder.glob("configs/*.gin")}


def test_an_unknown_paper_or_a_name_without_one_offers_the_whole_name(paper: Any) -> None:
    with pytest.raises(BadInput) as caught:
        names.find(f"{paper.name}x/line")
    assert caught.value.nearest == f"{paper.name}/line"
    with pytest.raises(BadInput) as caught:
        names.find("line")
    assert f"{paper.name}/line" in caught.value.known and all(name.endswith("/line") for name in caught.value.known)


@pytest.mark.parametrize("inner", [".", "papers", "configs", "records"])
def test_a_name_means_the_same_in_every_folder(
    paper: Any, repro: Any, monkeypatch: pytest.MonkeyPatch, inner: str
) -> None:
    monkeypatch.chdir({".": ".", "papers": "papers"}.get(inner, paper.folder / inner))
    name = f"{paper.name}/line"
    path = paper.folder / "configs" / "line.gin"
    assert repro("show", name) == repro("show", path)
    assert repro("diff", name, path, "--json")[0] == 0
    code, out, _ = repro("run", f"{paper.name}/smoke", "--seed", 3)
    assert code == 0 and Path(out.strip()).resolve() == (paper.records / "smoke-seed3.json").resolve()


def test_a_plan_of_a_config_has_the_runs_of_this_config_alone(paper: Any, repro: Any) -> None:
    every = json.loads(repro("plan", paper.name, "--json")[1])["runs"]
    mine = json.loads(repro("plan", f"{paper.name}/line", "--json")[1])["runs"]
    key = [(run["config"], run["seed"]) for run in every if run["config"].endswith("/line.gin")]
    assert sorted((run["config"], run["seed"]) for run in mine) == sorted(key) and 0 < len(mine) < len(every)
    both = json.loads(repro("plan", paper.name, f"{paper.name}/line", "--json")[1])["runs"]
    assert len(both) == len(every), "a paper is planned as a whole"
