"""Tests of the author's table and of the items that are made from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from papers.raff2019.dataset import (
    LEVELS,
    NAME,
    NUMBERS,
    Attempts,
    Breakdown,
    Features,
    SyntheticAttempts,
    Together,
)
from repro.data import store
from repro.errors import BadInput
from repro.testing import check_dataset, needs

ROWS = {"Pages": "Pages", "Equations": "Normalized Number of Equations", "Compute": "Compute Needed"}


class Three:
    """Three attempts with the columns that the tests use."""

    rows = (
        {"Pages": "10", "Number of Equations": "5", "Compute Needed": "500 CPUs", "Authors Reply": "N/A"},
        {"Pages": "4", "Number of Equations": "6", "Compute Needed": "GPU", "Authors Reply": "Yes"},
        {"Pages": "8", "Number of Equations": "0", "Compute Needed": "Cluster", "Authors Reply": "No"},
    )

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[dict[str, str], str]:
        return self.rows[index], ("No", "Yes", "No")[index]


@pytest.mark.parametrize(
    "dataset",
    [
        SyntheticAttempts(),
        Features(SyntheticAttempts(), ROWS),
        *(Breakdown(Features(SyntheticAttempts(), ROWS), each) for each in ("group", "pair", "cell")),
        Together(Features(SyntheticAttempts(), ROWS)),
    ],
    ids=lambda dataset: f"{type(dataset).__name__} {getattr(dataset, 'each', '')}",
)
def test_battery(dataset: Any) -> None:
    check_dataset(dataset)
    names = getattr(dataset, "names", range(len(dataset)))
    assert len(set(names)) == len(dataset) == len(list(dataset))


def test_values_are_numbers_numbers_per_page_or_levels() -> None:
    groups = {"groups": ["No", "Yes", "No"], "asked": []}
    features = Features(Three(), ROWS)
    assert list(features) == [
        ([10.0, 4.0, 8.0], groups),
        ([0.5, 1.5, 0.0], groups),
        (["500 CPUs", "GPU", "Cluster"], groups),
    ]
    merged = Features(Three(), ROWS, recoded={"500 CPUs": "Cluster"})
    assert merged[2][0] == ["Cluster", "GPU", "Cluster"]
    assert merged.fingerprint() != features.fingerprint()


def test_whoever_has_no_value_or_no_group_is_left_out() -> None:
    assert Features(Three(), {"Reply": "Authors Reply"})[0] == (["Yes", "No"], {"groups": ["Yes", "No"], "asked": []})
    assert Features(Three(), {"Pages": "Pages"}, by="Authors Reply")[0][0] == [4.0, 8.0]
    beside = Features(Three(), {"Pages": "Pages"}, beside="Authors Reply")[0]
    assert beside == ([4.0, 8.0], {"groups": ["Yes", "No"], "asked": [], "beside": ["Yes", "No"]})


def test_a_breakdown_asks_for_each_group_pair_and_cell() -> None:
    features = Features(SyntheticAttempts(), {"Code": "Pseudo Code"}, by="Paper Readability")
    by_group, by_pair, by_cell = (Breakdown(features, each) for each in ("group", "pair", "cell"))  # type: ignore[arg-type]
    assert by_group.names == ["Code, Low", "Code, Ok", "Code, Good", "Code, Excellent"]
    assert by_pair.names[:4] == ["Code, Low, Ok", "Code, Low, Good", "Code, Low, Excellent", "Code, Ok, Good"]
    assert len(by_pair) == 6 and len(by_cell) == 16 and "Code, Step-Code, Good" in by_cell.names
    for index, name in enumerate(by_cell.names):
        values, target = by_cell[index]
        assert name == f"Code, {target['level']}, {target['asked'][0]}" and values == features[0][0]
    assert len({each.fingerprint() for each in (by_group, by_pair, by_cell)}) == 3


def test_a_misspelt_column_names_the_nearest() -> None:
    with pytest.raises(BadInput, match=r"no column 'Normalised Pages'; did you mean 'Normalized Pages'\?"):
        Features(SyntheticAttempts(), {"Pages": "Normalised Pages"})
    with pytest.raises(BadInput, match="did you mean 'Reproduced'"):
        Features(SyntheticAttempts(), ROWS, by="Reproducd")


def test_nothing_is_read_before_the_first_item(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: str) -> Path:
        raise BadInput("read")

    monkeypatch.setattr(store, "folder", refuse)
    features = Features(Attempts(), ROWS)
    assert len(features) == 3
    with pytest.raises(BadInput, match="read"):
        features[0]


def test_the_byte_order_mark_is_no_part_of_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file starts with a byte order mark, its lines end with CRLF, and `N/A` is an ordinary text."""
    row = {**SyntheticAttempts(size=1).rows[0], "Reproduced": "Yes", "Authors Reply": "N/A"}
    (tmp_path / NAME).write_bytes(f"\ufeff{','.join(row)}\r\n{','.join(row.values())}\r\n".encode())
    monkeypatch.setattr(store, "folder", lambda _: tmp_path)
    features = {column: value for column, value in row.items() if column != "Reproduced"}
    assert list(Attempts()) == [(features, "Yes")]


