"""`config.bindings`: what two configs bind differently; no row if and only if their digests are equal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro import config
from repro.config.bindings import IMPORTED, Row, differences

BASE = "import a.b\nN = 3\nloss.L1.weight = 2.0\ntrainers.T.steps = %N\ntrainers.T.rates = [%N, 1]\n"
LINES = [
    *("import a.b", "import a.c", "N = 3", "N = 4", "M = %N", "N = [%M]", "a.P.x = %N", "a.P.x = 3", "P.x = 3"),
    *(
        "a.P.x = [%M, %N]",
        "s/a.P.x = 3",
        "a.P.y = @b.Q()",
        "M = @b.Q()",
        "a.P.y = %M",
        "# N = 5",
        "= 3",
        "x.macro.v = 1",
    ),
]


@pytest.mark.parametrize("other", [
    "import a.b\n\ntrainers.T.rates = [3, 1]  # as they were\ntrainers.T.steps = 3\nloss.L1.weight = 20e-1\n",
    BASE.replace("N", "STEPS"),
    BASE.replace("steps = %N", "steps = 9\ntrainers.T.steps = 3"),
])  # fmt: skip
def test_another_way_to_write_it_is_no_difference(other: str) -> None:
    assert differences(BASE, other) == []


@pytest.mark.parametrize(("old", "new", "rows"), [
    ("2.0", "3.0", [Row("loss.L1.weight", "2.0", "3.0")]),
    ("2.0", "2", [Row("loss.L1.weight", "2.0", "2")]),
    ("loss.L1.weight = 2.0\n", "", [Row("loss.L1.weight", "2.0", None)]),
    ("import a.b", "import a.c", [Row("import a.b", IMPORTED, None), Row("import a.c", None, IMPORTED)]),
    ("N = 3", "N = 4", [Row("trainers.T.rates", "[%N, 1] where N = 3", "[%N, 1] where N = 4"),
                        Row("trainers.T.steps", "3", "4")]),
    ("loss.L1", "L1", [Row("L1.weight", None, "2.0"), Row("loss.L1.weight", "2.0", None)]),
])  # fmt: skip
def test_a_row_for_each_parameter_that_differs(old: str, new: str, rows: list[Row]) -> None:
    assert differences(BASE, BASE.replace(old, new)) == rows
    assert differences(BASE.replace(old, new), BASE) == [Row(name, other, one) for name, one, other in rows]


def test_the_order_of_two_names_of_one_parameter_is_a_difference() -> None:
    (row,) = differences("a.P.x = 1\nP.x = 2", "P.x = 2\na.P.x = 1")
    assert (row.one, row.other) == ("P.x", "a.P.x")


@given(st.lists(st.sampled_from(LINES), max_size=6), st.lists(st.sampled_from(LINES), max_size=6))
def test_rows_if_and_only_if_the_digests_differ(one: list[str], other: list[str]) -> None:
    texts = "\n".join(one), "\n".join(other)
    rows = differences(*texts)
    assert bool(rows) == (config.digest(texts[0]) != config.digest(texts[1]))
    assert all(row.one != row.other for row in rows)
