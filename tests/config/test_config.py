"""A config as text: includes written out, every line knowing its place, a digest that comments do not move."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro import config as configs
from repro.config import Config, Line
from repro.errors import BadInput
from repro.experiment import binding


def of(text: str) -> Config:
    """A config that stands in no file."""
    return Config(Path("x.gin"), Path("."), tuple(Line(line, "x.gin:1") for line in text.splitlines()))


def values(config: Config) -> dict[str, Any]:
    return {row.name: row.value for row in binding.bindings(config)}


def test_a_later_line_overrides_an_included_one(paper: Any) -> None:
    config = configs.read(paper.config("more", "trainers.Supervised.steps = 7\n", base="base.gin"))
    base = configs.read(paper.folder / "configs" / "base.gin")
    assert values(config) == values(base) | {"trainers.Supervised.steps": 7}
    assert config.name == "more" and config.paper == paper.name and config.folder == paper.folder


def test_each_line_knows_its_file_and_line(paper: Any) -> None:
    config = configs.read(paper.config("more", "# a remark\ntrainers.Supervised.steps = 7\n"))
    for line in config.lines:
        name, _, number = line.place.rpartition(":")
        assert Path(name).read_text().splitlines()[int(number) - 1] == line.text
    places = {row.name: row.place for row in binding.bindings(config)}
    assert places["trainers.Supervised.steps"] == f"papers/{paper.name}/configs/more.gin:3"
    assert places["torch.optim.SGD.lr"].startswith(f"papers/{paper.name}/configs/base.gin:")


def test_the_flattened_text_stands_alone(paper: Any) -> None:
    config = configs.read(paper.config("more", "models.Line.slope = False\n"))
    assert "include" not in config.text
    alone = configs.read(paper.config("alone", config.text, base=""))
    assert (alone.digest, alone.text) == (config.digest, config.text)


def test_an_override_is_a_last_line(paper: Any) -> None:
    path = paper.folder / "configs" / "smoke.gin"
    config = configs.read(path, ("trainers.Supervised.steps = 9",))
    assert values(config)["trainers.Supervised.steps"] == 9
    assert config.digest != configs.read(path).digest


PLAIN = "a.b = 1\nc.d = 'x # y'\n"


@pytest.mark.parametrize("same", [
    "a.b = 1  # why\nc.d = 'x # y'\n", "# first\n\na.b = 1\n\n\nc.d = 'x # y'   \n", "a.b=1\nc.d   = 'x # y'\n",
])  # fmt: skip
def test_comments_and_layout_do_not_count(same: str) -> None:
    assert of(same).digest == of(PLAIN).digest


@pytest.mark.parametrize("other", [
    "a.b = 2\nc.d = 'x # y'\n", "a.b = 1\nc.d = 'x # z'\n", "a.b = 1\n", "a.b = 1.0\nc.d = 'x # y'\n",
    "a.b = 1\nc.d = 'x  # y'\n",
])  # fmt: skip
def test_values_types_and_texts_count(other: str) -> None:
    assert of(other).digest != of(PLAIN).digest


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), min_size=1), st.data())
def test_digest_is_equal_exactly_when_the_statements_are(rows: list[tuple[str, int]], data: st.DataObject) -> None:
    """The last statement of a name counts, wherever it is."""
    other = data.draw(st.one_of(st.just(rows), st.permutations(rows)))
    noisy = "".join(f"\n# {value}\nx.{name} =   {value}  # {name}\n" for name, value in other)
    plain = "".join(f"x.{name} = {value}\n" for name, value in rows)
    assert (of(noisy).digest == of(plain).digest) == (dict(other) == dict(rows))


def test_a_missing_config_names_the_nearest(paper: Any, refused: Callable[..., str]) -> None:
    line = refused("run", f"papers/{paper.name}/configs/smoek.gin")
    assert f"no config papers/{paper.name}/configs/smoek.gin" in line and "/smoke.gin'" in line
    assert "no config nowhere/x.gin" in refused("run", "nowhere/x.gin")


def test_a_config_outside_a_paper(paper: Any, refused: Callable[..., str]) -> None:
    Path("stray.gin").write_text("experiment.examples = 1\n")
    assert refused("run", "stray.gin").startswith("stray.gin: this config is not in the folder of a paper")


def test_a_missing_include_names_the_nearest(paper: Any) -> None:
    path = paper.config("bad", "# one\ninclude 'bse.gin'\n")
    with pytest.raises(BadInput, match=r"configs/bad\.gin:3: include 'bse\.gin' not found.*did you mean 'base\.gin'"):
        configs.read(path)


@pytest.mark.parametrize("depth", [1, 2])
def test_a_circle_of_includes_is_refused(paper: Any, depth: int) -> None:
    paper.config("one", f"include '{'one' if depth == 1 else 'two'}.gin'\n", base="")
    paper.config("two", "# two\ninclude 'one.gin'\n", base="")
    place = {1: r"one\.gin:1", 2: r"two\.gin:2"}[depth]
    with pytest.raises(BadInput, match=f"{place}: include 'one.gin' includes itself"):
        configs.read(paper.folder / "configs" / "one.gin")


def test_an_include_met_twice_by_two_ways_is_no_circle(paper: Any) -> None:
    paper.config("left", "", base="base.gin")
    path = paper.config("both", "include 'base.gin'\n", base="left.gin")
    binding.bind(configs.read(path))
    assert configs.read(path).text.count("experiment.model =") == 2


def test_a_file_that_is_no_text(paper: Any) -> None:
    path = paper.folder / "configs" / "binary.gin"
    path.write_bytes(b"a.b = '\xff'\n")
    with pytest.raises(BadInput, match=r"binary\.gin:\d+: not UTF-8 text"):
        configs.read(path)


def test_reading_a_config_imports_no_part(paper: Any) -> None:
    import sys

    path = paper.config("more", f"import papers.{paper.name}.does_not_exist\n")
    config = configs.read(path)
    assert f"papers.{paper.name}.model" not in sys.modules
    assert (f"papers.{paper.name}.does_not_exist", f"papers/{paper.name}/configs/more.gin:2") in config.modules
