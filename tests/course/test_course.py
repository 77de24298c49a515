"""`course.toml`: what is wrong is one line with its place; the commands print what the guide shows."""

from __future__ import annotations

import datetime
import os
import re
import shlex
import shutil
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from repro import course
from repro.course import FOLDER, Course, Group, Presentation, course_toml, site
from repro.errors import BadInput
from repro.testing import contract
from tests.course.conftest import BLOCKS, COURSE, GUIDE, PRESENTATION, ROOT

HTML = SimpleNamespace(format="html")
WRONG = {  # what is replaced in course.toml, by what (the fault is in this line), and the name that is offered
    "a paper that is no name": ('paper = "my_paper"', 'paper = "../my_paper"', ""),
    "a group without a paper": ('paper = "my_paper"', 'paper = ""', ""),
    "an unknown group presents": ('group = "waves"', 'group = "wave"', "waves"),
    "a week that the course does not have": ("week = 1", "week = 5", ""),
    "week 0": ("week = 1", "week = 0", ""),
    "slides that are missing": ('slides = "week-01-slides.md"', 'slides = "week-01-slide.md"', "week-01-slides.md"),
    "slides of another kind": ('slides = "week-01-slides.md"', 'slides = "slides.pptx"', ""),
    "slides elsewhere": ('slides = "week-01-slides.md"', 'slides = "../course.md"', ""),
    "an address that is none": ('links = ["https://arxiv.org/abs/1706.03762"]', 'links = ["javascript:alert(1)"]', ""),
    "something else is presented": ('what = "paper"', 'what = "papers"', ""),
    "an unknown key": ('title = "Attention is all you need"', 'titel = "Attention"', "title"),
    "an id that is no file name": ('id = "waves"', 'id = "../waves"', ""),
    "a date that is none": ("weeks = [2026-10-13,", 'weeks = ["13 October",', ""),
    "a day that does not exist": ("weeks = [2026-10-13,", "weeks = [2026-10-32,", ""),
    "a day of another month": ("weeks = [2026-10-13,", "weeks = [2026-02-30,", ""),
    "a month of one digit": ("weeks = [2026-10-13,", "weeks = [2026-9-13,", ""),
    "a date with a time": ("weeks = [2026-10-13,", "weeks = [2026-10-13T10:00:00,", ""),
    "dates in the wrong order": ("weeks = [2026-10-13,", "weeks = [2026-10-27,", ""),
}


@pytest.fixture
def presented(school: Any) -> Any:
    (school.material / "week-01-slides.md").write_text("# Attention\n\nText.\n", encoding="utf-8")
    school.toml(COURSE + PRESENTATION)
    return school


PDF = b"%PDF-1.4\n1 0 obj <<>> endobj\ntrailer <<>>\n%%EOF\n"


@pytest.mark.parametrize(("slides", "shown"), [("week-01-slides.md", 2), ("week-01-slides.pdf", 1)])
def test_slides_as_pdf_are_linked_and_shown(presented: Any, slides: str, shown: int) -> None:
    presented.toml((COURSE + PRESENTATION).replace("week-01-slides.md", slides))
    (presented.material / "week-01-slides.pdf").write_bytes(PDF)
    found = course_toml.read(presented.folder)
    text = site.presentation(found, found.presentations[0])
    assert (
        text.count("{download}") == shown and "{download}`week-01-slides.pdf <../material/week-01-slides.pdf>`" in text
    )
    assert 'data="../../files/course/week-01-slides.pdf"' in text and text.count("## Slides\n") == 1
    assert ("Text." in text or "include" in text) == slides.endswith(".md")
    site.publish(SimpleNamespace(srcdir=presented.root / "docs", outdir=presented.root / "html", builder=HTML), None)
    assert (presented.root / "html/files/course/week-01-slides.pdf").read_bytes() == PDF


