"""What a config may bind of a part: the parameters of its `__init__`, and those that its `**kwargs` lead to.

    class Averaged(Supervised):
        def __init__(self, decay: float, **kwargs: Any) -> None:
            super().__init__(**kwargs)          # so every parameter of Supervised is one of Averaged

Names, types and defaults come from the class that declares them. What an `__init__` gives to its parent itself, as
`super().__init__(steps=10, **kwargs)`, nobody can bind.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, get_type_hints

OPEN = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def parameters(part: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters of a part by name, each with its type as `annotation` (Any where none is declared).

    `**kwargs` stay in only where they lead to no class that says what it takes.
    """
    own = inspect.signature(part).parameters
    if not inspect.isclass(part):
        return _typed(own, _hints_of_function(getattr(part, "recipe_of", part)))
    inits = [cls for cls in part.__mro__[:-1] if "__init__" in vars(cls)]
    if not inits:
        return _typed(own, {})
    if not any(parameter.kind == parameter.VAR_KEYWORD for parameter in own.values()):
        return _typed(own, _hints(inits[0]))
    return _through(inits)


def _through(inits: list[type]) -> dict[str, inspect.Parameter]:
    """The parameters of the first of these classes, each with an `__init__`, and of those that its `**kwargs` reach."""
    first, *rest = inits
    signature = list(inspect.signature(vars(first)["__init__"]).parameters.values())[1:]
    own = _typed({parameter.name: parameter for parameter in signature}, _hints(first))
    passed = passed_on(first)
    if passed is not None and passed.to:
        names = [cls.__name__ for cls in rest]
        rest = rest[names.index(passed.to) :] if passed.to in names else []
    if passed is None or not rest or not any(one.kind == one.VAR_KEYWORD for one in own.values()):
        return own
    named = {name: one for name, one in own.items() if one.kind not in OPEN}
    return named | {name: one for name, one in _given(passed, _through(rest)).items() if name not in named}


def _given(passed: Passed, above: dict[str, inspect.Parameter]) -> dict[str, inspect.Parameter]:
    """What a config may bind through `**kwargs`: the parameters of the classes above, and what is taken out of them."""
    known = [name for name, one in above.items() if one.kind not in OPEN]
    found = dict[str, inspect.Parameter]()
    for name in passed.left(known):
        one = above.get(name, inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=Any))
        optional = passed.supplies(name) and one.default is one.empty
        found[name] = one.replace(kind=one.KEYWORD_ONLY, default=None if optional else one.default)
    return found | {name: one for name, one in above.items() if one.kind in OPEN}


def _typed(given: Any, hints: dict[str, Any]) -> dict[str, inspect.Parameter]:
    return {name: parameter.replace(annotation=hints.get(name, Any)) for name, parameter in given.items()}


def _hints_of_function(part: Any) -> dict[str, Any]:
    if inspect.isclass(part):  # of a foreign library
        return next((_hints(cls) for cls in part.__mro__ if "__init__" in vars(cls)), {})
    return _resolved(part)


def _hints(cls: type) -> dict[str, Any]:
    """The types that the `__init__` of this very class declares. A dataclass may have fields from other modules."""
    fields = _resolved(cls) if "__dataclass_params__" in vars(cls) else {}
    return fields | _resolved(vars(cls)["__init__"])


def _resolved(declared: Any) -> dict[str, Any]:
    try:
        return get_type_hints(declared, include_extras=True)
    except (NameError, TypeError, AttributeError):  # a name for type checkers only; a function in C
        return {}


@dataclass(frozen=True)
class Passed:
    """Where the `**kwargs` of an `__init__` go, and what it says about the names in them."""

    to: str = ""  # the class that is named; "" for the next one
    count: int = 0  # parameters there that are given by position
    fixed: frozenset[str] = frozenset()  # that are given by name
    read: frozenset[str] = frozenset()  # taken out of the kwargs
    defaults: frozenset[str] = frozenset()  # `kwargs.setdefault`
    loose: bool = False  # it cannot be seen which are given

    def left(self, names: list[str]) -> list[str]:
        """Those of the parameters above that the `__init__` does not give itself, and those that it takes out."""
        return [name for name in names[self.count :] if name not in self.fixed | self.read] + sorted(self.read)

    def supplies(self, name: str) -> bool:
        """May the parameter be left out in a config although its own class requires it?"""
        return self.loose or name in self.defaults | self.read


def passed_on(cls: type) -> Passed | None:
    """What the source of a class's own `__init__` does with its `**kwargs`; None where no other class gets them."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(vars(cls)["__init__"])))
    except (OSError, TypeError, SyntaxError):  # typed in at a prompt
        return Passed(loose=True)
    node = tree.body[0]
    return passed_in(node) if isinstance(node, ast.FunctionDef) else Passed(loose=True)


def passed_in(init: ast.FunctionDef) -> Passed | None:
    """The same of a syntax tree."""
    kwargs = init.args.kwarg.arg if init.args.kwarg else ""
    found = [one for node in ast.walk(init) if isinstance(node, ast.Call) and (one := _call(node, kwargs))]
    if not kwargs or not found:
        return None
    best = min(found, key=lambda one: one.loose)
    reads = dict(_reads(init, kwargs))
    pop, default, fixed = (
        frozenset(name for name in reads if reads[name] == how) for how in ("pop", "setdefault", "store")
    )
    return dataclasses.replace(best, fixed=best.fixed | fixed, read=pop, defaults=default)


def _call(node: ast.Call, kwargs: str) -> Passed | None:
    """The call of another class's `__init__` with `**kwargs`, or with a dict of another name."""
    opened = [word.value for word in node.keywords if word.arg is None]
    called = node.func
    if not (opened and isinstance(called, ast.Attribute) and called.attr == "__init__"):
        return None
    inner = called.value
    by_super = isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id == "super"
    to = "" if by_super else ast.unparse(inner).rpartition(".")[2]
    count = sum(not isinstance(one, ast.Starred) for one in node.args) - (not by_super)
    fixed = frozenset(word.arg for word in node.keywords if word.arg)
    plain = any(isinstance(value, ast.Name) and value.id == kwargs for value in opened)
    return Passed(to, max(count, 0), fixed, loose=not plain)


def _reads(init: ast.FunctionDef, kwargs: str) -> Iterator[tuple[str, str]]:
    """Each name that is looked up in `kwargs`, and how: `kwargs.pop("name")`, `kwargs["name"] = 1`."""
    for node in ast.walk(init):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            holder, key, how = node.func.value, node.args[0], node.func.attr
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            holder, key, how = node.value, node.slice, "store"
        else:
            continue
        if isinstance(key, ast.Constant) and isinstance(holder, ast.Name) and holder.id == kwargs:
            yield str(key.value), how
