"""paper.toml: what is read, and every way of writing it wrong as one line with file and line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from repro.claim import paper as papers
from repro.errors import BadInput

HEAD = """[paper]
title = "T"
authors = ["A"]
year = 2020

"""
CLAIM = """[[claim]]
id = "a"
says = "x is 1"
where = "Table 1"
config = "configs/line.gin"
metric = "SquaredError"
value = 1.0
tolerance = 0.1
because = "so"
"""  # its first line is line 6 of HEAD + CLAIM


@pytest.mark.parametrize(("change", "words"), [
    (("title = \"T\"\n", ""), [":1: ", "missing key 'title'"]),
    (("title", "titel"), [":2: ", "unknown key 'titel'", "did you mean 'title'"]),
    (("year = 2020", "year = \"2020\""), [":4: ", "'year' is '2020'", "a whole number"]),
    (("year = 2020", "year = true"), [":4: ", "'year' is True", "a whole number"]),
    (("authors = [\"A\"]", "authors = \"A\""), [":3: ", "'authors' is 'A'", "a list of strings"]),
    (("authors = [\"A\"]", "authors = [1]"), [":3: ", "'authors[0]' is 1", "a string"]),
    (("year = 2020", "name = \"x\"\nyear = 2020"), [":4: ", "unknown key 'name'"]),
    (("tolerance = 0.1", "tolerence = 0.1"), [":13: ", "unknown key 'tolerence'", "did you mean 'tolerance'"]),
    (("tolerance = 0.1", "tolerance = \"0.1\""), [":13: ", "'tolerance' is '0.1'", "a number"]),
    (("tolerance = 0.1", "tolerance = inf"), [":13: ", "'tolerance' is inf", "a number"]),
    (("tolerance = 0.1", "tolerance = -0.1"), [":13: ", "'tolerance' is -0.1", "from 0"]),
    (("tolerance = 0.1\n", ""), [":12: ", "claim 'a' has a value and no 'tolerance'"]),
    (("because = \"so\"\n", ""), [":12: ", "claim 'a' has a value and no 'because'"]),
    (("value = 1.0\n", ""), [":6: ", "claim 'a' has no 'value'", "'transcribed = false'"]),
    (("metric = \"SquaredError\"\n", ""), [":6: ", "claim 'a' has no 'metric'", "'no_config'"]),
    (("because", "no_config = \"no data\"\nbecause"), [":10: ", "both 'no_config' and 'config'"]),
    (("says = \"x is 1\"\n", ""), [":6: ", "missing key 'says'"]),
    (("line.gin", "lime.gin"), [":10: ", "configs/lime.gin", "did you mean 'configs/line.gin'"]),
    (("because", "over = \"configs/men.gin\"\nbecause"), [":14: ", "configs/men.gin", "'configs/mean.gin'"]),
    (("because", "over_test = \"other\"\nbecause"), [":14: ", "'over_test'", "'over', which is missing"]),
    (("because", "proxy = \"configs/smok.gin\"\nbecause"), [":14: ", "configs/smok.gin", "'configs/smoke.gin'"]),
    (("value = 1.0\ntolerance = 0.1", "above = 0\nbelow = 1"), [":13: ", "both 'above' and 'below'"]),
    (("because", "above = 0\nbecause"), [":14: ", "both 'value' and 'above'"]),
    (("value = 1.0", "over = \"configs/mean.gin\""), [":13: ", "a tolerance and no 'value'"]),
    (("because", "seeds = 0\nbecause"), [":14: ", "'seeds' is 0", "from 1"]),
    (("because", "transcribed = 1\nbecause"), [":14: ", "'transcribed' is 1", "true or false"]),
    (("because", "identity = 1\nbecause"), [":14: ", "'identity' is 1", "a table"]),
    (("value = 1.0\ntolerance = 0.1", "printed = \"about 3\""), [":12: ", "'printed' is 'about 3'", "a number"]),
    (("because", "level = 0.05\nbecause"), [":14: ", "a 'level' and no 'printed'"]),
    (("year = 2020", "year = 2020\nkind = 'book'"), [":5: ", "'kind' is 'book'"]),
    (("year = 2020", "year = 2020\ntuned_on = 'tests'"), [":5: ", "'tuned_on' is 'tests'"]),
    (("year = 2020", "year = 2020\n[labels]\nlime = 'A line'"), [":6: ", "'lime'", "did you mean 'line'"]),
    (("year = 2020", "year = 2020\n[labels]\nline = 3"), [":6: ", "the label is 3"]),
    (("value = 1.0", "printed = 0.3"), [":12: ", "'printed' is 0.3; expected a string in quotes"]),
    (("because", "printed = \"0.3\"\nbecause"), [":12: ", "both 'printed' and 'value'"]),
    (("because", "over = \"configs/line.gin\"\nbecause"), [":14: ", "compares configs/line.gin with itself"]),
    (("because", "proxy = \"configs/line.gin\"\nbecause"), [":14: ", "its own config as its proxy"]),
    (("id = \"a\"", "id = \"\""), [":7: ", "'id' is ''"]),
    (("id = \"a\"", "id = \"a b\""), [":7: ", "'id' is 'a b'", "no blank"]),
    (("tolerance = 0.1", "over = \"configs/mean.gin\""), [":12: ", "claim 'a'", "tolerance"]),
    (("because", "line = 3\nbecause"), [":14: ", "unknown key 'line'"]),
    (("[[claim]]", "[claim]"), ["[[claim]]"]),
    (("[[claim]]", "[[clam]]"), [":6: ", "unknown table 'clam'", "[[claim]]", "did you mean 'claim'?"]),
    (("[paper]", "[[paper]]"), ["[paper]"]),
    (("year = 2020", "year = "), [":4", "not TOML"]),
    (("year = 2020", "year = -5"), [":4: ", "'year' is -5", "four digits"]),
    (("year = 2020", "year = 2020\n[reproducibility]\nreadability = \"Fine\""), [":6: ", "'readability'", "'Good'"]),
    (("year = 2020", "year = 2020\n[reproducibility]\nreadable = \"Good\""), [":6: ", "did you mean 'readability'"]),
])  # fmt: skip
def test_wrong_input_is_one_line_with_its_place(paper: Any, change: tuple[str, str], words: list[str]) -> None:
    paper.toml((HEAD + CLAIM).replace(*change, 1))
    with pytest.raises(BadInput) as caught:
        papers.read(paper.folder)
    assert str(caught.value).startswith(f"papers/{paper.name}/paper.toml:")
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


def test_twins_are_refused_naming_both_lines(paper: Any) -> None:
    paper.toml(HEAD + CLAIM + "\n[[ claim ]]  # again\n" + CLAIM.partition("\n")[2])
    with pytest.raises(BadInput, match=r"paper\.toml:16: claim id 'a' is already used in line 6"):
        papers.read(paper.folder)


def test_what_stands_in_the_file_is_what_is_read(paper: Any) -> None:
    paper.toml(HEAD + CLAIM)
    read = papers.read(paper.folder)
    assert (read.title, read.authors, read.year, read.name) == ("T", ["A"], 2020, paper.name)
    (claim,) = read.claims
    assert (claim.value, claim.tolerance, claim.kind, claim.seeds, claim.line) == (1.0, 0.1, "value", 3, 6)
    assert read.claim("a") is claim
    with pytest.raises(BadInput, match="no claim 'b'; known: a"):
        read.claim("b")


@pytest.mark.parametrize(("more", "kind"), [
    ("", "value"), ("over = 'configs/mean.gin'", "comparison"), ("above = 0", "comparison"),
    ("below = 0", "comparison"), ("printed = '0.037'", "printed"), ("transcribed = false", "not transcribed"),
])  # fmt: skip
def test_the_keys_tell_the_kind(paper: Any, more: str, kind: str) -> None:
    bare = "".join(line for line in CLAIM.splitlines(True) if not line.startswith(("value", "tolerance", "because")))
    text = bare if more.startswith(("printed", "above", "below")) else CLAIM
    paper.toml(f"{HEAD}{text}{more}\n")
    assert papers.read(paper.folder).claims[0].kind == kind


def test_a_number_that_is_not_transcribed_needs_no_config(paper: Any) -> None:
    paper.toml(HEAD + "[[claim]]\nid = 'a'\nsays = 's'\nwhere = 'w'\ntranscribed = false\n")
    assert papers.read(paper.folder).claims[0].configs == []


def test_own_config_first_and_weakest_proxy_next(paper: Any) -> None:
    paper.toml(
        f"{HEAD}{CLAIM}over = 'configs/mean.gin'\nproxy = 'configs/smoke.gin'\nproxy_over = 'configs/base.gin'\n"
    )
    names = [name.removeprefix("configs/") for name in papers.read(paper.folder).claims[0].configs]
    assert names == ["line.gin", "mean.gin", "smoke.gin", "base.gin"]


@pytest.mark.parametrize(
    "keys", ["over = 'configs/mean.gin'\nproxy = 'configs/smoke.gin'\n", "proxy_over = 'configs/mean.gin'\n"]
)
def test_a_proxy_of_a_comparison_has_two_sides(paper: Any, keys: str) -> None:
    paper.toml(f"{HEAD}{CLAIM}{keys}")
    with pytest.raises(BadInput, match=r"'proxy_over' has the length \d; expected one config for each proxy"):
        papers.read(paper.folder)


def test_a_folder_with_paper_toml_is_a_plugin(paper: Any) -> None:
    assert papers.find(paper.name).folder == paper.folder
    assert {paper.name, "template"} <= set(papers.folders())
    with pytest.raises(BadInput, match=f"no paper '{paper.name}x'; did you mean '{paper.name}'"):
        papers.find(f"{paper.name}x")


def test_an_unknown_paper_on_the_command_line(paper: Any, refused: Callable[..., str]) -> None:
    for command in ("todo", "verdict"):
        assert "did you mean 'template'" in refused(command, "templat")


def test_a_claim_without_its_config_on_the_command_line(paper: Any, refused: Callable[..., str]) -> None:
    paper.toml((HEAD + CLAIM).replace("line.gin", "lime.gin"))
    assert "paper.toml:10: claim 'a' names configs/lime.gin" in refused("verdict", paper.name)


@pytest.mark.parametrize("name", ["configs/deep/line.gin", "line.gin", "configs/line"])
def test_a_config_stands_directly_in_configs(paper: Any, name: str) -> None:
    paper.toml((HEAD + CLAIM).replace("configs/line.gin", name))
    with pytest.raises(BadInput, match=f"claim 'a' names {name}; expected configs/<name>.gin"):
        papers.read(paper.folder)
