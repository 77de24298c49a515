"""Learning curves: which configs share a panel, what a line is, and its horizontal axes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.claim import paper
from repro.record import Record
from repro.report import curves, families, page
from repro.report.html import panel
from repro.report.html.axis import around
from tests.report.conftest import SVG
from tests.report.read_once import read_once

pytestmark = pytest.mark.xdist_group("site")  # one process reads the pages for all
lecun, template, imdb = (partial(read_once, name) for name in ("lecun1998", "template", "imdb_ladder"))
CURVES = re.compile(r'^"curves": .*\], \[', re.MULTILINE)


def curved(folder: Path) -> bool:
    """Whether a record on the page has a curve of two points. The page is not read here: that takes ten seconds."""
    shown = (path for path in folder.glob("records/*-seed*.json") if not path.name.startswith("smoke-"))
    return any(CURVES.search(path.read_text(encoding="utf-8")) for path in shown)


CURVED = [name for name, folder in sorted(paper.folders().items()) if curved(folder)]


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def tree(shown: page.Page) -> ElementTree.Element:
    return ElementTree.fromstring(re.sub(r"(<input[^>]*) />", r"\1/>", str(curves.curves(shown))))


@pytest.mark.parametrize("name", CURVED)
def test_every_config_with_a_curve_is_in_exactly_one_panel(name: str) -> None:
    shown = read_once(name)
    assert shown.curved
    found = [config for family in families.families(shown) for one in family.trainings for config in one.configs]
    assert sorted(found) == sorted({record.config for record in shown.curved})
    for family in families.families(shown):
        assert 1 <= len(family.trainings) <= families.MOST
        assert {one.loss for one in family.trainings} == {family.loss}
    lines = [node for node in tree(shown).iter(f"{SVG}g") if node.get("class", "").startswith("line ")]
    having = {one.config: {name for found in shown.curved if found.config == one.config for name in found.curves}
              for one in shown.curved}  # fmt: skip
    groups = [[one.configs for one in family.trainings] for family in families.families(shown)]
    wanted = 0  # a training is in the panels of what it measured: the loss, and each metric
    for names in [{"train", "valid"}, *(set(quantity.names) for quantity in curves.measured(shown))]:
        wanted += sum(any(names & having[one] for one in many) for group in groups for many in group)
    assert len(lines) == wanted


def test_identical_curves_are_one_line_that_names_all_configs() -> None:
    trainings = families.trainings(lecun())
    (one,) = [one for one in trainings if "lenet4" in one.configs]
    assert set(one.configs) == {"lenet4", "lenet4_local", "lenet4_neighbours"}
    others = {name: next(one for one in trainings if name in one.configs) for name in ("lenet4_long", "lenet5")}
    assert all(len(other.configs) == 1 for other in others.values())
    (named,) = re.findall(r"same training: (LeNet-4, [^;]+; LeNet-4, \w+ \w+)", plain(curves.curves(lecun())))
    assert set(named.split("; ")) == {"LeNet-4, local learning", "LeNet-4, nearest neighbours"}


def test_a_line_is_the_mean_of_the_seeds_between_the_lowest_and_the_highest() -> None:
    records = {record.seed: record for record in template().records if record.config == "line"}
    points = curves.averaged(families.Training(["line"], records), "train")
    by_seed = [dict(map(tuple, record.curves["train"])) for record in records.values()]
    assert [point[0] for point in points] == sorted(by_seed[0])
    for step, mean, low, high in points:
        values = [one[step] for one in by_seed]
        assert (mean, low, high) == (pytest.approx(fmean(values)), min(values), max(values))


def test_a_line_ends_where_its_mean_is() -> None:
    """The path is relative, in tenths of a unit: its last point is the mean of the last losses."""
    (family,) = families.families(template())
    drawn = [curves.averaged(one, "train") for one in family.trainings]
    upward = panel.scale([value for points in drawn for point in points for value in point[1:]])
    paths = [node.get("d", "") for node in tree(template()).iter(f"{SVG}path") if node.get("class") == "train"]
    for path, points in zip(paths, drawn, strict=True):
        start, moves = path[1:].split("l")
        numbers = [int(text) for text in re.findall(r"-?\d+", moves)]
        end = int(re.findall(r"-?\d+", start)[1]) + sum(numbers[1::2])
        assert len(numbers) == 2 * (len(points) - 1) and end == round(10 * panel.y(upward, points[-1][1]))


def test_the_axes_are_named_and_say_log() -> None:
    """The ticks are equally far apart per unit, or per decade where the axis says log."""
    for node in (one for one in tree(lecun()).iter(f"{SVG}svg") if one.get("role") == "img"):
        names = ["".join(text.itertext()) for text in node.iter(f"{SVG}text") if text.get("class") == "name"]
        assert re.fullmatch(r"loss \(\w+\)(, log)?", names[0]) and names[1] == "step"
        place = math.log10 if names[0].endswith(", log") else float
        ticks = [text for text in node if text.tag == f"{SVG}text" and text.get("text-anchor") == "end"]
        found = [(place(float("".join(text.itertext()))), float(text.get("y", ""))) for text in ticks]
        slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(found)]
        assert len(found) >= 2 and max(slopes) < 0 and min(slopes) == pytest.approx(max(slopes), rel=0.03)


def test_the_other_axes_stretch_a_line_by_its_items_and_its_time() -> None:
    assert curves.choices(families.trainings(lecun())) == ["steps", "items", "time"]
    drawn, shown = tree(lecun()), families.families(lecun())
    for family, node in zip(shown, (one for one in drawn.iter(f"{SVG}svg") if one.get("role") == "img"), strict=True):
        lines = [one for one in node if one.get("class", "").startswith("line ")]
        seconds = [one.step_seconds for one in family.trainings]
        factors = [float(one.get("data-time", "")) for one in lines]
        for factor, second in zip(factors, seconds, strict=True):  # 6 digits are written
            assert factor / factors[0] == pytest.approx(second / seconds[0], rel=1e-4)
        assert all(float(one.get("data-items", "")) == pytest.approx(1.0, rel=0.3) for one in lines)  # one batch size
        axes = [one for one in node if one.get("data-axis")]
        assert [one.get("data-axis") for one in axes if one.get("display") != "none"] == ["steps"]


def test_without_times_or_batch_sizes_there_are_only_steps() -> None:
    bare = replace(template(), records=[replace(one, cost={}, text="") for one in template().records])
    html = str(curves.curves(bare))
    assert curves.choices(families.trainings(bare)) == ["steps"] and "<fieldset" not in html and "data-time" not in html


def validated(record: Record, shift: float, steps_per_epoch: float = 0.0) -> Record:
    """The record with a curve of its metric, and perhaps with the steps of an epoch."""
    steps = [point[0] for point in record.curves["train"]][::2]
    curve = [[step, shift + 0.01 * n] for n, step in enumerate(steps)]
    epoch = {"steps_per_epoch": steps_per_epoch} if steps_per_epoch else {}
    return replace(record, curves={**record.curves, "SquaredError": curve}, cost={**record.cost, **epoch})


def test_a_metric_of_each_validation_has_panels_of_its_own_with_its_unit() -> None:
    lines = [one for one in template().records if one.config == "line"]
    shown = replace(template(), records=[validated(one, 0.1 * one.seed) for one in lines])
    (quantity,) = curves.measured(shown)
    assert quantity.axis == "Squared error" and not curves.measured(template())
    loud = replace(lines[0].measurements[0], identity={**lines[0].measurements[0].identity, "unit": "dB"})
    there = replace(shown, records=[replace(one, measurements=[loud]) for one in shown.records])
    assert curves.measured(there)[0].axis == "Squared error, dB"
    loss, metric = (node for node in tree(shown).iter(f"{SVG}svg") if node.get("role") == "img")
    for node, name, kind in ((loss, "loss", "train"), (metric, "Squared error", "metric")):
        names = ["".join(text.itertext()) for text in node.iter(f"{SVG}text") if text.get("class") == "name"]
        assert names[0].startswith(name)
        assert [path.get("class") for path in node.iter(f"{SVG}path") if path.get("class") != "shade"] == [kind]
    (family,) = families.families(shown)
    points = curves.averaged(family.trainings[0], "SquaredError", 100.0)
    assert points[0][1:] == pytest.approx((10.0, 0.0, 20.0)), "the mean of 0, 0.1 and 0.2, in percent"


def test_a_number_of_the_training_is_not_said_to_be_of_validation_items() -> None:
    line = next(one for one in template().records if one.config == "line")
    points = line.curves["train"]
    for name, found in (("valid", points), ("diversity", [*points, [points[-1][0] + 1, 0.5]])):
        line = replace(line, curves={**line.curves, name: found})
    measured = replace(line, curves={**line.curves, "accuracy": points})
    shown = replace(template(), records=[measured])
    assert {one.axis: one.valid for one in curves.measured(shown)} == {"diversity": False, "accuracy": True}
    html = str(curves.curves(shown))
    assert html.count("in training<") == html.count("on the validation items<") == 1


def test_a_config_without_the_metric_has_no_line_in_its_panels() -> None:
    records = [validated(one, 0.1) if one.config == "line" else one for one in template().records]
    nodes = [one for one in tree(replace(template(), records=records)).iter(f"{SVG}svg") if one.get("role") == "img"]
    lines = [[node for node in one if node.get("class", "").startswith("line ")] for one in nodes]
    drawn = [[node.get("class") for node in one if list(node.iter(f"{SVG}path"))] for one in lines]
    assert len(drawn[0]) > 1 and drawn[1] == [drawn[0][0]], "in the same colour"


def test_epochs_are_an_axis_if_all_records_have_them() -> None:
    some = [validated(one, 0.1, 25.0) for one in template().records if one.config == "line"]
    shown = replace(template(), records=some)
    assert "epochs" in curves.choices(families.trainings(shown))
    assert "epochs" not in curves.choices(families.trainings(template()))
    line = next(one for one in tree(shown).iter(f"{SVG}g") if one.get("class", "").startswith("line "))
    last = max(point[0] for point in some[0].curves["train"])
    steps, epochs = around([0.0, last], ticks=4, margin=0.0), around([0.0, last / 25], ticks=4, margin=0.0)
    assert float(line.get("data-epochs", "")) == pytest.approx(steps.high / 25 / epochs.high, rel=1e-4)


def test_validation_is_beside_training_in_the_colour_of_its_line() -> None:
    for node in (one for one in tree(imdb()).iter(f"{SVG}g") if one.get("class", "").startswith("line ")):
        kinds = [path.get("class") for path in node.iter(f"{SVG}path")]
        assert kinds.count("train") == kinds.count("valid") == 1
    assert "dashed: validation" in plain(curves.curves(imdb())) and "dashed" not in plain(curves.curves(lecun()))


@given(st.lists(st.tuples(st.floats(46, 240), st.floats(22, 150)), max_size=8))
def test_the_numbers_of_lines_do_not_overlap(places: list[tuple[float, float]]) -> None:
    moved = curves.apart(places)
    assert [x for x, _ in moved] == [x for x, _ in places]
    for n, (x, y) in enumerate(moved):
        assert y <= places[n][1] + 1e-9
        for other_x, other_y in moved[:n]:
            assert abs(x - other_x) >= curves.GAP or abs(y - other_y) >= curves.GAP - 1e-9


def test_a_box_hides_a_line_and_a_name_leads_to_the_records(elements: Callable[..., object]) -> None:
    found = elements(str(curves.curves(lecun())))
    boxes = [given for tag, given in found.found if tag == "input" and given["type"] == "checkbox"]
    assert len(boxes) == len(families.trainings(lecun())) and all(given["aria-label"] for given in boxes)
    links = {href.rpartition("#")[2] for href in found.values("href", "a")}
    assert links == {f"records-{one.configs[0]}" for one in families.trainings(lecun())}


@given(st.lists(st.text("ab1 ,-", max_size=8), min_size=1, max_size=4))
def test_a_title_is_what_all_labels_start_with(labels: list[str]) -> None:
    title = families.title(labels)
    assert all(one.startswith(title) for one in labels) and (not title or title[-1].isalpha())
    assert all(not (title and one[len(title) :][:1].isalpha()) for one in labels)


def test_runs_too_short_for_a_curve_are_named_and_make_no_section() -> None:
    short = [replace(r, curves={"train": r.curves["train"][:1]}) for r in template().records if r.config == "line"]
    rest = [r for r in template().records if r.config != "line"]
    assert "Too short for a curve: The fit of a line, Ten steps" in plain(
        curves.curves(replace(template(), records=[*short, *rest]))
    )
    text = page.text(replace(template(), records=short), template().paper.folder)
    assert "## Learning curves" not in text and "## Learning curves" in page.text(template(), template().paper.folder)


@pytest.mark.parametrize(("length", "whole"), [(36, True), (37, False), (400, False)])
@pytest.mark.parametrize("log", [False, True])
def test_the_name_of_an_axis_fits_into_the_picture(length: int, whole: bool, log: bool) -> None:
    """Such as `loss (...)` with the name of a group's own loss. A tooltip has what is left out."""
    upward = panel.scale([1e-4, 1.0] if log else [1.0, 2.0])
    assert upward.log is log
    end = ", log" if log else ""
    name = "n" * (length - len(end))
    node = ElementTree.fromstring(str(panel.side(upward, name)[-1]))
    shown = "".join(node.itertext())
    inner = node.find("title")
    if whole:
        assert inner is None and shown == f"{name}{end}"
    else:
        assert inner is not None and inner.text == f"{name}{end}"
        assert len(shown) - len(inner.text) == panel.LONGEST["side"] and shown.endswith(f"…{end}")