ODD = {  # a change of the table, and the error message
    "a column less": (lambda row: row.pop("Pages"), ":1: has no column 'Pages'"),
    "another level": (lambda row: row.update(Type="Jornal"), ": attempt 1: 'Type' is 'Jornal'; did you mean 'Journal'"),
    "no number": (lambda row: row.update(Year="then"), ": attempt 1: 'Year' is 'then'; expected a number"),
    "no page": (lambda row: row.update(Pages="0"), ": attempt 1: 'Pages' is '0'; expected a number"),
    "no number either": (lambda row: row.update(Year="nan"), ": attempt 1: 'Year' is 'nan'; expected a number"),
}


@pytest.mark.parametrize(("spoil", "said"), ODD.values(), ids=ODD)
def test_another_table_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[dict[str, str]], Any], said: str
) -> None:
    row = SyntheticAttempts(size=1).rows[0]
    spoil(row)
    (tmp_path / NAME).write_text(f"{','.join(row)}\n{','.join(row.values())}\n")
    monkeypatch.setattr(store, "folder", lambda _: tmp_path)
    with pytest.raises(BadInput, match=rf"^{tmp_path / NAME}{said}"):
        len(Attempts())


def test_the_synthetic_table_has_its_columns_and_its_seed() -> None:
    one, same, other = SyntheticAttempts(), SyntheticAttempts(), SyntheticAttempts(seed=1)
    assert set(one.rows[0]) == {*LEVELS, *NUMBERS}
    assert one.rows == same.rows and one.fingerprint() == same.fingerprint() != other.fingerprint()


@needs("raff2019")
def test_the_table_is_the_one_described() -> None:
    """255 rows, 28 columns, 162 successes. `N/A` is a text. The levels are those of Tables 5 to 19."""
    attempts = Attempts()
    check_dataset(attempts)
    rows = attempts.rows
    assert len(attempts) == 255 and set(rows[0]) == {*LEVELS, *NUMBERS} and len(rows[0]) == 28
    assert Counter(reproduced for _, reproduced in (attempts[i] for i in range(255))) == {"Yes": 162, "No": 93}
    for column, levels in LEVELS.items():
        assert {row[column] for row in rows} == set(levels), column
    assert Counter(row["Authors Reply"] for row in rows)["N/A"] == 205
    assert Counter(row["Data Available"] for row in rows)["N/A"] == 1
    assert Counter(row["Compute Needed"] for row in rows)["500 CPUs"] == 1


@needs("raff2019")
def test_the_numbers_of_the_table_are_counts_that_add_up() -> None:
    parts = ("Number of Tables", "Number of Graphs/Plots", "Number of Other Figures", "Conceptualization Figures")
    for row in Attempts().rows:
        numbers = {column: int(row[column]) for column in NUMBERS}
        assert min(numbers.values()) >= 0 and 2 <= numbers["Pages"] <= 107
        assert numbers["Total Tables and Figures"] == sum(numbers[part] for part in parts)


@needs("raff2019")
def test_features_of_the_table_leave_out_who_was_not_asked() -> None:
    features = Features(Attempts(), {"Authors Reply": "Authors Reply", "Pages": "Pages"})
    check_dataset(features)
    assert [len(values) for values, _ in features] == [50, 255]
