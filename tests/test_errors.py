"""BadInput is one line; the nearest right name is the one a reader would pick."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.errors import BadInput, nearest

NAMES = st.lists(st.text("abcdefghij_", min_size=6, max_size=12), min_size=1, unique=True)


@given(st.text(), st.text("abc/.:0123", max_size=20))
def test_the_message_is_one_line_and_begins_with_the_place(message: str, where: str) -> None:
    shown = str(BadInput(message, where))
    assert len(shown.splitlines()) <= 1
    assert shown.startswith(f"{where}: " if where else "")
    assert shown.split() == [*(f"{where}:".split() if where else []), *message.split()]


@given(NAMES, st.data())
def test_one_wrong_letter_still_finds_the_name(names: list[str], data: st.DataObject) -> None:
    right = data.draw(st.sampled_from(names))
    at = data.draw(st.integers(0, len(right) - 1))
    wrong = right[:at] + "Z" + right[at + 1 :]
    best = max(difflib.SequenceMatcher(None, wrong.lower(), name).ratio() for name in names)
    meant = nearest(wrong, names).removeprefix("; did you mean '").removesuffix("'?")
    assert difflib.SequenceMatcher(None, wrong.lower(), meant).ratio() == best


def test_case_does_not_hide_a_name() -> None:
    assert "'SISDRImprovement'" in nearest("sisdrimprovement", ["SISDRImprovement", "SquaredError"])


def test_with_nothing_close_the_known_names_are_shown() -> None:
    assert nearest("zzz", ["beta", "alpha"]) == "; known: alpha, beta"
    assert nearest("zzz", []) == ""


def test_a_long_list_is_cut() -> None:
    shown = nearest("zzz", [f"name{i:03}" for i in range(100)])
    assert "name000" in shown and "name099" not in shown and shown.endswith("...")


@given(NAMES, st.data())
def test_what_was_typed_is_never_offered(names: list[str], data: st.DataObject) -> None:
    typed = data.draw(st.sampled_from(names))
    assert f"'{typed}'" not in nearest(typed, names)


@pytest.mark.parametrize(("typed", "meant"), [
    ("imdbx", ""), ("imdb", "imdb_ladder"), ("imdb_lader", "imdb_ladder"), ("configs/xx.gin", ""),
    ("configs/men.gin", "configs/mean.gin"), ("configs/mena.gin", "configs/mean.gin"), ("fafr2019", "raff2019"),
])  # fmt: skip
def test_a_name_is_offered_only_if_it_is_alike(typed: str, meant: str) -> None:
    known = ["configs/line.gin", "configs/mean.gin"] if "/" in typed else ["imdb_ladder", "raff2019"]
    assert BadInput("no", given=typed, known=known).nearest == meant
