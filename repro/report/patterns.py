"""The pattern of a tip: how `repro run` recognises the failure that the tip describes.

    error: the loss is nan        the error contains this text; `*` stands for any text, and case does not matter
    loss: rises                   the training loss ends more than 5 % above its first quarter
    loss: stays at 2.303          the training loss is within 2 % of this number in the second half of the run
    loss: stays at 0.42 to 0.5    the training loss is between these numbers in the second half of the run
    curve: diversity ends below 0.5     the mean of this curve over the last quarter of the run; or: ends above

`error` is for a run that failed. `loss` is for a run that finished although its training loss did not fall in its
second half (`stuck`). `curve` is for a run that finished; a run without this curve does not fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import fmean

from repro.errors import BadInput

Curve = Sequence[Sequence[float]]
"""A curve of a record: pairs of step and value."""
Curves = Mapping[str, Curve]
"""The curves of a record by name; "train" is the training loss."""
NUMBER = r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
LOSS = re.compile(rf"loss: (?:rises|stays at (?P<low>{NUMBER})(?: to (?P<high>{NUMBER}))?)")
ENDS = re.compile(rf"curve: (?P<name>\S.*?) ends (?P<side>below|above) (?P<bound>{NUMBER})")
FORMS = (
    *("error: TEXT", "loss: rises", "loss: stays at NUMBER", "loss: stays at NUMBER to NUMBER"),
    *("curve: NAME ends below NUMBER", "curve: NAME ends above NUMBER"),
)
SHORTEST = 6  # letters and digits of an error's text: a shorter text is in many other errors too
LEAST = 4  # points of a curve: one for each quarter
FALLS, NEAR, RISES = 0.01, 0.02, 0.05  # relative differences of the loss


def refuse(pattern: str, place: str) -> None:
    """Raise BadInput if `pattern` has none of the forms."""
    kind, _, text = pattern.partition(": ")
    if kind == "error" and sum(map(str.isalnum, text)) < SHORTEST:
        expected = f"a text with at least {SHORTEST} letters or digits"
        raise BadInput(f"the pattern '{pattern}' fits many errors", place, expected=expected)
    found = LOSS.fullmatch(pattern)
    if kind != "error" and not found and not ENDS.fullmatch(pattern):
        raise BadInput(f"'{pattern}' is not a pattern", place, given=pattern, known=FORMS)
    if found and found["high"] and float(found["low"]) > float(found["high"]):
        expected = f"loss: stays at {found['high']} to {found['low']}"
        raise BadInput(f"no loss is in '{pattern}'", place, expected=expected)


def in_error(pattern: str, said: str) -> bool:
    """True if a line of `said` contains the text of an `error` pattern.

    >>> in_error("error: no * of the mixture", "ValueError\\nNo part of the Mixture is active")
    True
    """
    kind, _, text = pattern.partition(": ")
    return kind == "error" and any(_contains(line, text.casefold().split("*")) for line in said.casefold().splitlines())


def _contains(line: str, parts: list[str]) -> bool:
    """True if the line contains all parts, one after the other."""
    begin = 0
    for part in parts:
        found = line.find(part, begin)
        if found < 0:
            return False
        begin = found + len(part)
    return True


def in_curves(pattern: str, curves: Curves) -> bool:
    """True if the curves of a finished run are as a `loss` or `curve` pattern says.

    >>> flat = {"train": [[10, 2.31], [20, 2.3], [30, 2.3], [40, 2.3]]}
    >>> in_curves("loss: stays at 2.303", flat), in_curves("loss: rises", flat)
    (True, False)
    >>> in_curves("curve: diversity ends below 0.5", {"diversity": [[10, 0.9], [20, 0.2], [30, 0.1], [40, 0.1]]})
    True
    """
    if ends := ENDS.fullmatch(pattern):
        return _ends(curves.get(ends["name"], ()), ends["side"], float(ends["bound"]))
    found, curve = LOSS.fullmatch(pattern), curves.get("train", ())
    if not found or not stuck(curve):
        return False
    first, _, *second = _quarters(curve)
    if found["low"] is None:
        return second[-1] - first > RISES * abs(first)
    low, high = float(found["low"]), float(found["high"] or found["low"])
    near = 0.0 if found["high"] else NEAR * abs(low)
    return all(low - near <= value <= high + near for value in second)


def _ends(curve: Curve, side: str, bound: float) -> bool:
    """True if the mean of the last quarter of a curve is below or above `bound`; a short curve has no quarters."""
    if len(curve) < LEAST:
        return False
    last = _quarters(curve)[-1]
    return last < bound if side == "below" else last > bound


def telling(curves: Curves) -> bool:
    """True if the curves of a finished run can fit a pattern: the loss is stuck, or there are curves of other things.

    >>> telling({"train": [[1, 4.0], [2, 3.0], [3, 2.0], [4, 1.0]], "valid": []})
    False
    """
    return stuck(curves.get("train", ())) or not curves.keys() <= {"train", "valid"}


def stuck(curve: Curve) -> bool:
    """True if the loss did not fall by more than 1 % from the third to the last quarter of the run."""
    if len(curve) < LEAST:
        return False
    *_, third, last = _quarters(curve)
    return not third - last > FALLS * abs(third)


def _quarters(curve: Curve) -> list[float]:
    """The mean loss of each quarter of the run."""
    bounds = [len(curve) * number // 4 for number in range(5)]
    return [fmean(point[1] for point in curve[start:end]) for start, end in pairwise(bounds)]


def said(error: BaseException | None) -> str:
    """The type and message of an error, and of the errors that caused it: a line or more for each."""
    return "\n".join(f"{type(one).__name__}: {one}" for one in _chain(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    met: list[BaseException] = []  # a chain may be a circle
    while error is not None and error not in met:
        met.append(error)
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
