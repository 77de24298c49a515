"""The types of what TOML and JSON files contain: check a value against a type hint, and build the data types.

This module does not use pydantic, because importing it would slow `repro list` down from 0.05 s to 0.14 s, and its
messages do not say what was expected in words of ours. A run uses pydantic for the values of a config
(`repro.experiment.statements`).
"""

from __future__ import annotations

import datetime
import functools
import math
import reprlib
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from repro.errors import BadInput

Check = Callable[[Any], bool]
WORDS: dict[Any, str] = {
    float: "a number",
    int: "a whole number",
    str: "a string in quotes",
    bool: "true or false",
    list: "a list",
    dict: "an object",
    Any: "anything",
}


@dataclass(frozen=True)
class Only:
    """A condition on a value, for `Annotated`. expected: what a right value is, in words."""

    holds: Check
    expected: str


def _is_time(text: str) -> bool:
    try:
        return bool(datetime.datetime.fromisoformat(text))
    except ValueError:
        return False


FROM_0 = Only(lambda value: value >= 0, "a number from 0")
FROM_1 = Only(lambda value: value >= 1, "a number from 1")
SOME = Only(bool, "an object with at least one key")
TIME = Only(_is_time, "a date and time, such as 2026-01-02T03:04:05+00:00")
TIME_OR_NONE = Only(lambda text: not text or _is_time(text), TIME.expected)


@functools.cache
def of(cls: Any) -> dict[str, Any]:
    """The type hint of each field of a class, including `Annotated`."""
    return get_type_hints(cls, include_extras=True)


def fits(value: Any, hint: Any) -> bool:
    """Whether a value from a TOML file has the type `hint`. A float must be finite; it may be written as an integer.

    >>> fits(3, float), fits(True, int), fits(float("nan"), float), fits(["a"], list[str])
    (True, False, False, True)
    """
    return checker(hint)(value)


