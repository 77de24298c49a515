"""The pages of a course: `calendar.md`, and `presentations/week-<N>-<paper or code>.md` for each presentation.

This is an extension of Sphinx, which `docs/conf.py` names. It writes MyST texts and does not import Sphinx. A site
without the folder `course/` has no course.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from repro.course import FOLDER, MATERIAL, PDF, Course, Presentation, course_toml
from repro.errors import BadInput
from repro.report import prose
from repro.report.html import files
from repro.report.html.markup import Markup, link, tag
from repro.report.page import plain

WRITTEN = "<!-- Written by repro.course from course.toml: change it there. -->\n"
CALENDAR = "calendar.md"
PAGES = "presentations"
WORDS = {"paper": "paper", "code": "code-base"}


def setup(app: Any) -> dict[str, Any]:
    """Register the extension; Sphinx calls this."""
    app.connect("builder-inited", prepare)
    app.connect("build-finished", publish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def prepare(app: Any) -> None:
    """Write the pages. If `course.toml` is wrong, the build ends with a one-line message."""
    folder = Path(app.srcdir) / FOLDER.name
    if not folder.is_dir():
        return
    from repro.report.sphinx.site import TOLD  # here, because it loads Sphinx

    try:
        for gone in write(course_toml.read(folder)):
            (Path(app.outdir) / gone.relative_to(app.srcdir)).with_suffix(".html").unlink(missing_ok=True)
    except BadInput as error:
        print(error, file=sys.stderr)
        raise SystemExit(TOLD) from None


def write(course: Course) -> list[Path]:
    """Write the pages that have changed, and remove those of presentations that are gone. Returns the removed ones."""
    pages = {course.folder / CALENDAR: calendar(course)}
    for one in course.presentations:
        pages[course.folder / PAGES / f"{name(one)}.md"] = presentation(course, one)
    if not course.presentations:  # a table of contents that includes `presentations/*` needs a page
        pages[course.folder / PAGES / "none.md"] = f"{WRITTEN}\n# No presentation yet\n"
    gone = [path for path in (course.folder / PAGES).glob("*.md") if path not in pages]
    for path in gone:
        path.unlink()
    for path, text in pages.items():
        path.parent.mkdir(exist_ok=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    return gone


def publish(app: Any, error: Exception | None) -> None:
    """Copy the pictures and other files of the folder `material/` that its texts may show or link to."""
    folder, target = Path(app.srcdir) / FOLDER.name / MATERIAL, Path(app.outdir) / "files" / "course"
    if error is None and app.builder.format == "html":
        files.mirror(folder, target, more=(PDF,))


def name(one: Presentation) -> str:
    """The name of the page of a presentation."""
    return f"week-{one.week:02}-{one.what}"


def calendar(course: Course) -> str:
    """The text of the calendar: a row per week, then the reviews of each week, then the groups."""
    weeks = range(1, len(course.weeks) + 1)
    talks = _table(("week", "date", "paper", "code-base"), (_week(course, week) for week in weeks))
    reviews = _table(("week", *map(plain, course.names)), (_reviews(course, week) for week in weeks))
    groups = _table(("group", "people", "paper"), _groups(course))
    parts = [
        *(f"# {plain(course.title)}", "## Presentations", "Each cell names the group that presents, and its scribe."),
        f"```{{table}}\n:class: calendar\n\n{talks}\n```",
        *("## Reviews", "The column of a group shows whose paper it reviews.", reviews, "## Groups", groups),
    ]
    return "\n\n".join([WRITTEN.strip(), *parts]) + "\n"


def _week(course: Course, week: int) -> Iterator[str]:
    yield from (str(week), course.weeks[week - 1])
    for talk in course.talks(week):
        row = course.presentation(week, talk.what)
        link = f": [{plain(row.title)}]({PAGES}/{name(row)}.md)" if row else ""
        yield f"{plain(talk.group)}{link} (scribe: {plain(talk.scribe)})"


def _reviews(course: Course, week: int) -> Iterator[str]:
    yield from (str(week), *map(plain, course.reviews(week).values()))


def _groups(course: Course) -> Iterator[tuple[str, str, str]]:
    for group in course.groups:
        paper = f"[{plain(group.paper)}](../papers/{group.paper}.md)" if group.started else plain(group.paper)
        yield plain(group.id), plain(", ".join(group.people)), paper


def _table(heads: Any, rows: Any) -> str:
    """A table of Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def presentation(course: Course, one: Presentation) -> str:
    """The text of the page of a presentation."""
    talk = next(talk for talk in course.talks(one.week) if talk.what == one.what)
    people = {group: plain(", ".join(course.group(group).people)) for group in (talk.group, talk.scribe)}
    facts = [
        f"Week {one.week}, {course.weeks[one.week - 1]}: a {WORDS[one.what]},",
        f"presented by the group **{plain(talk.group)}** ({people[talk.group]}).",
        f"Scribe: **{plain(talk.scribe)}** ({people[talk.scribe]}).",
    ]
    below = course.folder / PAGES
    group = course.group(talk.group)
    place = f"On this site: [the paper of this group](../../papers/{group.paper}.md)." if group.started else ""
    files = "\n".join(_files(course, one))
    lead = [f"# {plain(one.title)}", "\n".join(facts), place, files]
    parts = [*lead, *_included(course, one, below)]
    return "\n\n".join(filter(None, [WRITTEN.strip(), *parts])) + "\n"


def _files(course: Course, one: Presentation) -> Iterator[str]:
    """A line for each file to download, and for each link."""
    rows = {"Slides": one.slides, "Slides (PDF)": course.pdf(one), "Notebook": one.notebook}
    for name, file in rows.items():
        if file and not (name == "Slides" and file == course.pdf(one)):
            yield f"- {name}: {{download}}`{file} <../{MATERIAL}/{file}>`"
    yield from (f"- [{plain(link.partition('://')[2] or link)}](<{link}>)" for link in one.links)


def _included(course: Course, one: Presentation, below: Path) -> Iterator[str]:
    """The slides, as a PDF and as Markdown, and the questions."""
    material, pdf = course.folder / MATERIAL, course.pdf(one)
    if one.slides:
        yield "## Slides"
    if pdf:
        yield f"```{{raw}} html\n{_viewer(pdf, one.title)}\n```"
    if one.slides.endswith(".md"):
        yield prose.include(material / one.slides, below)
    yield "## Questions and answers"
    yield prose.include(material / one.questions, below) if one.questions else "*The scribe has not written them yet.*"


def _viewer(pdf: str, title: str) -> Markup:
    """The PDF in the page, with the browser's own viewer; a browser without one shows the link."""
    address = f"../../files/{FOLDER.name}/{pdf}"
    told = {"class_": "repro-slides", "data": address, "type": "application/pdf", "aria_label": f"Slides: {title}"}
    return tag("object", link(pdf, address), **told)
