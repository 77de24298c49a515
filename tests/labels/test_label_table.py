"""The table of corrected labels: written and read, the majority, and what is refused with file and line."""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.datasets import label_table
from repro.datasets.digits import Digits
from repro.datasets.label_table import Answer
from repro.errors import BadInput

WHEN = "2026-01-02T03:04:05+00:00"
VOTES = st.lists(st.integers(0, 3), min_size=1, max_size=6)


def votes(item: str, labels: list[int], old: int = 9) -> list[Answer]:
    return [Answer(item, old, label, f"person {number}", WHEN) for number, label in enumerate(labels)]


@given(VOTES, VOTES)
def test_the_majority_decides_and_a_tie_changes_nothing(one: list[int], other: list[int]) -> None:
    answers = [*votes("one", one), *votes("other", other)]
    decided, ties = label_table.decided(answers), label_table.ties(answers)
    for item, labels in (("one", one), ("other", other)):
        most = max(Counter(labels).values())
        winners = {label for label, times in Counter(labels).items() if times == most}
        assert (item in ties) == (len(winners) > 1)
        assert decided.get(item) == (winners.pop() if len(winners) == 1 else None)


@given(VOTES)
def test_the_order_of_the_answers_does_not_matter(labels: list[int]) -> None:
    every = {
        tuple(label_table.decided(list(order)).items()) for order in itertools.permutations(votes("a", labels[:4]))
    }
    assert len(every) == 1


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20)


@given(
    st.dictionaries(
        st.tuples(NAMES, st.sampled_from(["ann", "Jo-1 b."])), st.tuples(st.integers(0, 999), st.integers(0, 999))
    )
)
def test_what_is_written_is_read(rows: dict[tuple[str, str], tuple[int, int]]) -> None:
    answers = [Answer(item, *labels, who, WHEN) for (item, who), labels in rows.items()]
    if any(label_table.UNSEEN.search(one.item) for one in answers):
        return
    with tempfile.TemporaryDirectory() as folder:
        path = label_table.write(Path(folder) / "t.csv", answers)
        assert sorted(label_table.read(path), key=repr) == sorted(answers, key=repr)


@pytest.mark.parametrize(("row", "line"), [
    ("b,1", 3), ("b,x,2,ann,2026-01-02", 3), ("b,1,-2,ann,2026-01-02", 3), ("b,1,2,=SUM(A1),2026-01-02", 3),
    ("b,1,2,a@b.c,2026-01-02", 3), ("b,1,2,ann,yesterday", 3), (",1,2,ann,2026-01-02", 3),
    ("b\u202e,1,2,ann,2026-01-02", 3), ("a,1,5,ann,2026-01-03", 3), ("b,1,99999999,ann,2026-01-02", 3),
])  # fmt: skip
def test_a_wrong_row_is_named_by_its_line(row: str, line: int, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"item,old,new,who,when\na,1,2,ann,2026-01-02\n{row}\n", encoding="utf-8")
    with pytest.raises(BadInput) as error:
        label_table.read(path)
    assert error.value.where.endswith(f"t.csv:{line}")


@pytest.mark.parametrize("content", [b"item,old,new,who\n", b"\xff\n", b"", b"item,old,new,who,when,who\n"])
def test_what_is_no_table_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"t\.csv"):
        label_table.read(path)
    path.write_bytes(b"x" * (label_table.MOST + 1))
    with pytest.raises(BadInput, match=r"t\.csv"):
        label_table.read(path)


@pytest.mark.parametrize("labels", [
    "labels/a.csv", "/etc/passwd", "papers/../labels/a.csv", "papers/template/labels/../a.csv", "papers/template/a.csv",
    "papers/template/labels/.hidden.csv", "papers/template/labels/a.gin",
])  # fmt: skip
def test_a_table_is_in_the_folder_of_a_paper(labels: str) -> None:
    with pytest.raises(BadInput):
        label_table.place(labels)


def test_an_unknown_paper_is_answered_with_the_nearest() -> None:
    with pytest.raises(BadInput) as error:
        label_table.place("papers/templat/labels/a.csv")
    assert error.value.nearest == "template"
    assert label_table.place("papers/template/labels/a.csv").parts[-3:] == ("template", "labels", "a.csv")


class Named:
    """Three items with names; the targets are classes 0 to 2."""

    names = ("first", "second", "third")

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> tuple[float, int]:
        return 0.0, index

    def fingerprint(self) -> str:
        return "0123"


def test_ids_are_names_or_belong_to_the_content() -> None:
    assert label_table.ids(Named()) == ["first", "second", "third"]
    small, large = label_table.ids(Digits("test", size=8)), label_table.ids(Digits("test"))
    assert len(set(small) | set(large)) == 2 * 297


@pytest.mark.parametrize(("answer", "nearest"), [
    (Answer("secnd", 1, 2, "ann", WHEN), "second"), (Answer("second", 2, 0, "ann", WHEN), ""),
    (Answer("second", 1, 3, "ann", WHEN), ""),
])  # fmt: skip
def test_an_answer_must_fit_the_data(answer: Answer, nearest: str) -> None:
    assert label_table.indices([Answer("third", 2, 0, "ann", WHEN)], Named(), ["t.csv:2"]) == [2]
    with pytest.raises(BadInput) as error:
        label_table.indices([answer], Named(), ["t.csv:2"])
    assert (error.value.where, error.value.nearest) == ("t.csv:2", nearest)


@pytest.mark.parametrize("target", [1.5, "a", True, -1, None, [1]])
def test_a_target_must_be_a_class(target: Any) -> None:
    with pytest.raises(BadInput, match="item 0"):
        label_table.labels([(0, target)])
