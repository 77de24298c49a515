"""The strip: counts, the figure, the table of errors, what the viewer reads; and records that are not right."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.data import signal_panels
from repro.errors import BadInput
from repro.record import Record
from repro.report import examples, stretches, strip
from repro.report.page import Page
from repro.report.stretches import Signal, Stretch
from tests.report import signals
from tests.report.conftest import SVG
from tests.report.read_once import read_once
from tests.report.test_spoilt_records import spoilt

TEMPLATE = read_once("template")
HOSTILE = '"><script>x'
ROW = {"rate": 10.0, "start": 0.0, "unit": "mV", "offset": -1.0, "scale": 0.5, "values": [0, 4, None, 2]}
PANEL = {"signal": "a.json", "start": 0, "stop": 10, "true": [[1, "N", 1], [5.5, "V", 0]], "found": [[1.0, 1], [8, 0]]}


def made(folder: Path, rows: list[dict[str, Any]]) -> tuple[Page, Record]:
    """A page of a paper in `folder` with one record, whose examples are `rows`."""
    found = replace(TEMPLATE.records[0], config="line", seed=0, examples=rows)
    (folder / "records" / found.stem).mkdir(parents=True, exist_ok=True)
    return replace(TEMPLATE, paper=replace(TEMPLATE.paper, folder=folder), records=[found]), found


def one_panel(folder: Path, row: Any = ROW, **changed: Any) -> tuple[Page, Record]:
    """A record with one stretch, whose panel and file are those above, with changes."""
    page, found = made(folder, [{"test": "test", "item": 0, "panels": [PANEL | changed]}])
    (folder / "records" / found.stem / "a.json").write_text(row if isinstance(row, str) else json.dumps(row))
    return page, found


@pytest.fixture
def recorded(tmp_path: Path) -> tuple[Page, Record]:
    """The synthetic recording in 20 stretches."""
    return made(tmp_path, signals.examples(tmp_path / "records" / "line-seed0"))


def figures(html: str) -> list[ET.Element]:
    return [ET.fromstring(text) for text in re.findall(r'(?s)<svg role="img".*?</desc>.*</svg>(?=</figure>)', html)]


def test_a_record_with_signals_is_one_strip(recorded: tuple[Page, Record], elements: Callable[..., Any]) -> None:
    html = str(examples.examples(recorded[0]))
    assert html.count("<figure") == 1 and html.count('class="repro-viewer"') == 1 and "<img" not in html
    shown = elements(html)
    assert shown.values("data-folder") == [recorded[0].file("records", "line-seed0", "")]
    rows = json.loads(shown.values("data-stretches")[0])
    panels = [panel for example in recorded[1].examples for panel in example["panels"]]
    kinds = json.loads(shown.values("data-kinds")[0])
    assert kinds == ["N", "V"] and shown.values("data-first") == ["1"], "the first stretch with an error"
    for (file, start, stop, true, found), panel in zip(rows, panels, strict=True):
        assert (file, start / 1000, stop / 1000) == (panel["signal"], panel["start"], panel["stop"])
        assert [[(start + at) / 1000, kinds[kind], hit] for at, kind, hit in true] == panel["true"]
        assert [[(start + at) / 1000, hit] for at, hit in found] == panel["found"]


def test_the_counts_are_those_of_the_marks(recorded: tuple[Page, Record], elements: Callable[..., Any]) -> None:
    html = str(strip.strip(*recorded))
    said = elements(html).text
    true = Counter(mark[1] for example in recorded[1].examples for mark in example["panels"][0]["true"])
    assert true.total() == 20 * signals.LONG - 1 and true["V"] == len(signals.OTHER)
    first, second = re.findall("<strong>(.*?)</strong>", html)
    assert [int(text) for text in re.findall(r"\d+", f"{first} {second}")] == [true.total() - 1, 1, 1]
    assert f"{true.total()} true marks in 20 stretches" in said
    assert f"N {true['N'] - 1} of {true['N']}" in said and f"V {true['V']} of {true['V']}" in said
    assert f"{1000 * signal_panels.TOLERANCE:.0f} ms" in said


def test_the_errors_have_time_kind_and_distance(recorded: tuple[Page, Record]) -> None:
    page, found = recorded
    marks = signals.recording(200).marks.numpy() / signals.RATE
    missed, extra = stretches.errors(stretches.of_record(page, found))
    assert (missed.missed, missed.kind, missed.place) == (True, "N", 1)
    assert missed.time == pytest.approx(marks[signals.MISSED], abs=0.001)
    others = [mark for n, mark in enumerate(marks) if n != signals.MISSED]
    assert missed.apart == pytest.approx(min(abs(mark - missed.time) for mark in others), abs=0.002)
    assert (extra.missed, extra.time) == (False, signals.EXTRA / signals.RATE)
    assert extra.apart == pytest.approx(min(abs(mark - extra.time) for mark in marks), abs=0.002)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9999), st.integers(0, 1)), max_size=30))
def test_the_nearest_mark_is_looked_for_in_stretches_that_follow_each_other(marks: list[tuple[int, int, int]]) -> None:
    """Stretch 5 is of another recording, so no distance crosses its start."""
    starts = [10 * (place % 5) for place in range(10)]
    shown = [
        Stretch(
            "a.json",
            start,
            start + 10,
            [(start + at / 1000, "N", 0) for where, at, true in marks if where == place and true],
            [(start + at / 1000, 0) for where, at, true in marks if where == place and not true],
        )
        for place, start in enumerate(starts)
    ]
    errors = stretches.errors(shown)
    assert len(errors) == len(marks)
    for error in errors:
        same = [(starts[w] + at / 1000, true) for w, at, true in marks if w // 5 == error.place // 5]
        away = [abs(time - error.time) for time, true in same if bool(true) != error.missed]
        assert error.apart == (pytest.approx(min(away)) if away else None)


def test_the_figure_has_a_sign_for_each_mark_in_its_place(recorded: tuple[Page, Record]) -> None:
    page, found = recorded
    shown = stretches.of_record(page, found)[3]  # with two marks of kind V
    root = ET.fromstring(str(strip.figure(shown, stretches.signal(page, found, shown), "N")))
    assert root.tag == f"{SVG}svg" and root.get("width") == "100%" and root.get("viewBox") is None
    signs = {
        what: root.findall(f"{SVG}svg[@y='{strip.LANES[what]}']/{SVG}path[@class='{what}']/..") for what in strip.SIGNS
    }
    assert [len(signs[what]) for what in ("true", "missed", "found", "extra")] == [
        len(shown.true),
        0,
        len(shown.found),
        0,
    ]
    for sign, (at, _, _) in zip(signs["true"], shown.true, strict=True):
        share = (at - shown.start) / (shown.stop - shown.start)
        assert float(sign.get("x", "").rstrip("%")) == pytest.approx(strip.LEFT + strip.WIDE * share, abs=0.01)
    kinds = [text.text for text in root.iter(f"{SVG}text") if text.get("class") == "kind"]
    assert kinds == ["V", "V"]


def test_an_error_has_another_sign_and_a_line(tmp_path: Path) -> None:
    page, found = one_panel(tmp_path)
    (root,) = figures(str(strip.strip(page, found)))
    count = Counter(path.get("class") for path in root.iter(f"{SVG}path"))
    assert {what: count[what] for what in strip.SIGNS} == {"true": 1, "missed": 1, "found": 1, "extra": 1}
    assert len(root.findall(f"{SVG}line[@class='wrong']")) == 2 and len(set(strip.SIGNS.values())) == 4


@given(st.lists(st.none() | st.integers(-5, 5), min_size=1, max_size=30))
def test_the_line_goes_through_all_values_and_not_through_gaps(values: list[int | None]) -> None:
    signal = Signal(10.0, 0.0, "mV", 0.0, 1.0, values)
    drawn = ET.fromstring(str(strip.figure(Stretch("a.json", 0, 3, [], []), signal, "N")))
    (line,) = (path for path in drawn.iter(f"{SVG}path") if path.get("class") == "line")
    points: dict[int, int] = {}
    for part in re.findall(r"M(\d+)\.5 ?(-?\d+)|l1 ?(-?\d+)", line.get("d", "")):
        if part[0]:
            x, y = int(part[0]), int(part[1])
        else:
            x, y = x + 1, y + int(part[2])
        points[x] = y
    assert sorted(points) == [n for n, value in enumerate(values) if value is not None]
    known = sorted((value, -points[n]) for n, value in enumerate(values) if value is not None)
    assert [y for _, y in known] == sorted(y for _, y in known), "a higher value is higher"


def test_many_errors_are_folded_and_a_table_has_an_end(tmp_path: Path, elements: Callable[..., Any]) -> None:
    for many, folded in ((strip.OPEN, 0), (strip.OPEN + 1, 1), (strip.MOST + 1, 1)):
        page, found = one_panel(tmp_path, true=[[n / 100, "N", 0] for n in range(many)], found=[])
        shown = elements(str(strip.strip(page, found)))
        assert sum(tag == "details" for tag, _ in shown.found) == folded
        assert [int(at) for at in shown.values("data-at")] == [10 * n for n in range(min(many, strip.MOST))]


@pytest.mark.parametrize(("seconds", "digits", "said"), [
    (0, 0, "0:00"), (59.9996, 0, "1:00"), (61.5, 0, "1:01.5"), (3600, 0, "1:00:00"), (7.0304, 3, "0:07.030"),
])  # fmt: skip
def test_a_time_is_minutes_and_seconds(seconds: float, digits: int, said: str) -> None:
    assert strip.clock(seconds, digits) == said


def test_no_text_of_a_record_is_markup(tmp_path: Path, inert_text: Callable[[str], str]) -> None:
    page, found = one_panel(tmp_path, ROW | {"unit": HOSTILE}, true=[[1, HOSTILE, 1], [2, f"{HOSTILE}2", 0]])
    shown = inert_text(str(examples.examples(page)))
    assert shown.count("<script>x") >= 4  # the unit, the two kinds of the counts, and the kind of the error
    assert json.loads(
        strip.viewed(page, found, stretches.of_record(page, found), [HOSTILE, f"{HOSTILE}2"])["data_kinds"]
    )


@pytest.fixture
def inert_text(elements: Callable[..., Any]) -> Callable[[str], str]:
    """The text of HTML without a script, a handler or an address elsewhere."""

    def read(html: str) -> str:
        found = elements(html)
        assert not [tag for tag, _ in found.found if tag in ("script", "img", "iframe", "style")]
        assert not [name for _, given in found.found for name in given if name.startswith("on")]
        return str(found.text)

    return read


NOT_RIGHT = [
    *({key: value} for key in ("start", "stop") for value in (None, "x", -1, 1e300, [])),
    *({key: value} for key in ("true", "found") for value in (None, "x", {}, [1], [[1]], [["x", "N", 1]])),
    {"stop": 0}, {"true": [[1, "N", 2]]}, {"true": [[1, 2, 1]]}, {"true": [[99, "N", 1]]}, {"found": [[-9, 1]]},
    {"true": [[1, "N" * 99, 1]]}, {"found": [[1, 1], [2, 1]]}, {"true": [[float("nan"), "N", 1]]},
    *({"signal": name} for name in (None, 3, [], "", "b.json", "a.txt", "../a.json", "/etc/passwd", "a/b.json", "..")),
]  # fmt: skip


@pytest.mark.parametrize("changed", NOT_RIGHT, ids=str)
def test_a_panel_that_is_not_right_is_one_line(tmp_path: Path, changed: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as error:
        examples.examples(one_panel(tmp_path, **changed)[0])
    assert len(str(error.value).splitlines()) == 1 and len(str(error.value)) < 400


@pytest.mark.parametrize("key", ["start", "stop", "true", "found"])
def test_a_missing_key_is_named(tmp_path: Path, key: str) -> None:
    page, found = one_panel(tmp_path)
    del found.examples[0]["panels"][0][key]
    with pytest.raises(BadInput, match=f"missing key '{key}'"):
        examples.examples(page)


BROKEN = [
    "", "[]", "{", "null", '{"values": [1]}', json.dumps(ROW | {"more": 1}),
    *(ROW | {"rate": rate} for rate in (0, -1, 1e300, "x", None)),
    *(ROW | {"scale": scale} for scale in (0, -1, 1e300)),
    *(ROW | {"values": values} for values in ([], [0.5], ["x"], [10**12], [True], {}, [0] * 200)),
    ROW | {"offset": 1e300}, ROW | {"unit": "m" * 99}, ROW | {"unit": 3},
]  # fmt: skip


@pytest.mark.parametrize("row", BROKEN, ids=str)
def test_a_file_that_is_not_right_is_one_line_with_its_name(tmp_path: Path, row: Any) -> None:
    with pytest.raises(BadInput, match=r"a\.json") as error:
        examples.examples(one_panel(tmp_path, row)[0])
    assert len(str(error.value).splitlines()) == 1


def test_an_edited_panel_or_file_is_refused_or_shown(tmp_path: Path) -> None:
    """Whatever is put in the place of whatever value."""
    refused, drawn = list[str](), 0
    for row, panel in [*((ROW, odd) for _, odd in spoilt(PANEL)), *((odd, PANEL) for _, odd in spoilt(ROW))]:
        one_panel(tmp_path, row)
        try:
            examples.examples(made(tmp_path, [{"test": "test", "item": 0, "panels": [panel]}])[0])
            drawn += 1
        except BadInput as error:
            refused.append(str(error))
    assert len(refused) > 100 and drawn > 10
    assert {len(said.splitlines()) for said in refused} == {1}


def test_a_file_outside_is_not_read(tmp_path: Path) -> None:
    page, found = one_panel(tmp_path)
    path = tmp_path / "records" / found.stem / "a.json"
    path.rename(tmp_path / "secret.json")
    path.symlink_to(tmp_path / "secret.json")
    with pytest.raises(BadInput, match="is a link"):
        examples.examples(page)


@pytest.mark.parametrize("row", [ROW | {"values": [None]}, ROW | {"values": [3]}, ROW | {"unit": ""}])
def test_a_signal_with_nothing_to_draw_is_drawn(tmp_path: Path, row: Any) -> None:
    page, _ = one_panel(tmp_path, row, true=[], found=[])
    assert figures(str(examples.examples(page)))


@given(st.lists(st.integers(1, 199), max_size=12, unique=True), st.lists(st.integers(1, 199), max_size=12, unique=True))
def test_marks_match_across_the_border_of_two_stretches(true: list[int], found: list[int]) -> None:
    """Marks at hundredths of a second in two stretches of a second. Nothing near enough is left on both sides."""
    panels = []
    for start in (0.0, 1.0):
        inside = [[at / 100 for at in sorted(marks) if start <= at / 100 < start + 1] for marks in (true, found)]
        hits, used = signal_panels.matched(*(100 * np.array(one) for one in inside), 100 * signal_panels.TOLERANCE)
        marks = [(at, "N", int(hit)) for at, hit in zip(inside[0], hits, strict=True)]
        others = [(at, int(hit)) for at, hit in zip(inside[1], used, strict=True)]
        panels.append(stretches.Stretch("a.json", start, start + 1, marks, others))
    made = stretches.across(panels)
    missed = [at for one in made for at, _, hit in one.true if not hit]
    extra = [at for one in made for at, hit in one.found if not hit]
    assert not any(abs(at - other) <= signal_panels.TOLERANCE for at in missed for other in extra)
    assert sum(hit for one in made for *_, hit in one.true) == sum(hit for one in made for _, hit in one.found)
    assert len(missed) <= sum(not hit for one in panels for *_, hit in one.true)
