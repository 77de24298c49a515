"""The stretches of a signal in the examples of a record: their marks, their files, and their errors.

These files come from strangers. So each value is checked, and a wrong one is one line.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from repro.claim.paper import WRITTEN
from repro.errors import BadInput, where
from repro.files import regular, strict_json, typed
from repro.record import Record, refuse_links
from repro.report import example_files
from repro.report.page import Page

LONGEST = 1e7  # seconds: the latest time of a mark, about four months
LARGEST = 1e9  # the largest number that a signal may have, in size
LETTERS = 20  # the maximum length of a kind and of a unit
SAMPLES = 100_000  # the maximum number of values of one file
APART = 0.002  # seconds: stretches that are closer than this follow each other; times are rounded to a millisecond


@dataclass(frozen=True)
class Stretch:
    """The panel of one stretch. Times are in seconds from the start of its recording; a hit is 1, an error is 0."""

    signal: str  # the name of its file
    start: float
    stop: float
    true: list[tuple[float, str, int]]  # time, kind, hit
    found: list[tuple[float, int]]  # time, hit


@dataclass(frozen=True)
class Signal:
    """The file of one stretch: `offset + scale * value`, at `rate` values per second. None is a gap."""

    rate: float
    start: float
    unit: str
    offset: float
    scale: float
    values: list[int | None]

    @property
    def numbers(self) -> list[float]:
        """The values, in `unit`, without the gaps."""
        return [self.offset + self.scale * value for value in self.values if value is not None]


@dataclass(frozen=True)
class Error:
    """A missed true mark, or a found mark that is extra.

    `place` is the number of its stretch. `apart` is the distance in seconds to the nearest mark of the other sort; it
    is None if the stretches that follow each other have no such mark.
    """

    place: int
    time: float
    missed: bool
    kind: str  # "" for an extra mark, which has no kind
    apart: float | None


def of_record(page: Page, found: Record) -> list[Stretch]:
    """The stretches of a record, in the order of its examples. Raises BadInput if a panel or its file is not right."""
    panels = [panel for example in found.examples for panel in example.get("panels", ()) if "signal" in panel]
    stretches = [_stretch(page, found, panel) for panel in panels]
    for one in stretches:
        signal(page, found, one)
    return across(stretches)


def across(stretches: Sequence[Stretch]) -> list[Stretch]:
    """The stretches, in which a mark may also match one on the other side of a border between two of them.

    A run matches the marks of each stretch alone. So what is left of two neighbours is matched here.
    """
    made = list(stretches)
    for run in _runs(made):
        for before, after in itertools.pairwise(run):
            for here, there in ((before, after), (after, before)):
                made[here], made[there] = _paired(made[here], made[there])
    return made


def tolerance() -> float:
    """The largest distance of a found mark from its true mark, in seconds."""
    from repro.data.signal_panels import TOLERANCE  # it imports numpy, which most builds of a site do not need

    return TOLERANCE


def _paired(here: Stretch, there: Stretch) -> tuple[Stretch, Stretch]:
    """Both stretches, with the missed marks of `here` that are near enough to extra ones of `there` as hits."""
    true, found = list(here.true), list(there.found)
    for number, (at, kind, hit) in enumerate(true):
        near = [place for place, (other, used) in enumerate(found) if not used and abs(other - at) <= tolerance()]
        if near and not hit:
            true[number], found[near[0]] = (at, kind, 1), (found[near[0]][0], 1)
    return replace(here, true=true), replace(there, found=found)


def signal(page: Page, found: Record, stretch: Stretch) -> Signal:
    """The signal of a stretch. Raises BadInput if the file is missing or not right."""
    path = example_files.path(page, found, stretch.signal)
    refuse_links(path.parent, [path])
    regular.check(path)
    one = strict_json.read(path, Signal, "not a signal")
    numbers = (one.rate, one.scale, one.offset, *(value for value in one.values if value is not None))
    wrong = {
        "a rate and a scale above 0": one.rate <= 0 or one.scale <= 0,
        f"numbers up to {LARGEST:g}": max(map(abs, numbers)) > LARGEST,
        f"a unit of at most {LETTERS} characters": len(one.unit) > LETTERS,
        f"1 to {SAMPLES:,} values": not 0 < len(one.values) <= SAMPLES,
        f"values for {stretch.stop - stretch.start:g} s": len(one.values)
        > (stretch.stop - stretch.start) * one.rate + 2,
    }
    _refuse(wrong, where(path), "not a signal")
    return one


def _stretch(page: Page, found: Record, panel: dict[str, Any]) -> Stretch:
    place = where(page.paper.folder / WRITTEN / f"{found.stem}.json")
    try:
        one: Stretch = typed.build({key: panel[key] for key in KEYS if key in panel}, Stretch)
    except BadInput as error:
        raise error.at(place, "the example of a signal") from None
    example_files.address(page, found, one.signal)
    hits = [[hit for *_, hit in marks] for marks in (one.true, one.found)]
    times = [*(at for at, _, _ in one.true), *(at for at, _ in one.found)]
    wrong = {
        "a signal in a .json file": not one.signal.endswith(".json"),
        f"0 <= start < stop <= {LONGEST:g}": not 0 <= one.start < one.stop <= LONGEST,
        "marks within the stretch": any(not one.start - 1 <= at <= one.stop + 1 for at in times),
        f"kinds of at most {LETTERS} characters": any(len(kind) > LETTERS for _, kind, _ in one.true),
        "0 or 1 for each hit": not {*hits[0], *hits[1]} <= {0, 1},
        "as many true as found hits": sum(hits[0]) != sum(hits[1]),
    }
    _refuse(wrong, place, f"the example {one.signal!r:.80}")
    return one


KEYS = tuple(spec.name for spec in fields(Stretch))


def _refuse(wrong: dict[str, bool], place: str, what: str) -> None:
    """Raise BadInput for the first rule that is broken."""
    for expected, broken in wrong.items():
        if broken:
            raise BadInput(what if what.startswith("not") else f"{what} is not right", place, expected=expected)


def errors(stretches: Sequence[Stretch]) -> list[Error]:
    """All errors, stretch by stretch, in the order of time."""
    made = [error for run in _runs(stretches) for error in _errors(stretches, run)]
    return sorted(made, key=lambda error: (error.place, error.time))


def _errors(stretches: Sequence[Stretch], run: Sequence[int]) -> Iterator[Error]:
    true = sorted(at for place in run for at, _, _ in stretches[place].true)
    found = sorted(at for place in run for at, _ in stretches[place].found)
    for place in run:
        for at, kind, hit in stretches[place].true:
            if not hit:
                yield Error(place, at, True, kind, _nearest(found, at))
        for at, hit in stretches[place].found:
            if not hit:
                yield Error(place, at, False, "", _nearest(true, at))


def _runs(stretches: Sequence[Stretch]) -> list[list[int]]:
    """The numbers of the stretches, split where the next one does not start at the end of the one before."""
    runs: list[list[int]] = [[]]
    for before, after in itertools.pairwise(range(-1, len(stretches))):
        if before >= 0 and abs(stretches[after].start - stretches[before].stop) > APART:
            runs.append([])
        runs[-1].append(after)
    return runs


def _nearest(times: Sequence[float], at: float) -> float | None:
    """The distance to the nearest of the sorted `times`."""
    place = bisect.bisect(times, at)
    return min((abs(at - other) for other in times[max(0, place - 1) : place + 1]), default=None)
