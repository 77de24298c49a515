"""What does not agree: the reason in each row."""

from __future__ import annotations

from repro.report import disagreements

SAME = "the same reason"


def test_a_reason_is_not_repeated_from_row_to_row() -> None:
    told = disagreements._short({"a": "late", "b": "late", "c": "far", "d": "late"}, ["a", "b", "c", "d"])
    assert told == {"a": "late", "b": SAME, "c": "far", "d": "late"}


def test_a_reason_is_repeated_after_a_row_that_shows_another_one_and_at_the_start_of_the_fold() -> None:
    assert disagreements._short({"a": "late", "b": "late"}, ["a", "", "b"]) == {"a": "late", "b": "late"}
    rows = [f"claim-{n}" for n in range(disagreements.OPEN + 2)]
    told = disagreements._short(dict.fromkeys(rows, "late"), rows)
    assert [row for row in rows if told[row] == "late"] == [rows[0], rows[disagreements.OPEN]]