@pytest.mark.parametrize("slides", ["week-01-slides.md", "week-01-slides.pdf"])
@pytest.mark.parametrize("wrong", ["no PDF", "cut", "large", "folder", "link"])
def test_slides_that_are_no_pdf_are_one_line(presented: Any, refused: Any, slides: str, wrong: str) -> None:
    presented.toml((COURSE + PRESENTATION).replace("week-01-slides.md", slides))
    path = presented.material / "week-01-slides.pdf"
    if wrong == "folder":
        path.mkdir()
    elif wrong == "link":
        path.symlink_to(path)
    else:
        path.write_bytes({"no PDF": b"PK\x03\x04", "cut": PDF[:20], "large": PDF}[wrong])
    if wrong == "large":
        os.truncate(path, course_toml.MOST + 1)
    assert "week-01-slides.pdf" in refused("course", "week", 1)


def fault(school: Any) -> BadInput:
    with pytest.raises(BadInput) as found:
        course_toml.read(school.folder)
    return found.value


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_a_course_that_is_no_file_is_one_line(school: Any, refused: Any, kind: str) -> None:
    path = school.folder / "course.toml"
    path.unlink()
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    assert refused("course", "week", 1).startswith("docs/course/course.toml: is a")


def test_a_group_of_the_course_does_not_review_its_own_paper(school: Any, refused: Any) -> None:
    """The group in `paper.toml` has another name."""
    place = "docs/course/course.toml:"
    assert refused("review", "my_paper", "--write", "--group", "Waves").startswith(place)
    path = school.review("my_paper", "waves")
    found = [fault for fault in contract.faults(path.parents[1]) if fault.check == "reviews"]
    assert [fault.file for fault in found] == ["docs/course/course.toml"]


@pytest.mark.parametrize(("given", "warned"), [("wavs", "did you mean 'waves'"), ("Words", "")])
def test_a_group_that_is_not_in_the_course_is_warned(
    school: Any, caplog: pytest.LogCaptureFixture, given: str, warned: str
) -> None:
    """Before the work: `repro grade` would not count it."""
    course.refuse_own(given, "none")
    said = [one.getMessage() for one in caplog.records]
    assert (len(said), warned in " ".join(said)) == (bool(warned), True)


@pytest.mark.parametrize("people", ["[]", '[""]', '["Ada", " "]'])
def test_a_group_has_people_with_names(school: Any, people: str) -> None:
    path = school.folder / "course.toml"
    path.write_text(re.sub(r"people = .*", f"people = {people}", path.read_text(), count=1))
    assert "'people' has no name" in fault(school).what


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_one_line_with_its_place(presented: Any, refused: Any, name: str) -> None:
    right, wrong, offered = WRONG[name]
    text = (COURSE + PRESENTATION).replace(right, wrong, 1)
    presented.toml(text)
    found = fault(presented)
    line = text[: text.index(wrong)].count("\n") + 1
    assert (found.where, found.nearest) == (f"docs/course/course.toml:{line}", offered)
    assert refused("course", "week", 1) == str(found)
    assert refused("grade") == str(found)


@pytest.mark.parametrize("day", ["2026-10-32", "2026-13-01", "2026-02-30", "2026-1-1"])
def test_the_date_that_does_not_exist_is_named(school: Any, day: str) -> None:
    """A reader of TOML says that an array is not closed."""
    school.toml(f"# from 2026-10-99\n{COURSE.replace('2026-10-13', day, 1)}")
    assert repr(day) in fault(school).what


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('id = "digits"', 'id = "waves"'),
        ('paper = "other_paper"', 'paper = "my_paper"'),
        ('people = ["Wei Chen"]', 'people = ["Ada Obi"]'),
    ],
)
def test_a_name_twice_is_refused_with_both_lines(school: Any, right: str, wrong: str) -> None:
    school.toml(COURSE.replace(right, wrong))
    second = COURSE.splitlines().index('id = "digits"')  # the line of its [[group]], from 1
    first = COURSE.splitlines().index('id = "waves"')
    found = fault(school)
    assert found.where.endswith(f":{second}") and found.what.endswith(f"line {first}")


def test_a_course_can_be_planned_before_a_paper_has_a_folder(school: Any, repro: Any) -> None:
    _, planned, _ = repro("course", "week", 1)
    shutil.rmtree(school.root / "papers" / "third_paper")
    code, out, err = repro("course", "week", 1)
    assert (code, out) == (0, planned)
    line = COURSE.splitlines().index('id = "words"')
    assert err.count("\n") == 1 and f"docs/course/course.toml:{line}: " in err and "third_paper" in err
    assert "did you mean" not in err
    assert "words" in site.calendar(course.find()) and "third_paper.md" not in site.calendar(course.find())


