"""The model card of a trained model, written from its record: what it is, its data, its metrics, its limits.

The card has the form of Mitchell et al. 2019, *Model Cards for Model Reporting*, as far as a record answers its
questions. The lines at its start are those that the Hugging Face Hub reads. Each number comes from the record.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from repro.claim import paper as papers
from repro.claim.paper import Paper
from repro.data import catalogue
from repro.interval import interval
from repro.record import Measurement, Record, of_paper
from repro.report import chosen
from repro.report.departures import departures
from repro.report.html.words import count, day, size
from repro.serve.exported import MARK
from repro.serve.trained import Found, Trained
from repro.verdict import Verdict

MOST = 40  # rows of a table of the card
UNKNOWN = "not in the catalogue of data sets"
ORDER = ("train", "valid")  # the roles of data before the test sets


@dataclass(frozen=True)
class Used:
    """The data of one role: its name in the catalogue and its licence."""

    role: str
    name: str
    licence: str
    fingerprint: str


def used(record: Record) -> list[Used]:
    """The data of each role of a record, training first."""
    roles = sorted(record.data, key=lambda role: (ORDER.index(role) if role in ORDER else len(ORDER), role))
    return [_used(record, role) for role in roles]


def _used(record: Record, role: str) -> Used:
    print_ = record.fingerprint(role)
    basis = record.basis(role)
    name = basis if "/" in basis else catalogue.named(print_) or ""
    known = catalogue.readable()[0].get(name.partition("/")[0])
    return Used(role, name or UNKNOWN, known.licence if known else "unknown", print_)


def text(one: Trained, licence: str, file: str, checksum: str) -> str:
    """The card as Markdown. file, checksum: the name and the SHA-256 of the weights."""
    found, paper = one.found, papers.read(one.found.folder)
    parts = [
        _head(found.record, licence),
        _about(one, paper),
        _use(found, file, checksum, licence),
        _data(found.record),
        _metrics(found),
        _verdicts(one.verdicts()),
        _limits(one, paper),
    ]
    return "\n\n".join("\n".join(lines) for lines in parts) + "\n"


def _head(record: Record, licence: str) -> list[str]:
    names = sorted({row.name.partition("/")[0] for row in used(record) if "/" in row.name})
    data = [f"datasets: {json.dumps(names)}"] if names else []
    return ["---", f"license: {json.dumps(licence)}", *data, MARK.decode(), "---"]


def _about(one: Trained, paper: Paper) -> list[str]:
    found, record = one.found, one.found.record
    number = sum(parameter.numel() for parameter in one.built.model.parameters())
    layers = ", ".join(dict.fromkeys(str(layer.get("kind")) for layer in record.model))
    return [
        f"# {found.name}",
        "",
        f"A model from the reproduction of: {_line(paper.title)} ({', '.join(paper.authors)}, {paper.year}).",
        "",
        f"- Config: `papers/{record.paper}/configs/{record.config}.gin`, digest `{record.digest[:16]}`; seed"
        f" {record.seed}",
        f"- Model: {count(number, 'parameter')}{f' in layers of the kinds {layers}' if layers else ''}",
        f"- Trained: {day(record.finished) if record.finished else 'at an unknown time'},"
        f" {record.cost.get('training_seconds', 0):,.0f} s",
        f"- Code: commit `{record.source.get('commit') or 'unknown'}`",
    ]


def _use(found: Found, file: str, checksum: str, licence: str) -> list[str]:
    """How to use the file. The record next to it says what the weights belong to."""
    return [
        "## Use",
        "",
        f"- Licence of the weights: {_line(licence)}",
        f"- File: `{file}`, SHA-256 `{checksum}`",
        f"- Record: `{found.record.stem}.json`, in the same folder",
        "",
        f"    repro serve --weights {file}",
        "",
        f"The weights are those of `{found.name}`. In a config, `models.WithWeights` reads the file with its checksum.",
    ]


def _data(record: Record) -> list[str]:
    rows = [f"| {_cell(row.role)} | {_cell(row.name)} | {_cell(row.licence)} | `{row.fingerprint:.16}` |"
            for row in used(record)]  # fmt: skip
    return ["## Data", "", "| role | data set | licence | fingerprint |", "|---|---|---|---|", *rows[:MOST]]


def _metrics(found: Found) -> list[str]:
    """One row for each measurement, with the interval over test items, and the mean of all seeds."""
    group = _seeds(found)
    head = ["## Metrics", "", "Each value has its 95 % interval. The interval of this model contains the variation of"]
    head[-1] += " the test items; that of all seeds also contains the variation of the training."
    rows = [_row(one, group) for one in found.record.measurements[:MOST]]
    left = len(found.record.measurements) - len(rows)
    more = ["", f"The record has {count(left, 'more measurement')}."] if left else []
    columns = "| test set | metric | this model | all seeds |"
    return [*head, "", columns, "|---|---|---|---|", *rows, *more]


def _seeds(found: Found) -> list[Record]:
    """The valid records of the same config, with this one."""
    if not found.published:
        return [found.record]
    every = [one for one in of_paper(found.folder) if one.config == found.record.config and not one.stale]
    return every if any(one.seed == found.record.seed for one in every) else [found.record]


def _row(one: Measurement, group: list[Record]) -> str:
    unit = str(one.identity.get("unit", ""))
    same = [two.values for each in group if (two := each.measured(one.test, one.metric))]
    same = [values for values in same if len(values) == len(one.values)]
    both = interval(same).shown(unit) + f", {count(len(same), 'seed')}" if len(same) > 1 else "one seed"
    own = f"{interval([one.values]).shown(unit)}, {count(len(one.values), 'item')}"
    return f"| {_cell(one.test)} | {_cell(one.metric)} | {_cell(own)} | {_cell(both)} |"


def _verdicts(verdicts: list[Verdict]) -> list[str]:
    head = ["## Verdicts that depend on this model", ""]
    if not verdicts:
        return [*head, "None: no claim of the paper uses this record."]
    rows = [f"| `{one.claim.id}` | {_cell(one.claim.says)} | {chosen.outcome(one)} |" for one in verdicts[:MOST]]
    return [*head, "| claim | what the paper says | verdict |", "|---|---|---|", *rows]


def _limits(one: Trained, paper: Paper) -> list[str]:
    bytes_ = sum(tensor.numel() * tensor.element_size() for tensor in one.built.model.state_dict().values())
    lines = [*_known(one.found, paper, one.verdicts()), f"Its weights need {size(bytes_)} in memory."]
    return ["## Limits", "", *(f"- {line}" for line in lines)]


def _known(found: Found, paper: Paper, verdicts: list[Verdict]) -> Iterator[str]:
    """What the record and the paper's files say against using the model."""
    tests = sorted({one.test for one in found.record.measurements})
    yield f"It was measured on {', '.join(map(_line, tests))} only. On other data its answers may be worse."
    yield f"It is one training, with seed {found.record.seed}. Another seed gives another model."
    if found.record.stale:
        yield f"Its record is stale: {_line(found.record.stale)}."
    if not found.published:
        yield "Its record is not one of the paper's records, so no verdict depends on it."
    if found.record.config == "smoke":
        yield "It was trained for seconds, to test the program."
    if any(f"configs/{found.record.config}.gin" in claim.proxy for claim in paper.claims):
        yield "Its config is a proxy: other data, a smaller network or a shorter training than in the paper."
    if failed := [one.claim.id for one in verdicts if one.outcome in chosen.DIFFERS]:
        yield f"Claims of the paper that it does not confirm: {', '.join(failed)}."
    report = found.folder / "report.md"
    if report.is_file() and (listed := departures(report.read_text(encoding="utf-8").splitlines())):
        yield f"The report lists {count(listed.many, 'departure')} from the paper."


def _line(given: str) -> str:
    return " ".join(str(given).split())


def _cell(given: str) -> str:
    return _line(given).replace("|", "\\|")
