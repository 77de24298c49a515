"""A course: groups that each reproduce one paper, review each other every week, and present.

    course_toml   read and check `course.toml`
    assignment    who reviews whom, who presents, who takes notes (the scribe)
    site          the calendar and a page per presentation; the Sphinx extension that writes them
    grade         per group: what its paper has, and which reviews and replays it gave and received

A course is one folder, `docs/course/`, with `course.toml` and the files of the presentations. The data types below are
its tables; their fields are the keys.
"""

from __future__ import annotations

import datetime
import logging
from dataclasses import dataclass, field
from pathlib import Path

from repro.course import assignment
from repro.errors import BadInput, close, where
from repro.files import regular

FILE = "course.toml"
PDF = ".pdf"
MATERIAL = "material"  # the folder of the files of the presentations, next to course.toml
FOLDER = Path("docs") / "course"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Group:
    """One group: its id, as in the names of its reviews; the folder of its paper in `papers/`; its people."""

    id: str
    paper: str
    people: list[str]
    line: int = 0

    @property
    def started(self) -> bool:
        """Whether the paper has a folder."""
        from repro.claim import paper

        return self.paper in paper.folders()

    @property
    def folder(self) -> Path:
        """The folder of the group's paper."""
        from repro.claim import paper

        return paper.folder_of(self.paper)


@dataclass(frozen=True)
class Presentation:
    """One presentation. Its files are in the folder `material/`; empty if there is none yet.

    what: `paper` or `code` (a code-base). questions: the questions of the audience with their answers, which the
    scribe writes.
    """

    week: int
    what: str
    group: str
    title: str
    slides: str = ""
    notebook: str = ""
    questions: str = ""
    links: list[str] = field(default_factory=list)
    line: int = 0

    @property
    def files(self) -> dict[str, str]:
        """The files that are given, by key."""
        given = {"slides": self.slides, "notebook": self.notebook, "questions": self.questions}
        return {key: name for key, name in given.items() if name}


@dataclass(frozen=True)
class Course:
    """A course. weeks: the date of each week's meeting, such as `2026-10-13`; a week without a meeting is left out."""

    folder: Path
    title: str
    weeks: list[str]
    groups: list[Group]
    presentations: list[Presentation]

    @property
    def names(self) -> list[str]:
        """The ids of the groups, in the order of the file."""
        return [group.id for group in self.groups]

    def group(self, name: str) -> Group:
        """The group with this id. Raises BadInput if there is none, with the most similar id."""
        for group in self.groups:
            if group.id == name:
                return group
        raise BadInput(f"no group '{name}'", where(self.folder / FILE), given=name, known=self.names)

    @property
    def unstarted(self) -> list[BadInput]:
        """A note for each group whose paper has no folder, with the nearest name, because it may be a typing error."""
        from repro.claim import paper

        place, known = where(self.folder / FILE), paper.folders()
        free = set(known) - {one.paper for one in self.groups}
        missing = [one for one in self.groups if one.paper not in known]
        said = "group '{0.id}' has the paper '{0.paper}', which has no folder yet{1}"
        return [BadInput(said.format(one, close(one.paper, free)), f"{place}:{one.line}") for one in missing]

    def presentation(self, week: int, what: str) -> Presentation | None:
        """The presentation of a week in `course.toml`; None if there is none yet."""
        return next((one for one in self.presentations if (one.week, one.what) == (week, what)), None)

    def pdf(self, one: Presentation) -> str:
        """The PDF of the slides in `material/`: `slides`, or the file of the same name next to Markdown; else empty."""
        if not one.slides:
            return ""
        name = Path(one.slides).with_suffix(PDF).name
        return name if name == one.slides or regular.present(self.folder / MATERIAL / name) else ""

    def reviews(self, week: int) -> dict[str, str]:
        """The group that each group reviews in a week, counted from 1. Raises BadInput if the week is out of range."""
        return assignment.reviews(self.names, self.checked(week))

    def talks(self, week: int) -> list[assignment.Talk]:
        """The two presentations of a week. A group that `course.toml` names has exchanged its duty of this week."""
        self.checked(week)
        rows = [one for one in self.presentations if one.week == week]
        return assignment.exchanged(assignment.talks(self.names, week), {one.what: one.group for one in rows})

    def checked(self, week: int) -> int:
        """`week` itself. Raises BadInput if the course has no such week."""
        if not 1 <= week <= len(self.weeks):
            raise BadInput(f"no week {week}", where(self.folder / FILE), expected=f"a week from 1 to {len(self.weeks)}")
        return week

    def week_of(self, today: datetime.date) -> int:
        """The week whose meeting is today or comes next. Raises BadInput after the last meeting."""
        for number, day in enumerate(self.weeks, 1):
            if today.isoformat() <= day:
                return number
        place = where(self.folder / FILE)
        raise BadInput(f"the last meeting was on {day}", place, expected=f"a week from 1 to {len(self.weeks)}")


def refuse_own(group: str, paper: str) -> None:
    """Before a review or a replay by `group`: `refuse_authors`, and a warning if the course has no such group."""
    refuse_authors(group, paper)
    _warn(group)


def refuse_authors(group: str, paper: str) -> None:
    """Raise BadInput if the course of the working directory gives the paper to this group. There may be no course."""
    from repro.rerun import counter_record

    if not _home():
        return
    found = find()
    for one in found.groups:
        if one.paper == paper and counter_record.name(one.id) == counter_record.name(group):
            place = where(found.folder / FILE)
            raise BadInput(f"{paper} is the paper of '{one.id}'", f"{place}:{one.line}", expected="another group")


def _warn(group: str) -> None:
    """Log a warning if there is a course, and it has no group of this name: `repro grade` counts only its groups."""
    from repro.rerun import counter_record

    if not _home():
        return
    found = find()
    if counter_record.name(group) not in map(counter_record.name, found.names):
        what = f"no group '{group:.80}', so `repro grade` does not count this"
        log.warning("%s", BadInput(what, where(found.folder / FILE), given=group, known=found.names))


def _home() -> Path | None:
    """The folder of the course of the working directory. What is in the place of its file is read, and refused."""
    here = Path.cwd()
    return next((at / FOLDER for at in (here, *here.parents) if regular.present(at / FOLDER / FILE)), None)


def find() -> Course:
    """The course of the working directory: `docs/course/course.toml` in it or in a folder above.

    Raises BadInput if there is none, or if it is wrong.
    """
    from repro.course import course_toml

    if home := _home():
        return course_toml.read(home)
    raise BadInput(
        f"no {(FOLDER / FILE).as_posix()} in the working directory or above it",
        expected="a folder of a project that has a course as the working directory",
    )