def test_the_nearest_folder_that_no_group_has_is_offered(school: Any) -> None:
    school.toml(COURSE.replace("third_paper", "third_papr"))
    assert [str(note).partition("mean ")[2] for note in course.find().unstarted] == ["'third_paper'?"]


def test_one_group_cannot_review(school: Any) -> None:
    school.toml(COURSE.partition('[[group]]\nid = "digits"')[0])
    assert fault(school).where == f"docs/course/course.toml:{COURSE.splitlines().index('[[group]]') + 1}"
    school.toml(COURSE.partition("[[group]]")[0])
    assert fault(school).expected == "at least two, which review each other"


def test_a_presentation_that_is_there_twice_is_refused(presented: Any) -> None:
    rows = {"what": PRESENTATION, "group": PRESENTATION.replace('what = "paper"', 'what = "code"')}
    for key, second in rows.items():
        text = f"{COURSE}{PRESENTATION}\n{second}"
        presented.toml(text)
        line = text[: text.rindex(f"\n{key} = ") + 1].count("\n") + 1
        assert fault(presented).where == f"docs/course/course.toml:{line}"


def test_there_is_no_course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert "docs/course/course.toml" in refused("course", "week")
    assert "docs/course/course.toml" in refused("grade")


@pytest.mark.parametrize("week", [0, 5, 10**20, "two", "-1"])
def test_a_week_out_of_range_is_refused(school: Any, repro: Any, week: Any) -> None:
    code, out, err = repro("course", "week", week)
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_the_week_is_that_of_the_next_meeting(school: Any) -> None:
    found = course.find()
    days = [
        datetime.date(2026, 1, 1),
        datetime.date(2026, 10, 13),
        datetime.date(2026, 10, 14),
        datetime.date(2026, 11, 10),
    ]
    assert [found.week_of(day) for day in days] == [1, 1, 2, 4]
    with pytest.raises(BadInput):
        found.week_of(datetime.date(2026, 11, 11))


def test_a_group_that_presents_out_of_turn_exchanges_its_duties(presented: Any) -> None:
    assert {talk.what: talk.group for talk in course.find().talks(1)} == {"paper": "waves", "code": "digits"}
    presented.toml(COURSE + PRESENTATION.replace('group = "waves"', 'group = "words"'))
    paper, code = course.find().talks(1)
    assert (paper.group, paper.scribe, code.group, code.scribe) == ("words", "waves", "digits", "words")


def test_the_examples_of_the_guide_print_what_it_shows(school: Any, repro: Any) -> None:
    school.review("my_paper", "digits", "- [ ] Table 2 has 0.91, not 0.92.", "- [x] A typing error.", day="2026-10-20")
    school.review("my_paper", "words", "- [ ] The test of the loss cannot fail.", day="2026-11-10")
    school.review("third_paper", "waves", "```", "- [ ] in code", "```", day="2026-10-20")
    school.replay("my_paper", "digits")
    examples = [text for kind, text in BLOCKS if kind == "console"]
    assert len(examples) == 3
    for command, _, shown in (text.partition("\n") for text in examples):
        code, out, err = repro(*shlex.split(command.removeprefix("$ repro ")))
        assert (code, err) == (0, "") and out == shown


def test_the_table_of_the_guide_has_every_key() -> None:
    rows = re.findall(r"^\| (`.*`) \| (\w+) \|", GUIDE, re.MULTILINE)
    told = {(of, key) for keys, of in rows for key in re.findall(r"`(\w+)`", keys)}
    tables = {"course": Course, "group": Group, "presentation": Presentation}
    given = {"line", "folder", "groups", "presentations"}
    assert told == {(name, spec.name) for name, cls in tables.items() for spec in fields(cls) if spec.name not in given}


def test_the_course_of_the_repository_can_be_read() -> None:
    if (ROOT / FOLDER).is_dir():  # a project that is no course deletes it
        assert len(course_toml.read(ROOT / FOLDER).groups) >= 2