@functools.cache
def checker(hint: Any) -> Check:
    """The function that checks values against `hint`. It is cached, because many records have the same few hints."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _any(list(map(checker, inner)))
    if origin is Annotated:  # a TypedDict or tuple in the annotation describes the content
        return _all(list(map(checker, (inner[0], *filter(_is_form, inner[1:])))))
    if is_typeddict(hint):  # checks the keys that it names; other keys are allowed
        return _form({key: checker(one) for key, one in of(hint).items()})
    if origin is Literal:
        return lambda value: value in inner
    if isinstance(hint, Only):
        return hint.holds
    if origin is tuple:  # a list of this length in the file
        return _row(list(map(checker, inner)))
    if origin is list:
        return _every(inner[0], list, list)
    if origin is dict:
        return _every(inner[1], dict, dict.values)
    return PLAIN.get(hint) or (lambda value: isinstance(value, hint))


def _any(checks: list[Check]) -> Check:
    return lambda value: any(check(value) for check in checks)


def _all(checks: list[Check]) -> Check:
    def check(value: Any) -> bool:
        for one in checks:  # noqa: SIM110 - a generator would take twice the time
            if not one(value):
                return False
        return True

    return check


def _form(checks: dict[str, Check]) -> Check:
    def check(value: Any) -> bool:
        if not isinstance(value, dict):
            return False
        for key, item in value.items():  # noqa: SIM110 - as above
            if key in checks and not checks[key](item):
                return False
        return True

    return check


def _row(checks: list[Check]) -> Check:
    return lambda value: (
        isinstance(value, list)
        and len(value) == len(checks)
        and all(check(v) for check, v in zip(checks, value, strict=True))
    )


def _every(hint: Any, kind: type, inside: Callable[[Any], Iterable[Any]]) -> Check:
    check, sure = checker(hint), SURE.get(hint)

    def every(value: Any) -> bool:
        if not isinstance(value, kind):
            return False
        found = inside(value)
        return (sure is not None and sure(found)) or all(map(check, found))

    return every


def _is_form(hint: Any) -> bool:
    return is_typeddict(hint) or get_origin(hint) is tuple or isinstance(hint, Only)


def _number(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    # a larger integer cannot be converted to a float
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


SURE: dict[Any, Callable[[Iterable[Any]], bool]] = {
    str: lambda values: {*map(type, values)} == {str},
    float: lambda values: {*map(type, values)} == {float} and all(map(math.isfinite, values)),
}
"""A fast check of many values of a type. If it is true, all of them are right; if it is false, each must be checked."""

PLAIN: dict[Any, Check] = {
    float: _number,
    int: lambda value: isinstance(value, int) and not isinstance(value, bool),
    Any: lambda value: True,
}


def said(hint: Any) -> str:
    """The type hint in words, for an error message.

    >>> said(list[str]), said(int | None)
    ('a list of strings', 'a whole number')
    """
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(said(one) for one in inner if one is not type(None))
    if origin is Annotated:
        return said(next(filter(_is_form, inner[1:]), inner[0]))
    if isinstance(hint, Only):
        return hint.expected
    if origin is Literal:
        return "one of " + ", ".join(repr(one) for one in inner if one)
    if origin is tuple:
        return f"a list of {len(inner)} values ({', '.join(map(said, inner))})"
    if origin in (list, dict):
        several = _several(inner[-1])
        return f"{'a list' if origin is list else 'a table'}{several and f' of {several}'}"
    return WORDS.get(hint) or ("a table" if is_dataclass(hint) or is_typeddict(hint) else str(hint))


def _several(hint: Any) -> str:
    """The plural of a type hint in words; empty for anything.

    >>> _several(bool), _several(list[float]), _several(dict[str, list[str]])
    ('values true or false', 'lists of numbers', 'tables of lists of strings')
    """
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return ""
    if origin in (Union, types.UnionType):
        kinds = [_several(one) for one in inner if one is not type(None)]
        return " or ".join([*kinds, *(["null"] if type(None) in inner else [])])
    if origin in (list, dict):
        several = _several(inner[-1])
        return f"{'lists' if origin is list else 'tables'}{several and f' of {several}'}"
    if origin is Literal:
        return f"values, each {said(hint)}"
    words = said(hint).removeprefix("a ").removesuffix(" in quotes")
    first, *more = words.split(" of ", 1)
    return f"values {words}" if hint is bool else " of ".join([f"{first}s", *more])


def build(value: Any, hint: Any, at: str = "") -> Any:
    """A value from a JSON file as `hint`: each object becomes the dataclass that `hint` names there.

    at: the place within the file, for errors. Raises BadInput for a wrong type, an unknown or a missing key.

    >>> from repro.record.determinism import Comparison
    >>> build({"seed twice": {"weights": 1.5}}, dict[str, Comparison])
    {'seed twice': Comparison(weights=1.5, metrics=0.0, why='')}
    """
    origin, inner = get_origin(hint), get_args(hint)
    if is_dataclass(hint):
        return _made(value, hint, at)
    if _nested(hint):
        _refuse_unfit(value, origin, at)
        if origin is list:
            return [build(one, inner[0], f"{at}[{number}]") for number, one in enumerate(value)]
        return {key: build(one, inner[1], _below(at, key)) for key, one in value.items()}
    _refuse_unfit(value, hint, at)
    return value


def _nested(hint: Any) -> bool:
    """Whether a dataclass is in the type: itself, or in a list or as the value of a dictionary."""
    return is_dataclass(hint) or (get_origin(hint) in (list, dict) and is_dataclass(get_args(hint)[-1]))


@functools.cache
def _plan(cls: Any) -> tuple[dict[str, Check | None], list[str]]:
    """The check of each field (None: it has dataclasses in it), and the fields that must be given."""
    needed = (spec for spec in fields(cls) if spec.default is MISSING and spec.default_factory is MISSING)
    checks = {name: None if _nested(hint) else checker(hint) for name, hint in of(cls).items()}
    return checks, [spec.name for spec in needed]


def _made(row: Any, cls: Any, at: str) -> Any:
    _refuse_unfit(row, dict, at)
    checks, needed = _plan(cls)
    for key in row.keys() - checks.keys():
        raise BadInput(f"unknown key '{_below(at, key)}'", given=key, known=checks)
    for key in (key for key in needed if key not in row):
        raise BadInput(f"missing key '{_below(at, key)}'")
    made = {}
    for key, value in row.items():
        check = checks[key]  # where it is right, no place is needed: that makes reading records fast
        made[key] = value if check and check(value) else build(value, of(cls)[key], _below(at, key))
    return cls(**made)


def _below(at: str, key: str) -> str:
    return f"{at}.{key}" if at else key


def _refuse_unfit(value: Any, hint: Any, at: str) -> None:
    if not fits(value, hint):
        value, hint, at = innermost(value, hint, at)
        raise BadInput((f"'{at}' is " if at else "it is ") + reprlib.repr(value), expected=said(hint))


def innermost(value: Any, hint: Any, at: str) -> tuple[Any, Any, str]:
    """The first value inside `value` that does not have its type, with that type and its place; else `value` itself.

    >>> innermost({"torch": 2}, dict[str, str], "packages")
    (2, <class 'str'>, 'packages.torch')
    """
    for inner, one, place in _inside(value, hint, at):
        if not fits(inner, one):
            return innermost(inner, one, place)
    return value, hint, at


def _inside(value: Any, hint: Any, at: str) -> Iterator[tuple[Any, Any, str]]:
    """Each value in a list or an object, with its type and place; nothing if `value` itself is of another kind."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        for one in (inner[0], *filter(_is_form, inner[1:])):
            yield from _inside(value, one, at)
    elif origin in (Union, types.UnionType):
        for one in inner:
            yield from _inside(value, one, at)
    elif isinstance(value, dict) and (origin is dict or is_typeddict(hint)):
        hints = of(hint) if is_typeddict(hint) else dict.fromkeys(value, inner[1])
        yield from ((value[key], hints[key], _below(at, key)) for key in value if key in hints)
    elif isinstance(value, list) and origin is list:
        yield from ((one, inner[0], f"{at}[{number}]") for number, one in enumerate(value))
    elif isinstance(value, list) and origin is tuple and len(value) == len(inner):
        yield from ((one, kind, f"{at}[{number}]") for number, (one, kind) in enumerate(zip(value, inner, strict=True)))
