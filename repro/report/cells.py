"""The claims of one table of the paper, in the layout of that table.

Each cell shows a verdict; a click on the cell shows the details.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from repro.report import naming, needed, replays
from repro.report.evidence import asked, links, mistake, ours, ours_accepted, read_in
from repro.report.html.markup import Markup, box, copyable, fold, join, tag, unbroken
from repro.report.html.words import slug, typeset
from repro.report.outcome import SIGNS, badge_of, counts
from repro.report.page import Page
from repro.verdict import Verdict

WANTING = frozenset({"not reproduced", "not comparable", "stale", "inconclusive", "exceeded"})
"""The outcomes that a reader looks for: a table that contains one of them is shown unfolded."""


MOST = 3  # tables that agree: more are in one fold


def tables(page: Page, groups: Iterable[Sequence[Verdict]]) -> list[Markup]:
    """A fold per table. Tables in which all numbers agree come last, in one fold if there are many."""
    other, agree = list[Markup](), list[Markup]()
    for group in groups:
        same = all(verdict.outcome == "reproduced" for verdict in group)
        (agree if same else other).append(table(page, group))
    if len(agree) <= MOST:
        return [*other, *agree]
    more = f"{len(agree)} more tables" if other else f"{len(agree)} tables"
    return [*other, fold(f"{more}, in which all numbers agree", *agree, class_="repro-agreeing")]


def anchor(verdicts: Sequence[Verdict]) -> str:
    """The id of the fold of a table."""
    return slug("table", verdicts[0].claim.table or "elsewhere")


def table(page: Page, verdicts: Sequence[Verdict]) -> Markup:
    """One table, folded if every number agrees with the paper. Numbers that are in no table have a row each."""
    name = verdicts[0].claim.table
    about = join([tag("strong", title(page, verdicts)), tag("span", name, class_="repro-muted") if name else ""], " ")
    return fold(
        join([about, counts(verdicts, needed.chips(page))]),
        box(_grid(page, verdicts), label=f"{title(page, verdicts)} {name}".rstrip()),
        *(_about(page, verdict) for verdict in verdicts),
        open=any(verdict.outcome in WANTING for verdict in verdicts),
        class_="repro-printed",
        id=anchor(verdicts),
    )


def title(page: Page, verdicts: Sequence[Verdict]) -> str:
    """The place in the paper, and the metric if all cells have the same one: `Table 3, Shapiro p`."""
    if not verdicts[0].claim.table:
        return "Elsewhere in the paper"
    metrics = {page.paper.label(verdict.claim.metric) for verdict in verdicts} - {""}
    where = verdicts[0].claim.where.partition(",")[0]
    shown = where if "." in where or "_" in where else where[:1].upper() + where[1:]  # not the name of a file
    return ", ".join([shown, *(metrics if len(metrics) == 1 else ())])


def _grid(page: Page, verdicts: Sequence[Verdict]) -> Markup:
    """The table, with rows and columns in the order of the paper."""
    rows = dict.fromkeys(_row(verdict) for verdict in verdicts)
    columns = dict.fromkeys(verdict.claim.column for verdict in verdicts)
    at = {(_row(verdict), verdict.claim.column): verdict for verdict in verdicts}
    heads = [tag("th", column or "printed", scope="col") for column in columns]
    body = [
        tag("tr", tag("th", row, scope="row"), *(_cell(page, at.get((row, column))) for column in columns))
        for row in rows
    ]
    return tag("table", tag("thead", tag("tr", tag("td"), *heads)), tag("tbody", *body), class_="repro-cells")


def _row(verdict: Verdict) -> str:
    return verdict.claim.row or verdict.claim.says


def _cell(page: Page, verdict: Verdict | None) -> Markup:
    """A cell: the paper's number with a sign; if ours differs, it is below."""
    if verdict is None:
        return tag("td")
    claim, outcome = verdict.claim, verdict.outcome
    printed = typeset(claim.stated)
    other = f"ours {ours(verdict)}" if outcome in WANTING and ours(verdict) else ""
    shown = tag(
        "button",
        tag("span", SIGNS[outcome], class_="sign", aria_hidden="true"),
        tag("span", printed),
        tag("span", unbroken(other), class_="ours") if other else "",
        type="button",
        data_outcome=needed.word(page, verdict),
        popovertarget=slug("about", claim.id),
        aria_label=f"{claim.says}: the paper prints {printed}, {other + ', ' if other else ''}{outcome}",
        class_=f"repro-cell {slug(outcome)}",
    )
    return tag("td", shown, id=slug("claim", claim.id))


def _about(page: Page, verdict: Verdict) -> Markup:
    """What a click on the cell shows: the reason for the verdict, and the commands that repeat it."""
    claim, name = verdict.claim, slug("about", verdict.claim.id)
    return tag(
        "div",
        tag("button", "close", type="button", popovertarget=name, popovertargetaction="hide", class_="repro-close"),
        tag("p", tag("strong", claim.says), tag("span", f" {claim.where} · {claim.id}", class_="repro-muted")),
        tag("p", badge_of(page, verdict), replays.mark(page, verdict), f" {naming.why(page, verdict)}."),
        ours_accepted(page, claim),
        links(page, verdict),
        replays.lines(page, verdict),
        copyable("\n".join(asked(page, claim))) if claim.runs else "",
        read_in(claim),
        mistake(page, verdict),
        popover=True,
        role="dialog",
        aria_label=claim.says,
        id=name,
        class_="repro-about",
    )
