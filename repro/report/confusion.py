"""The section "Confusion matrix": how often each class was answered, for the test items of each true class."""

from __future__ import annotations

from collections.abc import Sequence

from repro.record import Measurement, Record
from repro.report import matrix
from repro.report.html.markup import Markup, box, fold, join, link, tag
from repro.report.html.words import count, percent
from repro.report.matrix import Matrix
from repro.report.page import Page

LEAD = (
    "Rows: the true class; columns: the answer. A cell has the number of answers of all seeds, and its share of the "
    "row. The stronger the colour, the larger the share; the right answers are on the diagonal."
)


def section(page: Page) -> Markup:
    """The matrices of the first config in the order of `Page.rank`; those of the others are folded."""
    shown = [made for mine in _configs(page) if (made := _config(page, mine))]
    if not shown:
        return tag("p", "No record has a confusion matrix.", class_="repro-muted")
    (_, first), *others = shown
    return join([tag("p", LEAD), first, *(fold(name, made) for name, made in others)])


def _configs(page: Page) -> list[list[Record]]:
    """The records of each config, without those that `--set` has changed."""
    found: dict[str, list[Record]] = {}
    for one in sorted(page.records, key=page.rank):
        if not one.overrides:
            found.setdefault(one.config, []).append(one)
    return list(found.values())


def _config(page: Page, records: Sequence[Record]) -> tuple[str, Markup] | None:
    """The name of a config, and its matrices, one for each test set that has one; None if it has none."""
    tests: dict[str, list[tuple[Record, Measurement]]] = {}
    for record in records:
        for one in filter(matrix.is_cell, record.measurements):
            tests.setdefault(one.test, []).append((record, one))
    tables = [_table(page, test, measured) for test, measured in tests.items()]
    return (page.paper.label(records[0].config), join(tables)) if tables else None


def _table(page: Page, test: str, measured: Sequence[tuple[Record, Measurement]]) -> Markup:
    found = matrix.of([one for _, one in measured])
    name = page.paper.label(measured[0][0].config)
    if found is None:
        text = f"{name} on {test}: the values of {matrix.NAME} are not the cells of one matrix."
        return tag("p", text, class_="repro-muted")
    seeds = join([link(str(record.seed), page.origin(record)) for record, _ in measured], ", ")
    many = f"{count(len(measured[0][1].values), 'test item')}, {'seed' if len(measured) == 1 else 'seeds'} "
    caption = join([tag("strong", name), f" on {test}: {percent(found.right, found.total)} right. {many}", seeds, "."])
    table = tag("table", tag("caption", caption), _head(found), _body(found), class_="repro-confusion")
    return box(table, label=f"Confusion matrix of {name} on {test}")


def _head(found: Matrix) -> Markup:
    """Two rows: what rows and columns are, and the names of the classes."""
    truth, total = (tag("th", name, rowspan=2, scope="col") for name in ("True class", "Answers"))
    answer = tag("th", "Answer", colspan=len(found.classes), scope="colgroup")
    names = [tag("th", name, scope="col") for name in found.classes]
    return tag("thead", tag("tr", truth, answer, total), tag("tr", *names))


def _body(found: Matrix) -> Markup:
    return tag("tbody", *(_row(found, n) for n in range(len(found.classes))))


def _row(found: Matrix, n: int) -> Markup:
    whole = sum(found.counts[n])
    cells = [_cell(many, whole, "right" if n == at else "wrong") for at, many in enumerate(found.counts[n])]
    return tag("tr", tag("th", found.classes[n], scope="row"), *cells, tag("td", f"{whole:,}"))


def _cell(many: int, whole: int, kind: str) -> Markup:
    """The number of items, and its share of the row; the style sheet makes the colour of the share."""
    if not whole:
        return tag("td", "0")
    share = tag("span", f" {percent(many, whole)}")
    return tag("td", tag("strong", f"{many:,}"), share, class_=kind, style=f"--share: {many / whole:.1%}")
