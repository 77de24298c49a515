"""All windows of a log against the reference, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from repro.errors import BadInput, where
from repro.report.html.words import count
from repro.watch import log
from repro.watch import reference as references
from repro.watch.checks import MOST, Check, Reference, made, prepared, said
from repro.watch.log import Request
from repro.watch.reference import Sample, sample

FIRST, WINDOW, LEVEL = 500, 100, 0.01
LEAST = 10  # different inputs in a window
LOWEST = 2 / (MOST + 1)  # the lowest threshold that a test by permutations can reach


@dataclass(frozen=True)
class Window:
    """One window: the numbers of its first and its last answer, from 1, the time of its first one, and its tests.

    A window with too few different inputs has no tests. broken: answers with a number that is not finite.
    """

    number: int
    first: int
    last: int
    began: str
    inputs: int
    broken: int
    checks: list[Check]


@dataclass(frozen=True)
class Watched:
    """The result of watching a log. threshold: an alarm is a p value below it."""

    path: Path
    header: log.Header
    reference: Reference
    windows: list[Window]
    threshold: float
    level: float
    left: int

    @property
    def tests(self) -> list[str]:
        """The names of the tests."""
        return list(self.reference.tests)

    def alarms(self, window: Window) -> list[str]:
        """The names of the tests that raise an alarm in a window; "answers that are not finite" is one too."""
        found = [check.test for check in window.checks if check.p < self.threshold]
        return found + ["answers that are not finite"] * (window.broken > 0)

    @property
    def first_alarm(self) -> Window | None:
        """The first window with an alarm."""
        return next((window for window in self.windows if self.alarms(window)), None)

    def lines(self) -> Iterator[str]:
        """The result as text: the reference, a line for each test, and the verdict."""
        sizes = f"{len(self.windows)} windows of {self.windows[0].last - self.windows[0].first + 1}"
        yield f"reference: {len(self.reference.sample)} answers, {self.reference.sample.says}; then {sizes}"
        for name in self.tests:
            yield self._line(name)
        yield from (f"window {one.number}: only {one.inputs} different inputs, no tests" for one in self._small())
        yield self.verdict()

    def _small(self) -> list[Window]:
        return [one for one in self.windows if not one.checks]

    def _line(self, name: str) -> str:
        found = [
            (check.p, one.number, check.says) for one in self.windows for check in one.checks if check.test == name
        ]
        if not found:
            return f"{name:10} not tested"
        p, number, says = min(found)
        words = "ALARM" if p < self.threshold else "no drift"
        return f"{name:10} smallest p {said(p)} in window {number}, threshold {self.threshold:.2g}: {words} ({says})"

    def verdict(self) -> str:
        """The result in one sentence."""
        if (first := self.first_alarm) is None:
            rate = f"at most {100 * self.level:g} of 100 such logs without a drift raise an alarm"
            return f"verdict: no drift found ({rate})"
        number = sum(bool(self.alarms(one)) for one in self.windows)
        names = ", ".join(self.alarms(first))
        return (
            f"verdict: drift in {number} of {len(self.windows)} windows, first in window {first.number}"
            f" (answers {first.first} to {first.last}, {first.began}): {names}"
        )


def watch(path: Path, reference: str = "", first: int = FIRST, window: int = WINDOW, level: float = LEVEL) -> Watched:
    """Test the windows of a log.

    reference: the path of another log, or of a record; without one, the first answers of the log are the reference:
    `first` of them, or half of a log that has no window after so many. window: answers in each window; those that do
    not fill the last one are left out. level: the rate of false alarms, all tests and windows together.

    Raises BadInput if a number is out of range, if the log has too few answers or too many windows, if the reference
    is of another model, and as `log.read`.
    """
    _refuse_numbers(first, window, level)
    found = log.read(path)
    rest, start = found.requests, 0
    if reference:
        if Path(reference).resolve() == path.resolve():
            raise BadInput("the reference is the log itself", where(path), expected="--first N, or another log")
        expected = references.of(reference, found.header)
    else:
        start = first if len(rest) >= first + window else len(rest) // 2
        expected = sample(rest[:start], f"the first {start} lines of {where(path)}")
    names = sorted(rest[0].summary) if rest else []
    parts = [rest[place : place + window] for place in range(start, len(rest) - window + 1, window)]
    _refuse_few(len(rest), len(expected), len(parts), window, path, Path(reference) if reference else path)
    _refuse_other(expected, rest[0], path)
    prepared_reference = prepared(expected, found.header.classes, names)
    threshold = level / (len(parts) * len(prepared_reference.tests))
    _refuse_many(len(parts), level, len(prepared_reference.tests), path)
    windows = [_tested(prepared_reference, threshold, part, n, start, window) for n, part in enumerate(parts)]
    left = (len(rest) - start) % window
    return Watched(path, found.header, prepared_reference, windows, threshold, level, left)


def _tested(
    reference: Reference, threshold: float, part: Sequence[Request], number: int, start: int, size: int
) -> Window:
    found = sample(part)
    first = start + number * size + 1
    checks = list(made(reference, found, threshold)) if len(found) >= LEAST else []
    return Window(number + 1, first, first + size - 1, part[0].time, len(found), found.broken, checks)


def _refuse_numbers(first: int, window: int, level: float) -> None:
    for name, value, least in (("--first", first, LEAST), ("--window", window, LEAST)):
        if value < least:
            raise BadInput(f"{name} is {value}", expected=f"a whole number from {least}")
    if not 0 < level < 1:
        raise BadInput(f"--level is {level}", expected="a number between 0 and 1")


def _refuse_few(answers: int, expected: int, windows: int, window: int, path: Path, before: Path) -> None:
    if not answers:
        raise BadInput("the log has no answers yet", where(path), expected=f"at least {2 * window}")
    if expected < LEAST:
        what = f"the reference has {count(expected, 'different input')}"
        raise BadInput(what, where(before), expected=f"at least {LEAST}")
    if not windows:
        what = f"the log has {answers} answers, too few for a window of {window} after the reference"
        raise BadInput(what, where(path), expected="more answers, or a smaller --window")


def _refuse_many(windows: int, level: float, tests: int, path: Path) -> None:
    """Raise BadInput if no test by permutations could reach the threshold of so many windows."""
    most = int(level / LOWEST / tests)
    if most < 1:
        raise BadInput(
            f"--level is {level:g}", where(path), expected=f"at least {math.ceil(tests * LOWEST * 1e4) / 1e4}"
        )
    if windows > most:
        raise BadInput(f"{windows} windows", where(path), expected=f"at most {most}: a larger --window")


def _refuse_other(expected: Sample, one: Request, path: Path) -> None:
    if expected.answers.shape[1] != len(one.answer):
        what = f"the answers of the reference have {expected.answers.shape[1]} numbers"
        raise BadInput(what, where(path), expected=f"{len(one.answer)}, as in the log")
