"""A sweep: one config, run with several values of its settings. Each combination of values is a *point*.

The points depend only on the values in `paper.toml`: not on their order there, and not on chance. So the same values
always have the same name. A point is drawn from digests (hashes) in place of random numbers: draw number 7 is the same
in every process, and a larger budget only adds draws.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePath
from typing import Annotated, Any

from repro.claim.rules import ID, SEEDS
from repro.errors import BadInput
from repro.files.toml_lines import Block

MOST = 1000  # points of a sweep; more must be a typing error
DRAWS = 200  # draws for each point of the budget, before the values are taken to have no more points
RANGE = {"from", "to", "scale"}
SETTING = re.compile(r"([\w.]+/)*[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
AS_IN_A_CONFIG = ("@", "%", "(")


@dataclass(frozen=True)
class Point:
    """One combination of values. `bindings`: (setting, value as in a config), sorted by setting."""

    config: str
    bindings: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """The permanent name: the config, and a digest of the values."""
        digest = hashlib.sha256(repr(self.bindings).encode()).hexdigest()
        return f"{PurePath(self.config).stem}-{digest[:12]}"

    @property
    def overrides(self) -> tuple[str, ...]:
        """The values as `repro run --set` takes them."""
        return tuple(f"{name}={value}" for name, value in self.bindings)

    def without(self, setting: str) -> Point:
        """The point without the value of one setting."""
        return Point(self.config, tuple(one for one in self.bindings if one[0] != setting))


@dataclass(frozen=True)
class Sweep:
    """Runs of one config with several values of its settings. It is a search, not a claim of the paper."""

    id: Annotated[str, "a permanent name"]
    config: Annotated[str, "the config that sets these settings, as `configs/NAME.gin`"]
    metric: Annotated[str, "the metric that ranks the points"]
    values: Annotated[
        dict[str, Any],
        'for each setting a list of values, as `"torch.optim.SGD.lr" = [0.1, 0.3]`, or a range to draw from, as '
        '`{ from = 0.001, to = 1.0, scale = "log" }`',
    ]
    says: Annotated[str, "what the sweep asks, in one sentence"] = ""
    test: Annotated[str, "the name of the test set that ranks the points; better a validation set"] = "test"
    seeds: Annotated[int, "the number of seeds of each point: the seeds 0 to `seeds` - 1"] = 3
    budget: Annotated[
        int | None, "draw only so many points; a sweep with a range needs it. Without it, all combinations are run"
    ] = None
    halving: Annotated[
        str, "successive halving: the setting whose values, in increasing order, are the lengths of the rounds"
    ] = ""
    line: int = 0
    lines: dict[str, int] = field(default_factory=dict)  # the line of each setting

    @cached_property
    def points(self) -> list[Point]:
        """The points, without the setting of `halving`."""
        lists = {name: given for name, given in self.values.items() if name != self.halving}
        if self.budget is None:
            rows = (dict(zip(lists, row, strict=True)) for row in itertools.product(*map(written, lists.values())))
            return [self._point(row) for row in rows]
        found: dict[Point, None] = {}
        for number in range(DRAWS * self.budget):
            found[self._point({name: drawn(name, given, number) for name, given in lists.items()})] = None
            if len(found) == self.budget:
                break
        return list(found)

    @property
    def rounds(self) -> list[float | None]:
        """The lengths of the rounds of successive halving; [None] without it."""
        return list(self.values[self.halving]) if self.halving else [None]

    def lasting(self, point: Point, length: float | None) -> Point:
        """A point in the round of this length."""
        return point if length is None else self._point({**dict(point.bindings), self.halving: literal(length)})

    def kept(self, points: int, after: int) -> int:
        """How many of so many points go from the round `after` to the next one: each round has about the same cost."""
        now, then = self.rounds[after : after + 2]
        return max(1, int(points * (now or 1) / (then or 1)))

    @property
    def every(self) -> Iterator[Point]:
        """Every point of every round, also of those that no run has reached."""
        return (self.lasting(point, length) for length in self.rounds for point in self.points)

    def _point(self, row: Mapping[str, str]) -> Point:
        return Point(self.config, tuple(sorted(row.items())))


def literal(value: Any) -> str:
    """A value of `paper.toml` as in a config. A string that begins with `@`, `%` or `(` is already written so.

    >>> literal(1e-1), literal("adam"), literal("@torch.optim.Adam()"), literal([True, 2])
    ('0.1', "'adam'", '@torch.optim.Adam()', '[True, 2]')
    """
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, float):
        return repr(float(value))  # without the digits that `Number` keeps
    return value if isinstance(value, str) and value.startswith(AS_IN_A_CONFIG) else repr(value)


def written(given: list[Any]) -> list[str]:
    """The values of one setting as in a config."""
    return [literal(value) for value in given]


def drawn(name: str, given: Any, number: int) -> str:
    """The value of a setting in the draw `number`. The other settings do not change it.

    A value that is added to a list takes its share of the draws from all others, and changes no other draw.
    """
    if isinstance(given, list):
        return max(written(given), key=lambda text: share(name, text, number))
    low, high, at = given["from"], given["to"], share(name, number)
    if whole := isinstance(low, int) and isinstance(high, int):
        low, high = low - 0.499, high + 0.499
    found = low * (high / low) ** at if given.get("scale") == "log" else low + (high - low) * at
    return str(round(found)) if whole else repr(float(f"{found:.4g}"))


def share(*words: object) -> float:
    """A number from 0 to 1 that looks random and depends only on these words."""
    digest = hashlib.sha256(repr(words).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def flat(values: Any, above: str = "") -> dict[str, Any]:
    """The values by the full name of the setting: TOML reads `a.b = [1]`, without quotes, as a table in a table."""
    found: dict[str, Any] = {}
    for name, given in values.items():
        full = f"{above}.{name}" if above else name
        nested = isinstance(given, dict) and given and not set(given) & RANGE
        found.update(flat(given, full) if nested else {full: given})
    return found


def refuse(sweep: Sweep, at: Block) -> None:
    """Raise BadInput, with the line of the key, for a sweep that cannot be run as it is written."""
    if not re.fullmatch(ID, sweep.id):
        raise BadInput(f"'id' is {sweep.id!r:.80}", at.place("id"), expected="letters, digits and . - _ +")
    if not 1 <= sweep.seeds <= SEEDS:
        raise BadInput(f"'seeds' is {sweep.seeds}", at.place("seeds"), expected=f"a whole number from 1 to {SEEDS}")
    if not sweep.values:
        raise BadInput(f"sweep '{sweep.id}' has no values", at.place("values"), expected="a setting with its values")
    for name, given in sweep.values.items():
        place = at.below("values", *name.split(".")).place()
        if not SETTING.fullmatch(name):
            raise BadInput(f"the setting is called {name!r:.80}", place, expected="the name of a setting of the config")
        _refuse_range(name, given, place) if isinstance(given, dict) else _refuse_list(name, given, place)
    _refuse_halving(sweep, at)
    _refuse_budget(sweep, at)


def _refuse_list(name: str, given: Any, place: str) -> None:
    if not isinstance(given, list) or not given:
        raise BadInput(f"'{name}' is {given!r:.80}", place, expected="a list of at least one value, or a range")
    for value in _inner(given):
        if not isinstance(value, bool | int | float | str) or (isinstance(value, float) and not math.isfinite(value)):
            expected = "numbers, strings, true and false, or lists of these"
            raise BadInput(f"'{name}' has the value {value!r:.80}", place, expected=expected)
        if isinstance(value, str) and len(value.splitlines()) > 1:
            raise BadInput(f"'{name}' has a value of several lines", place, expected="one line")
    texts = written(given)
    if twice := [text for number, text in enumerate(texts) if text in texts[:number]]:
        raise BadInput(f"'{name}' has the value {twice[0]:.80} twice", place)


def _inner(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for one in value:
            yield from _inner(one)
    else:
        yield value


def _refuse_range(name: str, given: dict[str, Any], place: str) -> None:
    if stray := sorted(given.keys() - RANGE):
        raise BadInput(f"the range of '{name}' has the key '{stray[0]}'", place, given=stray[0], known=RANGE)
    ends = [given.get(key) for key in ("from", "to")]
    right = [isinstance(one, int | float) and not isinstance(one, bool) and abs(one) < 1e18 for one in ends]
    scale = given.get("scale", "linear")
    if not all(right) or not given["from"] < given["to"]:
        raise BadInput(f"'{name}' has no range", place, expected="two numbers, 'from' smaller than 'to'")
    if scale not in ("linear", "log"):
        raise BadInput(f"'scale' of '{name}' is {scale!r:.80}", place, expected="'linear' or 'log'")
    if scale == "log" and not given["from"] > 0:
        raise BadInput(f"'{name}' has a logarithmic range from {given['from']}", place, expected="a number above 0")


def _refuse_halving(sweep: Sweep, at: Block) -> None:
    if not sweep.halving:
        return
    if sweep.halving not in sweep.values:
        what = f"'halving' names '{sweep.halving}', which has no values"
        raise BadInput(what, at.place("halving"), given=sweep.halving, known=sweep.values)
    given = sweep.values[sweep.halving]
    numbers = isinstance(given, list) and all(
        isinstance(one, int | float) and not isinstance(one, bool) and one > 0 for one in given
    )
    place = at.below("values", *sweep.halving.split(".")).place()
    if not numbers or len(given) < 2 or sorted(given) != given:
        what = f"'{sweep.halving}' is {given!r:.80}, but 'halving' names it"
        raise BadInput(what, place, expected="a list of two or more numbers above 0, in increasing order")
    if len(sweep.values) < 2:
        raise BadInput("there is nothing to choose from", place, expected="the values of another setting")


def _refuse_budget(sweep: Sweep, at: Block) -> None:
    lists = [given for name, given in sweep.values.items() if name != sweep.halving]
    ranged = any(isinstance(given, dict) for given in lists)
    grid = math.inf if ranged else math.prod(map(len, lists))
    if sweep.budget is None:
        if ranged:
            raise BadInput(f"sweep '{sweep.id}' has a range and no 'budget'", at.place("values"))
        if grid > MOST:
            expected = f"at most {MOST:,}, or a 'budget'"
            raise BadInput(f"sweep '{sweep.id}' has {grid:,} points", at.place("values"), expected=expected)
        return
    most = min(grid, MOST)
    why = f", because the values have only {grid} combinations" if grid < MOST else ""
    expected = f"a whole number from 1 to {most}{why}"
    if 1 <= sweep.budget <= most:
        most = len(sweep.points)
        expected = f"at most {most}, because the ranges have no more values"
    if not 1 <= sweep.budget <= most:
        raise BadInput(f"'budget' is {sweep.budget}", at.place("budget"), expected=expected)
