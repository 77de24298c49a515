"""The parameters of a part that a config may set: those of its `__init__`, and those that it passes on by `**kwargs`.

    class Averaged(Supervised):
        def __init__(self, decay: float, **kwargs: Any) -> None:
            super().__init__(**kwargs)          # so Averaged has every parameter of Supervised too

Names, types and defaults come from the class that declares the parameter. If an `__init__` sets a parameter of its
parent itself, as in `super().__init__(steps=10, **kwargs)`, a config cannot set it.
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
    """The parameters of a part, by name. Each has its type as `annotation`, or Any if it has no type hint.

    `**kwargs` are replaced by the parameters of the parent class; they remain only if no parent class lists its own.

    >>> class Parent:
    ...     def __init__(self, steps: int = 5) -> None: ...
    >>> class Child(Parent):
    ...     def __init__(self, decay: float, **kwargs: Any) -> None:
    ...         super().__init__(**kwargs)
    >>> [str(parameter) for parameter in parameters(Child).values()]
    ['decay: float', 'steps: int = 5']
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
    """The parameters of the first class, and of the later classes that get its `**kwargs`. Each has an `__init__`."""
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
    """The parameters that a config may set through `**kwargs`.

    These are parameters of the parent classes, and names that `__init__` takes out of `kwargs` itself.
    """
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
    if inspect.isclass(part):  # a class of another library
        return next((_hints(cls) for cls in part.__mro__ if "__init__" in vars(cls)), {})
    return _resolved(part)


def _hints(cls: type) -> dict[str, Any]:
    """The type hints of the class's own `__init__`. A dataclass may inherit fields from classes in other modules."""
    fields = _resolved(cls) if "__dataclass_params__" in vars(cls) else {}
    return fields | _resolved(vars(cls)["__init__"])


def _resolved(declared: Any) -> dict[str, Any]:
    try:
        return get_type_hints(declared, include_extras=True)
    except (NameError, TypeError, AttributeError):  # a name that is imported for type checkers only, or a C function
        return {}


@dataclass(frozen=True)
class Passed:
    """How an `__init__` passes its `**kwargs` on to another class."""

    to: str = ""  # the class that gets them; "" for the next one
    count: int = 0  # the number of arguments passed by position
    fixed: frozenset[str] = frozenset()  # the arguments passed by name
    read: frozenset[str] = frozenset()  # the names taken out by `kwargs.pop`
    defaults: frozenset[str] = frozenset()  # the names in `kwargs.setdefault`
    loose: bool = False  # the source does not show which arguments are passed

    def left(self, names: list[str]) -> list[str]:
        """The names that a config may set: parent parameters that `__init__` does not set, and names that it reads."""
        return [name for name in names[self.count :] if name not in self.fixed | self.read] + sorted(self.read)

    def supplies(self, name: str) -> bool:
        """Whether `__init__` supplies a value, so that a config need not set a required parameter of the parent."""
        return self.loose or name in self.defaults | self.read


def passed_on(cls: type) -> Passed | None:
    """How the source text of a class's own `__init__` passes on its `**kwargs`; None if no other class gets them."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(vars(cls)["__init__"])))
    except (OSError, TypeError, SyntaxError):  # no source text: a class typed at a Python prompt
        return Passed(loose=True)
    node = tree.body[0]
    return passed_in(node) if isinstance(node, ast.FunctionDef) else Passed(loose=True)


def passed_in(init: ast.FunctionDef) -> Passed | None:
    """How an `__init__`, given as a syntax tree, passes on its `**kwargs`; None if no other class gets them."""
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
    """A call of another class's `__init__` with `**kwargs` or with another dict; None if `node` is no such call."""
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
    """Each name that is used in `kwargs`, and how: ("name", "pop") for `kwargs.pop("name")`."""
    for node in ast.walk(init):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            holder, key, how = node.func.value, node.args[0], node.func.attr
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            holder, key, how = node.value, node.slice, "store"
        else:
            continue
        if isinstance(key, ast.Constant) and isinstance(holder, ast.Name) and holder.id == kwargs:
            yield str(key.value), how
