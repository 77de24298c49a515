"""Type hints in words, and the place of a wrong value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest

from repro.errors import BadInput
from repro.files import typed
from repro.record.determinism import Certificate
from repro.record.renewal import Renewal
from repro.run.resume import Started

Pair = Annotated[list[Any], tuple[float, str]]

DAY = "2026-01-02T03:04:05+00:00"
ROWS: dict[Any, dict[str, Any]] = {
    Renewal: {"config": "a", "changed": {}, "commit": "", "steps": 0, "processor": "", "measured": DAY},
    Certificate: {"digest": "", "code": {}, "machine": {}, "comparisons": {}, "steps": 0, "measured": DAY},
    Started: {"digest": "", "code": {}, "source": {}, "packages": {}},
}


@dataclass(frozen=True)
class Inner:
    size: int


@pytest.mark.parametrize(("hint", "words"), [
    (dict[str, float], "a table of numbers"),
    (dict[str, bool], "a table of values true or false"),
    (list[dict[str, str]], "a list of tables of strings"),
    (list[list[int]], "a list of lists of whole numbers"),
    (list[Any], "a list"),
    (dict[str, Any], "a table"),
    (dict[str, int | None], "a table of whole numbers or null"),
    (list[Literal["a", "b"]], "a list of values, each one of 'a', 'b'"),
    (Pair, "a list of 2 values (a number, a string in quotes)"),
    (list[Inner], "a list of tables"),
])  # fmt: skip
def test_a_nested_type_in_words(hint: Any, words: str) -> None:
    assert typed.said(hint) == words


@pytest.mark.parametrize(("value", "hint", "place"), [
    ({"torch": 2}, dict[str, str], "x.torch"),
    ({"a": {"b": [1, True]}}, dict[str, dict[str, list[int]]], "x.a.b[1]"),
    ([[1.0, "a"], [1.0, 2]], list[Pair], "x[1][1]"),
    ([1, 2], dict[str, str], "x"),
    ({"a": {"size": "1"}}, dict[str, Inner], "x.a.size"),
])  # fmt: skip
def test_the_innermost_wrong_value_is_named(value: Any, hint: Any, place: str) -> None:
    with pytest.raises(BadInput) as caught:
        typed.build(value, hint, "x")
    assert caught.value.what.startswith(f"'{place}' is ")


@pytest.mark.parametrize(("value", "hint"), [
    ({"steps": -1}, Renewal), ({"last": -1}, Renewal), ({"measured": "now"}, Renewal),
    ({"steps": -4}, Certificate), ({"outcome": "stoped"}, Started), ({"sessions": 0}, Started),
])  # fmt: skip
def test_a_row_that_no_command_writes_is_refused(value: dict[str, Any], hint: Any) -> None:
    with pytest.raises(BadInput) as caught:
        typed.build({**ROWS[hint], **value}, hint)
    typed.build(ROWS[hint], hint)
    assert caught.value.what.startswith(f"'{next(iter(value))}' is ") and caught.value.expected


@pytest.mark.parametrize("odd", [True, 3, float("nan"), float("inf"), 10**400, "1", None, [1.0]])
@pytest.mark.parametrize("hint", [float, str, int, Any])
def test_each_of_many_values_is_checked_as_if_it_were_alone(hint: Any, odd: Any) -> None:
    for values in ([odd], [1.0, odd], ["a", odd], [odd, odd], [1.0, 2.0], ["a", "b"], []):
        alone = all(typed.fits(value, hint) for value in values)
        assert typed.fits(values, list[hint]) == alone
        assert typed.fits(dict(enumerate(values)), dict[str, hint]) == alone
