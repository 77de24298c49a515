"""Type hints at run time: does a value fit one, and how is one said in words.

pydantic, which `repro.statements` uses where a run starts anyway, would take `repro list` from 0.05 s to 0.14 s.
"""

from __future__ import annotations

import functools
import math
import sys
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

WORDS: dict[Any, str] = {
    float: "a number",
    int: "a whole number",
    str: "a text in quotes",
    bool: "true or false",
    Any: "anything",
}


@functools.cache
def of(cls: Any) -> dict[str, Any]:
    """The type of each field of a class, with its remarks."""
    return get_type_hints(cls, include_extras=True)


def fits(value: Any, hint: Any) -> bool:
    """Whether a value read from TOML fits `hint`: an int is a number too, a bool is no int, a number is finite."""
    origin, inner = _parts(hint)
    if origin is None and hint in WORDS:
        return _is(value, hint)
    if origin in (Union, types.UnionType):
        return any(fits(value, one) for one in inner)
    if origin is Annotated:  # a remark that is a form says what stands inside
        return all(fits(value, one) for one in (inner[0], *filter(_is_form, inner[1:])))
    if is_typeddict(hint):  # the keys that it names; others are anybody's
        return isinstance(value, dict) and all(fits(value[k], v) for k, v in of(hint).items() if k in value)
    if origin is Literal:
        return value in inner
    if origin is tuple:  # in a file, a list of just these
        return isinstance(value, list) and len(value) == len(inner) and all(map(fits, value, inner))
    if origin is list:
        return isinstance(value, list) and all(fits(item, inner[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(item, inner[1]) for item in value.values())
    return _is(value, hint)


@functools.cache
def _parts(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """`list[str]` as `list` and `(str,)`."""
    return get_origin(hint), get_args(hint)


def _is_form(hint: Any) -> bool:
    return is_typeddict(hint) or get_origin(hint) is tuple


def _is(value: Any, hint: Any) -> bool:
    if hint is Any:
        return True
    if isinstance(value, bool) or hint is bool:
        return isinstance(value, bool) and hint is bool
    if isinstance(value, float):
        return hint is float and math.isfinite(value)
    if isinstance(value, int) and hint is float:
        return abs(value) <= sys.float_info.max  # beyond that it cannot be computed with
    return isinstance(value, hint)


def said(hint: Any) -> str:
    """`list[str]` as `a list of texts`."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(said(one) for one in inner if one is not type(None))
    if origin is Annotated:
        return said(inner[0])
    if origin is Literal:
        return "one of " + ", ".join(repr(one) for one in inner if one)
    if origin is list:
        return f"a list of {WORDS.get(inner[0], 'item').removeprefix('a ').removesuffix(' in quotes')}s"
    if origin is dict:
        several = said(inner[1]).removeprefix("a ").removesuffix(" in quotes")
        return "a table" if inner[1] is Any else f"a table of {several}s"
    return WORDS.get(hint, str(hint))
